//! The database's files: the lock, and the settings of each connection.

use std::fs::{DirBuilder, File, TryLockError};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use super::{FILE, functions, migrate};
use crate::failpoint;

/// Versions of SQLite below this one can lose committed writes in WAL mode.
const SAFE_SQLITE: i32 = 3_051_003;

/// The mode of a directory that we make: nobody else reads people's data.
pub(super) const OWNER_ONLY: u32 = 0o700;

/// How long a statement waits for another process that has the database open.
pub(super) const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// A directory with a database that this process alone has open.
pub(super) struct Database {
    path: PathBuf,
    _lock: File,
}

impl Database {
    /// Makes the directory if need be, and keeps other processes out of it.
    pub(super) fn lock(directory: &Path) -> anyhow::Result<Self> {
        ensure!(
            rusqlite::version_number() >= SAFE_SQLITE,
            "SQLite {} can lose committed writes; 3.51.3 or newer is needed",
            rusqlite::version()
        );
        DirBuilder::new()
            .recursive(true)
            .mode(OWNER_ONLY)
            .create(directory)
            .with_context(|| format!("cannot make the directory {}", directory.display()))?;
        let lock = File::create(directory.join("lock"))
            .with_context(|| format!("cannot write in {}", directory.display()))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self {
                path: directory.join(FILE),
                _lock: lock,
            }),
            Err(TryLockError::WouldBlock) => {
                bail!(
                    "the store in {} is in use by another process",
                    directory.display()
                )
            }
            Err(TryLockError::Error(error)) => Err(error).context("cannot lock the store"),
        }
    }

    /// Opens the one connection that writes, and brings the schema up to date.
    pub(super) fn open_writer(&self) -> anyhow::Result<Connection> {
        let mut connection =
            self.open(OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE)?;
        ensure!(
            keep_log(&connection)? == ["wal"],
            "{} cannot keep a write-ahead log",
            self.path.display()
        );
        connection.pragma_update(None, "synchronous", failpoint::synchronous())?;
        connection.execute_batch("PRAGMA foreign_keys = OFF; PRAGMA secure_delete = ON;")?;
        migrate::apply(&mut connection)?;
        connection.pragma_update(None, "foreign_keys", true)?;
        Ok(connection)
    }

    /// Opens a connection that only reads. It never checkpoints: only the writer does.
    pub(super) fn open_reader(&self) -> anyhow::Result<Connection> {
        let connection = self.open(OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        connection.execute_batch("PRAGMA query_only = ON; PRAGMA wal_autocheckpoint = 0;")?;
        Ok(connection)
    }

    fn open(&self, flags: OpenFlags) -> anyhow::Result<Connection> {
        let flags = flags | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(&self.path, flags)
            .with_context(|| format!("cannot open {}", self.path.display()))?;
        connection.busy_timeout(BUSY_TIMEOUT)?;
        connection.execute_batch("PRAGMA trusted_schema = OFF;")?;
        // Otherwise the planner looks at the values that are bound, and every statement that names a
        // row by its key would be compiled again each time it runs.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
        connection.set_prepared_statement_cache_capacity(64);
        functions::add_to(&connection)?;
        Ok(connection)
    }
}

/// Turns the write-ahead log on, and says which mode the database has. The statement is read to its
/// end: it tells the mode before it commits the change, and an error comes only then.
fn keep_log(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    let mut pragma = connection.prepare("PRAGMA journal_mode = WAL")?;
    pragma.query_map([], |row| row.get(0))?.collect()
}

#[cfg(test)]
mod tests {
    use rusqlite::StatementStatus;

    use super::*;

    #[test]
    fn a_second_opening_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let held = Database::lock(directory.path()).unwrap();
        let refusal = Database::lock(directory.path()).err().unwrap();
        assert!(refusal.to_string().contains("in use"), "{refusal}");
        drop(held);
        Database::lock(directory.path()).unwrap();
    }

    #[test]
    fn writes_are_synced_in_full_and_readers_cannot_write() {
        let directory = tempfile::tempdir().unwrap();
        let database = Database::lock(directory.path()).unwrap();
        let writer = database.open_writer().unwrap();
        let synchronous: i32 = writer
            .query_row("PRAGMA synchronous", [], |r| r.get(0))
            .unwrap();
        assert_eq!(synchronous, 2);
        let reader = database.open_reader().unwrap();
        assert!(reader.execute("DELETE FROM company", []).is_err());
    }

    #[test]
    fn statements_are_compiled_once_whatever_is_bound() {
        let directory = tempfile::tempdir().unwrap();
        let database = Database::lock(directory.path()).unwrap();
        let connection = database.open_writer().unwrap();
        let mut statement = connection
            .prepare("SELECT body FROM company WHERE id = ?1 AND tenant_id = ?2")
            .unwrap();
        for n in 0..3_u8 {
            statement.exists([[n; 16], [n; 16]]).unwrap();
        }
        assert_eq!(statement.get_status(StatementStatus::RePrepare), 0);
    }
}
