//! The commands that administer companies, and who may do what with them.

use std::path::PathBuf;

use clap::builder::NonEmptyStringValueParser;
use clap::{Args, Subcommand};
use debitor_server::domain::right::{Grantee, Right};
use uuid::Uuid;

#[derive(Debug, Subcommand)]
pub(crate) enum Company {
    Create(Create),
    List(List),
    Grant(Grant),
    Revoke(Revoke),
}

/// Which store, which tenant, and how it is told.
#[derive(Debug, Args)]
pub(crate) struct Of {
    /// The configuration file; `DEBITOR_*` variables win over it.
    #[arg(long, value_name = "FILE")]
    pub(crate) config: PathBuf,
    /// The tenant that the company belongs to: what its users' tokens say in `tid`.
    #[arg(long, value_name = "GUID")]
    pub(crate) tenant: Uuid,
    /// Print JSON, a line for each company.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Makes a company and prints its id. No server may run on an embedded store meanwhile.
///
/// It is open to everyone of its tenant, as far as their tokens go, unless it is made restricted.
#[derive(Debug, Args)]
pub(crate) struct Create {
    #[command(flatten)]
    pub(crate) of: Of,
    /// Its name.
    #[arg(long, value_parser = NonEmptyStringValueParser::new())]
    pub(crate) name: String,
    /// Its id; one is made unless it is given.
    #[arg(long, value_name = "GUID", value_parser = parse_id)]
    pub(crate) id: Option<Uuid>,
    /// Open it to nobody: it exists for those alone to whom it is granted.
    #[arg(long)]
    pub(crate) restricted: bool,
}

/// Prints the tenant's companies and who may do what with each: id, whom, what, and name, separated by
/// tabs. No server may run on an embedded store meanwhile.
#[derive(Debug, Args)]
pub(crate) struct List {
    #[command(flatten)]
    pub(crate) of: Of,
}

/// Lets someone read and write a company, as far as their tokens go. No server may run on an embedded
/// store meanwhile; on PostgreSQL all servers know at once.
///
/// It adds to what everyone may do, and restricts nobody: `company revoke --everyone` does.
#[derive(Debug, Args)]
pub(crate) struct Grant {
    #[command(flatten)]
    pub(crate) change: Change,
    /// Let them read only, in place of whatever they were granted before.
    #[arg(long)]
    pub(crate) read_only: bool,
}

/// Takes back what someone was granted. A company that nobody may read any more exists for nobody. No
/// server may run on an embedded store meanwhile; on PostgreSQL all servers know at once.
#[derive(Debug, Args)]
pub(crate) struct Revoke {
    #[command(flatten)]
    pub(crate) change: Change,
}

/// Of which company, and whose.
#[derive(Debug, Args)]
pub(crate) struct Change {
    #[command(flatten)]
    pub(crate) of: Of,
    /// The company.
    #[arg(long, value_name = "GUID")]
    pub(crate) company: Uuid,
    #[command(flatten)]
    pub(crate) whom: Whom,
}

/// Whom it is about.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(crate) struct Whom {
    /// A person or program: what the token says in `oid`, else in `sub`, to the letter.
    #[arg(long, value_name = "NAME", value_parser = NonEmptyStringValueParser::new())]
    subject: Option<String>,
    /// Whoever uses this program: what the token says in `azp`, else in `appid`, to the letter.
    #[arg(long, value_name = "NAME", value_parser = NonEmptyStringValueParser::new())]
    app: Option<String>,
    /// Everyone of the tenant.
    #[arg(long)]
    everyone: bool,
}

impl Whom {
    pub(crate) fn grantee(self) -> Grantee {
        match (self.subject, self.app) {
            (Some(subject), _) => Grantee::Subject(subject),
            (None, Some(app)) => Grantee::App(app),
            (None, None) => Grantee::Everyone,
        }
    }
}

impl Grant {
    pub(crate) fn right(&self) -> Right {
        if self.read_only {
            Right::Read
        } else {
            Right::Write
        }
    }
}

/// The GUID of zeros is no company's.
fn parse_id(text: &str) -> Result<Uuid, String> {
    match Uuid::parse_str(text) {
        Ok(id) if id.is_nil() => Err("the GUID of zeros means none".to_owned()),
        Ok(id) => Ok(id),
        Err(error) => Err(error.to_string()),
    }
}
