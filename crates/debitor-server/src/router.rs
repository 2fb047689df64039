//! Everything that is mounted, and where.

use axum::extract::Request;
use debitor_api::support::negotiate;

use crate::app::App;
use crate::health::{self, Readiness};
use crate::layers::{self, Surrounded, Surroundings};
use crate::{answer, config, docs, metadata};

/// The operations, the document, the metadata, health and, if it is enabled, Swagger UI. The operations are mounted
/// under the first base; requests under the other are led there (see [`layers`]).
pub fn router(
    app: App,
    pages: &config::Docs,
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
    let router = operations.with_state(app).merge(others);
    Ok(layers::surround(router, surroundings))
}
