//! Reads that may take long, as lists and counts do: by threads of their own, on connections that
//! cannot write, in one snapshot each, so that they never hold up the runtime.

use std::ops::RangeInclusive;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread;

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

type Job = Box<dyn FnOnce(&Connection) + Send>;

/// The way to the threads that read.
pub(super) struct Readers {
    queue: Mutex<Option<mpsc::SyncSender<Job>>>,
    threads: Mutex<Vec<thread::JoinHandle<()>>>,
}

impl Readers {
    pub(super) fn start(database: &Database) -> anyhow::Result<Self> {
        let (queue, jobs) = mpsc::sync_channel(QUEUE);
        let jobs = Arc::new(Mutex::new(jobs));
        let mut threads = Vec::new();
        for _ in 0..processors().clamp(*THREADS.start(), *THREADS.end()) {
            let connection = database.open_reader()?;
            connection.pragma_update(None, "cache_size", -CACHE)?;
            let jobs = Arc::clone(&jobs);
            let name = "sqlite-reader".to_owned();
            threads.push(
                thread::Builder::new()
                    .name(name)
                    .spawn(move || read(&connection, &jobs))?,
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
