//! The commands for customers as persons: what is held of them, and their erasure.

use std::convert::Infallible;

use clap::{Args, Subcommand};
use debitor_server::store::privacy::Sought;
use uuid::Uuid;

use super::StoreName;

#[derive(Debug, Subcommand)]
pub(crate) enum Customer {
    Export(Export),
    Erase(Erase),
}

/// Which store, which tenant and which company.
#[derive(Debug, Args)]
pub(crate) struct Of {
    #[command(flatten)]
    pub(crate) store: StoreName,
    /// The tenant that the company belongs to.
    #[arg(long, value_name = "GUID")]
    pub(crate) tenant: Uuid,
    /// The company that the customer belongs to.
    #[arg(long, value_name = "GUID")]
    pub(crate) company: Uuid,
}

/// Prints all that is held of a customer as one document of JSON. No server may run on an embedded store
/// meanwhile.
///
/// That is the customer, the sales invoices that name it, what the record of changes says of it, and the
/// answers that are kept for repeated requests. Of a customer that was deleted, by its id, whatever is left.
#[derive(Debug, Args)]
pub(crate) struct Export {
    #[command(flatten)]
    pub(crate) of: Of,
    /// The customer, by its id or its number.
    #[arg(long, value_name = "ID|NUMBER", value_parser = parse_sought)]
    pub(crate) customer: Sought,
}

/// Takes customers out of everything, all of them or none, and prints a line for each: the tenant, the
/// company and the id, separated by tabs. No server may run on an embedded store meanwhile.
///
/// They leave the sales invoices that name them, the answers that are kept for repeated requests and the
/// indexes, and what is left of a customer that was deleted before goes too, by its id. Then the files are
/// made anew, so that nothing of what was ever deleted stays in them: on PostgreSQL requests wait for that,
/// and --store has to name the owner of the tables. Backups, archives and PostgreSQL's own log are left to
/// whoever keeps them.
#[derive(Debug, Args)]
pub(crate) struct Erase {
    #[command(flatten)]
    pub(crate) of: Of,
    /// A customer, by its id or its number; can be given several times.
    #[arg(long = "customer", value_name = "ID|NUMBER", required = true, value_parser = parse_sought)]
    pub(crate) customers: Vec<Sought>,
    /// Take them out of issued sales invoices too, which otherwise forbid it.
    #[arg(long)]
    pub(crate) issued: bool,
    /// Leave the files as they are, for a later run to make anew.
    #[arg(long)]
    pub(crate) leave_files: bool,
}

/// No number is as long as a GUID.
#[expect(clippy::unnecessary_wraps, reason = "a parser of values has a result")]
fn parse_sought(text: &str) -> Result<Sought, Infallible> {
    Ok(match Uuid::parse_str(text) {
        Ok(id) => Sought::Id(id),
        Err(_) => Sought::Number(text.to_owned()),
    })
}
