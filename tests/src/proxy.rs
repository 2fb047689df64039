//! A proxy before the server: passes everything on unchanged, and shows it to the judge.

use std::sync::{Arc, RwLock};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use tokio::net::TcpListener;

use crate::judge::{Exchange, Judge};

/// No test sends or gets more than this.
const LARGEST_BODY: usize = 64 * 1024 * 1024;

/// A running proxy; it ends with the test's runtime.
pub struct Proxy {
    origin: String,
    state: Arc<Shared>,
}

struct Shared {
    upstream: RwLock<String>,
    client: RwLock<reqwest::Client>,
    judge: Arc<Judge>,
}

impl Proxy {
    /// Starts a proxy before the server at `upstream`.
    pub async fn start(upstream: String, judge: Arc<Judge>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let origin = format!("http://{}", listener.local_addr().expect("it is bound"));
        let (upstream, client) = (RwLock::new(upstream), RwLock::new(client()));
        let state = Arc::new(Shared {
            upstream,
            client,
            judge,
        });
        let router = Router::new()
            .fallback(pass_on)
            .with_state(Arc::clone(&state));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { origin, state }
    }

    /// The proxy's own address.
    pub fn origin(&self) -> String {
        self.origin.clone()
    }

    /// Passes on to another server from now on.
    pub fn forward_to(&self, upstream: String) {
        *self.state.upstream.write().expect("no holder panics") = upstream;
        *self.state.client.write().expect("no holder panics") = client();
    }
}

/// Redirects are the client's to follow.
fn client() -> reqwest::Client {
    let none = reqwest::redirect::Policy::none();
    reqwest::Client::builder()
        .redirect(none)
        .build()
        .expect("a client")
}

async fn pass_on(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let (mut parts, body) = request.into_parts();
    let body = to_bytes(body, LARGEST_BODY).await.expect("a body");
    parts.headers.remove("transfer-encoding");
    let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
    let upstream = shared.upstream.read().expect("no holder panics").clone();
    let client = shared.client.read().expect("no holder panics").clone();
    let sent = client
        .request(parts.method.clone(), format!("{upstream}{path}"))
        .headers(parts.headers.clone())
        .body(body.clone())
        .send()
        .await;
    // A server that was killed gives no answer; neither does the proxy give one of the server's.
    let Ok(answer) = sent else {
        return StatusCode::BAD_GATEWAY.into_response();
    };
    let (status, headers) = (answer.status(), answer.headers().clone());
    let Ok(answered) = answer.bytes().await else {
        return StatusCode::BAD_GATEWAY.into_response();
    };
    shared.judge.see(&Exchange {
        method: parts.method.as_str(),
        path: parts.uri.path(),
        query: parts.uri.query().unwrap_or_default(),
        request_headers: &parts.headers,
        request_body: &body,
        status: status.as_u16(),
        headers: &headers,
        body: &answered,
    });
    let mut response = Response::new(Body::from(answered));
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}
