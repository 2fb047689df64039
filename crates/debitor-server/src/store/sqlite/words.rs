//! The index of the customers' words: a full-text index without the text, of which only the words of
//! [`crate::odata::search::words`] are asked. It finds candidates; whoever asks checks what they are.
//!
//! A word stands behind its company's number, as `17_nord`, so that one look-up is enough. The index
//! keeps letters and digits, and whatever else is in a word, as in e-mail addresses, is `_` for it;
//! long words are cut.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use debitor_api::properties::CustomerProperty;
use rusqlite::{Connection, Params, params};
use uuid::Uuid;

use super::super::query::seek::Words;
use super::effort::Effort;
use crate::odata::search::{self, Search};

/// Characters of a word that are kept.
const KEPT: usize = 24;

/// What changes in the index, and in the company's number of customers, for a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Change {
    company: i64,
    row: i64,
    customers: i64,
    removed: String,
    added: String,
}

impl Change {
    /// Of a row, with its JSON before and after, as far as it was there and will be.
    pub(super) fn new(company: i64, row: i64, before: Option<&str>, after: Option<&str>) -> Self {
        let [before, after] = if cfg!(debitor_bare) {
            [None; 2]
        } else {
            [before, after]
        };
        let customers = i64::from(after.is_some()) - i64::from(before.is_some());
        let before = before.map_or(Vec::new(), |json| tokens(company, json));
        let after = after.map_or(Vec::new(), |json| tokens(company, json));
        Self {
            company,
            row,
            customers,
            removed: missing(&before, &after),
            added: missing(&after, &before),
        }
    }

    pub(super) fn is_none(&self) -> bool {
        self.customers == 0 && self.removed.is_empty() && self.added.is_empty()
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
    count(db, &changes)?;
    changes.sort_by_key(|change| change.row);
    changes.iter().try_for_each(|change| index(db, change))
}

fn index(db: &Connection, change: &Change) -> rusqlite::Result<()> {
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
    Ok(())
}

/// Keeps the numbers of customers right.
fn count(db: &Connection, changes: &[Change]) -> rusqlite::Result<()> {
    let mut more = BTreeMap::new();
    for change in changes {
        *more.entry(change.company).or_insert(0) += change.customers;
    }
    for (company, more) in more.into_iter().filter(|(_, more)| *more != 0) {
        db.prepare_cached("UPDATE company SET customers = customers + ?2 WHERE row = ?1")?
            .execute([company, more])?;
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
        index(db, &change)?;
    }
    Ok(())
}

/// Makes the index anew. What is deleted from it is overwritten at once, but for the beginnings of words by
/// which it finds its pages.
pub(super) fn renew(db: &Connection) -> rusqlite::Result<()> {
    let sql = "INSERT INTO customer_words (customer_words) VALUES ('delete-all')";
    db.execute(sql, [])?;
    fill(db)
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

/// Whether the index finds just what the search does: not so words that it keeps in another form.
pub(super) fn is_exact(search: &Search) -> bool {
    let is_kept =
        |word: &String| word.chars().count() <= KEPT && word.chars().all(char::is_alphanumeric);
    match search {
        Search::And(parts) | Search::Or(parts) => parts.iter().all(is_exact),
        Search::Term(cuts) => cuts.iter().flatten().all(is_kept),
        Search::Not(_) | Search::Phrase(_) => false,
    }
}

/// How many rows the index finds.
pub(super) fn count_of(db: &Connection, question: &str) -> rusqlite::Result<i32> {
    db.prepare_cached("SELECT count(*) FROM customer_words WHERE customer_words MATCH ?1")?
        .query_row([question], |row| row.get(0))
}

/// Rows among which all with these words are, if they are so few.
///
/// A question with the start of a word collects every row that has such a word before it answers the
/// first, and so a rarer word is looked for first, and starts of words in their own table. With little
/// effort words that are frequent one by one are not looked for together.
pub(super) fn candidates(
    db: &Connection,
    company: i64,
    words: &Words,
    few: usize,
    effort: Effort,
) -> rusqlite::Result<Option<Vec<i64>>> {
    match words {
        Words::All(parts) => {
            let mut parts: Vec<&Words> = parts.iter().collect();
            parts.sort_by_key(|part| Reverse(part.rarity()));
            for part in parts {
                let rows = candidates(db, company, part, few, effort)?;
                if rows.is_some() {
                    return Ok(rows);
                }
            }
            match effort {
                Effort::Little => Ok(None),
                Effort::Full => matching(db, &question(company, words), few),
            }
        }
        Words::Any(parts) => {
            let mut all = Vec::new();
            for part in parts {
                let Some(rows) = candidates(db, company, part, few, effort)? else {
                    return Ok(None);
                };
                all.extend(rows);
            }
            all.sort_unstable();
            all.dedup();
            Ok((all.len() <= few).then_some(all))
        }
        Words::Whole(_) => matching(db, &question(company, words), few),
        Words::Start(start) => starting(db, &token(company, start), few),
    }
}

fn matching(db: &Connection, question: &str, few: usize) -> rusqlite::Result<Option<Vec<i64>>> {
    let sql = "SELECT rowid FROM customer_words WHERE customer_words MATCH ?1";
    take(db, sql, [question], few)
}

fn starting(db: &Connection, start: &str, few: usize) -> rusqlite::Result<Option<Vec<i64>>> {
    let sql = "SELECT doc FROM customer_word WHERE term >= ?1 AND term <= ?2";
    // No character comes after this one.
    take(db, sql, [start, &format!("{start}{}", char::MAX)], few)
}

/// The numbers that the statement selects; none if they are more than a few.
fn take(
    db: &Connection,
    sql: &str,
    binds: impl Params,
    few: usize,
) -> rusqlite::Result<Option<Vec<i64>>> {
    let mut statement = db.prepare_cached(sql)?;
    let found = statement.query_map(binds, |row| row.get(0))?;
    let rows: Vec<i64> = found.take(few + 1).collect::<rusqlite::Result<_>>()?;
    Ok((rows.len() <= few).then_some(rows))
}

#[cfg(test)]
mod tests;
