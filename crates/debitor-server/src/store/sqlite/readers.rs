//! Reads that may take long, as lists and counts do: by threads of their own, on connections that
//! cannot write, in one snapshot each, so that they never hold up the runtime.

use std::ops::RangeInclusive;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread;
use std::time::Duration;

use rusqlite::Connection;
use tokio::sync::oneshot;

use super::super::{Error, Result};
use super::connection::Database;
use super::effort::Deadline;
use crate::per_thread::processors;

/// Reads that may wait; one more is refused.
const QUEUE: usize = 4096;
/// Threads are as many as processors, within these bounds: each costs some MiB.
const THREADS: RangeInclusive<usize> = 2..=8;
/// Memory in which each keeps pages, in KiB: those that lists begin with, not all that they go by.
const CACHE: i64 = 1024;

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
    deadline: Deadline,
}

impl Reader {
    fn new(mut connection: Connection, limit: Duration) -> rusqlite::Result<Self> {
        connection.pragma_update(None, "cache_size", -CACHE)?;
        let deadline = Deadline::of(&mut connection)?;
        Ok(Self {
            connection,
            limit,
            deadline,
        })
    }

    /// Ends the snapshot whatever the work does: one that stays open would keep the log from
    /// beginning anew.
    fn in_snapshot<T>(&self, work: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
        let execute = |sql| self.connection.prepare_cached(sql)?.execute([]).map(drop);
        execute("BEGIN")?;
        let work = || self.deadline.within(self.limit, || work(&self.connection));
        let result = catch_unwind(AssertUnwindSafe(work))
            .unwrap_or_else(|_| Err(Error::Internal("a read panicked".into())));
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

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_read_that_takes_too_long_ends_and_leaves_the_thread_as_it_was() {
        let directory = tempfile::tempdir().unwrap();
        let database = Database::lock(directory.path()).unwrap();
        database.open_writer().unwrap();
        let readers = Readers::start(&database, Duration::from_millis(50)).unwrap();
        let endless = "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n)
                       SELECT count(*) FROM n";
        let count = |sql: &'static str| {
            readers.run(move |db| Ok(db.query_row(sql, [], |row| row.get::<_, i64>(0))?))
        };
        // More than there are threads.
        for _ in 0..=*THREADS.end() {
            assert!(matches!(count(endless).await, Err(Error::QueryTimeout)));
        }
        assert_eq!(count("SELECT count(*) FROM company").await.unwrap(), 0);
        readers.stop().await;
    }
}
