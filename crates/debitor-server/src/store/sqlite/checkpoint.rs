//! When and how the write-ahead log is moved into the database. Only the connection that writes does
//! it, so that no two ever do it at once.

use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use rusqlite::Connection;
use rusqlite::hooks::Wal;

use super::super::Error;
use super::FILE;
use super::committer::Refusal;
use super::connection::BUSY_TIMEOUT;
use super::partial::sync_directory;
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
    /// As long the log was when it was last moved, and how much of it readers let go.
    tried: Log,
    /// Pages of the log at which it is told that it does not become shorter.
    alarm: u32,
    before: Option<Before>,
}

/// The pages of the log, and how many of them are in the database.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Log {
    pages: u32,
    moved: u32,
    /// Whether others kept it from being moved, or from beginning anew.
    is_held: bool,
}

impl Checkpoints {
    /// Syncs what an earlier process left in the log of this directory: what is read from now on is
    /// on the disk, whether or not the commit that wrote it was answered. Then moves it, if no other
    /// process reads the store.
    pub(super) fn start(
        connection: &mut Connection,
        directory: &Path,
        before: Option<Before>,
    ) -> anyhow::Result<Self> {
        sync_log(directory).map_err(|error| Error::Broken(format!("the log: {error}")))?;
        if patiently(connection, "TRUNCATE")?.is_held {
            tracing::info!("another process reads the store; its log is moved later");
        }
        let pages = Arc::new(AtomicU32::new(0));
        let told = Arc::clone(&pages);
        connection.wal_hook(Some(move |_: &mut Wal, length: i32| {
            told.store(length.try_into().unwrap_or(0), Ordering::Relaxed);
            Ok(())
        }))?;
        Ok(Self {
            pages,
            tried: Log::default(),
            alarm: LONG_PAGES,
            before,
        })
    }

    /// Whether enough was written since the last time.
    pub(super) fn is_due(&self, connection: &Connection) -> bool {
        let pages = self.pages.load(Ordering::Relaxed);
        let has_grown = pages.saturating_sub(self.tried.pages) >= DUE_PAGES;
        has_grown || pages >= DUE_PAGES && self.has_begun_anew(connection)
    }

    /// Whether the log is another one than the last time: only then has less of it been moved. Its
    /// length cannot tell, as one commit may write more than there was before.
    fn has_begun_anew(&self, connection: &Connection) -> bool {
        checkpoint(connection, "NOOP")
            .is_ok_and(|log| log.pages >= DUE_PAGES && log.moved < self.tried.moved)
    }

    /// Moves what readers let it move; when all is moved, the next commit begins the log anew.
    pub(super) fn run(&mut self, connection: &Connection) -> Result<(), Refusal> {
        self.prepare()?;
        let is_long = self.pages.load(Ordering::Relaxed) >= LONG_PAGES;
        self.tried = if is_long {
            patiently(connection, "RESTART")?
        } else {
            checkpoint(connection, "PASSIVE")?
        };
        failpoint::hit("checkpoint.after");
        self.tell();
        Ok(())
    }

    /// Tells of a log that has become long, and again each time that it is twice as long.
    fn tell(&mut self) {
        let Log { pages, moved, .. } = self.tried;
        if moved == pages {
            self.alarm = LONG_PAGES;
        } else if pages >= self.alarm {
            self.alarm = pages.saturating_mul(2);
            tracing::warn!(pages, moved, "a reader or a backup holds the log: it grows");
        }
    }

    /// Moves everything and empties the log, unless somebody else reads it: whether that was so.
    pub(super) fn finish(&mut self, connection: &Connection) -> Result<bool, Refusal> {
        self.prepare()?;
        let log = checkpoint(connection, "TRUNCATE")?;
        failpoint::hit("checkpoint.after");
        Ok(!log.is_held)
    }

    fn prepare(&mut self) -> Result<(), Refusal> {
        if let Some(before) = &mut self.before {
            before().map_err(|error| Refusal::RolledBack(format!("the log's copy: {error}")))?;
        }
        failpoint::hit("checkpoint.before");
        Ok(())
    }
}

/// Syncs the log, and that it is there. SQLite does so before it moves pages, but where a reader
/// holds all of them it moves none.
fn sync_log(directory: &Path) -> io::Result<()> {
    match File::open(directory.join(format!("{FILE}-wal"))) {
        Ok(log) => log.sync_data()?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    }
    sync_directory(directory)
}

/// Waits for readers, but not for long.
fn patiently(connection: &Connection, mode: &str) -> rusqlite::Result<Log> {
    connection.busy_timeout(PATIENCE)?;
    let log = checkpoint(connection, mode);
    connection.busy_timeout(BUSY_TIMEOUT)?;
    log
}

fn checkpoint(connection: &Connection, mode: &str) -> rusqlite::Result<Log> {
    connection.query_row(&format!("PRAGMA wal_checkpoint({mode})"), [], |row| {
        // Without a log there are -1 pages.
        let pages = |column| row.get(column).map(|n: i64| n.try_into().unwrap_or(0));
        Ok(Log {
            is_held: row.get(0)?,
            pages: pages(1)?,
            moved: pages(2)?,
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A store that keeps a log, with the account of it.
    fn store(directory: &tempfile::TempDir) -> (Connection, Checkpoints) {
        let mut db = Connection::open(directory.path().join("db")).unwrap();
        db.execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0; CREATE TABLE t (n);",
        )
        .unwrap();
        let checkpoints = Checkpoints::start(&mut db, directory.path(), None).unwrap();
        (db, checkpoints)
    }

    /// Commits so many pages, or a few more.
    fn write(db: &Connection, pages: u32) {
        db.execute("INSERT INTO t VALUES (zeroblob(4090 * ?1))", [pages])
            .unwrap();
    }

    #[test]
    fn each_log_is_due_at_the_same_length() {
        let directory = tempfile::tempdir().unwrap();
        let (db, mut checkpoints) = store(&directory);
        write(&db, DUE_PAGES - 100);
        assert!(!checkpoints.is_due(&db));
        // The log begins anew with each; the last is one commit that is longer than all before.
        for pages in [DUE_PAGES + 50, DUE_PAGES - 100, DUE_PAGES + 200] {
            write(&db, pages);
            assert_eq!(checkpoints.is_due(&db), pages > DUE_PAGES, "{pages}");
            if pages < DUE_PAGES {
                write(&db, 100);
                assert!(checkpoints.is_due(&db), "{pages} and 100");
            }
            checkpoints.run(&db).unwrap();
            assert!(!checkpoints.is_due(&db), "{pages}, moved");
        }
    }

    #[test]
    fn a_log_that_readers_hold_is_not_tried_at_every_commit() {
        let directory = tempfile::tempdir().unwrap();
        let (db, mut checkpoints) = store(&directory);
        let reader = Connection::open(directory.path().join("db")).unwrap();
        reader
            .execute_batch("BEGIN; SELECT count(*) FROM t;")
            .unwrap();
        write(&db, DUE_PAGES);
        assert!(checkpoints.is_due(&db));
        checkpoints.run(&db).unwrap();
        for _ in 0..3 {
            write(&db, 100);
            assert!(!checkpoints.is_due(&db));
        }
        write(&db, DUE_PAGES - 300);
        assert!(checkpoints.is_due(&db));
    }
}
