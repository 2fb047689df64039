//! The application: what every operation needs, and the operations mounted on it.

use std::ops::Deref;
use std::sync::Arc;

use axum::http::StatusCode;
use axum::http::request::Parts;
use debitor_api::{Api, Operation, Problem, Routes};
use tokio::sync::OnceCell;

use crate::auth::{Caller, Verifier};
use crate::error::ApiError;
use crate::layers::rates::Rates;
use crate::layers::{self, admission::Place};
use crate::metrics::{Requests, Visit};
use crate::network::Peer;
use crate::odata::skiptoken::Key;
use crate::store::{self, Store};
use crate::traces;

/// What the operations share.
#[derive(Clone)]
pub struct App(Arc<Shared>);

/// Behind one pointer, as each request has its own copy of it.
pub struct Shared {
    pub(crate) store: Arc<dyn Store>,
    verifier: Arc<Verifier>,
    rates: Arc<Rates>,
    body_limit: usize,
    page_key: OnceCell<Key>,
    requests: Requests,
}

impl Deref for App {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}

impl App {
    /// An application on this store, for callers whose tokens the verifier trusts, who ask no more
    /// often than the rates say and whose bodies have no more bytes than the limit.
    pub fn new(
        store: Arc<dyn Store>,
        verifier: Arc<Verifier>,
        rates: Arc<Rates>,
        body_limit: usize,
    ) -> Self {
        Self(Arc::new(Shared {
            store,
            verifier,
            rates,
            body_limit,
            page_key: OnceCell::new(),
            requests: Requests::default(),
        }))
    }

    /// What its requests take.
    pub fn requests(&self) -> &Requests {
        &self.requests
    }

    /// How often its callers may ask.
    pub(crate) fn rates(&self) -> &Rates {
        &self.rates
    }

    /// What signs the links between pages. The store keeps its secret, so that every server of the
    /// store has the same, today and after it was started again; it may be away when this one starts.
    pub(crate) async fn page_key(&self) -> Result<&Key, ApiError> {
        let key = self.page_key.get_or_try_init(async || {
            let secret = self.store.secret().await?;
            Ok::<_, store::Error>(Key::derive(&secret))
        });
        Ok(key.await?)
    }
}

impl Api for App {
    type Caller = Arc<Caller>;
    type Error = ApiError;
    type Visit = Visit;

    fn entered(&self, operation: &'static Operation) -> Visit {
        let span = tracing::Span::current();
        span.record("operationId", operation.id);
        span.record("route", operation.path);
        traces::entered(operation);
        Requests::entered(operation)
    }

    fn answered(&self, visit: Visit, status: StatusCode) {
        self.requests.answered(&visit, status);
    }

    async fn authenticate(
        &self,
        operation: &'static Operation,
        request: &Parts,
    ) -> Result<Arc<Caller>, Problem> {
        let address = request.extensions.get::<Peer>().map(|peer| peer.0);
        let caller = self.verifier.verify(&request.headers, address).await?;
        self.rates
            .ask(caller.tenant(), caller.app(), operation.method)?;
        caller.require(operation.permissions)?;
        if let Some(place) = request.extensions.get::<Arc<Place>>() {
            place.of(caller.tenant());
        }
        Ok(caller)
    }

    fn admit(&self, request: &Parts) -> Result<(), Problem> {
        let place = request.extensions.get::<Arc<Place>>();
        if place.is_none_or(|place| place.take()) {
            Ok(())
        } else {
            Err(layers::busy())
        }
    }

    fn body_limit(&self) -> usize {
        self.body_limit
    }
}

/// The operations as they are mounted, and the document of what is mounted.
pub fn routes() -> Routes<App> {
    debitor_api::routes()
}
