//! Everything that is mounted, and where.

use axum::Router;
use axum::extract::Request;
use axum::response::Response;
use debitor_api::support::{negotiate, reply};
use debitor_api::types::ODataErrorBody;
use debitor_api::{Context, Problem};

use crate::app::App;
use crate::health::{self, Readiness};
use crate::layers::{self, Surroundings};
use crate::{config, docs};

/// The operations under both bases, the document, health and, if it is enabled, Swagger UI.
pub fn router(
    app: App,
    pages: &config::Docs,
    readiness: Readiness,
    surroundings: Surroundings,
) -> anyhow::Result<Router> {
    let (operations, _) = debitor_api::routes::<App>().into_parts();
    let operations = operations.with_state(app);
    let mut router = docs::document()?.merge(health::router(readiness));
    if pages.enabled {
        router = router.merge(docs::swagger_ui());
    }
    router = router
        .method_not_allowed_fallback(|request: Request| async move {
            answer(negotiate::method_not_allowed("GET, HEAD"), &request)
        })
        .fallback(|request: Request| async move { answer(negotiate::not_found(), &request) });
    for base in layers::BASES {
        router = router.nest(base, operations.clone());
    }
    Ok(layers::surround(router, surroundings))
}

fn answer(problem: Problem, request: &Request) -> Response {
    let context = request
        .extensions()
        .get::<Context>()
        .cloned()
        .unwrap_or_default();
    reply::problem::<ODataErrorBody>(problem, &context)
}
