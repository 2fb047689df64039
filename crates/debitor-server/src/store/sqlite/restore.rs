//! Stores made from backups and archives.

use std::path::Path;

use anyhow::{Context, ensure};
use chrono::{DateTime, Utc};
use rusqlite::Connection;

use super::archive::{Point, is_archive};
use super::manifest::Manifest;
use super::partial::Partial;
use super::{FILE, Progress, migrate};
use crate::failpoint;

/// Makes the store `target`, which is not there yet, from a backup, or from an archive as it was at
/// an instant. Returns the instant whose state it has.
pub fn restore(
    from: &Path,
    at: Option<DateTime<Utc>>,
    target: &Path,
    progress: Progress<'_>,
) -> anyhow::Result<DateTime<Utc>> {
    if Manifest::is_in(from) {
        ensure!(
            at.is_none(),
            "a backup has one state only: leave out the instant"
        );
        let manifest = Manifest::read(from)?;
        make(&manifest, from, target, progress, &|_| Ok(()))?;
        Ok(manifest.at)
    } else {
        let is_archive = is_archive(from)?;
        ensure!(
            is_archive,
            "{} is neither a backup nor an archive",
            from.display()
        );
        let point = Point::find(from, at)?;
        make(&point.manifest, &point.base, target, progress, &|file| {
            point.replay(file)
        })?;
        Ok(point.at)
    }
}

/// Copies the database that the manifest describes, completes it, checks it, and puts it in place.
fn make(
    manifest: &Manifest,
    from: &Path,
    target: &Path,
    progress: Progress<'_>,
    complete: &dyn Fn(&Path) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    migrate::known(manifest.schema)?;
    let partial = Partial::begin(target)?;
    let file = partial.path().join(FILE);
    manifest.copy(&from.join(FILE), &file, progress)?;
    failpoint::hit("restore.copied");
    complete(&file)?;
    check(&file)?;
    failpoint::hit("restore.before_rename");
    partial.finish()?;
    failpoint::hit("restore.done");
    Ok(())
}

/// Refuses a database whose pages or indexes are damaged, though they came as they were written.
fn check(file: &Path) -> anyhow::Result<()> {
    let connection = Connection::open(file)?;
    let line: String = connection
        .query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))
        .context("the backup is damaged")?;
    ensure!(line == "ok", "the backup is damaged: {line}");
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::FileExt;

    use tempfile::TempDir;

    use super::super::backup::backup;
    use super::super::connection::Database;
    use super::*;
    use crate::clock::SystemClock;

    #[expect(
        clippy::unnecessary_wraps,
        reason = "a progress that never ends the work"
    )]
    fn quiet(_: u64, _: u64) -> std::io::Result<()> {
        Ok(())
    }

    /// A directory with a backup named `backup`.
    fn backed_up() -> TempDir {
        let directory = TempDir::new().unwrap();
        let store = directory.path().join("store");
        drop(Database::lock(&store).unwrap().open_writer().unwrap());
        let target = directory.path().join("backup");
        backup(&store, &target, &SystemClock::default(), &mut quiet).unwrap();
        directory
    }

    fn refusal(directory: &TempDir) -> String {
        let target = directory.path().join("restored");
        let refused = restore(&directory.path().join("backup"), None, &target, &mut quiet);
        assert!(!target.exists());
        refused.unwrap_err().to_string()
    }

    #[test]
    fn a_backup_becomes_a_store() {
        let directory = backed_up();
        let target = directory.path().join("restored");
        restore(&directory.path().join("backup"), None, &target, &mut quiet).unwrap();
        let names: Vec<_> = fs::read_dir(&target)
            .unwrap()
            .map(|e| e.unwrap().file_name())
            .collect();
        assert_eq!(names, [FILE]);
        Database::lock(&target).unwrap().open_writer().unwrap();
        let again = restore(&directory.path().join("backup"), None, &target, &mut quiet);
        assert!(again.unwrap_err().to_string().contains("is there already"));
    }

    #[test]
    fn a_truncated_an_edited_and_a_foreign_backup_are_refused() {
        let directory = backed_up();
        let file = directory.path().join("backup").join(FILE);
        let bytes = file.metadata().unwrap().len();
        let open = fs::File::options()
            .read(true)
            .write(true)
            .open(&file)
            .unwrap();
        // Each store has a secret of its own, so that no byte is known: one is turned over.
        let mut byte = [0];
        open.read_exact_at(&mut byte, bytes - 7).unwrap();
        open.write_all_at(&[!byte[0]], bytes - 7).unwrap();
        assert!(refusal(&directory).contains("edited"));
        open.set_len(bytes - 1).unwrap();
        assert!(refusal(&directory).contains("truncated"));
        fs::remove_file(directory.path().join("backup/manifest.json")).unwrap();
        assert!(refusal(&directory).contains("neither a backup nor an archive"));
    }

    #[test]
    fn a_backup_of_a_newer_program_is_refused() {
        let directory = backed_up();
        let backup = directory.path().join("backup");
        let manifest = Manifest {
            schema: 1000,
            ..Manifest::read(&backup).unwrap()
        };
        manifest.write(&backup).unwrap();
        assert!(refusal(&directory).contains("newer program"));
    }
}
