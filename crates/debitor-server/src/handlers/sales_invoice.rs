//! Operations on sales invoices.

use std::sync::Arc;

use debitor_api::properties::SalesInvoiceProperty;
use debitor_api::sales_invoice::{
    SALES_INVOICE_CREATE, SALES_INVOICE_UPDATE, SalesInvoiceApi, SalesInvoiceCountRequest,
    SalesInvoiceCountResponse, SalesInvoiceCreateRequest, SalesInvoiceCreateResponse,
    SalesInvoiceDeleteRequest, SalesInvoiceDeleteResponse, SalesInvoiceGetRequest,
    SalesInvoiceGetResponse, SalesInvoiceListRequest, SalesInvoiceListResponse,
    SalesInvoiceUpdateRequest, SalesInvoiceUpdateResponse,
};

use super::lists::{List, counted, failed, sent};
use super::writes::{keys, repeatable, write};
use super::{entity, is_known};
use crate::app::App;
use crate::auth::Caller;
use crate::domain::version::Precondition;
use crate::error::ApiError;
use crate::links::Collection::SalesInvoices;
use crate::odata::options::{QueryOptions, condition};
use crate::odata::prefer;
use crate::store::Written;

impl SalesInvoiceApi for App {
    async fn sales_invoice_list(
        &self,
        caller: Arc<Caller>,
        request: SalesInvoiceListRequest,
    ) -> Result<SalesInvoiceListResponse, ApiError> {
        let company = request.path.company_id;
        let base_url = &request.context.base_url;
        let list = List::of_company(SalesInvoices, base_url, &caller, company, sent!(request));
        let key = self.page_key().await?;
        let QueryOptions { query, shape } = list.options::<SalesInvoiceProperty>(key)?;
        let scope = caller.scope(company);
        let found = self.store.sales_invoice_list(&scope, query).await;
        let answer = list.answer(found, &shape, key)?;
        Ok(SalesInvoiceListResponse::Ok {
            preference_applied: answer.preference_applied,
            body: answer.body,
        })
    }

    async fn sales_invoice_count(
        &self,
        caller: Arc<Caller>,
        request: SalesInvoiceCountRequest,
    ) -> Result<SalesInvoiceCountResponse, ApiError> {
        let query = counted!(request);
        let scope = caller.scope(request.path.company_id);
        let found = self
            .store
            .sales_invoice_count(&scope, condition(&query)?)
            .await;
        let body = found.map_err(|error| failed(error, &query))?;
        Ok(SalesInvoiceCountResponse::Ok { body })
    }

    async fn sales_invoice_create(
        &self,
        caller: Arc<Caller>,
        request: SalesInvoiceCreateRequest,
    ) -> Result<SalesInvoiceCreateResponse, ApiError> {
        let company = request.path.company_id;
        let keys = keys!(request.headers);
        let write = repeatable(
            &caller,
            company,
            &request.context,
            &SALES_INVOICE_CREATE,
            keys,
        )?;
        let Written { stored, form } = self.store.sales_invoice_create(write, request.body).await?;
        Ok(SalesInvoiceCreateResponse::Created {
            location: SalesInvoices.entity_address(&form.base_url, company, stored.id),
            body: entity(SalesInvoices, &form.base_url, company, &stored),
            e_tag: stored.etag,
            repeatability_result: keys.result(),
        })
    }

    async fn sales_invoice_get(
        &self,
        caller: Arc<Caller>,
        request: SalesInvoiceGetRequest,
    ) -> Result<SalesInvoiceGetResponse, ApiError> {
        let company = request.path.company_id;
        let id = request.path.sales_invoice_id;
        let stored = self
            .store
            .sales_invoice_get(&caller.scope(company), id)
            .await?;
        if is_known(request.headers.if_none_match.as_deref(), &stored) {
            return Ok(SalesInvoiceGetResponse::NotModified { e_tag: stored.etag });
        }
        let body = entity(SalesInvoices, &request.context.base_url, company, &stored);
        Ok(SalesInvoiceGetResponse::Ok {
            e_tag: stored.etag,
            body,
        })
    }

    async fn sales_invoice_update(
        &self,
        caller: Arc<Caller>,
        request: SalesInvoiceUpdateRequest,
    ) -> Result<SalesInvoiceUpdateResponse, ApiError> {
        let company = request.path.company_id;
        let id = request.path.sales_invoice_id;
        let precondition = Precondition::parse(&request.headers.if_match);
        let keys = keys!(request.headers);
        let mut write = repeatable(
            &caller,
            company,
            &request.context,
            &SALES_INVOICE_UPDATE,
            keys,
        )?;
        write.form.minimal = prefer::wants_minimal(request.headers.prefer.as_deref());
        let Written { stored, form } = self
            .store
            .sales_invoice_update(write, id, precondition, request.body)
            .await?;
        if form.minimal {
            return Ok(SalesInvoiceUpdateResponse::NoContent {
                e_tag: stored.etag,
                preference_applied: "return=minimal".to_owned(),
                repeatability_result: keys.result(),
            });
        }
        let body = entity(SalesInvoices, &form.base_url, company, &stored);
        Ok(SalesInvoiceUpdateResponse::Ok {
            e_tag: stored.etag,
            body,
            repeatability_result: keys.result(),
        })
    }

    async fn sales_invoice_delete(
        &self,
        caller: Arc<Caller>,
        request: SalesInvoiceDeleteRequest,
    ) -> Result<SalesInvoiceDeleteResponse, ApiError> {
        let id = request.path.sales_invoice_id;
        let precondition = Precondition::parse(&request.headers.if_match);
        let write = write(&caller, request.path.company_id, &request.context);
        self.store
            .sales_invoice_delete(write, id, precondition)
            .await?;
        Ok(SalesInvoiceDeleteResponse::NoContent)
    }
}
