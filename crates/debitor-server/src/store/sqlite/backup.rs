//! Backups of a store that is in use: a copy of one snapshot, page by page, beside its manifest.

use std::fs::File;
use std::path::Path;

use anyhow::bail;
use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, OpenFlags};

use super::manifest::Manifest;
use super::partial::Partial;
use super::{FILE, Progress, migrate, snapshot};
use crate::clock::Clock;
use crate::failpoint;

/// The pages that are copied between two calls of `progress`: 4 MiB.
const STEP: i32 = 1024;

/// Makes a backup of the store as the new directory `target`; a server can go on writing meanwhile.
/// `progress` is told how many bytes of how many are done.
pub fn backup(
    store: &Path,
    target: &Path,
    clock: &dyn Clock,
    progress: Progress<'_>,
) -> anyhow::Result<Manifest> {
    let source = snapshot::open(store)?;
    let partial = Partial::begin(target)?;
    let file = partial.path().join(FILE);
    let at = clock.now();
    copy(&source, &file, progress)?;
    failpoint::hit("backup.copied");
    let manifest = Manifest::describe(&file, migrate::schema(&source)?, at)?;
    manifest.write(partial.path())?;
    failpoint::hit("backup.before_rename");
    partial.finish()?;
    failpoint::hit("backup.done");
    Ok(manifest)
}

/// Copies a snapshot of the database, page by page, down to the disk.
pub(super) fn copy(
    source: &Connection,
    target: &Path,
    progress: Progress<'_>,
) -> anyhow::Result<()> {
    // As long as this connection reads, its snapshot stays, and SQLite does not begin the copy anew
    // when others write.
    let snapshot = source.unchecked_transaction()?;
    let page: u32 = snapshot.query_row("PRAGMA page_size", [], |row| row.get(0))?;
    let _: u32 = snapshot.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE;
    let mut copy = Connection::open_with_flags(target, flags)?;
    // Half a copy is of no use to anybody, so nothing guards it.
    copy.execute_batch("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;")?;
    let backup = Backup::new(&snapshot, &mut copy)?;
    loop {
        let step = backup.step(STEP)?;
        let pages = backup.progress();
        let bytes = |pages: i32| u64::from(pages.unsigned_abs()) * u64::from(page);
        progress(
            bytes(pages.pagecount - pages.remaining),
            bytes(pages.pagecount),
        )?;
        match step {
            StepResult::More => {}
            StepResult::Done => break,
            _ => bail!("the store is locked by another process"),
        }
    }
    drop(backup);
    drop(copy);
    File::open(target)?.sync_all()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::super::connection::Database;
    use super::*;
    use crate::clock::SystemClock;

    /// A store with one table, of 40 MB, and the connection that writes it.
    fn store(directory: &Path) -> Connection {
        let writer = Database::lock(directory).unwrap().open_writer().unwrap();
        writer
            .execute_batch(
                "CREATE TABLE t (n, filler);
                 WITH RECURSIVE row(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM row LIMIT 10000)
                 INSERT INTO t SELECT 0, zeroblob(4000) FROM row;",
            )
            .unwrap();
        writer
    }

    #[test]
    fn what_is_written_meanwhile_is_not_in_it() {
        let directory = tempfile::tempdir().unwrap();
        let (source, target) = (directory.path().join("a"), directory.path().join("b"));
        let writer = store(&source);
        let (steps, last) = (Cell::new(0), Cell::new(0));
        let manifest = backup(&source, &target, &SystemClock::default(), &mut |done, _| {
            assert!(done >= last.replace(done), "the copy began anew");
            steps.set(steps.get() + 1);
            writer.execute("UPDATE t SET n = n + 1", []).unwrap();
            Ok(())
        });
        let manifest = manifest.unwrap();
        assert!(steps.get() > 5);
        assert_eq!(manifest.bytes, target.join(FILE).metadata().unwrap().len());
        let copy = Connection::open(target.join(FILE)).unwrap();
        let sum: i64 = copy
            .query_row("SELECT sum(n) FROM t", [], |row| row.get(0))
            .unwrap();
        assert_eq!(sum, 0);
    }

    #[test]
    fn an_existing_target_and_a_missing_store_are_refused() {
        let directory = tempfile::tempdir().unwrap();
        let source = directory.path().join("a");
        let mut quiet = |_, _| Ok(());
        let refused = backup(
            &source,
            &directory.path().join("b"),
            &SystemClock::default(),
            &mut quiet,
        );
        assert!(
            refused
                .unwrap_err()
                .to_string()
                .contains("there is no store")
        );
        drop(store(&source));
        let refused = backup(&source, &source, &SystemClock::default(), &mut quiet);
        assert!(
            refused
                .unwrap_err()
                .to_string()
                .contains("is there already")
        );
    }
}
