//! The embedded store: SQLite with one writer thread and a few readers.
//!
//! Writes that wait together are committed together (`writer`, `committer`), each in a savepoint of
//! its own, and are answered after COMMIT returned. Reads have connections that cannot write
//! (`readers`). The statements are in the file of their noun.

mod archive;
mod audit;
mod backup;
mod checkpoint;
mod committer;
mod company;
mod connection;
mod customer;
mod export;
mod gauges;
mod idempotency;
mod manifest;
mod migrate;
mod partial;
mod readers;
mod restore;
mod sales_invoice;
mod snapshot;
mod space;
mod verify;
mod wal;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use async_trait::async_trait;
use bytes::Bytes;
use debitor_api::types::{CustomerCreate, CustomerUpdate, SalesInvoiceCreate, SalesInvoiceUpdate};
use rusqlite::{Connection, Row, Rows};
use uuid::Uuid;

use super::idempotency::{PRUNE_ROWS, Pruning, Running};
use super::metrics::Observed;
use super::writing::Writing;
use super::{
    Conflict, CustomerKey, Entities, Error, Options, Page, PageQuery, Result, Scope, Store, Stored,
    Write, Written,
};
use crate::clock::Clock;
use crate::domain::company::NewCompany;
use crate::domain::version::{Precondition, Version};
use archive::Archive;
pub use backup::backup;
use checkpoint::Checkpoints;
use committer::Committer;
use connection::Database;
pub(super) use export::Export;
use gauges::Gauges;
pub use manifest::Manifest;
pub use migrate::{Migrated, migrate};
use prometheus_client::registry::Registry;
use readers::Readers;
pub use restore::restore;
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
        let before = archive.as_ref().map(Archive::before_checkpoint);
        let checkpoints = Checkpoints::start(&mut connection, before)?;
        if let Some(archive) = &archive {
            archive.start()?;
        }
        let space = Space::new(directory.to_path_buf(), options.reserve_bytes as u64);
        let observed = Observed::default();
        let committer = Committer::new(connection, checkpoints, space, observed.clone());
        Ok(Self {
            writer: Arc::new(Writer::start(committer)?),
            readers: Readers::start(&database)?,
            archive: archive.map(Arc::new),
            directory: directory.to_owned(),
            reserve: options.reserve_bytes as u64,
            observed,
            clock,
            running: Running::default(),
            pruning: Pruning::default(),
            _database: database,
        })
    }

    /// Does the work once for the request's key, if it has one.
    async fn write(
        &self,
        write: Write,
        work: impl FnOnce(&Connection, &Writing) -> Result<Stored> + Send + 'static,
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
        work: impl FnOnce(&Connection, &Writing) -> Result<()> + Send + 'static,
    ) -> Result<()> {
        let writing = Writing::new(write, &self.clock);
        self.writer.run(move |db| work(db, &writing)).await
    }

    /// Reads rows by their keys.
    fn point<T>(&self, work: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
        self.noticed(self.readers.point(work))
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

#[async_trait]
impl Store for SqliteStore {
    async fn company_create(&self, company: NewCompany) -> Result<Uuid> {
        let id = company.id.unwrap_or_else(|| self.clock.new_id());
        let clock = Arc::clone(&self.clock);
        self.writer
            .run(move |db| company::create(db, clock, &company, id))
            .await
    }

    async fn company_list(&self, tenant: Uuid, page: PageQuery) -> Result<Page> {
        self.scan(move |db| company::list(db, tenant, page)).await
    }

    async fn company_get(&self, scope: Scope) -> Result<Bytes> {
        self.point(|db| company::get(db, scope))
    }

    async fn customer_list(&self, scope: Scope, page: PageQuery) -> Result<Page> {
        self.scan(move |db| customer::list(db, scope, page)).await
    }

    async fn customer_count(&self, scope: Scope) -> Result<i32> {
        self.scan(move |db| customer::count(db, scope)).await
    }

    async fn customer_get(&self, scope: Scope, key: CustomerKey) -> Result<Stored> {
        self.point(|db| customer::get(db, scope, key))
    }

    async fn customer_create(
        &self,
        write: Write,
        sales_invoice: Option<Uuid>,
        customer: CustomerCreate,
    ) -> Result<Written> {
        self.write(write, move |db, write| {
            customer::create(db, write, sales_invoice, customer)
        })
        .await
    }

    async fn customer_update(
        &self,
        write: Write,
        key: CustomerKey,
        precondition: Precondition,
        change: CustomerUpdate,
    ) -> Result<Written> {
        self.write(write, move |db, write| {
            customer::update(db, write, key, &precondition, change)
        })
        .await
    }

    async fn customer_delete(
        &self,
        write: Write,
        key: CustomerKey,
        precondition: Precondition,
    ) -> Result<()> {
        self.delete(write, move |db, write| {
            customer::delete(db, write, key, &precondition)
        })
        .await
    }

    async fn sales_invoice_list(&self, scope: Scope, page: PageQuery) -> Result<Page> {
        self.scan(move |db| sales_invoice::list(db, scope, page))
            .await
    }

    async fn sales_invoice_get(&self, scope: Scope, id: Uuid) -> Result<Stored> {
        self.point(|db| sales_invoice::get(db, scope, id))
    }

    async fn sales_invoice_create(
        &self,
        write: Write,
        invoice: SalesInvoiceCreate,
    ) -> Result<Written> {
        self.write(write, move |db, write| {
            sales_invoice::create(db, write, invoice)
        })
        .await
    }

    async fn sales_invoice_update(
        &self,
        write: Write,
        id: Uuid,
        precondition: Precondition,
        change: SalesInvoiceUpdate,
    ) -> Result<Written> {
        self.write(write, move |db, write| {
            sales_invoice::update(db, write, id, &precondition, change)
        })
        .await
    }

    async fn sales_invoice_delete(
        &self,
        write: Write,
        id: Uuid,
        precondition: Precondition,
    ) -> Result<()> {
        self.delete(write, move |db, write| {
            sales_invoice::delete(db, write, id, &precondition)
        })
        .await
    }

    async fn failed(&self) {
        self.writer.failed().await;
    }

    async fn ping(&self) -> Result<()> {
        self.writer.check()?;
        self.scan(|db| Ok(db.query_row("SELECT 1", [], |_| Ok(()))?))
            .await
    }

    fn register(&self, registry: &mut Registry) {
        self.observed.register(registry);
        registry.register_collector(Box::new(Gauges {
            directory: self.directory.clone(),
            reserve: self.reserve,
            writer: Arc::clone(&self.writer),
            archive: self.archive.clone(),
        }));
    }

    async fn close(&self) {
        self.readers.stop().await;
        // A base that is being made would hold up the last checkpoint, which still has the rest of
        // the log copied.
        if let Some(archive) = self.archive.clone() {
            // A panic was logged where it happened; there is nothing left to wait for.
            let _ = tokio::task::spawn_blocking(move || archive.stop()).await;
        }
        self.writer.stop().await;
    }
}

/// A disk that is full or fails is not a fault of ours; whatever else is none of the request's is.
impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::ErrorCode::{
            CannotOpen, DatabaseBusy, DatabaseCorrupt, DatabaseLocked, DiskFull, NotADatabase,
            SystemIoFailure,
        };
        match error.sqlite_error_code() {
            Some(DiskFull) => Self::Full(error.to_string()),
            Some(SystemIoFailure | DatabaseCorrupt | NotADatabase | CannotOpen) => {
                Self::Broken(error.to_string())
            }
            Some(DatabaseBusy | DatabaseLocked) => Self::Unavailable(error.to_string()),
            _ => Self::Internal(error.to_string()),
        }
    }
}

/// Whether the error is that the store could not be read or written.
pub fn is_io(error: &(dyn std::error::Error + 'static)) -> bool {
    use rusqlite::ErrorCode::{DatabaseCorrupt, DiskFull, NotADatabase, SystemIoFailure};
    if let Some(Error::Broken(_) | Error::OutcomeUnknown(_)) = error.downcast_ref() {
        return true;
    }
    error
        .downcast_ref()
        .and_then(rusqlite::Error::sqlite_error_code)
        .is_some_and(|code| {
            matches!(
                code,
                SystemIoFailure | DiskFull | DatabaseCorrupt | NotADatabase
            )
        })
}

/// Whether the statement failed on the unique key that ends with `column`.
fn is_taken(error: &rusqlite::Error, column: &str) -> bool {
    error.sqlite_error_code() == Some(rusqlite::ErrorCode::ConstraintViolation)
        && error.to_string().ends_with(column)
}

/// What failed because the id is taken, told by the unique key's last column, is a conflict.
fn id_taken(error: rusqlite::Error, column: &str, id: Uuid) -> Error {
    if is_taken(&error, column) {
        Error::Conflict(Conflict::IdTaken(id))
    } else {
        error.into()
    }
}

/// The page of a list from its rows of `id, body`, one more of which was asked for than it holds.
fn page(mut rows: Rows<'_>, query: PageQuery, count: Option<i32>) -> rusqlite::Result<Page> {
    let mut entities = Entities::default();
    let (mut last, mut next) = (None, None);
    while let Some(row) = rows.next()? {
        if entities.len() == query.top as usize {
            next = last;
            break;
        }
        last = Some(Uuid::from_bytes(row.get(0)?));
        entities.push(text(row, 1)?, query.top);
    }
    Ok(Page {
        entities,
        next,
        count,
    })
}

/// Reads a body.
fn body(row: &Row<'_>, column: usize) -> rusqlite::Result<Bytes> {
    Ok(Bytes::copy_from_slice(text(row, column)?))
}

/// The bytes of a text, which are UTF-8 as in every text that we write.
fn text<'a>(row: &'a Row<'_>, column: usize) -> rusqlite::Result<&'a [u8]> {
    let value = row.get_ref(column)?;
    value.as_bytes().map_err(|error| {
        rusqlite::Error::FromSqlConversionFailure(column, value.data_type(), Box::new(error))
    })
}

/// Reads the columns `version, incarnation` from `column` on.
fn version(row: &Row<'_>, column: usize) -> rusqlite::Result<Version> {
    Ok(Version {
        number: row.get(column)?,
        incarnation: row.get(column + 1)?,
    })
}
