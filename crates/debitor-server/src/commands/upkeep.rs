//! Commands for those who look after a store. They need no server.

use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use chrono::{DateTime, SecondsFormat, Utc};
use debitor_server::clock::SystemClock;
use debitor_server::config::{self, Config, StoreUrl};
use debitor_server::store::{self, postgres, sqlite};

use super::print;
use crate::cli::{Backup, Restore, StoreName};

pub(super) fn backup(arguments: &Backup) -> anyhow::Result<()> {
    let store = directory(&arguments.store)?;
    let clock = SystemClock::default();
    let made = sqlite::backup(&store, &arguments.to, &clock, &mut progress("backup"))?;
    let sqlite::Manifest {
        at, bytes, schema, ..
    } = made;
    print(&format!(
        "backup of {}: {bytes} bytes, schema {schema}\n",
        instant(at)
    ))
}

pub(super) fn restore(arguments: &Restore) -> anyhow::Result<()> {
    let Restore { from, at, to } = arguments;
    let at = sqlite::restore(from, *at, to, &mut progress("restore"))?;
    print(&format!("restored the state of {}\n", instant(at)))
}

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
        idempotency,
        faults,
    } = counts;
    print(&format!(
        "schema {schema}: {companies} companies, {customers} customers, \
         {sales_invoices} sales invoices, {audit} audit rows, \
         {idempotency} idempotency records; {faults} faults\n"
    ))?;
    Ok(ExitCode::from(u8::from(faults > 0)))
}

pub(super) async fn migrate(name: StoreName) -> anyhow::Result<()> {
    let url = url(&name)?;
    let (from, to) = if store::is_postgres(url.expose()) {
        let postgres::Migrated { from, to } = postgres::migrate(url.expose()).await?;
        if from == 0 {
            eprintln!(
                "what servers log in as needs this: GRANT {} TO …",
                postgres::ROLE
            );
        }
        (from, to)
    } else {
        let sqlite::Migrated { from, to } = sqlite::migrate(store::directory(url.expose())?)?;
        (from, to)
    };
    print(&format!("schema {to}, before {from}\n"))
}

fn instant(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// Tells on standard error how far a copy is, ten times at most.
fn progress(what: &'static str) -> impl FnMut(u64, u64) -> io::Result<()> {
    let mut told = 0;
    move |done, of| {
        let tenths = 10 * done / of.max(1);
        if tenths > told {
            told = tenths;
            eprintln!("{what}: {} % of {of} bytes", 10 * tenths);
        }
        Ok(())
    }
}

/// The directory of the store that is named, or that the configuration names.
fn directory(name: &StoreName) -> anyhow::Result<PathBuf> {
    store::directory(url(name)?.expose()).map(Path::to_owned)
}

/// The store that is named, or that the configuration names.
fn url(name: &StoreName) -> anyhow::Result<StoreUrl> {
    match (&name.store, &name.config) {
        (Some(url), _) => Ok(url.clone()),
        (None, Some(file)) => Ok(Config::load(file, &config::environment())?.store.url),
        (None, None) => anyhow::bail!("--config or --store is required"),
    }
}
