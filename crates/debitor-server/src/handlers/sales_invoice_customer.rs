//! Operations on the customer of a sales invoice.

use std::sync::Arc;

use debitor_api::sales_invoice_customer::{
    SALES_INVOICE_CUSTOMER_CREATE, SALES_INVOICE_CUSTOMER_UPDATE, SalesInvoiceCustomerApi,
    SalesInvoiceCustomerCreateRequest, SalesInvoiceCustomerCreateResponse,
    SalesInvoiceCustomerDeleteRequest, SalesInvoiceCustomerDeleteResponse,
    SalesInvoiceCustomerGetRequest, SalesInvoiceCustomerGetResponse,
    SalesInvoiceCustomerUpdateRequest, SalesInvoiceCustomerUpdateResponse,
};

use super::writes::{keys, repeatable, write};
use super::{entity, is_known};
use crate::app::App;
use crate::auth::Caller;
use crate::domain::version::Precondition;
use crate::error::ApiError;
use crate::links::Collection::Customers;
use crate::odata::prefer;
use crate::store::{CustomerKey, Written};

impl SalesInvoiceCustomerApi for App {
    async fn sales_invoice_customer_get(
        &self,
        caller: Arc<Caller>,
        request: SalesInvoiceCustomerGetRequest,
    ) -> Result<SalesInvoiceCustomerGetResponse, ApiError> {
        let company = request.path.company_id;
        let key = CustomerKey::OfSalesInvoice(request.path.sales_invoice_id);
        let stored = self.store.customer_get(&caller.scope(company), key).await?;
        if is_known(request.headers.if_none_match.as_deref(), &stored) {
            return Ok(SalesInvoiceCustomerGetResponse::NotModified { e_tag: stored.etag });
        }
        let body = entity(Customers, &request.context.base_url, company, &stored);
        Ok(SalesInvoiceCustomerGetResponse::Ok {
            e_tag: stored.etag,
            body,
        })
    }

    async fn sales_invoice_customer_create(
        &self,
        caller: Arc<Caller>,
        request: SalesInvoiceCustomerCreateRequest,
    ) -> Result<SalesInvoiceCustomerCreateResponse, ApiError> {
        let company = request.path.company_id;
        let invoice = Some(request.path.sales_invoice_id);
        let keys = keys!(request.headers);
        let write = repeatable(
            &caller,
            company,
            &request.context,
            &SALES_INVOICE_CUSTOMER_CREATE,
            keys,
        )?;
        let Written { stored, form } = self
            .store
            .customer_create(write, invoice, request.body)
            .await?;
        Ok(SalesInvoiceCustomerCreateResponse::Created {
            location: Customers.entity_address(&form.base_url, company, stored.id),
            body: entity(Customers, &form.base_url, company, &stored),
            e_tag: stored.etag,
            repeatability_result: keys.result(),
        })
    }

    async fn sales_invoice_customer_update(
        &self,
        caller: Arc<Caller>,
        request: SalesInvoiceCustomerUpdateRequest,
    ) -> Result<SalesInvoiceCustomerUpdateResponse, ApiError> {
        let company = request.path.company_id;
        let key = CustomerKey::OfSalesInvoice(request.path.sales_invoice_id);
        let precondition = Precondition::parse(&request.headers.if_match);
        let keys = keys!(request.headers);
        let mut write = repeatable(
            &caller,
            company,
            &request.context,
            &SALES_INVOICE_CUSTOMER_UPDATE,
            keys,
        )?;
        write.form.minimal = prefer::wants_minimal(request.headers.prefer.as_deref());
        let Written { stored, form } = self
            .store
            .customer_update(write, key, precondition, request.body)
            .await?;
        if form.minimal {
            return Ok(SalesInvoiceCustomerUpdateResponse::NoContent {
                e_tag: stored.etag,
                preference_applied: "return=minimal".to_owned(),
                repeatability_result: keys.result(),
            });
        }
        let body = entity(Customers, &form.base_url, company, &stored);
        Ok(SalesInvoiceCustomerUpdateResponse::Ok {
            e_tag: stored.etag,
            body,
            repeatability_result: keys.result(),
        })
    }

    async fn sales_invoice_customer_delete(
        &self,
        caller: Arc<Caller>,
        request: SalesInvoiceCustomerDeleteRequest,
    ) -> Result<SalesInvoiceCustomerDeleteResponse, ApiError> {
        let key = CustomerKey::OfSalesInvoice(request.path.sales_invoice_id);
        let precondition = Precondition::parse(&request.headers.if_match);
        let write = write(&caller, request.path.company_id, &request.context);
        self.store.customer_delete(write, key, precondition).await?;
        Ok(SalesInvoiceCustomerDeleteResponse::NoContent)
    }
}
