//! Requests that are sent again: the first outcome is kept in the transaction that made it, and
//! answers every repetition until it is pruned.
//!
//! A repetition is itself a write that is committed before it answers, so that what it repeats is on
//! the disk whatever became of the first commit's process. A record counts for as long as it is
//! there; only pruning looks at the clock.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use rusqlite::{Connection, OptionalExtension, params};
use uuid::Uuid;

use super::super::{Error, Form, Idempotency, Result, Stored, Written};
use super::Writing;
use crate::failpoint;

/// How long an outcome is kept at least.
const KEPT: TimeDelta = TimeDelta::hours(24);
/// How often the old ones are looked for, and how many go at a time.
const PRUNE_EVERY: Duration = Duration::from_mins(1);
pub(super) const PRUNE_ROWS: usize = 1000;
/// A clock that moved further than this against the machine's uptime is not believed.
const CLOCK_TRUST: TimeDelta = TimeDelta::minutes(5);

type Key = [u8; 32];

/// The keys of the requests that are under way.
#[derive(Debug, Default, Clone)]
pub(super) struct Running(Arc<Mutex<HashSet<Key>>>);

/// A key that is taken while its request is under way.
#[derive(Debug)]
pub(super) struct Claim {
    running: Running,
    key: Key,
}

impl Running {
    /// Takes the key of a request, if it has one; refuses one that is taken.
    pub(super) fn claim(&self, idempotency: Option<Idempotency>) -> Result<Option<Claim>> {
        let Some(Idempotency { key, .. }) = idempotency else {
            return Ok(None);
        };
        if !self.keys().insert(key) {
            return Err(Error::InProgress);
        }
        let running = self.clone();
        Ok(Some(Claim { running, key }))
    }

    fn keys(&self) -> std::sync::MutexGuard<'_, HashSet<Key>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.running.keys().remove(&self.key);
    }
}

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
        if record.fingerprint != idempotency.fingerprint {
            return Err(Error::KeyReused);
        }
        note_repetition(db, write, &idempotency.key)?;
        return Ok(record.written);
    }
    let written = work().map(|stored| write.written(stored))?;
    insert(db, write, &idempotency, &written)?;
    failpoint::hit("idempotency.row");
    Ok(written)
}

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

/// When old outcomes were last looked for.
#[derive(Debug, Clone, Copy)]
struct Look {
    at: Instant,
    clock: DateTime<Utc>,
}

/// Finds out when it is time to forget old outcomes, and which.
#[derive(Debug, Default)]
pub(super) struct Pruning(Mutex<Option<Look>>);

impl Pruning {
    /// The instant before which outcomes may go, if it is time to look. While the clock jumps
    /// nothing goes: its word alone could make a repetition a second customer.
    pub(super) fn due(&self, now: DateTime<Utc>, at: Instant) -> Option<DateTime<Utc>> {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Look { at: then, clock } = *last.get_or_insert(Look { at, clock: now });
        let elapsed = at.duration_since(then);
        if elapsed < PRUNE_EVERY {
            return None;
        }
        *last = Some(Look { at, clock: now });
        let expected = clock + TimeDelta::from_std(elapsed).ok()?;
        ((now - expected).abs() <= CLOCK_TRUST).then(|| now - KEPT)
    }
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
    fn old_outcomes_are_looked_for_once_a_minute() {
        let (pruning, start) = (Pruning::default(), Instant::now());
        assert_eq!(pruning.due(at(0), start), None);
        assert_eq!(pruning.due(at(59), start + Duration::from_secs(59)), None);
        let due = pruning.due(at(60), start + Duration::from_mins(1));
        assert_eq!(due, Some(at(60) - KEPT));
        assert_eq!(pruning.due(at(61), start + Duration::from_secs(61)), None);
    }

    #[test]
    fn a_clock_that_jumps_makes_nothing_old() {
        for jump in [86_400 * 3650, -86_400] {
            let (pruning, start) = (Pruning::default(), Instant::now());
            pruning.due(at(0), start);
            let later = start + Duration::from_mins(2);
            assert_eq!(pruning.due(at(120 + jump), later), None);
            let due = pruning.due(at(240 + jump), later + Duration::from_mins(2));
            assert_eq!(due, Some(at(240 + jump) - KEPT));
        }
    }

    #[test]
    fn a_key_is_taken_until_its_request_ends() {
        let running = Running::default();
        let one = Some(Idempotency {
            key: [1; 32],
            fingerprint: [0; 32],
        });
        let claim = running.claim(one).unwrap();
        assert!(matches!(running.claim(one), Err(Error::InProgress)));
        assert!(running.claim(None).unwrap().is_none());
        drop(claim);
        assert!(running.claim(one).is_ok());
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
