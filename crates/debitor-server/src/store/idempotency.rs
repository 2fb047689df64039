//! Requests that are sent again, whatever the engine: which keys are under way in this process, and
//! when old outcomes may be forgotten.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};

use super::{Error, Idempotency, Noun, Result, Written};

/// How long an outcome is kept at least.
const KEPT: TimeDelta = TimeDelta::hours(24);
/// How many of the old ones go at a time.
pub(crate) const PRUNE_ROWS: usize = 1000;
/// A clock that moved further than this against the machine's uptime is not believed.
const CLOCK_TRUST: TimeDelta = TimeDelta::minutes(5);

pub(crate) type Key = [u8; 32];

/// The first outcome, unless its customer was erased since, and with it what the outcome was.
pub(crate) fn unerased(written: Written) -> Result<Written> {
    if written.stored.json.is_empty() {
        Err(Error::NotFound(Noun::Customer))
    } else {
        Ok(written)
    }
}

/// The keys of the requests that are under way.
#[derive(Debug, Default, Clone)]
pub(crate) struct Running(Arc<Mutex<HashSet<Key>>>);

/// A key that is taken while its request is under way.
#[derive(Debug)]
pub(crate) struct Claim {
    running: Running,
    key: Key,
}

impl Running {
    /// Takes the key of a request, if it has one; refuses one that is taken.
    pub(crate) fn claim(&self, idempotency: Option<Idempotency>) -> Result<Option<Claim>> {
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

/// When old outcomes were last looked for.
#[derive(Debug, Clone, Copy)]
struct Look {
    at: Instant,
    clock: DateTime<Utc>,
}

/// Finds out when it is time to forget old outcomes, and which.
#[derive(Debug)]
pub(crate) struct Pruning {
    every: Duration,
    last: Mutex<Option<Look>>,
}

impl Pruning {
    /// They are looked for this often.
    pub(crate) fn new(every: Duration) -> Self {
        Self {
            every,
            last: Mutex::default(),
        }
    }

    /// The instant before which outcomes may go, if it is time to look. While the clock jumps
    /// nothing goes: its word alone could make a repetition a second customer.
    pub(crate) fn due(&self, now: DateTime<Utc>, at: Instant) -> Option<DateTime<Utc>> {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let Look { at: then, clock } = *last.get_or_insert(Look { at, clock: now });
        let elapsed = at.duration_since(then);
        if elapsed < self.every {
            return None;
        }
        *last = Some(Look { at, clock: now });
        let expected = clock + TimeDelta::from_std(elapsed).ok()?;
        ((now - expected).abs() <= CLOCK_TRUST).then(|| now - KEPT)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_000_000 + seconds, 0).unwrap()
    }

    #[test]
    fn old_outcomes_are_looked_for_when_it_is_time() {
        let (pruning, start) = (Pruning::new(Duration::from_mins(1)), Instant::now());
        assert_eq!(pruning.due(at(0), start), None);
        assert_eq!(pruning.due(at(59), start + Duration::from_secs(59)), None);
        let due = pruning.due(at(60), start + Duration::from_mins(1));
        assert_eq!(due, Some(at(60) - KEPT));
        assert_eq!(pruning.due(at(61), start + Duration::from_secs(61)), None);
    }

    #[test]
    fn a_clock_that_jumps_makes_nothing_old() {
        for jump in [86_400 * 3650, -86_400] {
            let (pruning, start) = (Pruning::new(Duration::from_mins(1)), Instant::now());
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
}
