//! Operations on companies.

use std::sync::Arc;

use debitor_api::Body;
use debitor_api::company::{
    CompanyApi, CompanyCountRequest, CompanyCountResponse, CompanyGetRequest, CompanyGetResponse,
    CompanyListRequest, CompanyListResponse,
};
use debitor_api::properties::CompanyProperty;

use super::lists::{List, counted, failed, sent};
use crate::app::App;
use crate::auth::Caller;
use crate::error::ApiError;
use crate::links;
use crate::odata::list;
use crate::odata::options::{QueryOptions, condition};

impl CompanyApi for App {
    async fn company_list(
        &self,
        caller: Arc<Caller>,
        request: CompanyListRequest,
    ) -> Result<CompanyListResponse, ApiError> {
        let list = List::of_companies(&request.context.base_url, &caller, sent!(request));
        let key = self.page_key().await?;
        let QueryOptions { query, shape } = list.options::<CompanyProperty>(key)?;
        let found = self.store.company_list(&caller, query).await;
        let answer = list.answer(found, &shape, key)?;
        Ok(CompanyListResponse::Ok {
            preference_applied: answer.preference_applied,
            body: answer.body,
        })
    }

    async fn company_count(
        &self,
        caller: Arc<Caller>,
        request: CompanyCountRequest,
    ) -> Result<CompanyCountResponse, ApiError> {
        let query = counted!(request);
        let condition = condition(&query)?;
        let found = self.store.company_count(&caller, condition).await;
        let body = found.map_err(|error| failed(error, &query))?;
        Ok(CompanyCountResponse::Ok { body })
    }

    async fn company_get(
        &self,
        caller: Arc<Caller>,
        request: CompanyGetRequest,
    ) -> Result<CompanyGetResponse, ApiError> {
        let json = self
            .store
            .company_get(&caller.scope(request.path.company_id))
            .await?;
        let context = links::company_context(&request.context.base_url);
        Ok(CompanyGetResponse::Ok {
            body: Body::rendered(list::entity(&json, &context)),
        })
    }
}
