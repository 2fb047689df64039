//! What an OData client reads first: the service document and the metadata, at the service's root.
//!
//! They are for everybody, as a client reads them before it asks anybody for a token, and say nothing
//! that the document does not say.

use axum::Router;
use axum::extract::Request;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use bytes::Bytes;
use debitor_api::metadata::{METADATA, SERVICE};
use debitor_api::support::negotiate;
use serde_json::json;

use crate::layers::BASES;
use crate::{answer, links};

/// Both, under the first base; requests under the other are led there.
pub(crate) fn routes() -> Router {
    let base = BASES[0];
    Router::new()
        .route(base, get(service))
        .route(&format!("{base}/"), get(service))
        .route(&format!("{base}{}", links::METADATA), get(metadata))
}

async fn metadata(request: Request) -> Response {
    let body = Bytes::from_static(METADATA.as_bytes());
    negotiated(&request, "application/xml", body)
}

async fn service(request: Request) -> Response {
    let base_url = answer::context(&request).base_url;
    let list = SERVICE
        .iter()
        .map(|(kind, name)| json!({"name": name, "kind": kind, "url": name}));
    let body = json!({
        "@odata.context": links::metadata(&base_url),
        "value": list.collect::<Vec<_>>(),
    });
    negotiated(&request, "application/json", body.to_string().into())
}

fn negotiated(request: &Request, media_type: &'static str, body: Bytes) -> Response {
    match negotiate::accept(request.headers(), &[media_type]) {
        Ok(()) => ([(CONTENT_TYPE, media_type)], body).into_response(),
        Err(problem) => answer::problem(problem, request),
    }
}
