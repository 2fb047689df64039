//! The writer thread: takes what waits as one group, commits it, then answers.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;

use rusqlite::Connection;
use tokio::sync::oneshot;

use super::super::{Error, Result};

/// Writes that may wait; one more is refused.
const QUEUE: usize = 4096;
/// Writes in one commit.
const GROUP: usize = 256;

/// The way to the writer thread.
pub(super) struct Writer {
    queue: Mutex<Option<mpsc::SyncSender<Box<dyn Job>>>>,
    thread: Mutex<Option<thread::JoinHandle<()>>>,
    alive: Arc<AtomicBool>,
}

impl Writer {
    pub(super) fn start(connection: Connection) -> std::io::Result<Self> {
        let (queue, jobs) = mpsc::sync_channel(QUEUE);
        let alive = Arc::new(AtomicBool::new(true));
        let flag = Arc::clone(&alive);
        let thread = thread::Builder::new()
            .name("sqlite-writer".into())
            .spawn(move || {
                write_groups(&connection, &jobs);
                flag.store(false, Ordering::Release);
            })?;
        Ok(Self {
            queue: Mutex::new(Some(queue)),
            thread: Mutex::new(Some(thread)),
            alive,
        })
    }

    /// Does the work in a savepoint, and returns its result once the group is on the disk.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let (answer, outcome) = oneshot::channel();
        self.submit(Box::new(Pending {
            work: Some(work),
            outcome: None,
            answer,
        }))?;
        outcome.await.unwrap_or_else(|_| Err(stopped()))
    }

    /// Whether the thread still takes writes.
    pub(super) fn check(&self) -> Result<()> {
        if self.alive.load(Ordering::Acquire) {
            Ok(())
        } else {
            Err(stopped())
        }
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

    fn submit(&self, job: Box<dyn Job>) -> Result<()> {
        let sent = lock(&self.queue).as_ref().map(|queue| queue.try_send(job));
        match sent {
            Some(Ok(())) => Ok(()),
            Some(Err(mpsc::TrySendError::Full(_))) => {
                Err(Error::Unavailable("too many writes wait".into()))
            }
            Some(Err(mpsc::TrySendError::Disconnected(_))) | None => Err(stopped()),
        }
    }
}

fn stopped() -> Error {
    Error::Unavailable("the store has stopped".into())
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// A write on its way through the thread.
trait Job: Send {
    /// Does the work; `false` means that its changes are to be undone.
    fn run(&mut self, connection: &Connection) -> bool;
    /// Answers: the work's own outcome if the group was committed, else why it was not.
    fn answer(self: Box<Self>, committed: std::result::Result<(), String>);
}

struct Pending<T, F> {
    work: Option<F>,
    outcome: Option<Result<T>>,
    answer: oneshot::Sender<Result<T>>,
}

impl<T: Send, F: FnOnce(&Connection) -> Result<T> + Send> Job for Pending<T, F> {
    fn run(&mut self, connection: &Connection) -> bool {
        let Some(work) = self.work.take() else {
            return false;
        };
        let outcome = catch_unwind(AssertUnwindSafe(|| work(connection)))
            .unwrap_or_else(|_| Err(Error::Internal("a write panicked".into())));
        let keep = outcome.is_ok();
        self.outcome = Some(outcome);
        keep
    }

    fn answer(self: Box<Self>, committed: std::result::Result<(), String>) {
        let outcome = match (committed, self.outcome) {
            // What the work itself was refused for holds whether or not its neighbours are kept.
            (_, Some(Err(error))) => Err(error),
            (Ok(()), Some(Ok(value))) => Ok(value),
            (Err(why), _) => Err(Error::Unavailable(why)),
            (Ok(()), None) => Err(stopped()),
        };
        // Whoever asked may have gone away; the write stands.
        let _ = self.answer.send(outcome);
    }
}

/// Runs until the queue is closed, or until a commit fails: after that the state of the file is in
/// doubt, and only opening it anew can tell.
fn write_groups(connection: &Connection, jobs: &mpsc::Receiver<Box<dyn Job>>) {
    while let Ok(first) = jobs.recv() {
        let (group, committed) = write_group(connection, jobs, first);
        let failed = committed.clone().err();
        for job in group {
            job.answer(committed.clone());
        }
        if let Some(why) = failed {
            tracing::error!(reason = %why, "a commit failed; the store takes no more writes");
            return;
        }
    }
}

type Group = (Vec<Box<dyn Job>>, std::result::Result<(), String>);

fn write_group(
    connection: &Connection,
    jobs: &mpsc::Receiver<Box<dyn Job>>,
    first: Box<dyn Job>,
) -> Group {
    let mut group = Vec::new();
    if let Err(error) = connection.execute_batch("BEGIN IMMEDIATE") {
        return (vec![first], Err(error.to_string()));
    }
    let mut next = Some(first);
    while let Some(mut job) = next {
        let isolated = run_isolated(connection, job.as_mut());
        group.push(job);
        if let Err(error) = isolated {
            // SQLite may have undone the whole transaction already; then this has no effect.
            let _ = connection.execute_batch("ROLLBACK");
            return (group, Err(error.to_string()));
        }
        next = if group.len() < GROUP {
            jobs.try_recv().ok()
        } else {
            None
        };
    }
    let committed = connection
        .execute_batch("COMMIT")
        .map_err(|error| error.to_string());
    (group, committed)
}

fn run_isolated(connection: &Connection, job: &mut dyn Job) -> rusqlite::Result<()> {
    connection.execute_batch("SAVEPOINT job")?;
    if !job.run(connection) {
        connection.execute_batch("ROLLBACK TO job")?;
    }
    connection.execute_batch("RELEASE job")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn writer() -> Writer {
        let connection = Connection::open_in_memory().unwrap();
        connection
            .execute_batch("CREATE TABLE t (n INTEGER PRIMARY KEY)")
            .unwrap();
        Writer::start(connection).unwrap()
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
        let writer = Writer::start(connection).unwrap();
        insert(&writer, 1).await.unwrap();
        let dangling: Result<usize> = writer
            .run(|db| Ok(db.execute("INSERT INTO u VALUES (2)", [])?))
            .await;
        assert!(
            matches!(dangling, Err(Error::Unavailable(_))),
            "{dangling:?}"
        );
        assert!(matches!(
            insert(&writer, 3).await,
            Err(Error::Unavailable(_))
        ));
        writer.stop().await;
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
