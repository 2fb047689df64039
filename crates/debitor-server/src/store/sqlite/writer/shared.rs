//! What those who write and the writer thread share: the connection, how busy and how quick it is,
//! and whether the storage has failed.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::Duration;

use tokio::sync::watch;

use super::super::committer::Committer;

/// A commit that takes longer is not for a thread of the runtime: 2 ms.
const QUICK_MICROS: u64 = 2000;

pub(super) struct Shared {
    /// What commits; there is none once the store has stopped.
    committer: Mutex<Option<Committer>>,
    /// Writes that were taken and are not answered.
    pub(super) pending: AtomicUsize,
    /// How long the last commit took, in microseconds.
    commit_micros: AtomicU64,
    /// Whether the storage has failed.
    pub(super) failed: watch::Sender<bool>,
}

impl Shared {
    pub(super) fn new(committer: Committer) -> Self {
        Self {
            committer: Mutex::new(Some(committer)),
            pending: AtomicUsize::new(0),
            commit_micros: AtomicU64::new(0),
            failed: watch::Sender::new(false),
        }
    }

    /// Notes how long a commit took.
    pub(super) fn note(&self, commit: Duration) {
        let micros = commit.as_micros().try_into().unwrap_or(u64::MAX);
        self.commit_micros.store(micros, Ordering::Relaxed);
    }

    /// Whether a commit takes so little that the runtime's other tasks can wait for it.
    pub(super) fn is_quick(&self) -> bool {
        self.commit_micros.load(Ordering::Relaxed) < QUICK_MICROS
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Option<Committer>> {
        self.committer
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn try_lock(&self) -> Option<MutexGuard<'_, Option<Committer>>> {
        match self.committer.try_lock() {
            Ok(committer) => Some(committer),
            Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }

    /// Drops the connection without another word to the disk: what the file holds is in doubt.
    pub(super) fn fail(&self, committer: &mut Option<Committer>, why: &str) {
        std::mem::forget(committer.take());
        self.announce(why);
    }

    /// Says that the storage failed, once.
    pub(super) fn announce(&self, why: &str) {
        if !self.failed.send_replace(true) {
            tracing::error!(reason = %why, "the storage failed; the store takes no more writes");
        }
    }
}
