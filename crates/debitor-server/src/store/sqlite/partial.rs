//! Directories that are there as a whole or not at all: made under another name, and renamed once
//! everything in them is on the disk.

use std::fs::{self, DirBuilder, File, TryLockError};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use super::connection::OWNER_ONLY;

/// A directory that is being made.
pub(super) struct Partial {
    target: PathBuf,
    path: PathBuf,
    /// Locked, so that no second process makes the same directory.
    directory: File,
}

impl Partial {
    /// Begins `target`, which is not there yet or is empty. What an earlier attempt that was
    /// interrupted left behind goes.
    pub(super) fn begin(target: &Path) -> anyhow::Result<Self> {
        let target = std::path::absolute(target)?;
        if !is_free(&target)? {
            bail!("{} is there already", target.display());
        }
        let name = target.file_name().context("the target has no name")?;
        let mut name = name.to_owned();
        name.push(".partial");
        let path = target.with_file_name(name);
        let directory =
            make(&path).with_context(|| format!("cannot make the directory {}", path.display()))?;
        match directory.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => bail!("another process makes {}", target.display()),
            Err(TryLockError::Error(error)) => return Err(error.into()),
        }
        for entry in fs::read_dir(&path)? {
            fs::remove_file(entry?.path())?;
        }
        Ok(Self {
            target,
            path,
            directory,
        })
    }

    /// Where it is while it is being made.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Puts it in its place. The files in it must be on the disk.
    pub(super) fn finish(self) -> anyhow::Result<()> {
        self.directory.sync_all()?;
        fs::rename(&self.path, &self.target)
            .with_context(|| format!("cannot make {}", self.target.display()))?;
        let parent = self.target.parent().context("the target has no parent")?;
        sync_directory(parent)?;
        Ok(())
    }
}

/// What was renamed or made in a directory stays only once the directory itself is on the disk.
pub(super) fn sync_directory(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

fn make(path: &Path) -> io::Result<File> {
    DirBuilder::new()
        .recursive(true)
        .mode(OWNER_ONLY)
        .create(path)?;
    File::open(path)
}

fn is_free(target: &Path) -> io::Result<bool> {
    match fs::read_dir(target) {
        Ok(mut entries) => Ok(entries.next().is_none()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_there_once_it_is_finished() {
        let parent = tempfile::tempdir().unwrap();
        let target = parent.path().join("made");
        let partial = Partial::begin(&target).unwrap();
        File::create(partial.path().join("file")).unwrap();
        assert!(!target.exists());
        partial.finish().unwrap();
        assert!(target.join("file").exists());
        assert!(Partial::begin(&target).is_err());
    }

    #[test]
    fn the_remains_of_an_interrupted_attempt_go() {
        let parent = tempfile::tempdir().unwrap();
        let target = parent.path().join("made");
        let interrupted = Partial::begin(&target).unwrap();
        File::create(interrupted.path().join("old")).unwrap();
        assert!(Partial::begin(&target).is_err(), "it is still being made");
        drop(interrupted);
        Partial::begin(&target).unwrap().finish().unwrap();
        assert!(!target.join("old").exists());
    }
}
