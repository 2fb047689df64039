//! Creates of customers: those of a company that wait are made in one transaction. A create that finds
//! no other under way goes at once; if what was to be made together fails, each is made alone.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use debitor_api::types::CustomerCreate;
use futures::future::join_all;
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::super::idempotency::Claim;
use super::super::writing::Writing;
use super::super::{Error, Result, Scope, Stored, Written};
use super::create::{self, Create};
use super::failure::Failure;
use super::transaction::Transaction;
use super::work::{self, Once, Writes};
use super::{audit, idempotency, optimistic};

/// Transactions of one company at a time. More wait for each other's lock on the company's row.
const WORKERS: usize = 1;
/// Creates in one transaction at most.
const TOGETHER: usize = 256;
/// Creates that wait at most, and for how long; more are refused.
const WAITING: usize = 4096;
const WAIT: Duration = Duration::from_secs(2);

/// A create that waits.
struct Waiting {
    write: Writing,
    work: Once<Create>,
    /// Set by who is first: the worker that makes it, or the request that waits no longer.
    decided: Arc<AtomicBool>,
    answer: oneshot::Sender<Result<Written>>,
    _claim: Option<Claim>,
}

impl Waiting {
    /// Who asked may be gone.
    fn answer(self, outcome: Result<Written>) {
        let _ = self.answer.send(outcome);
    }
}

/// The creates of a company, and how many workers it has.
#[derive(Default)]
struct Queue {
    waiting: VecDeque<Waiting>,
    workers: usize,
}

/// Gathers creates.
#[derive(Clone)]
pub(super) struct Creates {
    writes: Writes,
    queues: Arc<Mutex<HashMap<Scope, Queue>>>,
}

impl Creates {
    pub(super) fn new(writes: Writes) -> Self {
        Self {
            writes,
            queues: Arc::default(),
        }
    }

    /// Makes the customer, and waits for it.
    pub(super) async fn run(
        &self,
        write: Writing,
        claim: Option<Claim>,
        create: Create,
    ) -> Result<Written> {
        let (answer, mut answered) = oneshot::channel();
        let decided = Arc::<AtomicBool>::default();
        self.push(Waiting {
            write,
            work: Once(create),
            decided: Arc::clone(&decided),
            answer,
            _claim: claim,
        })?;
        let mut outcome = timeout(WAIT, &mut answered).await;
        if outcome.is_err() {
            if !decided.swap(true, Ordering::AcqRel) {
                let why = "the company has too many creates under way";
                return Err(Error::Unavailable(why.to_owned()));
            }
            outcome = timeout(self.writes.pools.patience, answered).await;
        }
        let lost = || Error::OutcomeUnknown("the create takes too long".to_owned());
        outcome.map_err(|_| lost())?.map_err(|_| lost())?
    }

    fn push(&self, one: Waiting) -> Result<()> {
        let scope = one.write.scope;
        let mut queues = self.queues();
        let queue = queues.entry(scope).or_default();
        if queue.waiting.len() >= WAITING {
            return Err(Error::Unavailable("too many creates wait".to_owned()));
        }
        queue.waiting.push_back(one);
        if queue.workers < WORKERS {
            queue.workers += 1;
            let creates = self.clone();
            self.writes.tasks.spawn(async move {
                let mut worker = Worker {
                    creates,
                    scope,
                    is_done: false,
                };
                while let Some(batch) = worker.next() {
                    worker.creates.make(batch).await;
                }
            });
        }
        Ok(())
    }

    fn queues(&self) -> MutexGuard<'_, HashMap<Scope, Queue>> {
        self.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes all of them: together, the simple ones in one round trip, if that can be.
    async fn make(&self, mut batch: Vec<Waiting>) {
        // What was not begun need not be done for a request that is gone.
        batch.retain(|one| !one.answer.is_closed() && !one.decided.swap(true, Ordering::AcqRel));
        let is_simple = |one: &Waiting| optimistic::fits(&one.work.0.customer);
        let (simple, mut rest): (Vec<_>, _) = batch.into_iter().partition(is_simple);
        if !simple.is_empty() {
            rest.extend(self.together(simple, Way::Optimistic).await);
        }
        if rest.len() > 1 {
            rest = self.together(rest, Way::Looking).await;
        }
        for one in rest {
            self.alone(one).await;
        }
    }

    /// Makes them in one transaction; those that have to be made another way if that fails.
    async fn together(&self, batch: Vec<Waiting>, way: Way) -> Vec<Waiting> {
        let mut made = self.attempt(&batch, way).await;
        if let Err(Failure::Lost(_)) = made {
            made = self.attempt(&batch, way).await;
        }
        match made {
            Ok(outcomes) => {
                for (one, outcome) in batch.into_iter().zip(outcomes) {
                    one.answer(outcome);
                }
            }
            Err(Failure::Unknown(why)) => {
                join_all(batch.into_iter().map(|one| self.settle(one, why.clone()))).await;
            }
            Err(Failure::Again(_) | Failure::Refused(Error::Internal(_) | Error::InProgress)) => {
                return batch;
            }
            Err(failure) => refuse(batch, &failure.into()),
        }
        Vec::new()
    }

    async fn alone(&self, one: Waiting) {
        let outcome = work::done(&self.writes.pools, &one.write, &one.work).await;
        one.answer(outcome);
    }

    async fn settle(&self, one: Waiting, why: String) {
        let outcome = work::settle(&self.writes.pools, &one.write, &one.work, why).await;
        one.answer(outcome);
    }

    /// Makes what can be made of them in one transaction.
    async fn attempt(&self, batch: &[Waiting], way: Way) -> Result<Vec<Result<Written>>, Failure> {
        let pools = &self.writes.pools;
        let tenant = batch
            .first()
            .map_or_else(Default::default, |one| one.write.scope.tenant);
        let mut transaction = Transaction::writing(pools, tenant).await?;
        transaction.requests = batch.len();
        if way == Way::Optimistic {
            return optimistic::commit(transaction, &asked(batch.iter())).await;
        }
        match outcomes(&mut transaction, batch).await {
            Ok(outcomes) => {
                transaction.commit().await?;
                Ok(outcomes)
            }
            Err(failure) => {
                transaction.rollback().await;
                Err(failure)
            }
        }
    }
}

/// How creates are made together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// Without a look at what is there.
    Optimistic,
    /// With a look at what is there, so that each has an outcome of its own.
    Looking,
}

fn asked<'a>(batch: impl Iterator<Item = &'a Waiting>) -> Vec<(&'a Writing, &'a CustomerCreate)> {
    batch
        .map(|one| (&one.write, &one.work.0.customer))
        .collect()
}

/// What comes of each, once the transaction is committed.
async fn outcomes(
    transaction: &mut Transaction,
    batch: &[Waiting],
) -> Result<Vec<Result<Written>>, Failure> {
    let Some(Waiting { write: first, .. }) = batch.first() else {
        return Ok(Vec::new());
    };
    let requests: Vec<_> = batch
        .iter()
        .filter_map(|one| one.write.idempotency)
        .collect();
    let mut repeated = HashMap::new();
    if !requests.is_empty() {
        repeated = idempotency::repeated(transaction, first.scope, &requests, &first.clock).await?;
    }
    let is_new = |one: &&Waiting| {
        let request = one.write.idempotency;
        request.is_none_or(|request| !repeated.contains_key(&request.key))
    };
    let new = asked(batch.iter().filter(is_new));
    let mut rows = audit::Rows::default();
    let made: Vec<Result<Stored>> = create::all(transaction, &new, &mut rows).await?;
    rows.write(transaction, first);
    let mut made = made.into_iter();
    let mut outcomes = Vec::with_capacity(batch.len());
    for Waiting { write, .. } in batch {
        let request = write.idempotency;
        let first = request.and_then(|request| repeated.remove(&request.key));
        let new = || {
            let made = made.next();
            let made = made.ok_or_else(|| Error::Internal("too few were made".to_owned()))?;
            made.map(|stored| write.written(stored))
        };
        outcomes.push((first.is_none(), first.unwrap_or_else(new)));
    }
    let kept: Vec<_> = batch
        .iter()
        .zip(&outcomes)
        .filter_map(|(one, (is_new, outcome))| {
            let request = one.write.idempotency.filter(|_| *is_new)?;
            Some((request, outcome.as_ref().ok()?))
        })
        .collect();
    if !kept.is_empty() {
        idempotency::remember(transaction, first.scope, first.clock.now(), &kept)?;
    }
    Ok(outcomes.into_iter().map(|(_, outcome)| outcome).collect())
}

/// Nothing was made of any.
fn refuse(batch: Vec<Waiting>, error: &Error) {
    for one in batch {
        one.answer(Err(match error {
            Error::Full(why) => Error::Full(why.clone()),
            other => Error::Unavailable(other.to_string()),
        }));
    }
}

/// Takes what waits until there is nothing.
struct Worker {
    creates: Creates,
    scope: Scope,
    is_done: bool,
}

impl Worker {
    /// The next that wait. With none left the worker is done, which whoever comes then must see.
    fn next(&mut self) -> Option<Vec<Waiting>> {
        let mut queues = self.creates.queues();
        let queue = queues.get_mut(&self.scope)?;
        let count = queue.waiting.len().min(TOGETHER);
        if count == 0 {
            self.is_done = true;
            queue.workers -= 1;
            if queue.workers == 0 {
                queues.remove(&self.scope);
            }
            return None;
        }
        Some(queue.waiting.drain(..count).collect())
    }
}

impl Drop for Worker {
    /// After a panic too, or nothing of the company would ever be made again.
    fn drop(&mut self) {
        let mut queues = self.creates.queues();
        if let (false, Some(queue)) = (self.is_done, queues.get_mut(&self.scope)) {
            queue.workers -= 1;
        }
    }
}
