//! What the server tells those who run it, on an address of its own: its metrics.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use prometheus_client::encoding::text;
use prometheus_client::registry::Registry;

use crate::app::App;
use crate::layers::admission::Admission;

/// The connections that are open at once: one scraper's, and a person's.
pub(crate) const CONNECTIONS: usize = 16;

const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// `/metrics`, as Prometheus reads it.
pub fn router(app: &App, admission: &Arc<Admission>) -> Router {
    let mut registry = Registry::with_prefix("debitor");
    app.store.register(&mut registry);
    app.requests()
        .register(&mut registry, admission, app.rates());
    Router::new()
        .route("/metrics", get(metrics))
        .with_state(Arc::new(registry))
}

async fn metrics(State(registry): State<Arc<Registry>>) -> Response {
    // Some are read from the file system, which may take its time.
    let written = tokio::task::spawn_blocking(move || {
        let mut text = String::new();
        text::encode(&mut text, &registry).map(|()| text)
    });
    match written.await {
        Ok(Ok(text)) => ([(header::CONTENT_TYPE, OPEN_METRICS)], text).into_response(),
        _ => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}
