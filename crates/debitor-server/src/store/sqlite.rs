//! The embedded store: SQLite with one writer thread and a few readers.
//!
//! Writes that wait together are committed together (`writer`), each in a savepoint of its own, and
//! are answered after COMMIT returned. Reads have connections that cannot write (`readers`). The
//! statements are in the file of their noun.

mod company;
mod connection;
mod customer;
mod readers;
mod sales_invoice;
mod writer;

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use debitor_api::types::{CustomerCreate, CustomerUpdate, SalesInvoiceCreate, SalesInvoiceUpdate};
use uuid::Uuid;

use super::{Conflict, CustomerKey, Error, Page, PageQuery, Result, Scope, Store, Stored};
use crate::clock::Clock;
use crate::domain::company::NewCompany;
use crate::domain::version::{Precondition, Version};
use connection::Database;
use readers::Readers;
use writer::Writer;

/// A store in a directory that no other process has open.
pub struct SqliteStore {
    writer: Writer,
    readers: Readers,
    clock: Arc<dyn Clock>,
    /// Holds the lock that keeps a second process out.
    _database: Database,
}

impl SqliteStore {
    /// Opens the store in `directory`, making or migrating it as needed.
    pub fn open(directory: &Path, clock: Arc<dyn Clock>) -> anyhow::Result<Self> {
        let database = Database::lock(directory)?;
        let writer = Writer::start(database.open_writer()?)?;
        let readers = Readers::start(&database)?;
        Ok(Self {
            writer,
            readers,
            clock,
            _database: database,
        })
    }
}

/// A write: what its statements need beside the connection.
#[derive(Clone)]
struct Write {
    scope: Scope,
    clock: Arc<dyn Clock>,
}

impl Write {
    /// The version of an entity that is being made, which no earlier one had.
    fn first_version(&self) -> Version {
        let [.., a, b, c, d] = *self.clock.new_id().as_bytes();
        Version::first(u32::from_be_bytes([a, b, c, d]))
    }
}

impl SqliteStore {
    fn write(&self, scope: Scope) -> Write {
        Write {
            scope,
            clock: Arc::clone(&self.clock),
        }
    }
}

#[async_trait]
impl Store for SqliteStore {
    async fn company_create(&self, company: NewCompany) -> Result<Uuid> {
        let id = company.id.unwrap_or_else(|| self.clock.new_id());
        self.writer
            .run(move |db| company::create(db, &company, id))
            .await
    }

    async fn company_list(&self, tenant: Uuid, page: PageQuery) -> Result<Page> {
        self.readers
            .run(move |db| company::list(db, tenant, page))
            .await
    }

    async fn company_get(&self, scope: Scope) -> Result<Bytes> {
        self.readers.run(move |db| company::get(db, scope)).await
    }

    async fn customer_list(&self, scope: Scope, page: PageQuery) -> Result<Page> {
        self.readers
            .run(move |db| customer::list(db, scope, page))
            .await
    }

    async fn customer_count(&self, scope: Scope) -> Result<i32> {
        self.readers.run(move |db| customer::count(db, scope)).await
    }

    async fn customer_get(&self, scope: Scope, key: CustomerKey) -> Result<Stored> {
        self.readers
            .run(move |db| customer::get(db, scope, key))
            .await
    }

    async fn customer_create(
        &self,
        scope: Scope,
        sales_invoice: Option<Uuid>,
        customer: CustomerCreate,
    ) -> Result<Stored> {
        let write = self.write(scope);
        self.writer
            .run(move |db| customer::create(db, &write, sales_invoice, customer))
            .await
    }

    async fn customer_update(
        &self,
        scope: Scope,
        key: CustomerKey,
        precondition: Precondition,
        change: CustomerUpdate,
    ) -> Result<Stored> {
        let write = self.write(scope);
        self.writer
            .run(move |db| customer::update(db, &write, key, &precondition, change))
            .await
    }

    async fn customer_delete(
        &self,
        scope: Scope,
        key: CustomerKey,
        precondition: Precondition,
    ) -> Result<()> {
        let write = self.write(scope);
        self.writer
            .run(move |db| customer::delete(db, &write, key, &precondition))
            .await
    }

    async fn sales_invoice_list(&self, scope: Scope, page: PageQuery) -> Result<Page> {
        self.readers
            .run(move |db| sales_invoice::list(db, scope, page))
            .await
    }

    async fn sales_invoice_get(&self, scope: Scope, id: Uuid) -> Result<Stored> {
        self.readers
            .run(move |db| sales_invoice::get(db, scope, id))
            .await
    }

    async fn sales_invoice_create(
        &self,
        scope: Scope,
        invoice: SalesInvoiceCreate,
    ) -> Result<Stored> {
        let write = self.write(scope);
        self.writer
            .run(move |db| sales_invoice::create(db, &write, invoice))
            .await
    }

    async fn sales_invoice_update(
        &self,
        scope: Scope,
        id: Uuid,
        precondition: Precondition,
        change: SalesInvoiceUpdate,
    ) -> Result<Stored> {
        let write = self.write(scope);
        self.writer
            .run(move |db| sales_invoice::update(db, &write, id, &precondition, change))
            .await
    }

    async fn sales_invoice_delete(
        &self,
        scope: Scope,
        id: Uuid,
        precondition: Precondition,
    ) -> Result<()> {
        let write = self.write(scope);
        self.writer
            .run(move |db| sales_invoice::delete(db, &write, id, &precondition))
            .await
    }

    async fn ping(&self) -> Result<()> {
        self.writer.check()?;
        self.readers
            .run(|db| Ok(db.query_row("SELECT 1", [], |_| Ok(()))?))
            .await
    }

    async fn close(&self) {
        self.writer.stop().await;
        self.readers.stop().await;
    }
}

/// A full or failing disk passes, or a person has to help; anything else is a fault of ours.
impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::ErrorCode::{
            CannotOpen, DatabaseBusy, DatabaseLocked, DiskFull, SystemIoFailure,
        };
        match error.sqlite_error_code() {
            Some(DiskFull | SystemIoFailure | DatabaseBusy | DatabaseLocked | CannotOpen) => {
                Self::Unavailable(error.to_string())
            }
            _ => Self::Internal(error.to_string()),
        }
    }
}

/// A stored body that cannot be read, or an entity that cannot be written, is a fault of ours.
impl From<serde_json::Error> for Error {
    fn from(error: serde_json::Error) -> Self {
        Self::Internal(format!("an entity's JSON: {error}"))
    }
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

/// The page of a list from its rows, one more of which was asked for than the page holds.
fn page(mut rows: Vec<(Uuid, Bytes)>, query: PageQuery, count: Option<i32>) -> Page {
    let top = query.top as usize;
    let more = rows.len() > top;
    rows.truncate(top);
    let next = if more {
        rows.last().map(|(id, _)| *id)
    } else {
        None
    };
    Page {
        entities: rows.into_iter().map(|(_, body)| body).collect(),
        next,
        count,
    }
}

/// Reads the columns `id, body`.
fn entity(row: &rusqlite::Row<'_>) -> rusqlite::Result<(Uuid, Bytes)> {
    Ok((Uuid::from_bytes(row.get(0)?), body(row, 1)?))
}

/// Reads a body, which is UTF-8 as every text that we write.
fn body(row: &rusqlite::Row<'_>, column: usize) -> rusqlite::Result<Bytes> {
    Ok(Bytes::from(row.get::<_, String>(column)?))
}

/// Reads the columns `version, incarnation` from `column` on.
fn version(row: &rusqlite::Row<'_>, column: usize) -> rusqlite::Result<Version> {
    Ok(Version {
        number: row.get(column)?,
        incarnation: row.get(column + 1)?,
    })
}
