//! Operations on sales invoices.

use debitor_api::Body;
use debitor_api::sales_invoice::{
    SalesInvoiceApi, SalesInvoiceCreateRequest, SalesInvoiceCreateResponse,
    SalesInvoiceDeleteRequest, SalesInvoiceDeleteResponse, SalesInvoiceGetRequest,
    SalesInvoiceGetResponse, SalesInvoiceListRequest, SalesInvoiceListResponse,
    SalesInvoiceUpdateRequest, SalesInvoiceUpdateResponse,
};
use debitor_api::types::SalesInvoice;

use super::{entity, is_known};
use crate::app::App;
use crate::auth::Caller;
use crate::domain::version::Precondition;
use crate::error::ApiError;
use crate::links::Collection::SalesInvoices;
use crate::odata::list::ListOptions;
use crate::odata::prefer;

impl SalesInvoiceApi for App {
    async fn sales_invoice_list(
        &self,
        caller: Caller,
        request: SalesInvoiceListRequest,
    ) -> Result<SalesInvoiceListResponse, ApiError> {
        let query = request.query;
        let options = ListOptions::new(
            query.top,
            query.skiptoken.as_deref(),
            query.count,
            query.select.as_deref(),
            SalesInvoice::PROPERTIES,
        )?;
        let company = request.path.company_id;
        let page = self
            .store
            .sales_invoice_list(caller.scope(company), options.page)
            .await?;
        let context = SalesInvoices.context(&request.context, company);
        let address = SalesInvoices.address(&request.context, company);
        let body = Body::rendered(options.render(&page, &context, &address));
        Ok(SalesInvoiceListResponse::Ok { body })
    }

    async fn sales_invoice_create(
        &self,
        caller: Caller,
        request: SalesInvoiceCreateRequest,
    ) -> Result<SalesInvoiceCreateResponse, ApiError> {
        let company = request.path.company_id;
        let stored = self
            .store
            .sales_invoice_create(caller.scope(company), request.body)
            .await?;
        Ok(SalesInvoiceCreateResponse::Created {
            repeatability_result: None,
            location: SalesInvoices.entity_address(&request.context, company, stored.id),
            body: entity(SalesInvoices, &request.context, company, &stored),
            e_tag: stored.etag,
        })
    }

    async fn sales_invoice_get(
        &self,
        caller: Caller,
        request: SalesInvoiceGetRequest,
    ) -> Result<SalesInvoiceGetResponse, ApiError> {
        let company = request.path.company_id;
        let id = request.path.sales_invoice_id;
        let stored = self
            .store
            .sales_invoice_get(caller.scope(company), id)
            .await?;
        if is_known(request.headers.if_none_match.as_deref(), &stored) {
            return Ok(SalesInvoiceGetResponse::NotModified { e_tag: stored.etag });
        }
        let body = entity(SalesInvoices, &request.context, company, &stored);
        Ok(SalesInvoiceGetResponse::Ok {
            e_tag: stored.etag,
            body,
        })
    }

    async fn sales_invoice_update(
        &self,
        caller: Caller,
        request: SalesInvoiceUpdateRequest,
    ) -> Result<SalesInvoiceUpdateResponse, ApiError> {
        let company = request.path.company_id;
        let id = request.path.sales_invoice_id;
        let precondition = Precondition::parse(&request.headers.if_match);
        let stored = self
            .store
            .sales_invoice_update(caller.scope(company), id, precondition, request.body)
            .await?;
        if prefer::wants_minimal(request.headers.prefer.as_deref()) {
            let preference_applied = "return=minimal".to_owned();
            return Ok(SalesInvoiceUpdateResponse::NoContent {
                repeatability_result: None,
                e_tag: stored.etag,
                preference_applied,
            });
        }
        let body = entity(SalesInvoices, &request.context, company, &stored);
        Ok(SalesInvoiceUpdateResponse::Ok {
            repeatability_result: None,
            e_tag: stored.etag,
            body,
        })
    }

    async fn sales_invoice_delete(
        &self,
        caller: Caller,
        request: SalesInvoiceDeleteRequest,
    ) -> Result<SalesInvoiceDeleteResponse, ApiError> {
        let id = request.path.sales_invoice_id;
        let precondition = Precondition::parse(&request.headers.if_match);
        self.store
            .sales_invoice_delete(caller.scope(request.path.company_id), id, precondition)
            .await?;
        Ok(SalesInvoiceDeleteResponse::NoContent)
    }
}
