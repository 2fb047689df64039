//! Persistence: what the service needs of a store, whatever the engine.
//!
//! A write is answered only once it is on stable storage, and is there as a whole or not at all: the
//! entity, the numbers it was given, what names it, the record of the change, and the answer that a
//! repeated request gets.
//! Every call is a [`Caller`]'s, or in the [`Scope`] that a caller makes: a company of another tenant does
//! not exist for it, nor one that is granted to others only. What none of them can ask for is an
//! [`Administrator`]'s. Drivers' types and errors stay inside the engines.

pub(crate) mod audit;
pub mod copy;
pub(crate) mod grant;
pub(crate) mod idempotency;
pub(crate) mod metrics;
pub mod postgres;
pub mod privacy;
pub mod query;
pub(crate) mod sales_invoice;
pub mod sqlite;
pub(crate) mod watched;
pub(crate) mod writing;

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use debitor_api::properties::{CompanyProperty, CustomerProperty, SalesInvoiceProperty};
use debitor_api::types::{CustomerCreate, CustomerUpdate, SalesInvoiceCreate, SalesInvoiceUpdate};
use prometheus_client::registry::Registry;
use uuid::Uuid;

pub use crate::auth::Scope;
use crate::auth::{Administrator, Caller};
use crate::clock::Clock;
use crate::domain::company::NewCompany;
use crate::domain::right::{Granted, Grantee, Right};
use crate::domain::version::{Precondition, Version};
use crate::odata::order::Position;
use privacy::{Erase, Erased, Held, Sought};
pub use query::{Condition, ListQuery};

pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a store did not do what it was asked; nothing was changed unless it says otherwise.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no such entity for the tenant.
    #[error("there is no such {0}")]
    NotFound(Noun),
    /// The company is there for the caller to read, and not to be written.
    #[error("the company may only be read")]
    ReadOnly,
    /// What exists already forbids it.
    #[error("{0}")]
    Conflict(Conflict),
    /// The entity's version is not one that the precondition names.
    #[error("the {0} has changed")]
    Stale(Noun),
    /// A property refers to what does not exist.
    #[error("{property}: {message}")]
    Reference {
        property: &'static str,
        message: &'static str,
    },
    /// A request with the same idempotency key is under way.
    #[error("a request with the same key is under way")]
    InProgress,
    /// The idempotency key belongs to another request.
    #[error("the key belongs to another request")]
    KeyReused,
    /// A list took longer than a list may.
    #[error("the list took too long")]
    QueryTimeout,
    /// The store cannot take the work just now.
    #[error("the store is unavailable: {0}")]
    Unavailable(String),
    /// There is no room for the write.
    #[error("the disk is full: {0}")]
    Full(String),
    /// Whether the write was made only opening the store anew can tell; it takes no more.
    #[error("the outcome of the write is unknown: {0}")]
    OutcomeUnknown(String),
    /// The storage under the store fails or is damaged; the store takes no more writes.
    #[error("the storage failed: {0}")]
    Broken(String),
    /// The store is at fault; the text is for the log only.
    #[error("the store failed: {0}")]
    Internal(String),
}

/// A stored body that cannot be read, or an entity that cannot be written, is a fault of ours.
impl From<serde_json::Error> for Error {
    fn from(error: serde_json::Error) -> Self {
        Self::Internal(format!("an entity's JSON: {error}"))
    }
}

/// The kinds of entity that can be missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Noun {
    Company,
    Customer,
    SalesInvoice,
    SalesInvoiceCustomer,
}

impl std::fmt::Display for Noun {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Company => "company",
            Self::Customer => "customer",
            Self::SalesInvoice => "sales invoice",
            Self::SalesInvoiceCustomer => "customer of the sales invoice",
        })
    }
}

/// What forbids a change.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Conflict {
    #[error("the id {0} is taken")]
    IdTaken(Uuid),
    #[error("the number {0} is taken")]
    NumberTaken(String),
    #[error("sales invoice {0} names the customer")]
    NamedBySalesInvoice(String),
    #[error("sales invoice {0} is no longer a draft")]
    NotDraft(String),
}

/// A company as rows name it: what is left of a [`Scope`] once it is known what its caller may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct CompanyKey {
    pub(crate) tenant: Uuid,
    pub(crate) company: Uuid,
}

impl From<&Scope> for CompanyKey {
    fn from(scope: &Scope) -> Self {
        Self {
            tenant: scope.tenant(),
            company: scope.company(),
        }
    }
}

/// A write as it was asked for: where, by whom, in which request.
#[derive(Debug, Clone)]
pub struct Write {
    pub scope: Scope,
    /// Who asked, for the record of changes.
    pub actor: String,
    pub request_id: Uuid,
    pub form: Form,
    /// For a request that may be sent again.
    pub idempotency: Option<Idempotency>,
}

/// What an answer depends on beside its entity. One that is given again has the form it had first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Form {
    /// What absolute links start with.
    pub base_url: Arc<str>,
    /// Whether the answer goes without the entity.
    pub minimal: bool,
}

/// What tells a repeated request from a new one; both are SHA-256.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Idempotency {
    /// Of the tenant, the company, the caller, the operation and the key.
    pub key: [u8; 32],
    /// Of the request.
    pub fingerprint: [u8; 32],
}

/// What a write made, now or when its request was sent first, and the form of the answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    pub stored: Stored,
    pub form: Form,
}

/// How a customer is named: by its own id, or as the customer of a sales invoice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CustomerKey {
    Id(Uuid),
    OfSalesInvoice(Uuid),
}

/// An entity as it is kept: its JSON is what answers hold, but for `@odata.context`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    pub id: Uuid,
    pub etag: String,
    pub json: Bytes,
}

impl Stored {
    /// An entity as it was just written.
    pub(crate) fn new(id: Uuid, version: Version, json: String) -> Self {
        Self {
            id,
            etag: version.etag(),
            json: json.into(),
        }
    }
}

/// A page of a list.
#[derive(Debug, Clone, PartialEq)]
pub struct Page {
    pub entities: Entities,
    /// The position behind which the next page starts; `None` on the last page.
    pub next: Option<Position>,
    /// The number of all entities that are found, if it was asked for.
    pub count: Option<i32>,
}

/// The JSON of entities, one behind the other in a few pieces of memory: a piece for each row would
/// cost time, and one for all of a long page would leave a hole of its size behind.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Entities {
    pieces: Vec<Vec<u8>>,
    rows: Vec<Row>,
}

/// Where an entity is.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Row {
    piece: usize,
    bytes: Range<usize>,
}

/// Bytes of a piece, unless one entity has more.
const PIECE: usize = 128 * 1024;

impl Entities {
    /// Adds the JSON of an entity. The first tells how much room `rows` of about its size need.
    pub fn push(&mut self, json: &[u8], rows: u32) {
        let fits = |piece: &Vec<u8>| piece.capacity() - piece.len() >= json.len();
        if !self.pieces.last().is_some_and(fits) {
            let left = (rows as usize).saturating_sub(self.rows.len());
            let wanted = (json.len() + json.len() / 8).saturating_mul(left);
            let room = wanted.min(PIECE).max(json.len());
            self.pieces.push(Vec::with_capacity(room));
        }
        if let Some(piece) = self.pieces.last_mut() {
            let start = piece.len();
            piece.extend_from_slice(json);
            self.rows.push(Row {
                bytes: start..piece.len(),
                piece: self.pieces.len() - 1,
            });
        }
    }

    pub fn len(&self) -> usize {
        self.rows.len()
    }

    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The bytes of all of them together.
    pub fn bytes(&self) -> usize {
        self.pieces.iter().map(Vec::len).sum()
    }

    /// Each entity's JSON.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        self.rows
            .iter()
            .map(|row| &self.pieces[row.piece][row.bytes.clone()])
    }
}

/// A store of companies, their customers and their sales invoices.
#[async_trait]
pub trait Store: Send + Sync {
    /// Makes a company; `Conflict` if its id is taken.
    async fn company_create(&self, by: Administrator, company: NewCompany) -> Result<Uuid>;
    /// Lets those who are meant do so much with the company, and nothing else.
    async fn company_grant(
        &self,
        by: Administrator,
        company: Uuid,
        to: Grantee,
        right: Right,
    ) -> Result<()>;
    /// The companies of the tenant, and who may do what with each.
    async fn company_grants(&self, by: Administrator) -> Result<Vec<Granted>>;

    /// All that is held of a customer.
    async fn customer_export(
        &self,
        by: Administrator,
        company: Uuid,
        customer: Sought,
    ) -> Result<Held>;
    /// Takes customers out of everything, all of them or none: one that was deleted before as well.
    async fn customer_erase(
        &self,
        by: Administrator,
        company: Uuid,
        erase: Erase,
    ) -> Result<Erased>;

    async fn company_list(
        &self,
        caller: &Arc<Caller>,
        query: ListQuery<CompanyProperty>,
    ) -> Result<Page>;
    async fn company_count(
        &self,
        caller: &Arc<Caller>,
        condition: Condition<CompanyProperty>,
    ) -> Result<i32>;
    async fn company_get(&self, scope: &Scope) -> Result<Bytes>;

    async fn customer_list(
        &self,
        scope: &Scope,
        query: ListQuery<CustomerProperty>,
    ) -> Result<Page>;
    async fn customer_count(
        &self,
        scope: &Scope,
        condition: Condition<CustomerProperty>,
    ) -> Result<i32>;
    async fn customer_get(&self, scope: &Scope, key: CustomerKey) -> Result<Stored>;
    /// Makes a customer and, with `sales_invoice`, makes it that draft invoice's customer.
    async fn customer_create(
        &self,
        write: Write,
        sales_invoice: Option<Uuid>,
        customer: CustomerCreate,
    ) -> Result<Written>;
    async fn customer_update(
        &self,
        write: Write,
        key: CustomerKey,
        precondition: Precondition,
        change: CustomerUpdate,
    ) -> Result<Written>;
    /// Deletes a customer that no sales invoice names, but for the draft invoice of the key.
    async fn customer_delete(
        &self,
        write: Write,
        key: CustomerKey,
        precondition: Precondition,
    ) -> Result<()>;

    async fn sales_invoice_list(
        &self,
        scope: &Scope,
        query: ListQuery<SalesInvoiceProperty>,
    ) -> Result<Page>;
    async fn sales_invoice_count(
        &self,
        scope: &Scope,
        condition: Condition<SalesInvoiceProperty>,
    ) -> Result<i32>;
    async fn sales_invoice_get(&self, scope: &Scope, id: Uuid) -> Result<Stored>;
    async fn sales_invoice_create(
        &self,
        write: Write,
        invoice: SalesInvoiceCreate,
    ) -> Result<Written>;
    async fn sales_invoice_update(
        &self,
        write: Write,
        id: Uuid,
        precondition: Precondition,
        change: SalesInvoiceUpdate,
    ) -> Result<Written>;
    async fn sales_invoice_delete(
        &self,
        write: Write,
        id: Uuid,
        precondition: Precondition,
    ) -> Result<()>;

    /// What all servers of the store have in common and nobody else knows: random bytes that were
    /// made with the store.
    async fn secret(&self) -> Result<Vec<u8>>;
    /// Waits until the store takes no more writes because its storage failed.
    async fn failed(&self);
    /// Whether the store can answer.
    async fn ping(&self) -> Result<()>;
    /// Adds what the store tells of itself.
    fn register(&self, registry: &mut Registry);
    /// Waits for the writes that were taken, and lets go of the files.
    async fn close(&self);
}

/// The storage under the store failed: whoever runs the program has to look at it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the storage failed; start again once it is sound")]
pub struct Failed;

/// The database was written by a newer program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the database has schema {found}, this program knows {known}: use the newer program")]
pub struct NewerSchema {
    pub found: u32,
    pub known: u32,
}

/// How a store is kept, where the engine has a say in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// Bytes of the disk that writes leave free.
    pub reserve_bytes: usize,
    /// Where what is written is copied to, so that the state of any instant can be restored.
    pub archive: Option<PathBuf>,
    /// Connections to the database at most.
    pub connections: usize,
    /// How long a list or a count may take.
    pub list: Duration,
    pub timeouts: Timeouts,
    /// How often it is looked for what can be forgotten.
    pub upkeep: Duration,
}

/// How long a server waits for its database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// For a connection, while all are in use.
    pub wait: Duration,
    /// For a statement.
    pub statement: Duration,
    /// For a row that another transaction has locked.
    pub lock: Duration,
    /// For any answer, before the database counts as away.
    pub silence: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            wait: Duration::from_secs(1),
            statement: Duration::from_secs(5),
            lock: Duration::from_secs(2),
            silence: Duration::from_secs(1),
        }
    }
}

/// The store cannot be worked with as it is set up.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unfit(pub String);

impl Default for Options {
    fn default() -> Self {
        Self {
            reserve_bytes: 64 * 1024 * 1024,
            archive: None,
            connections: 10,
            list: Duration::from_secs(2),
            timeouts: Timeouts::default(),
            upkeep: Duration::from_mins(1),
        }
    }
}

/// Opens the store that `url` names: `sqlite:DIR` or `postgres://USER@HOST/DATABASE`.
pub async fn connect(
    url: &str,
    options: Options,
    clock: Arc<dyn Clock>,
) -> anyhow::Result<Arc<dyn Store>> {
    if is_postgres(url) {
        let store = postgres::PostgresStore::open(url, options, clock).await?;
        return Ok(Arc::new(store));
    }
    let store = sqlite::SqliteStore::open(directory(url)?, options, clock)?;
    Ok(Arc::new(store))
}

/// Whether `url` names a database of PostgreSQL.
pub fn is_postgres(url: &str) -> bool {
    url.starts_with("postgres://") || url.starts_with("postgresql://")
}

/// The directory of the embedded store that `url` names.
pub fn directory(url: &str) -> anyhow::Result<&Path> {
    match url.split_once(':') {
        Some(("sqlite", directory)) => Ok(Path::new(directory)),
        _ => anyhow::bail!("this needs an embedded store, `sqlite:DIR`"),
    }
}
