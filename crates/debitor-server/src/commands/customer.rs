//! Customers as persons: what is held of them, and their erasure, without HTTP.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use chrono::{DateTime, SecondsFormat, Utc};
use debitor_server::auth::Administrator;
use debitor_server::clock::SystemClock;
use debitor_server::config::{self, Config, Log, StoreUrl};
use debitor_server::store::privacy::{Answer, Change, Erased, Files, Held};
use debitor_server::store::{self, Conflict, Store, Timeouts, privacy, sqlite};
use debitor_server::telemetry;
use serde_json::{Value, json};

use super::print;
use crate::cli::StoreName;
use crate::cli::customer::{Customer, Erase, Export, Of};

/// Nobody waits for an answer, and the record of changes may be long.
const PATIENCE: Duration = Duration::from_hours(1);
/// What is locked may be a large part of the index of words, which somebody merges.
const LOCK: Duration = Duration::from_mins(1);

pub(super) async fn run(command: Customer) -> anyhow::Result<()> {
    match command {
        Customer::Export(arguments) => export(arguments).await,
        Customer::Erase(arguments) => erase(arguments).await,
    }
}

async fn export(arguments: Export) -> anyhow::Result<()> {
    let Export { of, customer } = arguments;
    let by = Administrator::of(of.tenant);
    let held = on_store(&of.store, async |store| {
        store.customer_export(by, of.company, customer).await
    });
    let document = document(&of, &held.await?)?;
    print(&(serde_json::to_string_pretty(&document)? + "\n"))
}

async fn erase(arguments: Erase) -> anyhow::Result<()> {
    let Erase {
        of,
        customers,
        issued,
        leave_files,
    } = arguments;
    let by = Administrator::of(of.tenant);
    let erase = privacy::Erase {
        customers,
        issued,
        files: !leave_files,
    };
    let erased = on_store(&of.store, async |store| {
        store.customer_erase(by, of.company, erase).await
    });
    let Erased { customers, files } = erased.await.map_err(explained)?;
    let lines = customers
        .iter()
        .map(|id| format!("{}\t{}\t{id}\n", of.tenant, of.company));
    print(&lines.collect::<String>())?;
    match files {
        Files::Clean => Ok(()),
        Files::Left => {
            eprintln!("files still have what was deleted: erase again without --leave-files");
            Ok(())
        }
        Files::Failed(why) => bail!("erased, but files still have what was deleted: {why}"),
    }
}

/// What can be done about an issued sales invoice.
fn explained(error: anyhow::Error) -> anyhow::Error {
    match error.downcast_ref() {
        Some(store::Error::Conflict(Conflict::NamedBySalesInvoice(_))) => error.context(
            "nothing was erased, as the law may have issued sales invoices kept: with --issued the \
             customer is taken out of those too",
        ),
        _ => error,
    }
}

/// All that is held, as one document.
fn document(of: &Of, held: &Held) -> serde_json::Result<Value> {
    let customer = held
        .customer
        .as_deref()
        .map(serde_json::from_slice::<Value>);
    let invoices = held
        .sales_invoices
        .iter()
        .map(|json| serde_json::from_slice(json));
    let answers = held.answers.iter().map(answer);
    Ok(json!({
        "tenantId": of.tenant,
        "companyId": of.company,
        "customerId": held.id,
        "customer": customer.transpose()?,
        "salesInvoices": invoices.collect::<serde_json::Result<Vec<Value>>>()?,
        "changes": held.changes.iter().map(change).collect::<Vec<_>>(),
        "answersToRepeat": answers.collect::<serde_json::Result<Vec<_>>>()?,
    }))
}

fn change(change: &Change) -> Value {
    let properties = change.properties.split(',').filter(|name| !name.is_empty());
    json!({
        "at": instant(change.at),
        "by": change.actor,
        "requestId": change.request_id,
        "action": change.action,
        "properties": properties.collect::<Vec<_>>(),
    })
}

fn answer(answer: &Answer) -> serde_json::Result<Value> {
    Ok(json!({
        "at": instant(answer.at),
        "repeatedAt": answer.repeated_at.map(instant),
        "answer": serde_json::from_slice::<Value>(&answer.json)?,
    }))
}

fn instant(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// Does the work on the store that is named, and closes it whatever comes of that.
async fn on_store<T>(
    name: &StoreName,
    work: impl AsyncFnOnce(&dyn Store) -> store::Result<T>,
) -> anyhow::Result<T> {
    let (url, log) = settings(name)?;
    telemetry::start(&log)?;
    if !url.is_postgres() {
        sqlite::require(store::directory(url.expose())?)?;
    }
    // The server's next start begins the archive anew, with what is changed here in it.
    let options = store::Options {
        list: PATIENCE,
        timeouts: Timeouts {
            statement: PATIENCE,
            lock: LOCK,
            ..Timeouts::default()
        },
        ..store::Options::default()
    };
    let store = store::connect(url.expose(), options, Arc::new(SystemClock::default()))
        .await
        .with_context(|| format!("cannot open the store {url}"))?;
    let outcome = work(store.as_ref()).await;
    store.close().await;
    Ok(outcome?)
}

fn settings(name: &StoreName) -> anyhow::Result<(StoreUrl, Log)> {
    if let Some(url) = &name.store {
        return Ok((url.clone(), Log::default()));
    }
    let file = name.config.as_deref();
    let file = file.context("a store or --config is required")?;
    let config = Config::load(file, &config::environment())?;
    Ok((config.store.url, config.log))
}
