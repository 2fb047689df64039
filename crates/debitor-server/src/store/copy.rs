//! Copies of companies from the embedded store to PostgreSQL, with everything that belongs to them:
//! entities in their versions, the series of numbers, what is granted, the record of changes, and the
//! outcomes that are given again to requests sent again.
//!
//! A company arrives in one transaction, which is committed once all of it was read back and is the
//! same. So servers see all of a company or nothing, and a copy that was broken off is run again: a
//! company that is there already is compared instead.

mod row;
mod sum;

use std::io;
use std::path::Path;

use anyhow::Context as _;
use tokio::sync::mpsc::{self, Sender};
use uuid::Uuid;

use super::CompanyKey;
use super::postgres::Import;
use super::sqlite::Export;
pub(crate) use row::{Kind, Row, Table, Value};
pub(crate) use sum::Sum;

/// Bytes of rows that are written with one statement.
const BATCH: usize = 1024 * 1024;
/// Batches that are read ahead.
const AHEAD: usize = 2;

/// What was copied.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Copied {
    /// Companies that are new in the database.
    pub companies: u64,
    /// Companies that were there already, and are the same.
    pub same: u64,
    /// Rows of either.
    pub rows: u64,
}

/// What is handed from the one store to the other.
enum Item {
    /// A company begins; these are its rows.
    Company(CompanyKey),
    Rows(Table, Vec<Row>),
    /// The company ends.
    End,
}

/// Told how many rows of how many are done; an error ends the work.
type Progress<'a> = &'a mut dyn FnMut(u64, u64) -> io::Result<()>;

/// Copies the wanted companies, or all if none is named, from the store in the directory, on which no
/// server may run, to the database that the URL names.
pub async fn copy(
    from: &Path,
    to: &str,
    wanted: &[Uuid],
    progress: Progress<'_>,
) -> anyhow::Result<Copied> {
    let mut import = Import::open(to).await?;
    let export = Export::open(from)?;
    let scopes = export.companies(wanted)?;
    let mut all = 0;
    for scope in &scopes {
        all += export.count(scope.company)?;
    }
    let (sender, mut items) = mpsc::channel(AHEAD);
    let reading = tokio::task::spawn_blocking(move || {
        // Whoever no longer takes rows says why itself.
        match send(&export, &scopes, &sender) {
            Err(error) if !sender.is_closed() => Err(error),
            _ => Ok(()),
        }
    });
    let mut copied = Copied::default();
    let (mut company, mut done) = (Uuid::nil(), 0);
    while let Some(item) = items.recv().await {
        if let Item::Company(scope) = &item {
            company = scope.company;
        }
        if let Item::Rows(_, rows) = &item {
            done += rows.len() as u64;
        }
        let written = write(&mut import, item, &mut copied).await;
        written.with_context(|| format!("company {company}"))?;
        progress(done, all)?;
    }
    reading.await??;
    Ok(copied)
}

async fn write(import: &mut Import, item: Item, copied: &mut Copied) -> anyhow::Result<()> {
    match item {
        Item::Company(scope) => import.begin(scope).await,
        Item::Rows(table, rows) => import.add(table, &rows).await,
        Item::End => import.end(copied).await,
    }
}

/// Reads the companies one after the other.
fn send(export: &Export, scopes: &[CompanyKey], to: &Sender<Item>) -> anyhow::Result<()> {
    for scope in scopes {
        to.blocking_send(Item::Company(*scope))?;
        for table in Table::ALL {
            send_table(export, scope.company, table, to)?;
        }
        to.blocking_send(Item::End)?;
    }
    Ok(())
}

fn send_table(
    export: &Export,
    company: Uuid,
    table: Table,
    to: &Sender<Item>,
) -> anyhow::Result<()> {
    let (mut rows, mut bytes) = (Vec::new(), 0);
    export.read(company, table, &mut |row: Row| {
        bytes += row.iter().map(Value::bytes).sum::<usize>();
        rows.push(row);
        if bytes >= BATCH {
            bytes = 0;
            to.blocking_send(Item::Rows(table, std::mem::take(&mut rows)))?;
        }
        Ok(())
    })?;
    if !rows.is_empty() {
        to.blocking_send(Item::Rows(table, rows))?;
    }
    Ok(())
}
