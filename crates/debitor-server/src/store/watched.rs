//! A store whose refusals of callers are told ([`crate::security`]), of whatever operation.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use debitor_api::properties::{CompanyProperty, CustomerProperty, SalesInvoiceProperty};
use debitor_api::types::{CustomerCreate, CustomerUpdate, SalesInvoiceCreate, SalesInvoiceUpdate};
use prometheus_client::registry::Registry;
use uuid::Uuid;

use super::privacy::{Erase, Erased, Held, Sought};
use super::{
    Condition, CustomerKey, ListQuery, Page, Result, Scope, Store, Stored, Write, Written,
};
use crate::auth::{Administrator, Caller};
use crate::domain::company::NewCompany;
use crate::domain::right::{Granted, Grantee, Right};
use crate::domain::version::Precondition;
use crate::security;

pub(crate) struct Watched(pub(crate) Arc<dyn Store>);

/// Tells of a refusal.
fn told<T>(scope: &Scope, result: Result<T>) -> Result<T> {
    result.inspect_err(|error| security::look_at(scope, error))
}

#[async_trait]
impl Store for Watched {
    async fn company_create(&self, by: Administrator, company: NewCompany) -> Result<Uuid> {
        self.0.company_create(by, company).await
    }

    async fn company_grant(
        &self,
        by: Administrator,
        company: Uuid,
        to: Grantee,
        right: Right,
    ) -> Result<()> {
        self.0.company_grant(by, company, to, right).await
    }

    async fn company_grants(&self, by: Administrator) -> Result<Vec<Granted>> {
        self.0.company_grants(by).await
    }

    async fn customer_export(
        &self,
        by: Administrator,
        company: Uuid,
        customer: Sought,
    ) -> Result<Held> {
        self.0.customer_export(by, company, customer).await
    }

    async fn customer_erase(
        &self,
        by: Administrator,
        company: Uuid,
        erase: Erase,
    ) -> Result<Erased> {
        self.0.customer_erase(by, company, erase).await
    }

    async fn company_list(
        &self,
        caller: &Arc<Caller>,
        query: ListQuery<CompanyProperty>,
    ) -> Result<Page> {
        self.0.company_list(caller, query).await
    }

    async fn company_count(
        &self,
        caller: &Arc<Caller>,
        condition: Condition<CompanyProperty>,
    ) -> Result<i32> {
        self.0.company_count(caller, condition).await
    }

    async fn company_get(&self, scope: &Scope) -> Result<Bytes> {
        told(scope, self.0.company_get(scope).await)
    }

    async fn customer_list(
        &self,
        scope: &Scope,
        query: ListQuery<CustomerProperty>,
    ) -> Result<Page> {
        told(scope, self.0.customer_list(scope, query).await)
    }

    async fn customer_count(
        &self,
        scope: &Scope,
        condition: Condition<CustomerProperty>,
    ) -> Result<i32> {
        told(scope, self.0.customer_count(scope, condition).await)
    }

    async fn customer_get(&self, scope: &Scope, key: CustomerKey) -> Result<Stored> {
        told(scope, self.0.customer_get(scope, key).await)
    }

    async fn customer_create(
        &self,
        write: Write,
        sales_invoice: Option<Uuid>,
        customer: CustomerCreate,
    ) -> Result<Written> {
        let scope = write.scope.clone();
        let made = self.0.customer_create(write, sales_invoice, customer);
        told(&scope, made.await)
    }

    async fn customer_update(
        &self,
        write: Write,
        key: CustomerKey,
        precondition: Precondition,
        change: CustomerUpdate,
    ) -> Result<Written> {
        let scope = write.scope.clone();
        let made = self.0.customer_update(write, key, precondition, change);
        told(&scope, made.await)
    }

    async fn customer_delete(
        &self,
        write: Write,
        key: CustomerKey,
        precondition: Precondition,
    ) -> Result<()> {
        let scope = write.scope.clone();
        told(
            &scope,
            self.0.customer_delete(write, key, precondition).await,
        )
    }

    async fn sales_invoice_list(
        &self,
        scope: &Scope,
        query: ListQuery<SalesInvoiceProperty>,
    ) -> Result<Page> {
        told(scope, self.0.sales_invoice_list(scope, query).await)
    }

    async fn sales_invoice_count(
        &self,
        scope: &Scope,
        condition: Condition<SalesInvoiceProperty>,
    ) -> Result<i32> {
        told(scope, self.0.sales_invoice_count(scope, condition).await)
    }

    async fn sales_invoice_get(&self, scope: &Scope, id: Uuid) -> Result<Stored> {
        told(scope, self.0.sales_invoice_get(scope, id).await)
    }

    async fn sales_invoice_create(
        &self,
        write: Write,
        invoice: SalesInvoiceCreate,
    ) -> Result<Written> {
        let scope = write.scope.clone();
        told(&scope, self.0.sales_invoice_create(write, invoice).await)
    }

    async fn sales_invoice_update(
        &self,
        write: Write,
        id: Uuid,
        precondition: Precondition,
        change: SalesInvoiceUpdate,
    ) -> Result<Written> {
        let scope = write.scope.clone();
        let made = self.0.sales_invoice_update(write, id, precondition, change);
        told(&scope, made.await)
    }

    async fn sales_invoice_delete(
        &self,
        write: Write,
        id: Uuid,
        precondition: Precondition,
    ) -> Result<()> {
        let scope = write.scope.clone();
        told(
            &scope,
            self.0.sales_invoice_delete(write, id, precondition).await,
        )
    }

    async fn secret(&self) -> Result<Vec<u8>> {
        self.0.secret().await
    }

    async fn failed(&self) {
        self.0.failed().await;
    }

    async fn ping(&self) -> Result<()> {
        self.0.ping().await
    }

    fn register(&self, registry: &mut Registry) {
        self.0.register(registry);
    }

    async fn close(&self) {
        self.0.close().await;
    }
}
