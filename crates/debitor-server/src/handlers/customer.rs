//! Operations on customers.

use debitor_api::Body;
use debitor_api::customer::{
    CustomerApi, CustomerCountRequest, CustomerCountResponse, CustomerCreateRequest,
    CustomerCreateResponse, CustomerDeleteRequest, CustomerDeleteResponse, CustomerGetRequest,
    CustomerGetResponse, CustomerListRequest, CustomerListResponse, CustomerUpdateRequest,
    CustomerUpdateResponse,
};
use debitor_api::types::Customer;

use super::{entity, is_known};
use crate::app::App;
use crate::auth::Caller;
use crate::domain::version::Precondition;
use crate::error::ApiError;
use crate::links::Collection::Customers;
use crate::odata::list::ListOptions;
use crate::odata::prefer;
use crate::store::CustomerKey;

impl CustomerApi for App {
    async fn customer_list(
        &self,
        caller: Caller,
        request: CustomerListRequest,
    ) -> Result<CustomerListResponse, ApiError> {
        let query = request.query;
        let options = ListOptions::new(
            query.top,
            query.skiptoken.as_deref(),
            query.count,
            query.select.as_deref(),
            Customer::PROPERTIES,
        )?;
        let company = request.path.company_id;
        let page = self
            .store
            .customer_list(caller.scope(company), options.page)
            .await?;
        let context = Customers.context(&request.context, company);
        let address = Customers.address(&request.context, company);
        let body = Body::rendered(options.render(&page, &context, &address));
        Ok(CustomerListResponse::Ok { body })
    }

    async fn customer_count(
        &self,
        caller: Caller,
        request: CustomerCountRequest,
    ) -> Result<CustomerCountResponse, ApiError> {
        let body = self
            .store
            .customer_count(caller.scope(request.path.company_id))
            .await?;
        Ok(CustomerCountResponse::Ok { body })
    }

    async fn customer_create(
        &self,
        caller: Caller,
        request: CustomerCreateRequest,
    ) -> Result<CustomerCreateResponse, ApiError> {
        let company = request.path.company_id;
        let stored = self
            .store
            .customer_create(caller.scope(company), None, request.body)
            .await?;
        Ok(CustomerCreateResponse::Created {
            repeatability_result: None,
            location: Customers.entity_address(&request.context, company, stored.id),
            body: entity(Customers, &request.context, company, &stored),
            e_tag: stored.etag,
        })
    }

    async fn customer_get(
        &self,
        caller: Caller,
        request: CustomerGetRequest,
    ) -> Result<CustomerGetResponse, ApiError> {
        let company = request.path.company_id;
        let key = CustomerKey::Id(request.path.customer_id);
        let stored = self.store.customer_get(caller.scope(company), key).await?;
        if is_known(request.headers.if_none_match.as_deref(), &stored) {
            return Ok(CustomerGetResponse::NotModified { e_tag: stored.etag });
        }
        let body = entity(Customers, &request.context, company, &stored);
        Ok(CustomerGetResponse::Ok {
            e_tag: stored.etag,
            body,
        })
    }

    async fn customer_update(
        &self,
        caller: Caller,
        request: CustomerUpdateRequest,
    ) -> Result<CustomerUpdateResponse, ApiError> {
        let company = request.path.company_id;
        let key = CustomerKey::Id(request.path.customer_id);
        let precondition = Precondition::parse(&request.headers.if_match);
        let stored = self
            .store
            .customer_update(caller.scope(company), key, precondition, request.body)
            .await?;
        if prefer::wants_minimal(request.headers.prefer.as_deref()) {
            let preference_applied = "return=minimal".to_owned();
            return Ok(CustomerUpdateResponse::NoContent {
                repeatability_result: None,
                e_tag: stored.etag,
                preference_applied,
            });
        }
        let body = entity(Customers, &request.context, company, &stored);
        Ok(CustomerUpdateResponse::Ok {
            repeatability_result: None,
            e_tag: stored.etag,
            body,
        })
    }

    async fn customer_delete(
        &self,
        caller: Caller,
        request: CustomerDeleteRequest,
    ) -> Result<CustomerDeleteResponse, ApiError> {
        let key = CustomerKey::Id(request.path.customer_id);
        let precondition = Precondition::parse(&request.headers.if_match);
        self.store
            .customer_delete(caller.scope(request.path.company_id), key, precondition)
            .await?;
        Ok(CustomerDeleteResponse::NoContent)
    }
}
