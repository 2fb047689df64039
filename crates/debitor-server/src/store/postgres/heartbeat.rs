//! The heartbeat: a connection of its own asks the database now and then whether it is there.
//!
//! A connection whose packets are dropped says nothing for as long as TCP is patient. A statement may
//! take its time, wait for a lock or for a standby; what is asked here needs nothing but a database
//! that answers. It is away once it has been silent for the time that it is given, towards everyone.

use std::pin::pin;
use std::time::Duration;

use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use tokio::time::{sleep, timeout};

use super::failure::Failure;
use super::pool::Connector;
use super::session::Session;

/// Parts of the time that the database is given. Each has to pass on its own, so that a process that
/// was stopped does not take its own sleep for the database's.
const PARTS: u32 = 10;
/// How long making a connection may take. Another is tried meanwhile.
const OPEN: Duration = Duration::from_secs(2);

/// Asks for ever, twice in the time that the database may be silent.
pub(super) async fn beat(connector: Connector, silence: Duration) {
    let mut session: Option<Session> = None;
    loop {
        connector.reach.take_heard();
        session = match session.filter(|session| connector.is_good(session)) {
            Some(session) => ask(&connector, session, silence).await,
            None => None,
        };
        if session.is_none() {
            session = Box::pin(look(&connector, silence)).await;
        }
        connector.reach.find();
        sleep(silence / 2).await;
    }
}

/// Asks the database, and gives the connection back unless it is lost.
async fn ask(connector: &Connector, session: Session, silence: Duration) -> Option<Session> {
    let answer = within(silence, Box::pin(session.query("SELECT 1", &[]))).await;
    match answer {
        Some(Ok(_)) => return Some(session),
        Some(Err(error)) => tracing::debug!(%error, "the heartbeat's connection is lost"),
        None => silent(connector, "it does not answer"),
    }
    // Else it would be said goodbye to, which may take long.
    session.cutter().abort();
    None
}

/// Tries until it has a new connection, or is refused one: then others may have theirs.
async fn look(connector: &Connector, silence: Duration) -> Option<Session> {
    let mut attempts = FuturesUnordered::new();
    for round in 0_u32.. {
        if round >= 2 {
            silent(connector, "no connection is made");
        }
        attempts.push(timeout(OPEN, connector.connect()));
        let mut pause = pin!(sleep(silence / 2));
        loop {
            tokio::select! {
                Some(attempt) = attempts.next() => match attempt {
                    Ok(Ok(session)) => return Some(session),
                    Ok(Err(error)) if is_refusal(&error) => return None,
                    Ok(Err(error)) => silent(connector, &format!("{error:#}")),
                    Err(_) => {}
                },
                () = &mut pause => break,
            }
        }
    }
    None
}

/// The database did not answer here; it is away unless it answered somebody else.
fn silent(connector: &Connector, why: &str) {
    if connector.reach.take_heard() {
        tracing::debug!(
            reason = why,
            "the heartbeat is not answered, and others are"
        );
    } else {
        connector.reach.lose(why);
    }
}

/// Whether the database itself says no, and not because it starts or ends.
fn is_refusal(error: &anyhow::Error) -> bool {
    let Some(error) = error.downcast_ref::<tokio_postgres::Error>() else {
        return false;
    };
    error.as_db_error().is_some() && !matches!(Failure::of(error, ""), Failure::Lost(_))
}

/// What comes of the work in this time.
async fn within<F: Future + Unpin>(time: Duration, mut work: F) -> Option<F::Output> {
    for _ in 0..PARTS {
        if let Ok(done) = timeout(time / PARTS, &mut work).await {
            return Some(done);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_process_that_was_stopped_does_not_blame_the_database() {
        let second = Duration::from_secs(1);
        let answers_after = async |time| within(second, pin!(sleep(time))).await.is_some();
        assert!(answers_after(Duration::from_millis(900)).await);
        assert!(!answers_after(Duration::from_millis(1100)).await);
        // All timers are late at once, and the answer is read soon after.
        let stopped = async {
            tokio::time::advance(second * 60).await;
            tokio::task::yield_now().await;
            sleep(Duration::from_millis(1)).await;
        };
        assert!(within(second, pin!(stopped)).await.is_some());
    }
}
