//! Reads, on connections that cannot write.
//!
//! A read of single rows by their keys is done where it is: a hop to another thread would cost more
//! than the read. Whatever may take long, as lists and counts do, is done by threads of its own, in
//! one snapshot, so that it never holds up the runtime.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError, mpsc};
use std::thread;

use rusqlite::Connection;
use tokio::sync::oneshot;

use super::super::{Error, Result};
use super::connection::Database;

/// Reads that may wait; one more is refused.
const QUEUE: usize = 4096;
const THREADS: usize = 4;
/// Memory in which a connection for reads of single rows keeps pages, in KiB.
const POINT_CACHE: i32 = 8 * 1024;

type Job = Box<dyn FnOnce(&Connection) + Send>;

/// The connections that read, and the way to the reader threads.
pub(super) struct Readers {
    points: Vec<Mutex<Connection>>,
    next_point: AtomicUsize,
    queue: Mutex<Option<mpsc::SyncSender<Job>>>,
    threads: Mutex<Vec<thread::JoinHandle<()>>>,
}

impl Readers {
    pub(super) fn start(database: &Database) -> anyhow::Result<Self> {
        let (queue, jobs) = mpsc::sync_channel(QUEUE);
        let jobs = Arc::new(Mutex::new(jobs));
        let mut threads = Vec::new();
        for _ in 0..THREADS {
            let connection = database.open_reader()?;
            let jobs = Arc::clone(&jobs);
            let name = "sqlite-reader".to_owned();
            threads.push(
                thread::Builder::new()
                    .name(name)
                    .spawn(move || read(&connection, &jobs))?,
            );
        }
        let processors = thread::available_parallelism().map_or(1, usize::from);
        let points = (0..processors)
            .map(|_| point_connection(database))
            .collect::<anyhow::Result<_>>()?;
        Ok(Self {
            points,
            next_point: AtomicUsize::new(0),
            queue: Mutex::new(Some(queue)),
            threads: Mutex::new(threads),
        })
    }

    /// Reads single rows by their keys, here and now. Each statement has its own snapshot.
    pub(super) fn point<T>(&self, work: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
        work(&self.free_point())
    }

    /// The last one that was free is most likely free again, and warm.
    fn free_point(&self) -> MutexGuard<'_, Connection> {
        let first = self.next_point.load(Ordering::Relaxed);
        for step in 0..self.points.len() {
            let index = (first + step) % self.points.len();
            match self.points[index].try_lock() {
                Ok(connection) => return connection,
                Err(TryLockError::Poisoned(poisoned)) => return poisoned.into_inner(),
                Err(TryLockError::WouldBlock) => {
                    self.next_point.store(index + 1, Ordering::Relaxed);
                }
            }
        }
        let index = first % self.points.len();
        self.points[index]
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads within one snapshot.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let (answer, outcome) = oneshot::channel();
        self.submit(Box::new(move |connection| {
            let result = in_snapshot(connection, work);
            // Whoever asked may have gone away.
            let _ = answer.send(result);
        }))?;
        outcome
            .await
            .unwrap_or_else(|_| Err(Error::Unavailable("the store has stopped".into())))
    }

    /// Takes no more reads, and waits for those that were taken.
    pub(super) async fn stop(&self) {
        drop(
            self.queue
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .take(),
        );
        let threads =
            std::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner));
        let joined = tokio::task::spawn_blocking(move || {
            for thread in threads {
                // A panic of the thread was logged where it happened.
                let _ = thread.join();
            }
        });
        let _ = joined.await;
    }

    fn submit(&self, job: Job) -> Result<()> {
        let queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        match queue.as_ref().map(|queue| queue.try_send(job)) {
            Some(Ok(())) => Ok(()),
            Some(Err(mpsc::TrySendError::Full(_))) => {
                Err(Error::Unavailable("too many reads wait".into()))
            }
            Some(Err(mpsc::TrySendError::Disconnected(_))) | None => {
                Err(Error::Unavailable("the store has stopped".into()))
            }
        }
    }
}

/// One for each of the runtime's workers, so that none waits.
fn point_connection(database: &Database) -> anyhow::Result<Mutex<Connection>> {
    let connection = database.open_reader()?;
    connection.pragma_update(None, "cache_size", -POINT_CACHE)?;
    Ok(Mutex::new(connection))
}

/// Ends the snapshot whatever the work does: one that stays open would keep the log from beginning
/// anew.
fn in_snapshot<T>(
    connection: &Connection,
    work: impl FnOnce(&Connection) -> Result<T>,
) -> Result<T> {
    let execute = |sql| connection.prepare_cached(sql)?.execute([]).map(drop);
    execute("BEGIN")?;
    let result = catch_unwind(AssertUnwindSafe(|| work(connection)))
        .unwrap_or_else(|_| Err(Error::Internal("a read panicked".into())));
    execute("COMMIT")?;
    result
}

fn read(connection: &Connection, jobs: &Mutex<mpsc::Receiver<Job>>) {
    loop {
        let job = jobs.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(job) = job else { return };
        job(connection);
    }
}
