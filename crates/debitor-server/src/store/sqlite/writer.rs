//! Writes on their way to the disk.
//!
//! A write that finds no other under way is committed where it is, without a hop to another thread.
//! The others queue for the writer thread, which takes what waits as one group, commits it, then
//! answers. So one client alone pays for one sync and nothing else, and many share each sync.

mod queued;
mod shared;
mod thread;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread::{Builder, JoinHandle};
use std::time::Instant;

use super::super::{Error, Result};
use super::committer::{Committer, Job};
use super::edit::Edit;
use queued::Queued;
use shared::Shared;
use thread::Message;

/// Writes that may wait; one more is refused.
const QUEUE: usize = 4096;

/// The way to the disk.
pub(super) struct Writer {
    queue: Mutex<Option<mpsc::SyncSender<Message>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
    shared: Arc<Shared>,
}

impl Writer {
    pub(super) fn start(committer: Committer) -> std::io::Result<Self> {
        let (queue, messages) = mpsc::sync_channel(QUEUE);
        let shared = Arc::new(Shared::new(committer));
        let own = Arc::clone(&shared);
        let thread = Builder::new()
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
        work: impl FnOnce(&Edit<'_>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let pending = Pending::new(&self.shared.pending);
        if pending.is_alone()
            && self.shared.is_quick()
            && let Some(committer) = self.shared.try_lock()
        {
            return self.run_here(committer, work);
        }
        let (queued, outcome) = Queued::new(work);
        self.submit(Box::new(queued))?;
        outcome.await.unwrap_or_else(|_| Err(stopped()))
    }

    /// Commits on this thread. It is the runtime's, but for no longer than a quick disk takes.
    fn run_here<T>(
        &self,
        mut committer: MutexGuard<'_, Option<Committer>>,
        work: impl FnOnce(&Edit<'_>) -> Result<T>,
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

    /// Makes the files anew; writes wait meanwhile. To be called where a thread may wait.
    pub(super) fn renew(&self) -> Result<bool> {
        let mut committer = self.shared.lock();
        let renewed = committer.as_mut().ok_or_else(stopped)?.renew();
        if let Err(refusal) = &renewed
            && refusal.is_fatal()
        {
            self.shared.fail(&mut committer, &format!("{refusal:?}"));
        }
        Ok(renewed?)
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

#[cfg(test)]
mod tests;
