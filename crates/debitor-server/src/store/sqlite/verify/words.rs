//! Whether the index of words has just the words that the customers have.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use rusqlite::{Connection, OptionalExtension, Row};
use uuid::Uuid;

use super::super::words::tokens;
use super::{Report, each};

/// The schema that brought the index.
const FIRST: u32 = 3;

/// For each row, the sum of its words' hashes that one has and the other lacks.
type Differences = HashMap<i64, u64>;

pub(super) fn check(db: &Connection, report: &mut Report<'_>) -> rusqlite::Result<()> {
    if report.counts.schema < FIRST {
        return Ok(());
    }
    let mut differences = Differences::new();
    add_rows(db, &mut differences)?;
    subtract_index(db, &mut differences)?;
    differences.retain(|_, difference| *difference != 0);
    let mut wrong: Vec<i64> = differences.into_keys().collect();
    wrong.sort_unstable();
    for row in wrong {
        report.fault(fault(db, row)?);
    }
    Ok(())
}

fn add_rows(db: &Connection, differences: &mut Differences) -> rusqlite::Result<()> {
    let sql = "SELECT customer.row, company.row, customer.body
               FROM customer JOIN company ON company.id = company_id";
    each(db, sql, |row| {
        let company = row.get(1)?;
        // A body that is no text is told of elsewhere.
        let body = row.get_ref(2)?.as_str().unwrap_or_default();
        for token in tokens(company, body) {
            add(differences, row.get(0)?, hash(&token));
        }
        Ok(())
    })
}

/// The words of the index can be read in a table that nobody else sees.
fn subtract_index(db: &Connection, differences: &mut Differences) -> rusqlite::Result<()> {
    db.execute_batch(
        "PRAGMA query_only = OFF;
         CREATE VIRTUAL TABLE temp.word USING fts5vocab (main, customer_words, instance);
         PRAGMA query_only = ON;",
    )?;
    each(db, "SELECT term, doc FROM temp.word", |row| {
        let term = text(row)?;
        add(differences, row.get(1)?, hash(&term).wrapping_neg());
        Ok(())
    })
}

/// Terms of a damaged index can be of any bytes.
fn text(row: &Row<'_>) -> rusqlite::Result<String> {
    let bytes = row.get_ref(0)?.as_bytes().unwrap_or_default();
    Ok(String::from_utf8_lossy(bytes).into_owned())
}

fn add(differences: &mut Differences, row: i64, hash: u64) {
    let difference = differences.entry(row).or_default();
    *difference = difference.wrapping_add(hash);
}

fn hash(token: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    token.hash(&mut hasher);
    hasher.finish()
}

fn fault(db: &Connection, row: i64) -> rusqlite::Result<String> {
    let id = db
        .query_row("SELECT id FROM customer WHERE row = ?1", [row], |row| {
            row.get(0)
        })
        .optional()?
        .map(Uuid::from_bytes);
    Ok(match id {
        Some(id) => format!("customer {id}: the index of words has others than its JSON"),
        None => format!("the index of words has a customer that does not exist, {row}"),
    })
}
