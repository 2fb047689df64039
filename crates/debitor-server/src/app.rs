//! The application: what every operation needs, and the operations mounted on it.

use std::ops::Deref;
use std::sync::Arc;

use axum::http::request::Parts;
use debitor_api::{Api, Operation, Problem, Routes};

use crate::auth::{Caller, Verifier};
use crate::error::ApiError;
use crate::store::Store;

/// What the operations share.
#[derive(Clone)]
pub struct App(Arc<Shared>);

/// Behind one pointer, as each request has its own copy of it.
pub struct Shared {
    pub(crate) store: Arc<dyn Store>,
    verifier: Arc<Verifier>,
    body_limit: usize,
}

impl Deref for App {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}

impl App {
    /// An application on this store, for callers whose tokens the verifier trusts and whose bodies
    /// have no more bytes than the limit.
    pub fn new(store: Arc<dyn Store>, verifier: Arc<Verifier>, body_limit: usize) -> Self {
        Self(Arc::new(Shared {
            store,
            verifier,
            body_limit,
        }))
    }
}

impl Api for App {
    type Caller = Arc<Caller>;
    type Error = ApiError;

    fn entered(&self, operation: &'static Operation) {
        let span = tracing::Span::current();
        span.record("operationId", operation.id);
        span.record("route", operation.path);
    }

    async fn authenticate(
        &self,
        operation: &'static Operation,
        request: &Parts,
    ) -> Result<Arc<Caller>, Problem> {
        Ok(self
            .verifier
            .verify(&request.headers, operation.permissions)?)
    }

    fn body_limit(&self) -> usize {
        self.body_limit
    }
}

/// The operations as they are mounted, and the document of what is mounted.
pub fn routes() -> Routes<App> {
    debitor_api::routes()
}
