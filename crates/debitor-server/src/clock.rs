//! The time, and ids that follow it: whoever needs either takes a [`Clock`], so that tests move it.

use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use uuid::{ClockSequence, ContextV7, NoContext, Timestamp, Uuid};

/// Tells the time and makes ids.
pub trait Clock: Send + Sync {
    /// The instant it is now, in whole milliseconds: answers tell no more.
    fn now(&self) -> DateTime<Utc>;

    /// A new UUIDv7 of this instant. Ids of one clock ascend, also within a millisecond, so that
    /// the order of ids is the order of creation.
    fn new_id(&self) -> Uuid;
}

/// The machine's clock.
#[derive(Debug, Default)]
pub struct SystemClock {
    sequence: Mutex<ContextV7>,
}

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that asks for the time"
    )]
    fn now(&self) -> DateTime<Utc> {
        Utc::now().trunc_subsecs(3)
    }

    fn new_id(&self) -> Uuid {
        id_at(self.now(), &self.sequence)
    }
}

/// A clock that stands still until it is moved: for tests.
#[derive(Debug)]
pub struct FixedClock {
    now: Mutex<DateTime<Utc>>,
    sequence: Mutex<ContextV7>,
}

impl FixedClock {
    /// A clock that shows `now`.
    pub fn at(now: DateTime<Utc>) -> Self {
        Self {
            now: Mutex::new(now),
            sequence: Mutex::default(),
        }
    }

    /// Moves the clock forward, or back.
    pub fn advance(&self, by: TimeDelta) {
        let mut now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        *now += by;
    }
}

impl Clock for FixedClock {
    fn now(&self) -> DateTime<Utc> {
        *self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn new_id(&self) -> Uuid {
        id_at(self.now(), &self.sequence)
    }
}

/// A new UUIDv7 of the instant, in no order within it: for what is only told apart. Those of a clock
/// are made one after the other, whichever thread asks.
pub fn unordered_id(now: DateTime<Utc>) -> Uuid {
    id_at(now, NoContext)
}

/// Instants before 1970 are taken for 1970: an id has no room for them.
fn id_at(now: DateTime<Utc>, sequence: impl ClockSequence<Output: Into<u128>>) -> Uuid {
    let seconds = u64::try_from(now.timestamp()).unwrap_or_default();
    Uuid::new_v7(Timestamp::from_unix(
        sequence,
        seconds,
        now.timestamp_subsec_nanos(),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_ascend_within_one_instant_and_when_the_clock_goes_back() {
        let clock = FixedClock::at(DateTime::UNIX_EPOCH + TimeDelta::days(20_000));
        let mut last = clock.new_id();
        for step in 0..2_000 {
            if step == 1_000 {
                clock.advance(TimeDelta::seconds(-5));
            }
            let next = clock.new_id();
            assert!(last < next, "{last} is not before {next}");
            last = next;
        }
    }

    #[test]
    fn an_id_holds_its_instant() {
        let clock =
            FixedClock::at(DateTime::UNIX_EPOCH + TimeDelta::milliseconds(1_700_000_000_123));
        let (seconds, nanos) = clock.new_id().get_timestamp().unwrap().to_unix();
        assert_eq!((seconds, nanos), (1_700_000_000, 123_000_000));
    }

    #[test]
    fn a_fixed_clock_moves_only_when_told() {
        let clock = FixedClock::at(DateTime::UNIX_EPOCH);
        assert_eq!(clock.now(), clock.now());
        clock.advance(TimeDelta::hours(1));
        assert_eq!(clock.now(), DateTime::UNIX_EPOCH + TimeDelta::hours(1));
    }
}
