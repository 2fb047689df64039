//! Room on the disk: below a reserve no write is begun, so that the log can still be moved into the
//! database and the machine goes on.

use std::path::PathBuf;
use std::time::{Duration, Instant};

/// How often the disk is asked.
const ASK_EVERY: Duration = Duration::from_secs(1);

/// Knows whether there is room for writes.
pub(super) struct Space {
    directory: PathBuf,
    reserve: u64,
    asked: Option<Instant>,
    full: Option<String>,
}

impl Space {
    /// Room in this directory, of which `reserve` bytes are not for writes.
    pub(super) fn new(directory: PathBuf, reserve: u64) -> Self {
        Self {
            directory,
            reserve,
            asked: None,
            full: None,
        }
    }

    /// Says why there is no room, if there is none.
    pub(super) fn check(&mut self) -> Result<(), String> {
        if self.asked.is_none_or(|asked| asked.elapsed() >= ASK_EVERY) {
            self.full = self.ask();
            self.asked = Some(Instant::now());
        }
        self.full.clone().map_or(Ok(()), Err)
    }

    /// A disk that does not tell may have room: the write itself will find out.
    fn ask(&self) -> Option<String> {
        let free = free(&self.directory).ok()?;
        let reserve = self.reserve;
        (free < reserve).then(|| format!("{free} bytes are free, {reserve} are kept in reserve"))
    }
}

/// The bytes that are free for this process.
pub(super) fn free(directory: &std::path::Path) -> std::io::Result<u64> {
    let disk = rustix::fs::statvfs(directory)?;
    Ok(disk.f_bavail * disk.f_frsize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reserve_that_is_not_there_refuses() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().to_path_buf();
        assert_eq!(Space::new(path.clone(), 0).check(), Ok(()));
        let refusal = Space::new(path, u64::MAX).check().unwrap_err();
        assert!(refusal.contains("kept in reserve"), "{refusal}");
    }

    #[test]
    fn a_disk_that_does_not_tell_may_have_room() {
        assert_eq!(
            Space::new("/nowhere/at/all".into(), u64::MAX).check(),
            Ok(())
        );
    }
}
