//! One request on its way through its operation, in the order in which it can be refused.

use std::error::Error;
use std::io;

use axum::body::Body;
use axum::extract::{FromRequestParts, Request};
use axum::http::header::{CONTENT_LENGTH, EXPECT};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;

use super::json::Json;
use super::parameters::PathParameters;
use super::{Api, Context, Operation, Problem, fingerprint, negotiate};

/// As much of a body that is too large as is read for the sake of its answer, in bytes.
const DISCARDED: usize = 8 * 1024 * 1024;

/// A request and the operation that it is for.
#[derive(Debug)]
pub struct Call {
    /// The operation.
    pub operation: &'static Operation,
    /// What the server's layer said of the request.
    pub context: Context,
    parts: Parts,
    body: Body,
}

impl Call {
    /// Takes a request apart.
    pub fn new(operation: &'static Operation, request: Request) -> Self {
        let (parts, body) = request.into_parts();
        let context = parts
            .extensions
            .get::<Context>()
            .cloned()
            .unwrap_or_default();
        Self {
            operation,
            context,
            parts,
            body,
        }
    }

    /// Finds the caller.
    pub async fn authenticate<A: Api>(&mut self, api: &A) -> Result<A::Caller, Problem> {
        api.authenticate(self.operation, &self.parts).await
    }

    /// Asks whether the request is carried out now.
    pub fn admit<A: Api>(&self, api: &A) -> Result<(), Problem> {
        api.admit(&self.parts)
    }

    /// Looks at `Accept`.
    pub fn accept(&self) -> Result<(), Problem> {
        negotiate::accept(&self.parts.headers, self.operation.produces)
    }

    /// Looks at the body's type, reads it under the limit, notes the request's fingerprint and parses.
    pub async fn json(&mut self, limit: usize) -> Result<Json, Problem> {
        negotiate::content_type(&self.parts.headers)?;
        let bytes = self.bytes(limit).await?;
        self.context.fingerprint = fingerprint::of(&self.parts, &bytes);
        Json::parse(&bytes)
    }

    async fn bytes(&mut self, limit: usize) -> Result<Bytes, Problem> {
        let mut body = std::mem::take(&mut self.body);
        let mut bytes = BytesMut::new();
        if announced(&self.parts.headers).is_some_and(|length| length > limit as u64) {
            // Whoever waits for `100 Continue` has sent nothing yet, and need not.
            if !self.parts.headers.contains_key(EXPECT) {
                discard(body).await;
            }
            return Err(too_large(limit));
        }
        while let Some(frame) = body.frame().await {
            let Ok(data) = frame.map_err(|error| not_arrived(&error))?.into_data() else {
                continue;
            };
            if bytes.len() + data.len() > limit {
                discard(body).await;
                return Err(too_large(limit));
            }
            bytes.extend_from_slice(&data);
        }
        Ok(bytes.freeze())
    }

    /// The parameters of the path, decoded.
    pub async fn path(&mut self) -> Result<PathParameters, Problem> {
        let read = PathParameters::from_request_parts(&mut self.parts, &()).await;
        read.map_err(|_| negotiate::not_found())
    }

    /// The query as it was sent.
    pub fn query(&self) -> &str {
        self.parts.uri.query().unwrap_or_default()
    }

    /// The headers.
    pub fn headers(&self) -> &HeaderMap {
        &self.parts.headers
    }
}

/// Reads on, without keeping anything: a client that is still sending when the connection is closed
/// gets a reset instead of the answer.
async fn discard(mut body: Body) {
    let mut read = 0;
    while let Some(Ok(frame)) = body.frame().await {
        read += frame.data_ref().map_or(0, Bytes::len);
        if read > DISCARDED {
            return;
        }
    }
}

fn announced(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

fn too_large(limit: usize) -> Problem {
    let message = format!("The body must not be larger than {limit} bytes.");
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "payloadTooLarge", message)
}

/// The body ended too early, or the connection gave up waiting for it.
fn not_arrived(error: &axum::Error) -> Problem {
    if is_late(error) { late() } else { broken() }
}

fn is_late(error: &(dyn Error + 'static)) -> bool {
    let own = error.downcast_ref::<io::Error>();
    own.is_some_and(|own| own.kind() == io::ErrorKind::TimedOut)
        || error.source().is_some_and(is_late)
}

fn late() -> Problem {
    let message = "The body did not arrive in time.";
    Problem::new(StatusCode::REQUEST_TIMEOUT, "requestTimeout", message)
}

fn broken() -> Problem {
    let message = "The body ended before all of it arrived.";
    Problem::new(StatusCode::BAD_REQUEST, "malformedBody", message)
}
