//! The store on PostgreSQL, for any number of servers on one database.

mod address;
mod failure;
mod migrate;
mod pool;
mod session;

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use deadpool::managed::Pool;
use debitor_api::types::{CustomerCreate, CustomerUpdate, SalesInvoiceCreate, SalesInvoiceUpdate};
use prometheus_client::registry::Registry;
use uuid::Uuid;

use super::{
    CustomerKey, Error, Options, Page, PageQuery, Result, Scope, Store, Stored, Write, Written,
};
use crate::clock::Clock;
use crate::domain::company::NewCompany;
use crate::domain::version::Precondition;
use address::Address;
pub use migrate::{Migrated, migrate};
use pool::Connector;

/// The settings of PostgreSQL for every connection of a server.
fn settings() -> [(&'static str, String); 4] {
    [
        ("role", migrate::ROLE.to_owned()),
        ("statement_timeout", "5000".to_owned()),
        ("lock_timeout", "2000".to_owned()),
        ("idle_in_transaction_session_timeout", "10000".to_owned()),
    ]
}

/// A store in a database that other servers may use too.
pub struct PostgresStore {
    pool: Pool<Connector>,
}

impl PostgresStore {
    /// Opens the store; the schema must be there.
    pub async fn open(url: &str, options: Options, _clock: Arc<dyn Clock>) -> anyhow::Result<Self> {
        let connector = Connector::new(Address::parse(url, &settings())?);
        connector.open().await?;
        let pool = pool::pool(connector, options.connections)?;
        Ok(Self { pool })
    }
}

/// What the skeleton answers.
fn unbuilt<T>() -> Result<T> {
    Err(Error::Unavailable("PostgreSQL is being built".to_owned()))
}

#[async_trait]
impl Store for PostgresStore {
    async fn company_create(&self, _: NewCompany) -> Result<Uuid> {
        unbuilt()
    }

    async fn company_list(&self, _: Uuid, _: PageQuery) -> Result<Page> {
        unbuilt()
    }

    async fn company_get(&self, _: Scope) -> Result<Bytes> {
        unbuilt()
    }

    async fn customer_list(&self, _: Scope, _: PageQuery) -> Result<Page> {
        unbuilt()
    }

    async fn customer_count(&self, _: Scope) -> Result<i32> {
        unbuilt()
    }

    async fn customer_get(&self, _: Scope, _: CustomerKey) -> Result<Stored> {
        unbuilt()
    }

    async fn customer_create(
        &self,
        _: Write,
        _: Option<Uuid>,
        _: CustomerCreate,
    ) -> Result<Written> {
        unbuilt()
    }

    async fn customer_update(
        &self,
        _: Write,
        _: CustomerKey,
        _: Precondition,
        _: CustomerUpdate,
    ) -> Result<Written> {
        unbuilt()
    }

    async fn customer_delete(&self, _: Write, _: CustomerKey, _: Precondition) -> Result<()> {
        unbuilt()
    }

    async fn sales_invoice_list(&self, _: Scope, _: PageQuery) -> Result<Page> {
        unbuilt()
    }

    async fn sales_invoice_get(&self, _: Scope, _: Uuid) -> Result<Stored> {
        unbuilt()
    }

    async fn sales_invoice_create(&self, _: Write, _: SalesInvoiceCreate) -> Result<Written> {
        unbuilt()
    }

    async fn sales_invoice_update(
        &self,
        _: Write,
        _: Uuid,
        _: Precondition,
        _: SalesInvoiceUpdate,
    ) -> Result<Written> {
        unbuilt()
    }

    async fn sales_invoice_delete(&self, _: Write, _: Uuid, _: Precondition) -> Result<()> {
        unbuilt()
    }

    async fn failed(&self) {
        std::future::pending().await
    }

    async fn ping(&self) -> Result<()> {
        pool::take(&self.pool).await?;
        Ok(())
    }

    fn register(&self, _: &mut Registry) {}

    async fn close(&self) {
        self.pool.close();
    }
}
