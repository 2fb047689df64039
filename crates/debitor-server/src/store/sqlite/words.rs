//! The index of the customers' words: a full-text index without the text, of which only the words of
//! [`crate::odata::search::words`] are asked. It finds candidates; whoever asks checks what they are.
//!
//! A word stands behind its company's number, as `17_nord`, so that one look-up is enough. The index
//! keeps letters and digits, and whatever else is in a word, as in e-mail addresses, is `_` for it;
//! long words are cut.

use debitor_api::properties::CustomerProperty;
use rusqlite::{Connection, params};
use uuid::Uuid;

use super::super::query::seek::Words;
use crate::odata::search;

/// Characters of a word that are kept.
const KEPT: usize = 24;

/// What changes in the index for a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Change {
    row: i64,
    removed: String,
    added: String,
}

impl Change {
    /// Of a row, with its JSON before and after, as far as it was there and will be.
    pub(super) fn new(company: i64, row: i64, before: Option<&str>, after: Option<&str>) -> Self {
        let before = before.map_or(Vec::new(), |json| tokens(company, json));
        let after = after.map_or(Vec::new(), |json| tokens(company, json));
        Self {
            row,
            removed: missing(&before, &after),
            added: missing(&after, &before),
        }
    }

    pub(super) fn is_none(&self) -> bool {
        self.removed.is_empty() && self.added.is_empty()
    }
}

/// Those that the others do not have.
fn missing(tokens: &[String], others: &[String]) -> String {
    let missing = tokens.iter().filter(|one| !others.contains(one));
    missing.map(String::as_str).collect::<Vec<_>>().join(" ")
}

/// What the index holds of a row with this JSON, each once.
pub(super) fn tokens(company: i64, json: &str) -> Vec<String> {
    let words = search::words::<CustomerProperty>(json.as_bytes());
    let mut tokens: Vec<_> = words.iter().map(|word| token(company, word)).collect();
    tokens.sort_unstable();
    tokens.dedup();
    tokens
}

fn token(company: i64, word: &str) -> String {
    let kept = word.chars().take(KEPT);
    let kept = kept.map(|c| {
        if c.is_ascii() && !c.is_ascii_alphanumeric() {
            '_'
        } else {
            c
        }
    });
    let mut token = format!("{company}_");
    token.extend(kept);
    token
}

/// Makes the changes. The index takes rows best in their order.
pub(super) fn write(db: &Connection, mut changes: Vec<Change>) -> rusqlite::Result<()> {
    changes.sort_by_key(|change| change.row);
    for change in changes {
        if !change.removed.is_empty() {
            db.prepare_cached(
                "INSERT INTO customer_words (customer_words, rowid, words) VALUES ('delete', ?1, ?2)",
            )?
            .execute(params![change.row, change.removed])?;
        }
        if !change.added.is_empty() {
            db.prepare_cached("INSERT INTO customer_words (rowid, words) VALUES (?1, ?2)")?
                .execute(params![change.row, change.added])?;
        }
    }
    Ok(())
}

/// Fills the index from the rows that are there.
pub(super) fn fill(db: &Connection) -> rusqlite::Result<()> {
    let sql = "SELECT customer.row, company.row, customer.body
               FROM customer JOIN company ON company.id = company_id ORDER BY customer.row";
    let mut statement = db.prepare(sql)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let json: String = row.get(2)?;
        let change = Change::new(row.get(1)?, row.get(0)?, None, Some(&json));
        write(db, vec![change])?;
    }
    Ok(())
}

/// The number by which the index knows the company.
pub(super) fn company(db: &Connection, company: Uuid) -> rusqlite::Result<i64> {
    db.prepare_cached("SELECT row FROM company WHERE id = ?1")?
        .query_row([company.as_bytes()], |row| row.get(0))
}

/// What the index is asked for the company's rows with these words.
pub(super) fn question(company: i64, words: &Words) -> String {
    let joined = |parts: &[Words], word: &str| {
        let parts = parts.iter().map(|part| question(company, part));
        format!("({})", parts.collect::<Vec<_>>().join(word))
    };
    match words {
        Words::All(parts) => joined(parts, " AND "),
        Words::Any(parts) => joined(parts, " OR "),
        Words::Whole(word) => format!("\"{}\"", token(company, word)),
        Words::Start(start) => format!("\"{}\"*", token(company, start)),
    }
}

/// The rows that the index finds, in their order, so many at most.
pub(super) fn candidates(db: &Connection, question: &str, most: u32) -> rusqlite::Result<Vec<i64>> {
    db.prepare_cached("SELECT rowid FROM customer_words WHERE customer_words MATCH ?1 LIMIT ?2")?
        .query_map(params![question, most], |row| row.get(0))?
        .collect()
}

#[cfg(test)]
mod tests;
