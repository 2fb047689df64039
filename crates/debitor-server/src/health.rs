//! Whether the process lives and can take requests, for whatever runs it. Nothing finer is told.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;

use crate::store::Store;

/// A store that answers later than this is not ready.
const PING_TIMEOUT: Duration = Duration::from_secs(2);

/// Whether the server takes requests: until it is told to stop, and while its store answers.
#[derive(Clone)]
pub struct Readiness {
    stopping: Arc<AtomicBool>,
    store: Arc<dyn Store>,
}

impl Readiness {
    /// Ready whenever the store is.
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self {
            stopping: Arc::default(),
            store,
        }
    }

    /// Not ready any more.
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::Relaxed);
    }

    async fn is_ready(&self) -> bool {
        let ping = tokio::time::timeout(PING_TIMEOUT, self.store.ping());
        !self.stopping.load(Ordering::Relaxed) && matches!(ping.await, Ok(Ok(())))
    }
}

/// `/livez` and `/readyz`.
pub fn router(readiness: Readiness) -> Router {
    let ready = move || async move {
        if readiness.is_ready().await {
            (StatusCode::OK, "ready\n")
        } else {
            (StatusCode::SERVICE_UNAVAILABLE, "not ready\n")
        }
    };
    Router::new()
        .route("/livez", get("alive\n"))
        .route("/readyz", get(ready))
}
