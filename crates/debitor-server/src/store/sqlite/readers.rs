//! Reads that may take long, as lists and counts do: by threads of their own, on connections that
//! cannot write, in one snapshot each, so that they never hold up the runtime.

use std::ops::RangeInclusive;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use rusqlite::Connection;
use tokio::sync::oneshot;

use super::super::{Error, Result};
use super::connection::Database;
use crate::per_thread::processors;

/// Reads that may wait; one more is refused.
const QUEUE: usize = 4096;
/// Threads are as many as processors, within these bounds: each costs some MiB.
const THREADS: RangeInclusive<usize> = 2..=8;
/// Memory in which each keeps pages, in KiB: those that lists begin with, not all that they go by.
const CACHE: i64 = 1024;

/// Steps of a statement after which the time is looked at.
const STEPS: i32 = 1000;

type Job = Box<dyn FnOnce(&Reader) + Send>;

/// The way to the threads that read.
pub(super) struct Readers {
    queue: Mutex<Option<mpsc::SyncSender<Job>>>,
    threads: Mutex<Vec<thread::JoinHandle<()>>>,
}

impl Readers {
    /// With so much time for each read.
    pub(super) fn start(database: &Database, limit: Duration) -> anyhow::Result<Self> {
        let (queue, jobs) = mpsc::sync_channel(QUEUE);
        let jobs = Arc::new(Mutex::new(jobs));
        let mut threads = Vec::new();
        for _ in 0..processors().clamp(*THREADS.start(), *THREADS.end()) {
            let reader = Reader::new(database.open_reader()?, limit)?;
            let jobs = Arc::clone(&jobs);
            let name = "sqlite-reader".to_owned();
            threads.push(
                thread::Builder::new()
                    .name(name)
                    .spawn(move || read(&reader, &jobs))?,
            );
        }
        Ok(Self {
            queue: Mutex::new(Some(queue)),
            threads: Mutex::new(threads),
        })
    }

    /// Reads within one snapshot.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let (answer, outcome) = oneshot::channel();
        self.submit(Box::new(move |reader| {
            let result = reader.in_snapshot(work);
            // Whoever asked may have gone away.
            let _ = answer.send(result);
        }))?;
        outcome
            .await
            .unwrap_or_else(|_| Err(Error::Unavailable("the store has stopped".into())))
    }

    /// Takes no more reads, and waits for those that were taken.
    pub(super) async fn stop(&self) {
        drop(lock(&self.queue).take());
        let threads = std::mem::take(&mut *lock(&self.threads));
        let joined = tokio::task::spawn_blocking(move || {
            for thread in threads {
                // A panic of the thread was logged where it happened.
                let _ = thread.join();
            }
        });
        let _ = joined.await;
    }

    fn submit(&self, job: Job) -> Result<()> {
        let queue = lock(&self.queue);
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

/// A connection that reads, and that stops reading when its time is over.
struct Reader {
    connection: Connection,
    limit: Duration,
    /// When the read that is under way is to stop.
    end: Arc<Mutex<Option<Instant>>>,
}

impl Reader {
    fn new(mut connection: Connection, limit: Duration) -> rusqlite::Result<Self> {
        connection.pragma_update(None, "cache_size", -CACHE)?;
        let end = Arc::new(Mutex::new(None));
        let seen = Arc::clone(&end);
        let is_over = move || lock(&seen).is_some_and(|end| Instant::now() >= end);
        connection.progress_handler(STEPS, Some(is_over))?;
        Ok(Self {
            connection,
            limit,
            end,
        })
    }

    /// Ends the snapshot whatever the work does: one that stays open would keep the log from
    /// beginning anew.
    fn in_snapshot<T>(&self, work: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
        let execute = |sql| self.connection.prepare_cached(sql)?.execute([]).map(drop);
        execute("BEGIN")?;
        *lock(&self.end) = Some(Instant::now() + self.limit);
        let result = catch_unwind(AssertUnwindSafe(|| work(&self.connection)))
            .unwrap_or_else(|_| Err(Error::Internal("a read panicked".into())));
        *lock(&self.end) = None;
        execute("COMMIT")?;
        result
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn read(reader: &Reader, jobs: &Mutex<mpsc::Receiver<Job>>) {
    loop {
        let job = lock(jobs).recv();
        let Ok(job) = job else { return };
        job(reader);
    }
}
