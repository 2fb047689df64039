//! Whether what a store holds is sound: the file's structure, links between rows, each row's JSON
//! against its columns and the index of words, the chain of versions that the audit tells, and the answers that are kept for
//! repeated requests.
//!
//! Everything is read in one snapshot, so that a server can go on writing meanwhile.

mod chain;
mod entities;
mod idempotency;
mod words;

use std::path::Path;

use rusqlite::{Connection, ErrorCode};

use super::connection::Database;
use super::{migrate, snapshot};

/// How much was looked at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    pub schema: u32,
    pub companies: i64,
    pub customers: i64,
    pub sales_invoices: i64,
    /// Rows of the audit; schema 1 has none.
    pub audit: i64,
    /// Records of repeatable requests; schema 1 has none.
    pub idempotency: i64,
    pub faults: i64,
}

/// Where faults are told, each as a line.
struct Report<'a> {
    tell: &'a mut dyn FnMut(&str),
    counts: Counts,
}

impl Report<'_> {
    fn fault(&mut self, text: impl AsRef<str>) {
        self.counts.faults += 1;
        (self.tell)(text.as_ref());
    }
}

/// A check, and what it looks at.
type Check = (
    &'static str,
    fn(&Connection, &mut Report<'_>) -> rusqlite::Result<()>,
);

const CHECKS: [Check; 9] = [
    ("the file", structure),
    ("links", links),
    ("companies", entities::companies),
    ("customers", entities::customers),
    ("sales invoices", entities::sales_invoices),
    ("numbers", entities::numbers),
    ("words", words::check),
    ("versions", chain::check),
    ("idempotency records", idempotency::check),
];

/// Looks at everything in the store of the directory, and tells each fault that it finds.
pub fn verify(directory: &Path, tell: &mut dyn FnMut(&str)) -> anyhow::Result<Counts> {
    let connection = snapshot::open(directory)?;
    // Where no server runs, none is to start and change what is being looked at; where one does,
    // the snapshot is enough.
    let _lock = Database::lock(directory).ok();
    let snapshot = connection.unchecked_transaction()?;
    let mut report = Report {
        tell,
        counts: Counts {
            schema: migrate::schema(&snapshot)?,
            ..Counts::default()
        },
    };
    for (what, check) in CHECKS {
        match check(&snapshot, &mut report) {
            Err(error) if is_damage(&error) => report.fault(format!("{what}: {error}")),
            checked => checked?,
        }
    }
    Ok(report.counts)
}

/// Whether the file itself is at fault, which is what is being looked for.
fn is_damage(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase)
    )
}

/// Pages, records, indexes, and the rules of the tables.
fn structure(db: &Connection, report: &mut Report<'_>) -> rusqlite::Result<()> {
    each(db, "PRAGMA integrity_check(1000)", |row| {
        let line: String = row.get(0)?;
        if line != "ok" {
            report.fault(format!("the file: {line}"));
        }
        Ok(())
    })
}

/// Rows that name others which do not exist.
fn links(db: &Connection, report: &mut Report<'_>) -> rusqlite::Result<()> {
    each(db, "PRAGMA foreign_key_check", |row| {
        let (from, to): (String, String) = (row.get("table")?, row.get("parent")?);
        report.fault(format!(
            "a row of {from} names one of {to} that does not exist"
        ));
        Ok(())
    })
}

/// Calls `look` with each row of the query.
fn each(
    db: &Connection,
    sql: &str,
    mut look: impl FnMut(&rusqlite::Row<'_>) -> rusqlite::Result<()>,
) -> rusqlite::Result<()> {
    let mut statement = db.prepare(sql)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        look(row)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
