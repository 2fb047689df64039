//! Operations on customers.

use std::sync::Arc;

use debitor_api::customer::{
    CUSTOMER_CREATE, CUSTOMER_UPDATE, CustomerApi, CustomerCountRequest, CustomerCountResponse,
    CustomerCreateRequest, CustomerCreateResponse, CustomerDeleteRequest, CustomerDeleteResponse,
    CustomerGetRequest, CustomerGetResponse, CustomerListRequest, CustomerListResponse,
    CustomerUpdateRequest, CustomerUpdateResponse,
};
use debitor_api::properties::CustomerProperty;

use super::lists::{List, counted, failed, sent};
use super::writes::{keys, repeatable, write};
use super::{entity, is_known};
use crate::app::App;
use crate::auth::Caller;
use crate::domain::version::Precondition;
use crate::error::ApiError;
use crate::links::Collection::Customers;
use crate::odata::options::{QueryOptions, condition};
use crate::odata::prefer;
use crate::store::{CustomerKey, Written};

impl CustomerApi for App {
    async fn customer_list(
        &self,
        caller: Arc<Caller>,
        request: CustomerListRequest,
    ) -> Result<CustomerListResponse, ApiError> {
        let company = request.path.company_id;
        let base_url = &request.context.base_url;
        let list = List::of_company(Customers, base_url, &caller, company, sent!(request));
        let key = self.page_key().await?;
        let QueryOptions { query, shape } = list.options::<CustomerProperty>(key)?;
        let found = self
            .store
            .customer_list(&caller.scope(company), query)
            .await;
        let answer = list.answer(found, &shape, key)?;
        Ok(CustomerListResponse::Ok {
            preference_applied: answer.preference_applied,
            body: answer.body,
        })
    }

    async fn customer_count(
        &self,
        caller: Arc<Caller>,
        request: CustomerCountRequest,
    ) -> Result<CustomerCountResponse, ApiError> {
        let query = counted!(request);
        let scope = caller.scope(request.path.company_id);
        let found = self.store.customer_count(&scope, condition(&query)?).await;
        let body = found.map_err(|error| failed(error, &query))?;
        Ok(CustomerCountResponse::Ok { body })
    }

    async fn customer_create(
        &self,
        caller: Arc<Caller>,
        request: CustomerCreateRequest,
    ) -> Result<CustomerCreateResponse, ApiError> {
        let company = request.path.company_id;
        let keys = keys!(request.headers);
        let write = repeatable(&caller, company, &request.context, &CUSTOMER_CREATE, keys)?;
        let Written { stored, form } = self
            .store
            .customer_create(write, None, request.body)
            .await?;
        Ok(CustomerCreateResponse::Created {
            location: Customers.entity_address(&form.base_url, company, stored.id),
            body: entity(Customers, &form.base_url, company, &stored),
            e_tag: stored.etag,
            repeatability_result: keys.result(),
        })
    }

    async fn customer_get(
        &self,
        caller: Arc<Caller>,
        request: CustomerGetRequest,
    ) -> Result<CustomerGetResponse, ApiError> {
        let company = request.path.company_id;
        let key = CustomerKey::Id(request.path.customer_id);
        let stored = self.store.customer_get(&caller.scope(company), key).await?;
        if is_known(request.headers.if_none_match.as_deref(), &stored) {
            return Ok(CustomerGetResponse::NotModified { e_tag: stored.etag });
        }
        let body = entity(Customers, &request.context.base_url, company, &stored);
        Ok(CustomerGetResponse::Ok {
            e_tag: stored.etag,
            body,
        })
    }

    async fn customer_update(
        &self,
        caller: Arc<Caller>,
        request: CustomerUpdateRequest,
    ) -> Result<CustomerUpdateResponse, ApiError> {
        let company = request.path.company_id;
        let key = CustomerKey::Id(request.path.customer_id);
        let precondition = Precondition::parse(&request.headers.if_match);
        let keys = keys!(request.headers);
        let mut write = repeatable(&caller, company, &request.context, &CUSTOMER_UPDATE, keys)?;
        write.form.minimal = prefer::wants_minimal(request.headers.prefer.as_deref());
        let Written { stored, form } = self
            .store
            .customer_update(write, key, precondition, request.body)
            .await?;
        if form.minimal {
            return Ok(CustomerUpdateResponse::NoContent {
                e_tag: stored.etag,
                preference_applied: "return=minimal".to_owned(),
                repeatability_result: keys.result(),
            });
        }
        let body = entity(Customers, &form.base_url, company, &stored);
        Ok(CustomerUpdateResponse::Ok {
            e_tag: stored.etag,
            body,
            repeatability_result: keys.result(),
        })
    }

    async fn customer_delete(
        &self,
        caller: Arc<Caller>,
        request: CustomerDeleteRequest,
    ) -> Result<CustomerDeleteResponse, ApiError> {
        let key = CustomerKey::Id(request.path.customer_id);
        let precondition = Precondition::parse(&request.headers.if_match);
        let write = write(&caller, request.path.company_id, &request.context);
        self.store.customer_delete(write, key, precondition).await?;
        Ok(CustomerDeleteResponse::NoContent)
    }
}
