//! How much a read may take: a little where it is asked for, or all that it needs, up to a limit, by a
//! thread of its own.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rusqlite::Connection;

/// Steps of a statement after which the time is looked at.
const STEPS: i32 = 1000;

/// How much a read may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Effort {
    /// Only what is soon done, by statements that can be stopped after any step.
    Little,
    /// Whatever it needs.
    Full,
}

/// When what a connection does is to stop.
pub(super) struct Deadline(Arc<Mutex<Option<Instant>>>);

impl Deadline {
    /// The connection's deadline, of which it has one only.
    pub(super) fn of(connection: &mut Connection) -> rusqlite::Result<Self> {
        let end = Arc::new(Mutex::new(None));
        let seen = Arc::clone(&end);
        let is_over = move || lock(&seen).is_some_and(|end| Instant::now() >= end);
        connection.progress_handler(STEPS, Some(is_over))?;
        Ok(Self(end))
    }

    /// Does work on the connection, whose statements end as interrupted once the time is over.
    pub(super) fn within<T>(&self, limit: Duration, work: impl FnOnce() -> T) -> T {
        *lock(&self.0) = Some(Instant::now() + limit);
        let _lifted = Lifted(&self.0);
        work()
    }
}

/// Lifts the deadline, even after a panic.
struct Lifted<'a>(&'a Mutex<Option<Instant>>);

impl Drop for Lifted<'_> {
    fn drop(&mut self) {
        *lock(self.0) = None;
    }
}

fn lock(end: &Mutex<Option<Instant>>) -> MutexGuard<'_, Option<Instant>> {
    end.lock().unwrap_or_else(PoisonError::into_inner)
}
