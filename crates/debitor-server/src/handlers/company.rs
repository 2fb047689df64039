//! Operations on companies.

use std::sync::Arc;

use debitor_api::Body;
use debitor_api::company::{
    CompanyApi, CompanyGetRequest, CompanyGetResponse, CompanyListRequest, CompanyListResponse,
};
use debitor_api::properties::CompanyProperty;

use crate::app::App;
use crate::auth::Caller;
use crate::error::ApiError;
use crate::links;
use crate::odata::list::{self, ListOptions};

impl CompanyApi for App {
    async fn company_list(
        &self,
        caller: Arc<Caller>,
        request: CompanyListRequest,
    ) -> Result<CompanyListResponse, ApiError> {
        let query = request.query;
        let options = ListOptions::new::<CompanyProperty>(
            query.top,
            query.skiptoken.as_deref(),
            query.count,
            query.select.as_deref(),
        )?;
        let page = self
            .store
            .company_list(caller.tenant, options.query())
            .await?;
        let context = links::companies_context(&request.context.base_url);
        let address = links::companies_address(&request.context.base_url);
        let body = Body::rendered(options.render(&page, &context, &address));
        Ok(CompanyListResponse::Ok { body })
    }

    async fn company_get(
        &self,
        caller: Arc<Caller>,
        request: CompanyGetRequest,
    ) -> Result<CompanyGetResponse, ApiError> {
        let json = self
            .store
            .company_get(caller.scope(request.path.company_id))
            .await?;
        let context = links::company_context(&request.context.base_url);
        Ok(CompanyGetResponse::Ok {
            body: Body::rendered(list::entity(&json, &context)),
        })
    }
}
