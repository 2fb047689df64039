//! Writes: each is done in a task of its own, so that it outlives a request that is dropped, and again
//! where that is safe.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::task::TaskTracker;

use super::super::idempotency::Claim;
use super::super::writing::Writing;
use super::super::{Error, Result, Stored, Written};
use super::failure::Failure;
use super::idempotency;
use super::pool::Pools;
use super::transaction::Transaction;

/// How often a write is done again that others were in the way of.
const TRIES: u32 = 5;
/// How long it is tried to settle an unknown outcome.
const SETTLE: Duration = Duration::from_secs(2);

/// What is done in a transaction. It may be done several times, and is only once committed.
#[async_trait]
pub(super) trait Work<T>: Send + Sync + 'static {
    async fn run(&self, transaction: &mut Transaction, write: &Writing) -> Result<T, Failure>;

    /// Whether it is done in a company that is there, by a caller who must be able to write.
    fn is_in_company(&self) -> bool {
        true
    }
}

/// Does writes.
#[derive(Clone)]
pub(super) struct Writes {
    pub(super) pools: Arc<Pools>,
    pub(super) tasks: TaskTracker,
}

impl Writes {
    /// Does the work in a task, and waits for it.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        write: Writing,
        claim: Option<Claim>,
        work: impl Work<T>,
    ) -> Result<T> {
        let pools = Arc::clone(&self.pools);
        let task = self.tasks.spawn(async move {
            let _claim = claim;
            done(&pools, &write, &work).await
        });
        match timeout(self.pools.patience, task).await {
            Ok(Ok(outcome)) => outcome,
            // A panic was logged where it happened; its connection is cut.
            Ok(Err(_)) => Err(Error::Internal("the write panicked".to_owned())),
            Err(_) => Err(Error::OutcomeUnknown("the write takes too long".to_owned())),
        }
    }
}

/// Does the work until it is committed, or cannot be.
pub(super) async fn done<T>(pools: &Arc<Pools>, write: &Writing, work: &impl Work<T>) -> Result<T> {
    let (mut tries, mut lost) = (0, false);
    loop {
        match attempt(pools, write, work).await {
            Ok(made) => return Ok(made),
            Err(Failure::Again(_)) if tries < TRIES => {
                tries += 1;
                sleep(pause(write)).await;
            }
            // A connection that was kept may have been lost long before; a new one tells.
            Err(Failure::Lost(_)) if !lost => lost = true,
            Err(Failure::Unknown(why)) => return settle(pools, write, work, why).await,
            Err(failure) => return Err(failure.into()),
        }
    }
}

async fn attempt<T>(
    pools: &Arc<Pools>,
    write: &Writing,
    work: &impl Work<T>,
) -> Result<T, Failure> {
    let mut transaction = if work.is_in_company() {
        Transaction::entering(pools, write).await?
    } else {
        Transaction::writing(pools, write.scope.tenant).await?
    };
    let made = work.run(&mut transaction, write).await;
    transaction.end(made).await
}

/// Finds out what became of a write whose COMMIT was not answered: done again, it finds the record of
/// its key or waits for it, or is made now. Without a key nobody can tell.
pub(super) async fn settle<T>(
    pools: &Arc<Pools>,
    write: &Writing,
    work: &impl Work<T>,
    why: String,
) -> Result<T> {
    tracing::warn!(reason = %why, "the outcome of a commit is unknown");
    if write.idempotency.is_none() {
        return Err(Error::OutcomeUnknown(why));
    }
    let end = Instant::now() + SETTLE;
    // No attempt is cut short, as that could cancel a commit.
    while Instant::now() < end && !pools.connector.reach.is_away() {
        match attempt(pools, write, work).await {
            Ok(made) => return Ok(made),
            Err(Failure::Refused(refusal)) if is_about_the_request(&refusal) => {
                return Err(refusal);
            }
            Err(_) => sleep(pause(write)).await,
        }
    }
    Err(Error::OutcomeUnknown(why))
}

/// Whether the work was refused for what it asks, which it would have been at first too.
fn is_about_the_request(error: &Error) -> bool {
    matches!(
        error,
        Error::NotFound(_)
            | Error::ReadOnly
            | Error::Conflict(_)
            | Error::Stale(_)
            | Error::Reference { .. }
            | Error::KeyReused
    )
}

/// From 10 to 200 ms, so that those who were in each other's way meet no more.
fn pause(write: &Writing) -> Duration {
    let [.., random] = *write.clock.new_id().as_bytes();
    Duration::from_millis(10 + 190 * u64::from(random) / 255)
}

/// Work that is done once for its key.
pub(super) struct Once<W>(pub(super) W);

#[async_trait]
impl<W: Work<Stored>> Work<Written> for Once<W> {
    async fn run(
        &self,
        transaction: &mut Transaction,
        write: &Writing,
    ) -> Result<Written, Failure> {
        let repeated = idempotency::repeated(transaction, std::iter::once(write)).await?;
        if let Some(first) = repeated.into_values().next() {
            return Ok(first?);
        }
        let written = write.written(self.0.run(transaction, write).await?);
        idempotency::remember(transaction, &[(write, written.clone())])?;
        Ok(written)
    }
}
