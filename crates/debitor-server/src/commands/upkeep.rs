//! Commands for those who look after a store. They need no server.

use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use chrono::{DateTime, SecondsFormat, Utc};
use debitor_server::clock::SystemClock;
use debitor_server::config::{self, Config, StoreUrl};
use debitor_server::store::copy::Copied;
use debitor_server::store::{self, postgres, sqlite};
use indicatif::{ProgressBar, ProgressStyle};

use super::print;
use crate::cli::{Backup, Copy, Restore, StoreName};

pub(super) fn backup(arguments: &Backup) -> anyhow::Result<()> {
    let store = directory(&arguments.store)?;
    let clock = SystemClock::default();
    let made = sqlite::backup(
        &store,
        &arguments.to,
        &clock,
        &mut progress("backup", "bytes"),
    )?;
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
    let at = sqlite::restore(from, *at, to, &mut progress("restore", "bytes"))?;
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
    let url = url(name.store, name.config.as_deref())?;
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

pub(super) async fn copy(arguments: Copy) -> anyhow::Result<()> {
    let Copy {
        from,
        to,
        config,
        companies,
    } = arguments;
    let (from, to) = (
        store::directory(from.expose())?,
        url(to, config.as_deref())?,
    );
    anyhow::ensure!(
        to.is_postgres(),
        "this copies to postgres://USER@HOST/DATABASE"
    );
    let mut progress = progress("copy", "rows");
    let copied = store::copy::copy(from, to.expose(), &companies, &mut progress).await?;
    let Copied {
        companies,
        same,
        rows,
    } = copied;
    print(&format!(
        "{companies} companies copied, {same} there already; {rows} rows are the same in both\n"
    ))
}

fn instant(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// Tells on standard error how far a copy is: on a terminal with a bar, elsewhere with ten lines at
/// most.
fn progress(what: &'static str, unit: &'static str) -> impl FnMut(u64, u64) -> io::Result<()> {
    let (mut told, bar) = (0, ProgressBar::new(0));
    bar.set_style(style(what, unit));
    move |done, of| {
        bar.set_length(of);
        bar.set_position(done);
        let tenths = 10 * done / of.max(1);
        if tenths > told {
            told = tenths;
            if bar.is_hidden() {
                eprintln!("{what}: {} % of {of} {unit}", 10 * tenths);
            }
        }
        if done == of {
            bar.finish();
        }
        Ok(())
    }
}

/// Without a template that can be read it is a plain bar.
fn style(what: &str, unit: &str) -> ProgressStyle {
    let template =
        format!("{what} {{wide_bar}} {{human_pos}} of {{human_len}} {unit}, {{eta}} left");
    ProgressStyle::with_template(&template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

/// The directory of the store that is named, or that the configuration names.
fn directory(name: &StoreName) -> anyhow::Result<PathBuf> {
    let url = url(name.store.clone(), name.config.as_deref())?;
    store::directory(url.expose()).map(Path::to_owned)
}

/// The store that is named, or that the configuration names.
fn url(named: Option<StoreUrl>, file: Option<&Path>) -> anyhow::Result<StoreUrl> {
    match (named, file) {
        (Some(url), _) => Ok(url),
        (None, Some(file)) => Ok(Config::load(file, &config::environment())?.store.url),
        (None, None) => anyhow::bail!("a store or --config is required"),
    }
}
