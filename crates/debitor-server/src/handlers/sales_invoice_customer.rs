//! Operations on the customer of a sales invoice.

use debitor_api::sales_invoice_customer::{
    SalesInvoiceCustomerApi, SalesInvoiceCustomerCreateRequest, SalesInvoiceCustomerCreateResponse,
    SalesInvoiceCustomerDeleteRequest, SalesInvoiceCustomerDeleteResponse,
    SalesInvoiceCustomerGetRequest, SalesInvoiceCustomerGetResponse,
    SalesInvoiceCustomerUpdateRequest, SalesInvoiceCustomerUpdateResponse,
};

use super::{entity, is_known};
use crate::app::App;
use crate::auth::Caller;
use crate::domain::version::Precondition;
use crate::error::ApiError;
use crate::links::Collection::Customers;
use crate::odata::prefer;
use crate::store::CustomerKey;

impl SalesInvoiceCustomerApi for App {
    async fn sales_invoice_customer_get(
        &self,
        caller: Caller,
        request: SalesInvoiceCustomerGetRequest,
    ) -> Result<SalesInvoiceCustomerGetResponse, ApiError> {
        let company = request.path.company_id;
        let key = CustomerKey::OfSalesInvoice(request.path.sales_invoice_id);
        let stored = self.store.customer_get(caller.scope(company), key).await?;
        if is_known(request.headers.if_none_match.as_deref(), &stored) {
            return Ok(SalesInvoiceCustomerGetResponse::NotModified { e_tag: stored.etag });
        }
        let body = entity(Customers, &request.context, company, &stored);
        Ok(SalesInvoiceCustomerGetResponse::Ok {
            e_tag: stored.etag,
            body,
        })
    }

    async fn sales_invoice_customer_create(
        &self,
        caller: Caller,
        request: SalesInvoiceCustomerCreateRequest,
    ) -> Result<SalesInvoiceCustomerCreateResponse, ApiError> {
        let company = request.path.company_id;
        let invoice = Some(request.path.sales_invoice_id);
        let stored = self
            .store
            .customer_create(caller.scope(company), invoice, request.body)
            .await?;
        Ok(SalesInvoiceCustomerCreateResponse::Created {
            repeatability_result: None,
            location: Customers.entity_address(&request.context, company, stored.id),
            body: entity(Customers, &request.context, company, &stored),
            e_tag: stored.etag,
        })
    }

    async fn sales_invoice_customer_update(
        &self,
        caller: Caller,
        request: SalesInvoiceCustomerUpdateRequest,
    ) -> Result<SalesInvoiceCustomerUpdateResponse, ApiError> {
        let company = request.path.company_id;
        let key = CustomerKey::OfSalesInvoice(request.path.sales_invoice_id);
        let precondition = Precondition::parse(&request.headers.if_match);
        let stored = self
            .store
            .customer_update(caller.scope(company), key, precondition, request.body)
            .await?;
        if prefer::wants_minimal(request.headers.prefer.as_deref()) {
            let preference_applied = "return=minimal".to_owned();
            return Ok(SalesInvoiceCustomerUpdateResponse::NoContent {
                repeatability_result: None,
                e_tag: stored.etag,
                preference_applied,
            });
        }
        let body = entity(Customers, &request.context, company, &stored);
        Ok(SalesInvoiceCustomerUpdateResponse::Ok {
            repeatability_result: None,
            e_tag: stored.etag,
            body,
        })
    }

    async fn sales_invoice_customer_delete(
        &self,
        caller: Caller,
        request: SalesInvoiceCustomerDeleteRequest,
    ) -> Result<SalesInvoiceCustomerDeleteResponse, ApiError> {
        let key = CustomerKey::OfSalesInvoice(request.path.sales_invoice_id);
        let precondition = Precondition::parse(&request.headers.if_match);
        self.store
            .customer_delete(caller.scope(request.path.company_id), key, precondition)
            .await?;
        Ok(SalesInvoiceCustomerDeleteResponse::NoContent)
    }
}
