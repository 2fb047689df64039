//! Requests that are sent again: the first outcome is kept in the transaction that made it, and
//! answers every repetition until it is pruned.
//!
//! A repetition is itself a write that is committed before it answers, so that what it repeats is on
//! the disk whatever became of the first commit's process. A record counts for as long as it is
//! there; only pruning looks at the clock.

use chrono::{DateTime, Utc};
use rusqlite::{Connection, OptionalExtension, params};
use uuid::Uuid;

use super::super::idempotency::{Key, PRUNE_ROWS, unerased};
use super::super::writing::Writing;
use super::super::{Error, Form, Idempotency, Result, Stored, Written};
use super::grant;
use crate::failpoint;

/// Does the work once for its key: a repetition gets the first outcome, and another request with
/// the same key is refused.
pub(super) fn once(
    db: &Connection,
    write: &Writing,
    work: impl FnOnce() -> Result<Stored>,
) -> Result<Written> {
    let Some(idempotency) = write.idempotency else {
        return work().map(|stored| write.written(stored));
    };
    if let Some(record) = find(db, &idempotency.key)? {
        // What was granted then may be no more.
        grant::writable(db, write)?;
        if record.fingerprint != idempotency.fingerprint {
            return Err(Error::KeyReused);
        }
        note_repetition(db, write, &idempotency.key)?;
        return unerased(record.written);
    }
    let written = work().map(|stored| write.written(stored))?;
    insert(db, write, &idempotency, &written)?;
    failpoint::hit("idempotency.row");
    Ok(written)
}

/// The records `i` that show customers of a company, or a sales invoice of theirs. A record does not name
/// its company: it is that of the change whose ETag it has. One that was emptied is no JSON.
const SHOWING: &str = r#"
    FROM idempotency AS i JOIN audit AS a
      ON a.entity_id = i.id AND i.etag = printf('W/"%d-%08x"', a.version, a.incarnation)
    WHERE a.company_id = ?1 AND i.body <> ''
      AND (lower(hex(i.id)) IN (SELECT value FROM json_each(?2))
        OR replace(CASE i.body WHEN '' THEN '' ELSE i.body ->> '$.customerId' END, '-', '')
          IN (SELECT value FROM json_each(?2)))"#;

struct Record {
    fingerprint: [u8; 32],
    written: Written,
}

fn find(db: &Connection, key: &Key) -> rusqlite::Result<Option<Record>> {
    db.prepare_cached(
        "SELECT fingerprint, id, etag, body, base_url, minimal FROM idempotency WHERE key = ?1",
    )?
    .query_row([key], |row| {
        let json: String = row.get(3)?;
        let base_url: String = row.get(4)?;
        Ok(Record {
            fingerprint: row.get(0)?,
            written: Written {
                stored: Stored {
                    id: Uuid::from_bytes(row.get(1)?),
                    etag: row.get(2)?,
                    json: json.into(),
                },
                form: Form {
                    base_url: base_url.into(),
                    minimal: row.get(5)?,
                },
            },
        })
    })
    .optional()
}

fn note_repetition(db: &Connection, write: &Writing, key: &Key) -> rusqlite::Result<()> {
    db.prepare_cached("UPDATE idempotency SET replayed_at = ?2 WHERE key = ?1")?
        .execute(params![key, write.clock.now().timestamp_millis()])?;
    Ok(())
}

fn insert(
    db: &Connection,
    write: &Writing,
    idempotency: &Idempotency,
    written: &Written,
) -> Result<()> {
    let Written { stored, form } = written;
    let body = std::str::from_utf8(&stored.json)
        .map_err(|error| Error::Internal(format!("an entity's JSON: {error}")))?;
    db.prepare_cached(
        "INSERT INTO idempotency (key, fingerprint, at, id, etag, base_url, minimal, body)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )?
    .execute(params![
        idempotency.key,
        idempotency.fingerprint,
        write.clock.now().timestamp_millis(),
        stored.id.as_bytes(),
        stored.etag,
        form.base_url,
        form.minimal,
        body,
    ])?;
    Ok(())
}

/// Empties the outcomes that show customers of the company, who are in a [`list`]. The records stay: without
/// them a repetition would make an erased customer anew.
pub(super) fn erase(db: &Connection, company: Uuid, customers: &str) -> rusqlite::Result<()> {
    let sql =
        format!("UPDATE idempotency SET body = '' WHERE record IN (SELECT i.record {SHOWING})");
    db.prepare_cached(&sql)?
        .execute(params![company.as_bytes(), customers])?;
    Ok(())
}

/// When the outcomes were first and last given that show the customers, and what they are.
pub(super) fn all_showing(
    db: &Connection,
    company: Uuid,
    customers: &str,
) -> rusqlite::Result<Vec<(i64, Option<i64>, String)>> {
    let sql =
        format!("SELECT i.at, i.replayed_at, i.body {SHOWING} GROUP BY i.record ORDER BY i.record");
    db.prepare_cached(&sql)?
        .query_map(params![company.as_bytes(), customers], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })?
        .collect()
}

/// Customers, for those statements.
pub(super) fn list(customers: &[Uuid]) -> String {
    let simple: Vec<_> = customers.iter().map(|id| id.simple().to_string()).collect();
    serde_json::Value::from(simple).to_string()
}

/// Forgets some of the outcomes from before `cutoff`, and says how many: the first rows are the
/// oldest.
pub(super) fn prune(db: &Connection, cutoff: DateTime<Utc>) -> Result<usize> {
    let pruned = db
        .prepare_cached(
            "DELETE FROM idempotency WHERE at < ?1
         AND record IN (SELECT record FROM idempotency ORDER BY record LIMIT ?2)",
        )?
        .execute(params![
            cutoff.timestamp_millis(),
            i64::try_from(PRUNE_ROWS).unwrap_or(i64::MAX)
        ])?;
    failpoint::hit("idempotency.prune");
    Ok(pruned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_000_000 + seconds, 0).unwrap()
    }

    #[test]
    fn only_outcomes_from_before_the_cutoff_go() {
        let directory = tempfile::tempdir().unwrap();
        let database = super::super::connection::Database::lock(directory.path()).unwrap();
        let db = database.open_writer().unwrap();
        for seconds in 0..4_u8 {
            db.execute(
                "INSERT INTO idempotency (key, fingerprint, at, id, etag, base_url, minimal, body)
                 VALUES (?1, ?1, ?2, ?1, '', '', 0, '')",
                params![[seconds; 32], at(seconds.into()).timestamp_millis()],
            )
            .unwrap();
        }
        assert_eq!(prune(&db, at(2)).unwrap(), 2);
        assert_eq!(prune(&db, at(2)).unwrap(), 0);
        let left = "SELECT count(*), min(at) FROM idempotency";
        let left: (i64, i64) = db
            .query_row(left, [], |row| Ok((row.get(0)?, row.get(1)?)))
            .unwrap();
        assert_eq!(left, (2, at(2).timestamp_millis()));
    }
}
