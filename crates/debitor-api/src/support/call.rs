//! One request on its way through its operation, in the order in which it can be refused.

use axum::body::Body;
use axum::extract::{FromRequestParts, RawPathParams, Request};
use axum::http::header::CONTENT_LENGTH;
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use bytes::Bytes;
use http_body_util::{BodyExt, LengthLimitError, Limited};

use super::json::Json;
use super::{Api, Context, Operation, Problem, negotiate};

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

    /// Looks at `Accept`.
    pub fn accept(&self) -> Result<(), Problem> {
        negotiate::accept(&self.parts.headers, self.operation.produces)
    }

    /// Looks at the body's type, reads it under the limit and parses it.
    pub async fn json(&mut self, limit: usize) -> Result<Json, Problem> {
        negotiate::content_type(&self.parts.headers)?;
        Json::parse(&self.bytes(limit).await?)
    }

    async fn bytes(&mut self, limit: usize) -> Result<Bytes, Problem> {
        if announced(&self.parts.headers).is_some_and(|length| length > limit as u64) {
            return Err(too_large(limit));
        }
        let body = std::mem::take(&mut self.body);
        match Limited::new(body, limit).collect().await {
            Ok(collected) => Ok(collected.to_bytes()),
            Err(error) if error.is::<LengthLimitError>() => Err(too_large(limit)),
            Err(_) => Err(broken()),
        }
    }

    /// The parameters of the path, decoded.
    pub async fn path(&mut self) -> Result<Vec<(String, String)>, Problem> {
        let read = RawPathParams::from_request_parts(&mut self.parts, &()).await;
        let parameters = read.map_err(|_| negotiate::not_found())?;
        Ok(parameters
            .iter()
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect())
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

fn announced(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

fn too_large(limit: usize) -> Problem {
    let message = format!("The body must not be larger than {limit} bytes.");
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "payloadTooLarge", message)
}

fn broken() -> Problem {
    let message = "The body ended before all of it arrived.";
    Problem::new(StatusCode::BAD_REQUEST, "malformedBody", message)
}
