//! Stores made from backups.

use std::path::Path;

use anyhow::{Context, ensure};
use chrono::{DateTime, Utc};
use rusqlite::Connection;

use super::manifest::Manifest;
use super::partial::Partial;
use super::{FILE, migrate};
use crate::failpoint;

/// Makes the store `target`, which is not there yet, from the backup in `from`. Returns the instant
/// whose state it has.
pub fn restore(
    from: &Path,
    target: &Path,
    progress: &mut dyn FnMut(u64, u64),
) -> anyhow::Result<DateTime<Utc>> {
    let manifest = Manifest::read(from)?;
    migrate::known(manifest.schema)?;
    let partial = Partial::begin(target)?;
    let file = partial.path().join(FILE);
    manifest.copy(&from.join(FILE), &file, progress)?;
    failpoint::hit("restore.copied");
    check(&file)?;
    failpoint::hit("restore.before_rename");
    partial.finish()?;
    failpoint::hit("restore.done");
    Ok(manifest.at)
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

    fn quiet(_: u64, _: u64) {}

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
        let refused = restore(&directory.path().join("backup"), &target, &mut quiet);
        assert!(!target.exists());
        refused.unwrap_err().to_string()
    }

    #[test]
    fn a_backup_becomes_a_store() {
        let directory = backed_up();
        let target = directory.path().join("restored");
        restore(&directory.path().join("backup"), &target, &mut quiet).unwrap();
        let names: Vec<_> = fs::read_dir(&target)
            .unwrap()
            .map(|e| e.unwrap().file_name())
            .collect();
        assert_eq!(names, [FILE]);
        Database::lock(&target).unwrap().open_writer().unwrap();
        let again = restore(&directory.path().join("backup"), &target, &mut quiet);
        assert!(again.unwrap_err().to_string().contains("is there already"));
    }

    #[test]
    fn a_truncated_an_edited_and_a_foreign_backup_are_refused() {
        let directory = backed_up();
        let file = directory.path().join("backup").join(FILE);
        let bytes = file.metadata().unwrap().len();
        let open = fs::File::options().write(true).open(&file).unwrap();
        open.write_all_at(b"\x01", bytes - 7).unwrap();
        assert!(refusal(&directory).contains("edited"));
        open.set_len(bytes - 1).unwrap();
        assert!(refusal(&directory).contains("truncated"));
        fs::remove_file(directory.path().join("backup/manifest.json")).unwrap();
        assert!(refusal(&directory).contains("manifest.json"));
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
