//! The operations of the store: each takes its statements to where they run.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use debitor_api::properties::{CompanyProperty, CustomerProperty, SalesInvoiceProperty};
use debitor_api::types::{CustomerCreate, CustomerUpdate, SalesInvoiceCreate, SalesInvoiceUpdate};
use prometheus_client::registry::Registry;
use uuid::Uuid;

use super::super::privacy::{Erase, Erased, Files, Held, Sought};
use super::super::writing::Writing;
use super::super::{
    Condition, CustomerKey, Error, ListQuery, Page, Result, Scope, Store, Stored, Write, Written,
};
use super::gauges::Gauges;
use super::{SqliteStore, company, customer, grant, list, privacy, sales_invoice};
use crate::auth::{Administrator, Caller};
use crate::domain::company::NewCompany;
use crate::domain::right::{Granted, Grantee, Right};
use crate::domain::version::Precondition;

#[async_trait]
impl Store for SqliteStore {
    async fn company_create(&self, by: Administrator, company: NewCompany) -> Result<Uuid> {
        let id = company.id.unwrap_or_else(|| self.clock.new_id());
        let write = Writing::of_operator(by, id, Arc::clone(&self.clock));
        self.writer
            .run(move |db| company::create(db, &write, &company))
            .await
    }

    async fn company_grant(
        &self,
        by: Administrator,
        company: Uuid,
        to: Grantee,
        right: Right,
    ) -> Result<()> {
        let write = Writing::of_operator(by, company, Arc::clone(&self.clock));
        let (writer, points) = (Arc::clone(&self.writer), Arc::clone(&self.points));
        // In a task, so that reads hear of it whatever becomes of who asked.
        let task = tokio::spawn(async move {
            let set = writer
                .run(move |db| grant::set(db, &write, &to, right))
                .await;
            points.granted();
            set
        });
        let lost = |_| Err(Error::Internal("a grant panicked".to_owned()));
        task.await.unwrap_or_else(lost)
    }

    async fn company_grants(&self, by: Administrator) -> Result<Vec<Granted>> {
        self.scan(move |db| grant::all(db, by)).await
    }

    async fn customer_export(
        &self,
        by: Administrator,
        company: Uuid,
        customer: Sought,
    ) -> Result<Held> {
        self.scan(move |db| privacy::held(db, &by.scope(company), &customer))
            .await
    }

    async fn customer_erase(
        &self,
        by: Administrator,
        company: Uuid,
        erase: Erase,
    ) -> Result<Erased> {
        let write = Writing::of_operator(by, company, Arc::clone(&self.clock));
        let renews = erase.files;
        let customers = self
            .writer
            .run(move |db| privacy::erase(db, &write, &erase))
            .await?;
        let files = if renews {
            privacy::renew(Arc::clone(&self.writer)).await
        } else {
            Files::Left
        };
        Ok(Erased { customers, files })
    }

    async fn company_list(
        &self,
        caller: &Arc<Caller>,
        query: ListQuery<CompanyProperty>,
    ) -> Result<Page> {
        let caller = Arc::clone(caller);
        self.list(move |db, effort| list::page(db, &*caller, &query, effort))
            .await
    }

    async fn company_count(
        &self,
        caller: &Arc<Caller>,
        condition: Condition<CompanyProperty>,
    ) -> Result<i32> {
        let caller = Arc::clone(caller);
        self.list(move |db, effort| list::count(db, &*caller, &condition, effort))
            .await
    }

    async fn company_get(&self, scope: &Scope) -> Result<Bytes> {
        self.point(|db| company::get(db, scope))
    }

    async fn customer_list(
        &self,
        scope: &Scope,
        query: ListQuery<CustomerProperty>,
    ) -> Result<Page> {
        let scope = scope.clone();
        self.list(move |db, effort| {
            grant::readable(db, &scope)?;
            list::page(db, scope.company(), &query, effort)
        })
        .await
    }

    async fn customer_count(
        &self,
        scope: &Scope,
        condition: Condition<CustomerProperty>,
    ) -> Result<i32> {
        let scope = scope.clone();
        self.list(move |db, effort| {
            grant::readable(db, &scope)?;
            list::count(db, scope.company(), &condition, effort)
        })
        .await
    }

    async fn customer_get(&self, scope: &Scope, key: CustomerKey) -> Result<Stored> {
        self.entity(scope, |db| customer::get(db, scope.into(), key))
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

    async fn sales_invoice_list(
        &self,
        scope: &Scope,
        query: ListQuery<SalesInvoiceProperty>,
    ) -> Result<Page> {
        let scope = scope.clone();
        self.list(move |db, effort| {
            grant::readable(db, &scope)?;
            list::page(db, scope.company(), &query, effort)
        })
        .await
    }

    async fn sales_invoice_count(
        &self,
        scope: &Scope,
        condition: Condition<SalesInvoiceProperty>,
    ) -> Result<i32> {
        let scope = scope.clone();
        self.list(move |db, effort| {
            grant::readable(db, &scope)?;
            list::count(db, scope.company(), &condition, effort)
        })
        .await
    }

    async fn sales_invoice_get(&self, scope: &Scope, id: Uuid) -> Result<Stored> {
        self.entity(scope, |db| sales_invoice::get(db, scope.into(), id))
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

    async fn secret(&self) -> Result<Vec<u8>> {
        self.scan(|db| Ok(db.query_row("SELECT bytes FROM secret", [], |row| row.get(0))?))
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
