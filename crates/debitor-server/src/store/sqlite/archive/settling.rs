//! Copying the rest of the log before a checkpoint, on a thread of its own: writes wait for the
//! checkpoint, and must not wait for a file system that hangs.

use std::io;
use std::sync::atomic::Ordering;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use super::super::checkpoint::Before;
use super::Shared;

/// How long a checkpoint waits for the archive.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);

/// What whoever checkpoints calls before.
pub(super) fn before(shared: &Arc<Shared>, patience: Duration) -> io::Result<Before> {
    let (ask, asked) = mpsc::channel();
    let (answer, answered) = mpsc::channel();
    let settling = Arc::clone(shared);
    thread::Builder::new()
        .name("archive-settle".into())
        .spawn(move || {
            for () in asked {
                settling.settle();
                // Whoever asked may have gone on.
                let _ = answer.send(());
            }
        })?;
    let shared = Arc::clone(shared);
    let mut hangs = false;
    Ok(Box::new(move || {
        // One that hangs is waited for again when it has answered what it was asked last.
        if !hangs || answered.try_recv().is_ok() {
            let is_asked = ask.send(()).is_ok();
            let is_settled = is_asked && answered.recv_timeout(patience).is_ok();
            if !is_settled && !hangs {
                tracing::error!("the archive does not answer; it is left behind");
            }
            hangs = !is_settled;
        }
        if hangs {
            shared.missed.fetch_add(1, Ordering::Release);
        }
        Ok(())
    }))
}
