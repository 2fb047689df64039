//! A generation that is being written.

use std::fs::{DirBuilder, File};
use std::io::{self, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::Context;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::super::backup;
use super::super::connection::OWNER_ONLY;
use super::super::manifest::{Manifest, Position};
use super::super::partial::{Partial, sync_directory};
use super::super::wal::{self, Place};
use super::super::{FILE, Progress, migrate, snapshot};
use super::LOCK;
use super::life::Life;
use crate::clock::Clock;
use crate::failpoint;

pub(super) const NAME: &str = "generation.json";
pub(super) const BASE: &str = "base";

/// What a generation says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct About {
    /// When it was begun.
    pub(super) at: DateTime<Utc>,
    /// The generation that goes on until this one has its base.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) during: Option<String>,
}

/// A generation that is being written.
pub(super) struct Generation {
    path: PathBuf,
    life: Option<Life>,
    has_base: bool,
    /// The last instant that was noted.
    noted: DateTime<Utc>,
    /// How many checkpoints did not wait for the archive: now, and when this was begun.
    missed: Arc<AtomicU64>,
    missed_before: u64,
}

impl Generation {
    /// Makes the directory of a new one, in an archive that is still there.
    pub(super) fn begin(
        archive: &Path,
        at: DateTime<Utc>,
        during: Option<&Self>,
        missed: &Arc<AtomicU64>,
    ) -> anyhow::Result<Self> {
        let missed_before = missed.load(Ordering::Acquire);
        // Where the archive's disk is gone, its place on another is not the archive.
        File::open(archive.join(LOCK)).context("the archive is gone")?;
        let path = archive.join(at.format("%Y%m%dT%H%M%S%3fZ").to_string());
        DirBuilder::new().mode(OWNER_ONLY).create(&path)?;
        let during = during.and_then(|other| other.path.file_name()?.to_str().map(str::to_owned));
        let mut about = File::create_new(path.join(NAME))?;
        about.write_all(serde_json::to_string(&About { at, during })?.as_bytes())?;
        about.sync_all()?;
        sync_directory(&path)?;
        sync_directory(archive)?;
        Ok(Self {
            path,
            life: None,
            has_base: false,
            noted: at,
            missed: Arc::clone(missed),
            missed_before,
        })
    }

    pub(super) fn path(&self) -> PathBuf {
        self.path.clone()
    }

    pub(super) fn has_base(&self) -> bool {
        self.has_base
    }

    /// Says that all of the log is here, so that it may begin anew.
    pub(super) fn settle(&mut self) {
        if let Some(life) = &mut self.life {
            life.settled = true;
        }
    }

    /// Copies what is new in the log.
    pub(super) fn ship(&mut self, log: &Path, clock: &dyn Clock) -> io::Result<()> {
        let mut log = match File::open(log) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            opened => opened?,
        };
        let Some((header, start)) = wal::header(&mut log)? else {
            return Ok(());
        };
        let noted = self.noted;
        let life = self.life_of(&header, start)?;
        life.copy(&mut log)?;
        // The instant is taken after the log was read: nothing that was committed later counts.
        let now = clock.now().max(noted);
        self.goes_on()?;
        if let Some(life) = &mut self.life {
            life.note(now)?;
        }
        self.noted = now;
        Ok(())
    }

    /// Whether up to this moment no checkpoint went on without the archive, as they do when it hangs:
    /// then the log may have begun anew while it was copied.
    fn goes_on(&self) -> io::Result<()> {
        if self.missed.load(Ordering::Acquire) == self.missed_before {
            Ok(())
        } else {
            Err(lost("the log was moved before the rest of it was copied"))
        }
    }

    /// The life of the log with this header; a new one must follow the last one's end.
    fn life_of(&mut self, header: &[u8; wal::HEADER], start: Place) -> io::Result<&mut Life> {
        let next = match &self.life {
            None => Some(1),
            Some(life) if life.is_same(start) => None,
            Some(life) if life.settled && life.is_before(start) => Some(life.number + 1),
            Some(_) => return Err(lost("the log began anew before the rest of it was copied")),
        };
        if let Some(number) = next {
            self.life = Some(Life::begin(&self.path, number, header, start)?);
        }
        self.life.as_mut().ok_or_else(|| lost("there is no life"))
    }

    /// Puts the base in its place, once everything in the log up to now was copied.
    pub(super) fn finish(&mut self, base: Base, now: DateTime<Utc>) -> anyhow::Result<()> {
        let Base {
            partial,
            mut manifest,
        } = base;
        self.goes_on()?;
        manifest.at = now.max(self.noted);
        manifest.log = Some(self.life.as_ref().map_or(Position::START, Life::position));
        manifest.write(partial.path())?;
        partial.finish()?;
        self.noted = manifest.at;
        self.has_base = true;
        Ok(())
    }
}

/// The copy of the database that a generation begins with.
pub(super) struct Base {
    partial: Partial,
    manifest: Manifest,
}

impl Base {
    pub(super) fn copy(
        store: &Path,
        generation: &Path,
        progress: Progress<'_>,
    ) -> anyhow::Result<Self> {
        let source = snapshot::open(store)?;
        let partial = Partial::begin(&generation.join(BASE))?;
        let file = partial.path().join(FILE);
        backup::copy(&source, &file, progress)?;
        failpoint::hit("archive.base");
        let manifest = Manifest::describe(&file, migrate::schema(&source)?, DateTime::UNIX_EPOCH)?;
        Ok(Self { partial, manifest })
    }
}

/// An error that ends the generation.
pub(super) fn lost(why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why)
}
