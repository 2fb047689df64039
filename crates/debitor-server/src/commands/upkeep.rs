//! Commands for those who look after a store. They need no server.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use debitor_server::config::{self, Config};
use debitor_server::store::{self, sqlite};

use super::print;
use crate::cli::StoreName;

/// Prints every fault, and how much was looked at; a store with faults is a failure.
pub(super) fn verify(name: &StoreName) -> anyhow::Result<ExitCode> {
    let counts = sqlite::verify(&directory(name)?, &mut |fault| {
        // There is nowhere left to tell that a fault could not be told.
        let _ = print(&format!("fault: {fault}\n"));
    })?;
    let sqlite::Counts {
        schema,
        companies,
        customers,
        sales_invoices,
        audit,
        faults,
    } = counts;
    print(&format!(
        "schema {schema}: {companies} companies, {customers} customers, \
         {sales_invoices} sales invoices, {audit} audit rows; {faults} faults\n"
    ))?;
    Ok(ExitCode::from(u8::from(faults > 0)))
}

pub(super) fn migrate(name: &StoreName) -> anyhow::Result<()> {
    let sqlite::Migrated { from, to } = sqlite::migrate(&directory(name)?)?;
    print(&format!("schema {to}, before {from}\n"))
}

/// The directory of the store that is named, or that the configuration names.
fn directory(name: &StoreName) -> anyhow::Result<PathBuf> {
    let url = match (&name.store, &name.config) {
        (Some(url), _) => url.clone(),
        (None, Some(file)) => Config::load(file, &config::environment())?.store.url,
        (None, None) => anyhow::bail!("--config or --store is required"),
    };
    store::directory(url.expose()).map(Path::to_owned)
}
