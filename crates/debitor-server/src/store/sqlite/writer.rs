//! Writes on their way to the disk.
//!
//! A write that finds no other under way is committed where it is, without a hop to another thread.
//! The others queue for the writer thread, which takes what waits as one group, commits it, then
//! answers. So one client alone pays for one sync and nothing else, and many share each sync.

use std::iter;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use rusqlite::Connection;
use tokio::sync::{oneshot, watch};

use super::super::{Error, Result};
use super::committer::{Committer, Group, Job, Outcome, Refusal, guarded};
use crate::failpoint;

/// Writes that may wait; one more is refused.
const QUEUE: usize = 4096;
/// Writes in one commit.
const GROUP: usize = 256;
/// A commit that takes longer is not for a thread of the runtime: 2 ms.
const QUICK_MICROS: u64 = 2000;

/// The way to the disk.
pub(super) struct Writer {
    queue: Mutex<Option<mpsc::SyncSender<Message>>>,
    thread: Mutex<Option<thread::JoinHandle<()>>>,
    shared: Arc<Shared>,
}

struct Shared {
    /// What commits; there is none once the store has stopped.
    committer: Mutex<Option<Committer>>,
    /// Writes that were taken and are not answered.
    pending: AtomicUsize,
    /// How long the last commit took, in microseconds.
    commit_micros: AtomicU64,
    /// Whether the storage has failed.
    failed: watch::Sender<bool>,
}

enum Message {
    Write(Box<dyn Job>),
    /// The log is due to be moved into the database.
    Checkpoint,
}

impl Writer {
    pub(super) fn start(committer: Committer) -> std::io::Result<Self> {
        let (queue, messages) = mpsc::sync_channel(QUEUE);
        let shared = Arc::new(Shared {
            committer: Mutex::new(Some(committer)),
            pending: AtomicUsize::new(0),
            commit_micros: AtomicU64::new(0),
            failed: watch::Sender::new(false),
        });
        let own = Arc::clone(&shared);
        let thread = thread::Builder::new()
            .name("sqlite-writer".into())
            .spawn(move || own.serve(&messages))?;
        Ok(Self {
            queue: Mutex::new(Some(queue)),
            thread: Mutex::new(Some(thread)),
            shared,
        })
    }

    /// Does the work, and returns its result once it is on the disk. If the future is dropped the
    /// work is done all the same, or not begun.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let pending = Pending::new(&self.shared.pending);
        if pending.is_alone()
            && self.shared.is_quick()
            && let Some(committer) = self.shared.try_lock()
        {
            return self.run_here(committer, work);
        }
        let (answer, outcome) = oneshot::channel();
        self.submit(Box::new(Queued {
            work: Some(work),
            outcome: None,
            answer,
        }))?;
        outcome.await.unwrap_or_else(|_| Err(stopped()))
    }

    /// Commits on this thread. It is the runtime's, but for no longer than a quick disk takes.
    fn run_here<T>(
        &self,
        mut committer: MutexGuard<'_, Option<Committer>>,
        work: impl FnOnce(&Connection) -> Result<T>,
    ) -> Result<T> {
        let started = Instant::now();
        let result = committer
            .as_mut()
            .ok_or_else(stopped)
            .and_then(|open| open.one(work));
        self.shared.note(started.elapsed());
        let is_due = committer.as_ref().is_some_and(Committer::is_checkpoint_due);
        if let Err(Error::Broken(why) | Error::OutcomeUnknown(why)) = &result {
            self.shared.fail(&mut committer, why);
        }
        drop(committer);
        if is_due && let Some(queue) = lock(&self.queue).as_ref() {
            // A full queue reminds the thread by itself.
            let _ = queue.try_send(Message::Checkpoint);
        }
        result
    }

    fn submit(&self, job: Box<dyn Job>) -> Result<()> {
        let sent = lock(&self.queue)
            .as_ref()
            .map(|queue| queue.try_send(Message::Write(job)));
        match sent {
            Some(Ok(())) => Ok(()),
            Some(Err(mpsc::TrySendError::Full(_))) => {
                Err(Error::Unavailable("too many writes wait".into()))
            }
            Some(Err(mpsc::TrySendError::Disconnected(_))) | None => Err(stopped()),
        }
    }

    /// The writes that were taken and are not answered.
    pub(super) fn pending(&self) -> usize {
        self.shared.pending.load(Ordering::Relaxed)
    }

    /// Whether writes are taken.
    pub(super) fn check(&self) -> Result<()> {
        let is_open = lock(&self.queue).is_some() && !*self.shared.failed.borrow();
        if is_open { Ok(()) } else { Err(stopped()) }
    }

    /// Stops taking writes, because the storage failed elsewhere.
    pub(super) fn fail(&self, why: &str) {
        self.shared.announce(why);
    }

    /// Waits until the storage has failed.
    pub(super) async fn failed(&self) {
        // The sender lives as long as `self`.
        let _ = self
            .shared
            .failed
            .subscribe()
            .wait_for(|failed| *failed)
            .await;
    }

    /// Takes no more writes, and waits for those that were taken.
    pub(super) async fn stop(&self) {
        drop(lock(&self.queue).take());
        let thread = lock(&self.thread).take();
        if let Some(thread) = thread {
            // A panic of the thread was logged where it happened; there is nothing left to wait for.
            let _ = tokio::task::spawn_blocking(move || thread.join()).await;
        }
    }
}

impl Shared {
    /// Commits groups until the queue is closed or the storage fails.
    fn serve(&self, messages: &mpsc::Receiver<Message>) {
        while let Ok(message) = messages.recv() {
            let mut committer = lock(&self.committer);
            let Some(open) = committer.as_mut() else {
                return;
            };
            let started = Instant::now();
            let served = serve_group(open, message, messages);
            self.note(started.elapsed());
            if let Err(why) = served {
                self.fail(&mut committer, &why);
                continue;
            }
            if open.is_checkpoint_due()
                && let Err(why) = checkpoint(open)
            {
                self.fail(&mut committer, &why);
            }
        }
        if let Some(committer) = lock(&self.committer).take() {
            committer.close();
        }
    }

    fn note(&self, commit: Duration) {
        let micros = commit.as_micros().try_into().unwrap_or(u64::MAX);
        self.commit_micros.store(micros, Ordering::Relaxed);
    }

    /// Whether a commit takes so little that the runtime's other tasks can wait for it.
    fn is_quick(&self) -> bool {
        self.commit_micros.load(Ordering::Relaxed) < QUICK_MICROS
    }

    fn try_lock(&self) -> Option<MutexGuard<'_, Option<Committer>>> {
        match self.committer.try_lock() {
            Ok(committer) => Some(committer),
            Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }

    /// Drops the connection without another word to the disk: what the file holds is in doubt.
    fn fail(&self, committer: &mut Option<Committer>, why: &str) {
        std::mem::forget(committer.take());
        self.announce(why);
    }

    fn announce(&self, why: &str) {
        if !self.failed.send_replace(true) {
            tracing::error!(reason = %why, "the storage failed; the store takes no more writes");
        }
    }
}

/// Commits what waits and answers; what is fatal is returned.
fn serve_group(
    committer: &mut Committer,
    first: Message,
    messages: &mpsc::Receiver<Message>,
) -> std::result::Result<(), String> {
    let waiting = iter::once(first).chain(iter::from_fn(|| messages.try_recv().ok()));
    let mut jobs = waiting
        .filter_map(|message| match message {
            Message::Write(job) => Some(job),
            Message::Checkpoint => None,
        })
        .take(GROUP)
        .peekable();
    if jobs.peek().is_some() {
        let Group { jobs, committed } = committer.group(jobs);
        let fatal = fatal(&committed);
        for job in jobs {
            failpoint::hit("writer.answer");
            job.answer(committed.clone());
        }
        fatal?;
    }
    Ok(())
}

/// Moves the log into the database; what is fatal is returned.
fn checkpoint(committer: &mut Committer) -> std::result::Result<(), String> {
    let moved = committer.checkpoint();
    fatal(&moved)?;
    if let Err(refusal) = moved {
        tracing::warn!(?refusal, "the log cannot be moved into the database");
    }
    Ok(())
}

fn fatal(outcome: &std::result::Result<(), Refusal>) -> std::result::Result<(), String> {
    match outcome {
        Err(refusal) if refusal.is_fatal() => Err(format!("{refusal:?}")),
        _ => Ok(()),
    }
}

/// Counts a write for as long as its caller waits.
struct Pending<'a> {
    count: &'a AtomicUsize,
    before: usize,
}

impl<'a> Pending<'a> {
    fn new(count: &'a AtomicUsize) -> Self {
        let before = count.fetch_add(1, Ordering::Relaxed);
        Self { count, before }
    }

    fn is_alone(&self) -> bool {
        self.before == 0
    }
}

impl Drop for Pending<'_> {
    fn drop(&mut self) {
        self.count.fetch_sub(1, Ordering::Relaxed);
    }
}

fn stopped() -> Error {
    Error::Unavailable("the store has stopped".into())
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A write that waits for the thread.
struct Queued<T, F> {
    work: Option<F>,
    outcome: Option<Result<T>>,
    answer: oneshot::Sender<Result<T>>,
}

impl<T: Send, F: FnOnce(&Connection) -> Result<T> + Send> Job for Queued<T, F> {
    fn run(&mut self, connection: &Connection) -> Outcome {
        let Some(work) = self.work.take() else {
            return Outcome::Undo;
        };
        let result = guarded(work, connection);
        let outcome = Outcome::of(&result);
        self.outcome = Some(result);
        outcome
    }

    fn answer(self: Box<Self>, committed: std::result::Result<(), Refusal>) {
        let outcome = match (committed, self.outcome) {
            // What the work itself was refused for holds whether or not its neighbours are kept.
            (_, Some(Err(error))) => Err(error),
            (Ok(()), Some(Ok(value))) => Ok(value),
            (Err(refusal), _) => Err(refusal.into()),
            (Ok(()), None) => Err(stopped()),
        };
        // Whoever asked may have gone away; the write stands.
        let _ = self.answer.send(outcome);
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::metrics::Observed;
    use super::super::checkpoint::Checkpoints;
    use super::super::space::Space;
    use super::*;

    fn start(mut connection: Connection) -> Writer {
        let nowhere = std::path::Path::new("/nowhere");
        let checkpoints = Checkpoints::start(&mut connection, nowhere, None).unwrap();
        let space = Space::new("/".into(), 0);
        Writer::start(Committer::new(
            connection,
            checkpoints,
            space,
            Observed::default(),
        ))
        .unwrap()
    }

    fn writer() -> Writer {
        let connection = Connection::open_in_memory().unwrap();
        connection
            .execute_batch("CREATE TABLE t (n INTEGER PRIMARY KEY)")
            .unwrap();
        start(connection)
    }

    async fn insert(writer: &Writer, n: i64) -> Result<()> {
        writer
            .run(move |db| Ok(db.execute("INSERT INTO t VALUES (?1)", [n]).map(drop)?))
            .await
    }

    async fn count(writer: &Writer) -> i64 {
        let count =
            writer.run(|db| Ok(db.query_row("SELECT count(*) FROM t", [], |row| row.get(0))?));
        count.await.unwrap()
    }

    #[tokio::test]
    async fn a_refused_write_takes_no_neighbour_with_it() {
        let writer = writer();
        let (a, b, c) = tokio::join!(insert(&writer, 1), insert(&writer, 1), insert(&writer, 2));
        assert!(a.is_ok() && b.is_err() && c.is_ok());
        assert_eq!(count(&writer).await, 2);
    }

    #[tokio::test]
    async fn a_panic_undoes_its_own_write_alone() {
        let writer = writer();
        let outcome: Result<()> = writer
            .run(|db| {
                db.execute("INSERT INTO t VALUES (1)", [])?;
                panic!("on purpose")
            })
            .await;
        assert!(matches!(outcome, Err(Error::Internal(_))));
        assert_eq!(count(&writer).await, 0);
    }

    /// A foreign key that is checked at the end makes COMMIT itself fail.
    #[tokio::test]
    async fn a_failed_commit_is_no_success_and_the_last() {
        let connection = Connection::open_in_memory().unwrap();
        let tables = "PRAGMA foreign_keys = ON; CREATE TABLE t (n INTEGER PRIMARY KEY);
            CREATE TABLE u (n REFERENCES t DEFERRABLE INITIALLY DEFERRED);";
        connection.execute_batch(tables).unwrap();
        let writer = start(connection);
        insert(&writer, 1).await.unwrap();
        let dangling: Result<usize> = writer
            .run(|db| Ok(db.execute("INSERT INTO u VALUES (2)", [])?))
            .await;
        assert!(
            matches!(dangling, Err(Error::OutcomeUnknown(_))),
            "{dangling:?}"
        );
        assert!(matches!(
            insert(&writer, 3).await,
            Err(Error::Unavailable(_))
        ));
        writer.failed().await;
        assert!(writer.check().is_err());
    }

    #[tokio::test]
    async fn after_the_stop_writes_are_refused() {
        let writer = writer();
        writer.stop().await;
        assert!(matches!(
            insert(&writer, 1).await,
            Err(Error::Unavailable(_))
        ));
        assert!(writer.check().is_err());
    }
}
