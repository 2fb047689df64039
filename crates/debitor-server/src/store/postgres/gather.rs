//! Writes of a company that wait are made together, in one transaction. A write that finds no other of
//! its kind under way goes at once; if what was to be made together fails, each is made alone.
//!
//! Where a transaction is sent as a whole, the next is sent before it is answered, on the same connection:
//! the database has something to do while requests are answered and come.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use futures::future::{BoxFuture, join_all};
use futures::stream::{self, StreamExt as _};
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::super::idempotency::Claim;
use super::super::writing::Writing;
use super::super::{CompanyKey, Error, Result};
use super::failure::Failure;
use super::pool::Pooled;
use super::transaction::{Transaction, Whole};
use super::work::{self, Work, Writes};

/// Transactions of one kind and company at a time where they are sent as a whole. Elsewhere there is one: more
/// would wait for each other's lock on the company's row.
const BEHIND_EACH_OTHER: usize = 2;
/// Transactions of writes that are made alone at a time, while others of their kind and company wait.
const ALONE: usize = 4;
/// Writes in one transaction at most.
const TOGETHER: usize = 256;
/// Writes that wait at most, and for how long; more are refused.
const WAITING: usize = 4096;
const WAIT: Duration = Duration::from_secs(2);

/// Writes of a kind that can be made together.
pub(super) trait Gathered: Work<Self::Answer> + Sized {
    type Answer: Send + 'static;

    /// The ways to make them so, each of which is tried once, with what is left by those before.
    const WAYS: &'static [Way<Self>];
}

/// A way to make writes together.
pub(super) struct Way<G: Gathered> {
    /// Whether it can be tried with the write.
    pub(super) fits: fn(&G) -> bool,
    /// How many it is worth while for.
    pub(super) least: usize,
    pub(super) make: Make<G>,
}

/// Makes writes, and ends the transaction: the outcome of each, or nothing if it has to be made another
/// way.
pub(super) enum Make<G: Gathered> {
    /// With all that is to be done said at once.
    Whole(for<'a> fn(Whole, &'a [Asked<'a, G>]) -> Making<'a, G>),
    /// With looks at what is there.
    Steps(for<'a> fn(Transaction, &'a [Asked<'a, G>]) -> Making<'a, G>),
}

/// A write, and what it asks for.
pub(super) type Asked<'a, G> = (&'a Writing, &'a G);

/// What comes of writes that are made together.
pub(super) type Making<'a, G> =
    BoxFuture<'a, Result<Vec<Option<Result<<G as Gathered>::Answer>>>, Failure>>;

/// A write that waits.
struct Waiting<G: Gathered> {
    write: Writing,
    /// Large, and moved from one list to the next.
    work: Box<G>,
    /// Set by who is first: the worker that makes it, or the request that waits no longer.
    decided: Arc<AtomicBool>,
    answer: oneshot::Sender<Result<G::Answer>>,
    _claim: Option<Claim>,
}

impl<G: Gathered> Waiting<G> {
    /// Who asked may be gone.
    fn answer(self, outcome: Result<G::Answer>) {
        let _ = self.answer.send(outcome);
    }
}

/// The writes of a company, and how many workers it has.
struct Queue<G: Gathered> {
    waiting: VecDeque<Waiting<G>>,
    workers: usize,
    /// Writes that the workers make.
    under_way: usize,
    /// The connection on which transactions are under way that are sent as a whole.
    connection: Weak<Pooled>,
}

impl<G: Gathered> Queue<G> {
    fn new() -> Self {
        Self {
            waiting: VecDeque::new(),
            workers: 0,
            under_way: 0,
            connection: Weak::new(),
        }
    }

    /// Whether one more worker is to take what waits: with nothing under way at once, and behind that once
    /// as many wait, as each transaction costs the same whatever is made in it. Of many it is an eighth more,
    /// or transactions that were small once would stay so.
    fn is_due(&self) -> bool {
        let is_whole = |way: &Way<G>| matches!(way.make, Make::Whole(_));
        let most = if G::WAYS.iter().any(is_whole) {
            BEHIND_EACH_OTHER
        } else {
            1
        };
        let waiting = self.waiting.len();
        let enough = self.under_way + self.under_way / 8;
        let is_behind = self.workers < most && (1..=waiting).contains(&enough);
        waiting > 0 && (self.workers == 0 || is_behind)
    }
}

/// Gathers writes of a kind.
pub(super) struct Gather<G: Gathered> {
    writes: Writes,
    queues: Arc<Mutex<HashMap<CompanyKey, Queue<G>>>>,
}

impl<G: Gathered> Clone for Gather<G> {
    fn clone(&self) -> Self {
        Self {
            writes: self.writes.clone(),
            queues: Arc::clone(&self.queues),
        }
    }
}

impl<G: Gathered> Gather<G> {
    pub(super) fn new(writes: Writes) -> Self {
        Self {
            writes,
            queues: Arc::default(),
        }
    }

    /// Makes the write, and waits for it.
    pub(super) async fn run(
        &self,
        write: Writing,
        claim: Option<Claim>,
        work: G,
    ) -> Result<G::Answer> {
        let (answer, mut answered) = oneshot::channel();
        let decided = Arc::<AtomicBool>::default();
        self.push(Waiting {
            write,
            work: Box::new(work),
            decided: Arc::clone(&decided),
            answer,
            _claim: claim,
        })?;
        let mut outcome = timeout(WAIT, &mut answered).await;
        if outcome.is_err() {
            if !decided.swap(true, Ordering::AcqRel) {
                let why = "the company has too many writes under way";
                return Err(Error::Unavailable(why.to_owned()));
            }
            outcome = timeout(self.writes.pools.patience, answered).await;
        }
        let lost = || Error::OutcomeUnknown("the write takes too long".to_owned());
        outcome.map_err(|_| lost())?.map_err(|_| lost())?
    }

    fn push(&self, one: Waiting<G>) -> Result<()> {
        let scope = one.write.scope;
        let mut queues = self.queues();
        let queue = queues.entry(scope).or_insert_with(Queue::new);
        if queue.waiting.len() >= WAITING {
            return Err(Error::Unavailable("too many writes wait".to_owned()));
        }
        queue.waiting.push_back(one);
        if queue.is_due() {
            queue.workers += 1;
            let mut worker = Worker {
                gather: self.clone(),
                scope,
                makes: 0,
                is_done: false,
            };
            self.writes.tasks.spawn(async move {
                while let Some(batch) = worker.next() {
                    worker.gather.make(batch).await;
                }
            });
        }
        Ok(())
    }

    fn queues(&self) -> MutexGuard<'_, HashMap<CompanyKey, Queue<G>>> {
        self.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes all of them: together, as far as that can be.
    async fn make(&self, mut batch: Vec<Waiting<G>>) {
        // What was not begun need not be done for a request that is gone.
        batch.retain(|one| !one.answer.is_closed() && !one.decided.swap(true, Ordering::AcqRel));
        for way in G::WAYS {
            let fits = |one: &Waiting<G>| (way.fits)(&one.work);
            let (some, others): (Vec<_>, _) = batch.into_iter().partition(fits);
            batch = others;
            if some.len() < way.least {
                batch.extend(some);
            } else {
                batch.extend(self.together(some, way).await);
            }
        }
        let alone = stream::iter(batch);
        alone
            .for_each_concurrent(ALONE, |one| self.alone(one))
            .await;
    }

    async fn alone(&self, one: Waiting<G>) {
        let outcome = work::done(&self.writes.pools, &one.write, &*one.work).await;
        one.answer(outcome);
    }

    /// Makes them in one transaction; those that have to be made another way are left.
    async fn together(&self, batch: Vec<Waiting<G>>, way: &Way<G>) -> Vec<Waiting<G>> {
        let mut made = self.attempt(&batch, way).await;
        if let Err(Failure::Lost(_)) = made {
            made = self.attempt(&batch, way).await;
        }
        match made {
            Ok(outcomes) => return answer(batch, outcomes),
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

    async fn settle(&self, one: Waiting<G>, why: String) {
        let outcome = work::settle(&self.writes.pools, &one.write, &*one.work, why).await;
        one.answer(outcome);
    }

    async fn attempt(
        &self,
        batch: &[Waiting<G>],
        way: &Way<G>,
    ) -> Result<Vec<Option<Result<G::Answer>>>, Failure> {
        let Some(first) = batch.first() else {
            return Ok(Vec::new());
        };
        let (pools, scope) = (&self.writes.pools, first.write.scope);
        let asked: Vec<_> = batch.iter().map(|one| (&one.write, &*one.work)).collect();
        match way.make {
            Make::Whole(make) => {
                let session = self.connection(scope).await?;
                let transaction = Whole::new(pools, session, scope.tenant, batch.len());
                make(transaction, &asked).await
            }
            Make::Steps(make) => {
                let mut transaction = Transaction::writing(pools, scope.tenant).await?;
                transaction.requests = batch.len();
                let callers = batch.iter().map(|one| &one.write.caller);
                transaction.enter_all(scope, callers);
                make(transaction, &asked).await
            }
        }
    }

    /// The connection on which transactions of the company are under way, or else one for them.
    async fn connection(&self, scope: CompanyKey) -> Result<Arc<Pooled>, Failure> {
        let pools = &self.writes.pools;
        let queue = |queue: &Queue<G>| queue.connection.upgrade();
        let shared = self.queues().get(&scope).and_then(queue);
        if let Some(shared) = shared.filter(|one| pools.connector.is_current(one)) {
            return Ok(shared);
        }
        let own = Arc::new(pools.for_writes().await?);
        if let Some(queue) = self.queues().get_mut(&scope) {
            queue.connection = Arc::downgrade(&own);
        }
        Ok(own)
    }
}

/// Answers those that have an outcome, and returns the others.
fn answer<G: Gathered>(
    batch: Vec<Waiting<G>>,
    outcomes: Vec<Option<Result<G::Answer>>>,
) -> Vec<Waiting<G>> {
    let mut left = Vec::new();
    for (one, outcome) in batch.into_iter().zip(outcomes) {
        match outcome {
            Some(outcome) => one.answer(outcome),
            None => left.push(one),
        }
    }
    left
}

/// Nothing was made of any.
fn refuse<G: Gathered>(batch: Vec<Waiting<G>>, error: &Error) {
    for one in batch {
        one.answer(Err(match error {
            Error::Full(why) => Error::Full(why.clone()),
            other => Error::Unavailable(other.to_string()),
        }));
    }
}

/// Takes what waits until nothing is due.
struct Worker<G: Gathered> {
    gather: Gather<G>,
    scope: CompanyKey,
    /// How many writes it makes.
    makes: usize,
    is_done: bool,
}

impl<G: Gathered> Worker<G> {
    /// The next that wait, those before being made. With nothing due the worker is done, which whoever comes
    /// then must see.
    fn next(&mut self) -> Option<Vec<Waiting<G>>> {
        let mut queues = self.gather.queues();
        let queue = queues.get_mut(&self.scope)?;
        queue.workers -= 1;
        queue.under_way -= std::mem::take(&mut self.makes);
        if !queue.is_due() {
            self.is_done = true;
            if queue.workers == 0 {
                queues.remove(&self.scope);
            }
            return None;
        }
        self.makes = queue.waiting.len().min(TOGETHER);
        queue.workers += 1;
        queue.under_way += self.makes;
        Some(queue.waiting.drain(..self.makes).collect())
    }
}

impl<G: Gathered> Drop for Worker<G> {
    /// After a panic too, or nothing of the company would ever be made again.
    fn drop(&mut self) {
        let mut queues = self.gather.queues();
        if let (false, Some(queue)) = (self.is_done, queues.get_mut(&self.scope)) {
            queue.workers -= 1;
            queue.under_way -= self.makes;
        }
    }
}
