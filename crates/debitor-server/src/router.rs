//! Everything that is mounted, and where.

use std::time::Duration;

use axum::extract::Request;
use axum::http::Method;
use axum::http::header::{ETAG, HeaderName, LOCATION, RETRY_AFTER, WWW_AUTHENTICATE};
use debitor_api::support::negotiate;
use tower_http::cors::{AllowHeaders, AllowOrigin, CorsLayer};

use crate::app::App;
use crate::health::{self, Readiness};
use crate::layers::{self, Surrounded, Surroundings};
use crate::{answer, config, docs, metadata};

/// Headers of answers that pages of other origins can read beside those that all can.
const EXPOSED: [HeaderName; 6] = [
    ETAG,
    LOCATION,
    RETRY_AFTER,
    WWW_AUTHENTICATE,
    HeaderName::from_static("request-id"),
    HeaderName::from_static("preference-applied"),
];

/// The operations, the document, the metadata, health and, if it is enabled, Swagger UI. The operations are mounted
/// under the first base; requests under the other are led there (see [`layers`]).
pub fn router(
    app: App,
    pages: &config::Docs,
    cors: &config::Cors,
    readiness: Readiness,
    surroundings: Surroundings,
) -> anyhow::Result<Surrounded> {
    let mut others = docs::document()?
        .merge(metadata::routes())
        .merge(health::router(readiness));
    if pages.enabled {
        others = others.merge(docs::swagger_ui());
    }
    let others = others.method_not_allowed_fallback(|request: Request| async move {
        answer::problem(negotiate::method_not_allowed("GET, HEAD"), &request)
    });
    let (operations, _) = debitor_api::routes::<App>().into_parts(layers::BASES[0]);
    let mut router = operations.with_state(app).merge(others);
    if !cors.origins.is_empty() {
        router = router.layer(of_other_origins(&cors.origins));
    }
    Ok(layers::surround(router, surroundings))
}

/// Lets pages of these origins call the operations from a browser, with a token and without cookies.
fn of_other_origins(origins: &[String]) -> CorsLayer {
    let origins = origins.iter().filter_map(|origin| origin.parse().ok());
    CorsLayer::new()
        .allow_origin(AllowOrigin::list(origins))
        .allow_methods([Method::GET, Method::POST, Method::PATCH, Method::DELETE])
        .allow_headers(AllowHeaders::mirror_request())
        .expose_headers(EXPOSED)
        .max_age(Duration::from_hours(1))
}
