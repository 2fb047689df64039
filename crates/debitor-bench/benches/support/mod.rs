//! The whole service in this process, without a network: what the benches and the count of
//! instructions measure.

use std::sync::{Arc, LazyLock};

use anyhow::{Context as _, Result, ensure};
use axum::body::Body;
use axum::http::{HeaderMap, Request};
use bytes::Bytes;
use debitor_server::app::App;
use debitor_server::auth::Verifier;
use debitor_server::auth::signing::SigningKey;
use debitor_server::clock::{Clock, SystemClock};
use debitor_server::health::Readiness;
use debitor_server::layers::Surrounded;
use debitor_server::layers::Surroundings;
use debitor_server::layers::admission::Admission;
use debitor_server::layers::rates::{Limits, Rates};
use debitor_server::store::{self, Store};
use debitor_server::{config, dev, router};
use http_body_util::BodyExt as _;
use tempfile::TempDir;
use tower::ServiceExt as _;
use uuid::Uuid;

const BODY_LIMIT: usize = 1 << 20;
const PLACES: usize = 512;

/// The body of a create, as the load generator makes it.
pub(crate) static CUSTOMER: LazyLock<String> = LazyLock::new(|| {
    include_str!("../../src/customer.json")
        .replace("{name}", "abcdef ghijkl mnopqr")
        .replace("{email}", "abcdef.ghijkl@mnopqr.example")
});

/// A service on a store of its own, and what a client needs to know.
pub(crate) struct Service {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) verifier: Arc<Verifier>,
    pub(crate) company: Uuid,
    pub(crate) headers: HeaderMap,
    router: Surrounded,
    _folder: TempDir,
}

impl Service {
    /// Starts on an empty store with the demo company.
    pub(crate) async fn start() -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
        let url = format!("sqlite:{}", folder.path().display());
        let store = store::connect(&url, store::Options::default(), Arc::clone(&clock)).await?;
        let company = dev::demo(store.as_ref(), clock.as_ref()).await?.company;
        let key = SigningKey::open_or_create(folder.path())?;
        let token = key.token(&dev::grant(), clock.now())?;
        let verifier = Arc::new(Verifier::new(vec![key.issuer()?], Arc::clone(&clock)));
        let rates = Rates::new(Limits::default());
        let app = App::new(Arc::clone(&store), Arc::clone(&verifier), rates, BODY_LIMIT);
        let surroundings = Surroundings::new(clock, None, Admission::new(PLACES));
        let pages = config::Docs { enabled: false };
        let readiness = Readiness::new(Arc::clone(&store));
        let mut headers = HeaderMap::new();
        headers.insert("host", "127.0.0.1:8080".parse()?);
        headers.insert("authorization", format!("Bearer {token}").parse()?);
        headers.insert("content-type", "application/json".parse()?);
        Ok(Self {
            router: router::router(
                app,
                &pages,
                &config::Cors::default(),
                readiness,
                surroundings,
            )?,
            store,
            verifier,
            company,
            headers,
            _folder: folder,
        })
    }

    /// Makes a customer; its id.
    pub(crate) async fn create(&self) -> Result<Uuid> {
        let body = self.send("POST", "", &CUSTOMER).await?;
        let customer: serde_json::Value = serde_json::from_slice(&body)?;
        let id = customer["id"].as_str().context("an answer without id")?;
        Ok(id.parse()?)
    }

    /// The body of the answer to a request below `…/customers`, which must be a success.
    pub(crate) async fn send(&self, method: &str, rest: &str, body: &'static str) -> Result<Bytes> {
        let company = self.company;
        let uri = format!("/v1.0/financials/companies/{company}/customers{rest}");
        let mut request = Request::builder()
            .method(method)
            .uri(uri)
            .body(Body::from(body))?;
        request.headers_mut().clone_from(&self.headers);
        let answer = self.router.clone().oneshot(request).await?;
        let status = answer.status();
        let body = answer.into_body().collect().await?.to_bytes();
        ensure!(
            status.is_success(),
            "{status} {}",
            String::from_utf8_lossy(&body)
        );
        Ok(body)
    }
}
