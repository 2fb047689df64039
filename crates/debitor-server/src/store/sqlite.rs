//! The embedded store: SQLite with one writer thread and a few readers.
//!
//! Writes that wait together are committed together (`writer`, `committer`), each in a savepoint of
//! its own, and are answered after COMMIT returned. Reads have connections that cannot write
//! (`readers`). `operations` takes each operation's statements, which are in the file of their noun, to
//! one or the other.

mod archive;
mod audit;
mod backup;
mod checkpoint;
mod committer;
mod company;
mod connection;
mod customer;
mod edit;
mod effort;
mod error;
mod export;
mod functions;
mod gauges;
mod grant;
mod idempotency;
mod list;
mod manifest;
mod migrate;
mod operations;
mod partial;
mod points;
mod privacy;
mod readers;
mod restore;
mod row;
mod sales_invoice;
mod snapshot;
mod space;
mod verify;
mod wal;
mod words;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use rusqlite::Connection;

use super::idempotency::{PRUNE_ROWS, Pruning, Running};
use super::metrics::Observed;
use super::writing::Writing;
use super::{Error, Options, Result, Scope, Stored, Write, Written};
use crate::clock::Clock;
use archive::Archive;
pub use backup::backup;
use checkpoint::Checkpoints;
use committer::Committer;
use connection::Database;
use edit::Edit;
use effort::Effort;
pub use error::is_io;
use error::{id_taken, is_taken};
pub(super) use export::Export;
pub use manifest::Manifest;
pub use migrate::{Migrated, migrate};
use points::Points;
use readers::Readers;
pub use restore::restore;
use row::{body, version};
pub use snapshot::require;
use space::Space;
pub use verify::{Counts, verify};
use writer::Writer;

/// The name of the database in its directory.
const FILE: &str = "debitor.db";

/// Told how many bytes of how many are done; an error ends the work.
type Progress<'a> = &'a mut dyn FnMut(u64, u64) -> std::io::Result<()>;

/// A store in a directory that no other process has open.
pub struct SqliteStore {
    writer: Arc<Writer>,
    points: Arc<Points>,
    readers: Readers,
    archive: Option<Arc<Archive>>,
    directory: PathBuf,
    /// Bytes of the disk that writes leave free.
    reserve: u64,
    observed: Observed,
    clock: Arc<dyn Clock>,
    running: Running,
    pruning: Pruning,
    /// Holds the lock that keeps a second process out.
    _database: Database,
}

impl SqliteStore {
    /// Opens the store in `directory`, making or migrating it as needed.
    pub fn open(directory: &Path, options: Options, clock: Arc<dyn Clock>) -> anyhow::Result<Self> {
        let database = Database::lock(directory)?;
        let mut connection = database.open_writer()?;
        let archive = options
            .archive
            .map(|to| Archive::open(to, directory, Arc::clone(&clock)))
            .transpose()?;
        let before = archive
            .as_ref()
            .map(Archive::before_checkpoint)
            .transpose()?;
        let checkpoints = Checkpoints::start(&mut connection, directory, before)?;
        if let Some(archive) = &archive {
            archive.start()?;
        }
        let space = Space::new(directory.to_path_buf(), options.reserve_bytes as u64);
        let observed = Observed::default();
        let points = Arc::new(Points::start(|| database.open_reader())?);
        let committer = Committer::new(
            connection,
            checkpoints,
            Arc::clone(&points),
            space,
            observed.clone(),
        );
        Ok(Self {
            writer: Arc::new(Writer::start(committer)?),
            points,
            readers: Readers::start(&database, options.list)?,
            archive: archive.map(Arc::new),
            directory: directory.to_owned(),
            reserve: options.reserve_bytes as u64,
            observed,
            clock,
            running: Running::default(),
            pruning: Pruning::new(options.upkeep),
            _database: database,
        })
    }

    /// Does the work once for the request's key, if it has one.
    async fn write(
        &self,
        write: Write,
        work: impl FnOnce(&Edit<'_>, &Writing) -> Result<Stored> + Send + 'static,
    ) -> Result<Written> {
        self.prune();
        let claim = self.running.claim(write.idempotency)?;
        let writing = Writing::new(write, &self.clock);
        self.writer
            .run(move |db| {
                let _claim = claim;
                idempotency::once(db, &writing, || work(db, &writing))
            })
            .await
    }

    async fn delete(
        &self,
        write: Write,
        work: impl FnOnce(&Edit<'_>, &Writing) -> Result<()> + Send + 'static,
    ) -> Result<()> {
        let writing = Writing::new(write, &self.clock);
        self.writer.run(move |db| work(db, &writing)).await
    }

    /// Reads rows by their keys.
    fn point<T>(&self, work: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
        self.noticed(self.points.read(work))
    }

    /// Reads an entity of a company that is there for the caller.
    fn entity(
        &self,
        scope: &Scope,
        work: impl FnOnce(&Connection) -> Result<Stored>,
    ) -> Result<Stored> {
        self.noticed(self.points.read_in(scope, work))
    }

    /// Reads a list or counts it, in one snapshot: where it is asked for if that is soon done.
    async fn list<T: Send + 'static>(
        &self,
        work: impl Fn(&Connection, Effort) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        match self.points.read_soon(|db| work(db, Effort::Little)) {
            Err(Error::QueryTimeout) => self.scan(move |db| work(db, Effort::Full)).await,
            read => self.noticed(read),
        }
    }

    /// Reads what may be much, in one snapshot.
    async fn scan<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.noticed(self.readers.run(work).await)
    }

    /// Storage that fails under a read cannot be trusted with writes.
    fn noticed<T>(&self, result: Result<T>) -> Result<T> {
        if let Err(Error::Broken(why)) = &result {
            self.writer.fail(why);
        }
        result
    }

    /// Has old outcomes of repeated requests forgotten, when it is time.
    fn prune(&self) {
        let Some(cutoff) = self.pruning.due(self.clock.now(), Instant::now()) else {
            return;
        };
        let writer = Arc::clone(&self.writer);
        tokio::spawn(async move {
            while let Ok(PRUNE_ROWS) = writer.run(move |db| idempotency::prune(db, cutoff)).await {}
        });
    }
}
