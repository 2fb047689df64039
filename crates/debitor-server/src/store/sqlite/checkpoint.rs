//! When and how the write-ahead log is moved into the database. Only the connection that writes does
//! it, so that no two ever do it at once.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use rusqlite::Connection;
use rusqlite::hooks::Wal;

use super::committer::Refusal;
use super::connection::BUSY_TIMEOUT;
use crate::failpoint;

/// Pages of the log, since it was last moved, after which it is moved again: 2 MiB. Writes wait
/// meanwhile, and what one of a hundred waits for is this: with 8 MiB it was 8 to 20 ms.
const DUE_PAGES: u32 = 512;
/// Pages of the log from which readers are waited for, so that it can begin anew: 64 MiB.
const LONG_PAGES: u32 = 16 * 1024;

/// How long readers are waited for, while writes wait too.
const PATIENCE: Duration = Duration::from_millis(100);

/// Called before the log may begin anew, so that whoever copies it has all of it.
pub(super) type Before = Box<dyn FnMut() -> io::Result<()> + Send>;

/// Keeps the account of the log's length.
pub(super) struct Checkpoints {
    /// As the last commit told.
    pages: Arc<AtomicU32>,
    /// Of these, how many have been moved.
    moved: u32,
    before: Option<Before>,
}

impl Checkpoints {
    /// Moves what an earlier process left in the log. This also syncs it: what is read from now on
    /// is on the disk, whether or not the commit that wrote it was answered.
    pub(super) fn start(
        connection: &mut Connection,
        before: Option<Before>,
    ) -> rusqlite::Result<Self> {
        checkpoint(connection, "TRUNCATE")?;
        let pages = Arc::new(AtomicU32::new(0));
        let told = Arc::clone(&pages);
        connection.wal_hook(Some(move |_: &mut Wal, length: i32| {
            told.store(length.try_into().unwrap_or(0), Ordering::Relaxed);
            Ok(())
        }))?;
        Ok(Self {
            pages,
            moved: 0,
            before,
        })
    }

    /// Whether enough was written since the last time.
    pub(super) fn is_due(&self) -> bool {
        let pages = self.pages.load(Ordering::Relaxed);
        // A log that is shorter than what was moved of it has begun anew.
        let waiting = pages.checked_sub(self.moved).unwrap_or(pages);
        waiting >= DUE_PAGES
    }

    /// Moves what readers let it move; when all is moved, the next commit begins the log anew.
    pub(super) fn run(&mut self, connection: &Connection) -> Result<(), Refusal> {
        let pages = self.pages.load(Ordering::Relaxed);
        let moved = if pages < LONG_PAGES {
            self.checkpoint(connection, "PASSIVE")?
        } else {
            connection.busy_timeout(PATIENCE)?;
            let moved = self.checkpoint(connection, "RESTART");
            connection.busy_timeout(BUSY_TIMEOUT)?;
            moved?
        };
        self.moved = pages;
        if moved < pages {
            tracing::debug!(pages, moved, "readers hold back a part of the log");
        }
        Ok(())
    }

    /// Moves everything and empties the log.
    pub(super) fn finish(&mut self, connection: &Connection) -> Result<(), Refusal> {
        self.checkpoint(connection, "TRUNCATE").map(drop)
    }

    fn checkpoint(&mut self, connection: &Connection, mode: &str) -> Result<u32, Refusal> {
        if let Some(before) = &mut self.before {
            before().map_err(|error| Refusal::RolledBack(format!("the log's copy: {error}")))?;
        }
        failpoint::hit("checkpoint.before");
        let moved = checkpoint(connection, mode)?;
        failpoint::hit("checkpoint.after");
        Ok(moved)
    }
}

/// Says how many pages of the log were moved.
fn checkpoint(connection: &Connection, mode: &str) -> rusqlite::Result<u32> {
    let moved: i64 =
        connection.query_row(&format!("PRAGMA wal_checkpoint({mode})"), [], |row| {
            row.get(2)
        })?;
    Ok(moved.try_into().unwrap_or(0))
}
