//! Whether the database can be reached, and what becomes of connections when it cannot: all are cut at
//! once, which ends every wait for an answer as the loss of a connection does.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::watch;
use tokio::task::AbortHandle;

use super::session::Session;

/// The database does not answer, so that nothing is sent to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the database is away")]
pub(super) struct Away;

/// What is known of a database, by all who use it.
#[derive(Debug)]
pub(super) struct Reach {
    away: watch::Sender<bool>,
    /// Set by every answer of the database, and by every error that it tells.
    heard: Arc<AtomicBool>,
    connections: Mutex<Vec<AbortHandle>>,
}

impl Default for Reach {
    fn default() -> Self {
        Self {
            away: watch::Sender::new(false),
            heard: Arc::default(),
            connections: Mutex::default(),
        }
    }
}

impl Reach {
    pub(super) fn is_away(&self) -> bool {
        *self.away.borrow()
    }

    /// Does what is asked of the database, unless that is away or goes away.
    pub(super) async fn unless_away<T>(
        &self,
        work: impl Future<Output = anyhow::Result<T>>,
    ) -> anyhow::Result<T> {
        let mut away = self.away.subscribe();
        tokio::select! {
            biased;
            _ = away.wait_for(|away| *away) => Err(Away.into()),
            done = work => done,
        }
    }

    /// Takes part in the fate of a connection: it is cut with the others, and its answers count.
    pub(super) fn admit(&self, session: &mut Session) {
        session.heard = Arc::clone(&self.heard);
        let mut connections = self
            .connections
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        connections.retain(|one| !one.is_finished());
        connections.push(session.cutter());
        // One that was made while the others were cut.
        if self.is_away() {
            session.cutter().abort();
        }
    }

    /// Whether the database answered anyone since the last time that this was asked.
    pub(super) fn take_heard(&self) -> bool {
        self.heard.swap(false, Ordering::AcqRel)
    }

    /// The database is away. A COMMIT that was sent is not cancelled: the database may do it or not.
    pub(super) fn lose(&self, why: &str) {
        if self.away.send_replace(true) {
            return;
        }
        tracing::warn!(reason = why, "the database is away");
        let mut connections = self
            .connections
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        for connection in connections.drain(..) {
            connection.abort();
        }
    }

    /// The database answers.
    pub(super) fn find(&self) {
        if self.away.send_replace(false) {
            tracing::info!("the database is back");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_waits_for_a_database_ends_when_it_goes_away() {
        let reach = Reach::default();
        let done = reach.unless_away(async { Ok(1) }).await;
        assert_eq!(done.unwrap(), 1);
        let waiting = reach.unless_away(std::future::pending::<anyhow::Result<()>>());
        let (waited, ()) = tokio::join!(waiting, async { reach.lose("a test") });
        assert!(waited.unwrap_err().is::<Away>());
        let refused = reach.unless_away(async { Ok(1) }).await;
        assert!(refused.unwrap_err().is::<Away>());
        reach.find();
        assert!(reach.unless_away(async { Ok(1) }).await.is_ok());
    }
}
