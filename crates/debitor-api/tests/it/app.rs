//! An implementation that answers every operation with what the test said, and keeps the request.

use std::sync::{Arc, Mutex};

use axum::body::Body;
use axum::http::request::Parts;
use axum::http::{HeaderMap, Request, StatusCode, header};
use debitor_api::company::*;
use debitor_api::customer::*;
use debitor_api::sales_invoice::*;
use debitor_api::sales_invoice_customer::*;
use debitor_api::{Api, Operation, Problem, Undocumented};
use http_body_util::BodyExt;
use serde_json::Value;
use tower::ServiceExt;

pub(crate) const GUID: &str = "3b2f52b9-52b9-4b2f-b952-2f3bb9522f3b";

/// The path of a company's customers, or of what is below them.
pub(crate) fn customers(below: &str) -> String {
    format!("/financials/companies/{GUID}/customers{below}")
}

/// The application under test. Handlers fail with `problem`, but for those that tests need.
#[derive(Clone)]
pub(crate) struct App {
    problem: Problem,
    created: Arc<Mutex<Vec<CustomerCreateRequest>>>,
    updated: Arc<Mutex<Vec<CustomerUpdateRequest>>>,
    listed: Arc<Mutex<Vec<CustomerListRequest>>>,
}

/// An answer, read to its end.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
    pub(crate) undocumented: bool,
}

impl Default for App {
    fn default() -> Self {
        Self::failing(Problem::new(
            StatusCode::NOT_FOUND,
            "itemNotFound",
            "Not here.",
        ))
    }
}

impl App {
    pub(crate) fn failing(problem: Problem) -> Self {
        let (created, updated, listed) = Default::default();
        Self {
            problem,
            created,
            updated,
            listed,
        }
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let (router, _) = debitor_api::routes::<Self>().into_parts("");
        let response = router
            .with_state(self.clone())
            .oneshot(request)
            .await
            .unwrap();
        let (parts, body) = response.into_parts();
        Answer {
            status: parts.status.as_u16(),
            headers: parts.headers,
            body: body.collect().await.unwrap().to_bytes().to_vec(),
            undocumented: parts.extensions.get::<Undocumented>().is_some(),
        }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(request("GET", path).body(Body::empty()).unwrap())
            .await
    }

    /// Creates a customer with a body of JSON.
    pub(crate) async fn create(&self, body: &str) -> Answer {
        let request = json("POST", &customers(""))
            .body(Body::from(body.to_owned()))
            .unwrap();
        self.send(request).await
    }

    pub(crate) fn created(&self) -> CustomerCreateRequest {
        self.created.lock().unwrap().pop().unwrap()
    }

    pub(crate) fn updated(&self) -> CustomerUpdateRequest {
        self.updated.lock().unwrap().pop().unwrap()
    }

    pub(crate) fn listed(&self) -> CustomerListRequest {
        self.listed.lock().unwrap().pop().unwrap()
    }
}

pub(crate) fn request(method: &str, path: &str) -> axum::http::request::Builder {
    Request::builder()
        .method(method)
        .uri(path)
        .header(header::AUTHORIZATION, "Bearer x")
}

pub(crate) fn json(method: &str, path: &str) -> axum::http::request::Builder {
    request(method, path).header(header::CONTENT_TYPE, "application/json")
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The `error` of an error body.
    pub(crate) fn error(&self) -> Value {
        assert_eq!(self.header("content-type"), Some("application/json"));
        serde_json::from_slice::<Value>(&self.body).unwrap()["error"].clone()
    }

    /// Target and code of each detail.
    pub(crate) fn details(&self) -> Vec<String> {
        let error = self.error();
        let details = error["details"].as_array().cloned().unwrap_or_default();
        let told = |detail: &Value| {
            format!(
                "{} {}",
                detail["target"].as_str().unwrap(),
                detail["code"].as_str().unwrap()
            )
        };
        details.iter().map(told).collect()
    }
}

impl Api for App {
    type Caller = ();
    type Error = Problem;
    type Visit = ();

    fn entered(&self, _: &'static Operation) {}

    fn answered(&self, (): (), _: StatusCode) {}

    async fn authenticate(&self, _: &'static Operation, request: &Parts) -> Result<(), Problem> {
        if request.headers.contains_key(header::AUTHORIZATION) {
            return Ok(());
        }
        let problem = Problem::new(StatusCode::UNAUTHORIZED, "unauthenticated", "Who are you?");
        Err(problem.header(header::WWW_AUTHENTICATE, "Bearer"))
    }

    fn body_limit(&self) -> usize {
        10_000
    }
}

/// Handlers that fail with the application's problem.
macro_rules! failing {
    ($($method:ident($request:ty) -> $response:ty,)*) => {
        $(async fn $method(&self, (): (), _: $request) -> Result<$response, Problem> {
            Err(self.problem.clone())
        })*
    };
}

impl CompanyApi for App {
    failing! {
        company_list(CompanyListRequest) -> CompanyListResponse,
        company_count(CompanyCountRequest) -> CompanyCountResponse,
        company_get(CompanyGetRequest) -> CompanyGetResponse,
    }
}

impl CustomerApi for App {
    failing! {
        customer_get(CustomerGetRequest) -> CustomerGetResponse,
        customer_delete(CustomerDeleteRequest) -> CustomerDeleteResponse,
    }

    async fn customer_list(
        &self,
        (): (),
        request: CustomerListRequest,
    ) -> Result<CustomerListResponse, Problem> {
        self.listed.lock().unwrap().push(request);
        Err(self.problem.clone())
    }

    async fn customer_count(
        &self,
        (): (),
        _: CustomerCountRequest,
    ) -> Result<CustomerCountResponse, Problem> {
        Ok(CustomerCountResponse::Ok { body: 42 })
    }

    async fn customer_create(
        &self,
        (): (),
        request: CustomerCreateRequest,
    ) -> Result<CustomerCreateResponse, Problem> {
        let location = request.body.display_name.clone();
        self.created.lock().unwrap().push(request);
        let body = debitor_api::Body::rendered("{\"id\":1}");
        Ok(CustomerCreateResponse::Created {
            repeatability_result: None,
            e_tag: "W/\"1\"".into(),
            location,
            body,
        })
    }

    async fn customer_update(
        &self,
        (): (),
        request: CustomerUpdateRequest,
    ) -> Result<CustomerUpdateResponse, Problem> {
        self.updated.lock().unwrap().push(request);
        let e_tag = "W/\"2\"".into();
        Ok(CustomerUpdateResponse::NoContent {
            repeatability_result: None,
            e_tag,
            preference_applied: "return=minimal".into(),
        })
    }
}

impl SalesInvoiceApi for App {
    failing! {
        sales_invoice_list(SalesInvoiceListRequest) -> SalesInvoiceListResponse,
        sales_invoice_count(SalesInvoiceCountRequest) -> SalesInvoiceCountResponse,
        sales_invoice_create(SalesInvoiceCreateRequest) -> SalesInvoiceCreateResponse,
        sales_invoice_get(SalesInvoiceGetRequest) -> SalesInvoiceGetResponse,
        sales_invoice_update(SalesInvoiceUpdateRequest) -> SalesInvoiceUpdateResponse,
        sales_invoice_delete(SalesInvoiceDeleteRequest) -> SalesInvoiceDeleteResponse,
    }
}

impl SalesInvoiceCustomerApi for App {
    failing! {
        sales_invoice_customer_get(SalesInvoiceCustomerGetRequest) -> SalesInvoiceCustomerGetResponse,
        sales_invoice_customer_create(SalesInvoiceCustomerCreateRequest)
            -> SalesInvoiceCustomerCreateResponse,
        sales_invoice_customer_update(SalesInvoiceCustomerUpdateRequest)
            -> SalesInvoiceCustomerUpdateResponse,
        sales_invoice_customer_delete(SalesInvoiceCustomerDeleteRequest)
            -> SalesInvoiceCustomerDeleteResponse,
    }
}
