//! Reading a store from another process than the one that writes it.
//!
//! Only the writer checkpoints, so a connection of these never does, not even when it is the last
//! one to close.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, ensure};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use super::{FILE, migrate};

/// Refuses a directory without a store.
pub fn require(directory: &Path) -> anyhow::Result<()> {
    open(directory).map(drop)
}

/// Opens the database of a store that is there, to read it, whether or not a server runs on it.
pub(super) fn open(directory: &Path) -> anyhow::Result<Connection> {
    let path = directory.join(FILE);
    ensure!(
        path.exists(),
        "there is no store in {}",
        directory.display()
    );
    let connection = open_file(&path)?;
    let schema = migrate::schema(&connection)?;
    ensure!(schema > 0, "{} is empty", path.display());
    Ok(connection)
}

/// Reading a write-ahead log takes the right to write: its index is shared memory in a file.
fn open_file(path: &Path) -> anyhow::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)
        .with_context(|| format!("cannot open {}", path.display()))?;
    connection.busy_timeout(Duration::from_secs(5))?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    connection.execute_batch(
        "PRAGMA query_only = ON; PRAGMA trusted_schema = OFF; PRAGMA wal_autocheckpoint = 0;",
    )?;
    Ok(connection)
}
