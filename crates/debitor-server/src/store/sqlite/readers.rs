//! Reads that may take long, as lists and counts do: by threads of their own, on connections that
//! cannot write, in one snapshot each, so that they never hold up the runtime.

use std::ops::RangeInclusive;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use rusqlite::Connection;
use tokio::sync::oneshot;

use super::super::{Error, Result};
use super::connection::Database;
use super::effort::Deadline;
use crate::per_thread::processors;

/// Reads that may wait; one more is refused.
const QUEUE: usize = 4096;
/// How long a read may have to wait, by what the last ones took; one that would wait longer is refused
/// at once, as its answer would come too late for everybody.
const WAIT: Duration = Duration::from_secs(1);
/// Threads are as many as processors, within these bounds: each costs some MiB.
const THREADS: RangeInclusive<usize> = 2..=8;
/// Memory in which each keeps pages, in KiB: those that lists begin with, not all that they go by.
const CACHE: i64 = 1024;

type Job = Box<dyn FnOnce(&Reader) + Send>;

/// What is known of the reads that wait.
#[derive(Debug, Default)]
struct Load {
    threads: u32,
    waiting: AtomicU32,
    /// Nanoseconds that a read takes, the last ones above all.
    usual: AtomicU64,
}

impl Load {
    /// How long a read will wait that comes now.
    fn wait(&self) -> Duration {
        let before = self.waiting.load(Ordering::Relaxed) / self.threads.max(1);
        Duration::from_nanos(self.usual.load(Ordering::Relaxed)).saturating_mul(before)
    }

    /// A read took so long.
    fn took(&self, time: Duration) {
        let time = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        let usual = self.usual.load(Ordering::Relaxed);
        // Threads may overwrite each other's; either is near enough.
        self.usual
            .store(usual / 8 * 7 + time / 8, Ordering::Relaxed);
    }
}

/// A read that waits, until it is dropped.
struct Waiting(Arc<Load>);

impl Waiting {
    fn count(load: &Arc<Load>) -> Self {
        load.waiting.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(load))
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The way to the threads that read.
pub(super) struct Readers {
    queue: Mutex<Option<mpsc::SyncSender<Job>>>,
    load: Arc<Load>,
    threads: Mutex<Vec<thread::JoinHandle<()>>>,
}

impl Readers {
    /// With so much time for each read.
    pub(super) fn start(database: &Database, limit: Duration) -> anyhow::Result<Self> {
        let (queue, jobs) = mpsc::sync_channel(QUEUE);
        let jobs = Arc::new(Mutex::new(jobs));
        let number = processors().clamp(*THREADS.start(), *THREADS.end());
        let load = Arc::new(Load {
            threads: u32::try_from(number).unwrap_or(u32::MAX),
            ..Load::default()
        });
        let mut threads = Vec::new();
        for _ in 0..number {
            let reader = Reader::new(database.open_reader()?, limit)?;
            let (jobs, load) = (Arc::clone(&jobs), Arc::clone(&load));
            let name = "sqlite-reader".to_owned();
            threads.push(
                thread::Builder::new()
                    .name(name)
                    .spawn(move || read(&reader, &jobs, &load))?,
            );
        }
        Ok(Self {
            queue: Mutex::new(Some(queue)),
            load,
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
        if self.load.wait() > WAIT {
            return Err(Error::Unavailable("reads wait too long".into()));
        }
        let queue = lock(&self.queue);
        let waiting = Waiting::count(&self.load);
        let job = Box::new(|reader: &Reader| {
            drop(waiting);
            job(reader);
        });
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

fn read(reader: &Reader, jobs: &Mutex<mpsc::Receiver<Job>>, load: &Load) {
    loop {
        let job = lock(jobs).recv();
        let Ok(job) = job else { return };
        let begin = Instant::now();
        job(reader);
        load.took(begin.elapsed());
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

    #[tokio::test]
    async fn a_read_that_would_wait_too_long_is_refused_at_once() {
        let directory = tempfile::tempdir().unwrap();
        let database = Database::lock(directory.path()).unwrap();
        database.open_writer().unwrap();
        let readers = Readers::start(&database, Duration::from_millis(50)).unwrap();
        let read =
            || readers.run(|db| Ok(db.query_row("SELECT 1", [], |row| row.get::<_, i64>(0))?));
        for _ in 0..100 {
            readers.load.took(WAIT);
        }
        let queued: Vec<_> = (0..2 * readers.load.threads)
            .map(|_| Waiting::count(&readers.load))
            .collect();
        assert!(matches!(read().await, Err(Error::Unavailable(_))));
        drop(queued);
        assert_eq!(read().await.unwrap(), 1);
        assert_eq!(readers.load.waiting.load(Ordering::Relaxed), 0);
        readers.stop().await;
    }
}
