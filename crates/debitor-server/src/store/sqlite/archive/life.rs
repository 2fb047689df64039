//! A life of the log, from one beginning to the next, in its two files: the frames as SQLite wrote
//! them, and lines that say how many bytes of them there were at which instant.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};

use super::super::manifest::Position;
use super::super::partial::sync_directory;
use super::super::wal::{self, Place};
use super::generation::lost;
use crate::failpoint;

/// The name of a life's file in its generation.
pub(super) fn file(generation: &Path, number: u64, kind: &str) -> PathBuf {
    generation.join(format!("{number:08}.{kind}"))
}

/// A life of the log that is being copied.
pub(super) struct Life {
    generation: PathBuf,
    pub(super) number: u64,
    /// Up to where it was copied: always the end of a transaction.
    copied: Place,
    /// The length of the file with the instants.
    noted: u64,
    /// Whether an instant is still to be noted of what was copied.
    is_new: bool,
    /// Whether nothing was written since it was copied before a checkpoint.
    pub(super) settled: bool,
}

impl Life {
    pub(super) fn begin(
        generation: &Path,
        number: u64,
        header: &[u8; wal::HEADER],
        start: Place,
    ) -> io::Result<Self> {
        // An attempt that failed may have left both.
        File::create(file(generation, number, "times"))?;
        File::create(file(generation, number, "wal"))?.write_all_at(header, 0)?;
        sync_directory(generation)?;
        Ok(Self {
            generation: generation.to_owned(),
            number,
            copied: start,
            noted: 0,
            is_new: false,
            settled: false,
        })
    }

    pub(super) fn is_same(&self, place: Place) -> bool {
        self.copied.is_same_life(&place)
    }

    pub(super) fn is_before(&self, place: Place) -> bool {
        place.is_next_life(&self.copied)
    }

    pub(super) fn position(&self) -> Position {
        Position {
            life: self.number,
            end: self.copied.offset,
        }
    }

    /// Copies the transactions that are new, down to the disk.
    pub(super) fn copy(&mut self, log: &mut File) -> io::Result<()> {
        if !self.goes_on(log)? {
            return Ok(());
        }
        let target = self.open("wal")?;
        log.seek(SeekFrom::Start(self.copied.offset))?;
        (&target).seek(SeekFrom::Start(self.copied.offset))?;
        let mut reader = BufReader::with_capacity(1 << 18, log);
        let mut writer = BufWriter::with_capacity(1 << 18, &target);
        failpoint::hit("archive.append");
        // What is copied of a transaction that is not committed is written over later.
        let take = |frame: &[u8]| writer.write_all(frame);
        let copied = wal::walk(&mut reader, self.copied, u64::MAX, take)?;
        writer.flush()?;
        drop(writer);
        if copied != self.copied {
            failpoint::hit("archive.before_sync");
            target.sync_data()?;
            self.copied = copied;
            self.is_new = true;
            self.settled = false;
        }
        Ok(())
    }

    /// Notes that everything that was copied was there at this instant, unless it was noted.
    pub(super) fn note(&mut self, at: DateTime<Utc>) -> io::Result<()> {
        if !self.is_new {
            return Ok(());
        }
        let line = format!("{} {}\n", at.timestamp_millis(), self.copied.offset);
        let target = self.open("times")?;
        target.write_all_at(line.as_bytes(), self.noted)?;
        target.sync_data()?;
        self.noted += line.len() as u64;
        self.is_new = false;
        Ok(())
    }

    /// Whether the log still holds what was copied, and may hold more. It may have begun anew since
    /// its header was read; and a commit that failed can be written over.
    fn goes_on(&self, log: &mut File) -> io::Result<bool> {
        let Some(offset) = self.copied.last_frame() else {
            return Ok(true);
        };
        let mut header = [0; wal::FRAME_HEADER];
        log.seek(SeekFrom::Start(offset))?;
        let is_there = log.read_exact(&mut header).is_ok() && self.copied.ends(&header);
        if is_there || self.settled {
            Ok(is_there)
        } else {
            Err(lost("the log is not the one that was copied"))
        }
    }

    /// Opened each time, so that a file that is gone is noticed.
    fn open(&self, kind: &str) -> io::Result<File> {
        let path = file(&self.generation, self.number, kind);
        File::options().write(true).open(path)
    }
}
