//! What surrounds every request, whatever it is for: its ids, its span, its context, its end.

pub mod admission;
pub mod forwarded;
mod host;
pub mod rates;
mod size;

use std::any::Any;
use std::borrow::Cow;
use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{self, Poll};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Body, HttpBody};
use axum::extract::Request;
use axum::http::header::{CACHE_CONTROL, CONNECTION, RETRY_AFTER, X_CONTENT_TYPE_OPTIONS};
use axum::http::uri::PathAndQuery;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, Version};
use axum::response::Response;
use bytes::Bytes;
use debitor_api::support::reply;
use debitor_api::types::ODataErrorBody;
use debitor_api::{Context, Problem, Undocumented};
use tower::Service;
use tracing::Instrument;
use uuid::Uuid;

use crate::clock::{self, Clock};
use crate::network::Peer;
use crate::odata::keys;
use crate::telemetry;
use crate::traces::{Asked, Traces};
use admission::Admission;
use forwarded::{Proxies, Word};

/// The paths that the operations are under: the document's servers.
pub const BASES: [&str; 2] = ["/v1.0", "/beta"];

const REQUEST_ID: HeaderName = HeaderName::from_static("request-id");
const CLIENT_REQUEST_ID: HeaderName = HeaderName::from_static("client-request-id");
const ODATA_VERSION: HeaderName = HeaderName::from_static("odata-version");
const CLOSE: HeaderValue = HeaderValue::from_static("close");
const FOUR: HeaderValue = HeaderValue::from_static("4.0");
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");
const NOSNIFF: HeaderValue = HeaderValue::from_static("nosniff");

/// What a request's context is made with, and how many there may be.
pub struct Surroundings {
    clock: Arc<dyn Clock>,
    public_url: Option<String>,
    admission: Arc<Admission>,
    proxies: Proxies,
    scheme: &'static str,
    traces: Traces,
    /// How long an answer may take, the arrival of the request's body included.
    patience: Duration,
}

impl Surroundings {
    /// Without a public URL, links start with the request's own `Host`.
    pub fn new(
        clock: Arc<dyn Clock>,
        public_url: Option<String>,
        admission: Arc<Admission>,
    ) -> Self {
        Self {
            clock,
            public_url,
            admission,
            proxies: Proxies::default(),
            scheme: "http://",
            traces: Traces::default(),
            patience: Duration::from_secs(30),
        }
    }

    /// Requests come over TLS, so that links say `https`.
    #[must_use]
    pub fn secure(mut self, secure: bool) -> Self {
        self.scheme = if secure { "https://" } else { "http://" };
        self
    }

    /// Requests to the API are told there.
    #[must_use]
    pub fn traced(mut self, traces: Traces) -> Self {
        self.traces = traces;
        self
    }

    /// What these proxies say of requests counts.
    #[must_use]
    pub fn behind(mut self, proxies: Proxies) -> Self {
        self.proxies = proxies;
        self
    }

    /// An answer may take so long.
    #[must_use]
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// The scheme that the client speaks, with what follows it in a URL.
    fn scheme(&self, word: Option<Word<'_>>) -> &'static str {
        word.and_then(Word::scheme).unwrap_or(self.scheme)
    }

    fn context(&self, request: &Request, word: Option<Word<'_>>) -> Context {
        let base = base(request.uri().path()).unwrap_or_default();
        let asked = || {
            let scheme = self.scheme(word);
            let host = word.and_then(Word::host);
            [scheme, host.unwrap_or_else(|| host::asked(request)), base].concat()
        };
        let base_url = match &self.public_url {
            Some(url) => [url, base].concat(),
            None => asked(),
        };
        let received_at = self.clock.now();
        Context {
            request_id: clock::unordered_id(received_at),
            client_request_id: client_request_id(request.headers()),
            received_at,
            base_url: base_url.into(),
            fingerprint: None,
        }
    }
}

/// A router and what surrounds it: a service of its own rather than a layer, which would cost each
/// request two more boxes and a copy of the router.
#[derive(Clone)]
pub struct Surrounded(Arc<(Router, Surroundings)>);

/// The router, surrounded. The path is rewritten before it looks at it.
pub fn surround(router: Router, surroundings: Surroundings) -> Surrounded {
    Surrounded(Arc::new((router, surroundings)))
}

impl<B> Service<axum::http::Request<B>> for Surrounded
where
    B: HttpBody<Data = Bytes> + Send + 'static,
    B::Error: Into<axum::BoxError>,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut task::Context<'_>) -> Poll<Result<(), Infallible>> {
        // A router is always ready.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: axum::http::Request<B>) -> Self::Future {
        let shared = Arc::clone(&self.0);
        let request = request.map(Body::new);
        Box::pin(async move {
            let (router, surroundings) = &*shared;
            Ok(answer(surroundings, router.clone(), request).await)
        })
    }
}

async fn answer(surroundings: &Surroundings, router: Router, mut request: Request) -> Response {
    let started = Instant::now();
    let word = surroundings.proxies.word(&request);
    let context = surroundings.context(&request, word);
    let client = word.map(Word::client);
    let span = telemetry::request_span(context.request_id, name(request.method()));
    let in_api = base(request.uri().path()).is_some();
    let trace = surroundings.traces.begin(&request, || {
        in_api.then(|| Asked {
            method: name(request.method()),
            scheme: surroundings.scheme(word).trim_end_matches("://"),
            id: context.request_id,
        })
    });
    let version = request.version();
    let fits = host::check(&request).and_then(|()| size::check(&request));
    rewrite_path(request.uri_mut());
    request.extensions_mut().insert(context.clone());
    request
        .extensions_mut()
        .insert(surroundings.admission.place());
    if let Some(client) = client {
        request.extensions_mut().insert(Peer(client));
    }
    let answering = async {
        let answered = match fits {
            Ok(()) => route(router, request, surroundings.patience).await,
            Err(problem) => Err(problem),
        };
        let mut response =
            answered.unwrap_or_else(|problem| reply::problem::<ODataErrorBody>(problem, &context));
        mark(response.headers_mut(), &context, in_api);
        if response.status() == StatusCode::REQUEST_TIMEOUT && version < Version::HTTP_2 {
            // The rest of the body would be taken for the next request.
            response.headers_mut().insert(CONNECTION, CLOSE);
        }
        log(&response, started, in_api);
        response
    }
    .instrument(span);
    trace.around(answering).await
}

/// There is more to do than can be done in time.
pub(crate) fn busy() -> Problem {
    let message = "The service has too much to do. Try again soon.";
    Problem::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "serviceNotAvailable",
        message,
    )
    .header(RETRY_AFTER, "1")
}

/// What the router answers, if it does so in time.
async fn route(
    mut router: Router,
    request: Request,
    patience: Duration,
) -> Result<Response, Problem> {
    let reads = request.method().is_safe();
    let answering = pin!(catch_panic(router.call(request)));
    let answered = in_time(answering, patience).await;
    match answered.ok_or_else(|| too_slow(reads))? {
        Ok(Ok(response)) => Ok(response),
        Err(_) => Err(Problem::internal()),
    }
}

/// A write that is under way is not called off, and may be done when nobody waits for it any more.
fn too_slow(reads: bool) -> Problem {
    tracing::warn!("the request took too long");
    let message = "The request took too long. Try again later.";
    let problem = Problem::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "serviceNotAvailable",
        message,
    )
    .header(RETRY_AFTER, "1");
    if reads {
        problem
    } else {
        problem.inner_code("outcomeUnknown")
    }
}

/// The method as the log names it: one that nobody knows is whatever a client likes to write.
fn name(method: &Method) -> &'static str {
    const KNOWN: [Method; 9] = [
        Method::GET,
        Method::POST,
        Method::PATCH,
        Method::DELETE,
        Method::HEAD,
        Method::OPTIONS,
        Method::PUT,
        Method::TRACE,
        Method::CONNECT,
    ];
    KNOWN
        .iter()
        .find(|known| *known == method)
        .map_or("other", Method::as_str)
}

fn mark(headers: &mut HeaderMap, context: &Context, in_api: bool) {
    headers.insert(REQUEST_ID, id_value(context.request_id));
    if let Some(id) = context.client_request_id {
        headers.insert(CLIENT_REQUEST_ID, id_value(id));
    }
    headers.insert(X_CONTENT_TYPE_OPTIONS, NOSNIFF);
    if in_api {
        headers.insert(ODATA_VERSION, FOUR);
        headers.insert(CACHE_CONTROL, NO_STORE);
    }
}

/// Probes and pages come often and say little.
fn log(response: &Response, started: Instant, in_api: bool) {
    let status = response.status().as_u16();
    // Asked for only if it is logged.
    let duration_ms = || started.elapsed().as_secs_f64() * 1000.0;
    if let Some(Undocumented(problem)) = response.extensions().get() {
        let status = problem.status.as_u16();
        tracing::error!(
            status,
            code = problem.code,
            "the document lacks this answer"
        );
    }
    if in_api {
        tracing::info!(status, duration_ms = duration_ms(), "answered");
    } else {
        tracing::debug!(status, duration_ms = duration_ms(), "answered");
    }
}

fn id_value(id: Uuid) -> HeaderValue {
    let mut buffer = Uuid::encode_buffer();
    let text: &str = id.hyphenated().encode_lower(&mut buffer);
    // Hexadecimal digits and hyphens: every header can have them.
    HeaderValue::from_str(text).unwrap_or(HeaderValue::from_static(""))
}

/// The caller's name of its request, if it is a GUID; anything else could be an attack on logs.
fn client_request_id(headers: &HeaderMap) -> Option<Uuid> {
    let text = headers.get(CLIENT_REQUEST_ID)?.to_str().ok()?;
    Uuid::parse_str(text)
        .ok()
        .filter(|_| text.len() == uuid::fmt::Hyphenated::LENGTH)
}

fn base(path: &str) -> Option<&'static str> {
    let is_under = |base: &&str| {
        path.strip_prefix(base)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    BASES.into_iter().find(is_under)
}

/// Leads every base to the first, where the operations are mounted, and keys in parentheses to
/// segments. A path that cannot be taken apart or put together stays what it was.
fn rewrite_path(uri: &mut Uri) {
    let is_canonical = base(uri.path()).is_none_or(|base| base == BASES[0]);
    let path = match keys::as_segments(uri.path()) {
        Cow::Borrowed(_) if is_canonical => return,
        path => canonical(path),
    };
    let path = match uri.query() {
        Some(query) => format!("{path}?{query}"),
        None => path,
    };
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = path.parse::<PathAndQuery>().ok();
    if let Ok(rewritten) = Uri::from_parts(parts) {
        *uri = rewritten;
    }
}

fn canonical(path: Cow<'_, str>) -> String {
    let below = base(&path).and_then(|base| path.strip_prefix(base));
    match below {
        Some(below) => format!("{}{below}", BASES[0]),
        None => path.into_owned(),
    }
}

/// The future's output, unless it takes too long. Most outputs are there at once and need no timer.
async fn in_time<F: Future>(mut future: Pin<&mut F>, patience: Duration) -> Option<F::Output> {
    match poll_fn(|context| Poll::Ready(future.as_mut().poll(context))).await {
        Poll::Ready(output) => Some(output),
        Poll::Pending => tokio::time::timeout(patience, future).await.ok(),
    }
}

/// The future's output, or the payload of its panic; the panic hook has logged it.
async fn catch_panic<F: Future>(future: F) -> Result<F::Output, Box<dyn Any + Send>> {
    let mut future = pin!(future);
    poll_fn(|context| {
        // After a panic the future is dropped and never looked at again.
        match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(context))) {
            Ok(poll) => poll.map(Ok),
            Err(payload) => Poll::Ready(Err(payload)),
        }
    })
    .await
}

#[cfg(test)]
mod tests;
