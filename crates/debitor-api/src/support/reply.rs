//! Writing answers: a status, its headers and its body, or the error body of a failure.

use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde::Serialize;

use super::{Context, ErrorBody, Problem};

const JSON: HeaderValue = HeaderValue::from_static("application/json");
const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");

/// Room for the headers of an answer, those of the server's layers included.
const HEADERS: usize = 12;

/// The body of a success: a value, or bytes that are the value's JSON already.
#[derive(Debug, Clone, PartialEq)]
pub struct Body<T>(Content<T>);

#[derive(Debug, Clone, PartialEq)]
enum Content<T> {
    Typed(Box<T>),
    Rendered(Bytes),
}

impl<T> Body<T> {
    /// A body of JSON that was rendered before, as stores keep it; nothing checks it here.
    pub fn rendered(json: impl Into<Bytes>) -> Self {
        Self(Content::Rendered(json.into()))
    }

    /// The value, unless the body was rendered before.
    pub fn typed(&self) -> Option<&T> {
        match &self.0 {
            Content::Typed(value) => Some(value),
            Content::Rendered(_) => None,
        }
    }
}

impl<T: Serialize> Body<T> {
    /// The body's bytes.
    pub fn into_bytes(self) -> serde_json::Result<Bytes> {
        match self.0 {
            Content::Typed(value) => serde_json::to_vec(&value).map(Bytes::from),
            Content::Rendered(bytes) => Ok(bytes),
        }
    }
}

impl<T> From<T> for Body<T> {
    fn from(value: T) -> Self {
        Self(Content::Typed(Box::new(value)))
    }
}

/// In an answer's extensions: the problem of an operation that does not document its status. The
/// caller got a 500; a layer can count and log what it would have been.
#[derive(Debug, Clone)]
pub struct Undocumented(pub Problem);

/// The documented answers of an operation.
pub trait Answer: Sized {
    /// The document's error body.
    type Error: ErrorBody;

    /// The documented answer that tells the problem, or the problem if none can.
    fn from_problem(problem: Problem, context: &Context) -> Result<Self, Problem>;

    /// The answer as it is sent.
    fn respond(self, context: &Context) -> Response;
}

/// The response to a request that reached its operation, whatever came of it.
pub fn answer<R: Answer>(result: Result<R, Problem>, context: &Context) -> Response {
    match result.or_else(|told| R::from_problem(told, context)) {
        Ok(answer) => answer.respond(context),
        Err(undocumented) => {
            let mut response = problem::<R::Error>(Problem::internal(), context);
            response.extensions_mut().insert(Undocumented(undocumented));
            response
        }
    }
}

/// An answer that is being written. What cannot be written makes the whole answer a 500.
#[derive(Debug)]
pub struct Reply {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
    sound: bool,
}

impl Reply {
    /// An answer with neither headers nor body.
    pub fn new(status: StatusCode) -> Self {
        Self {
            status,
            headers: HeaderMap::with_capacity(HEADERS),
            body: Bytes::new(),
            sound: true,
        }
    }

    /// Adds a header, by its name in lower case.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: &impl ToString) -> Self {
        match HeaderValue::try_from(value.to_string()) {
            Ok(value) => {
                self.headers.insert(HeaderName::from_static(name), value);
            }
            Err(_) => self.sound = false,
        }
        self
    }

    /// Adds a header if there is a value.
    #[must_use]
    pub fn optional_header(self, name: &'static str, value: Option<impl ToString>) -> Self {
        match value {
            Some(value) => self.header(name, &value),
            None => self,
        }
    }

    /// Sets the body of a success.
    #[must_use]
    pub fn body<T: Serialize>(self, body: Body<T>) -> Self {
        self.json_bytes(body.into_bytes())
    }

    /// Sets an error body.
    #[must_use]
    pub fn json<T: Serialize>(self, value: &T) -> Self {
        self.json_bytes(serde_json::to_vec(value).map(Bytes::from))
    }

    /// Sets a body of text.
    #[must_use]
    pub fn text(mut self, value: &impl ToString) -> Self {
        self.body = value.to_string().into();
        self.headers.insert(CONTENT_TYPE, TEXT);
        self
    }

    fn json_bytes(mut self, bytes: serde_json::Result<Bytes>) -> Self {
        match bytes {
            Ok(bytes) => {
                self.body = bytes;
                self.headers.insert(CONTENT_TYPE, JSON);
            }
            Err(_) => self.sound = false,
        }
        self
    }

    /// The finished answer.
    pub fn finish<E: ErrorBody>(self, context: &Context) -> Response {
        if !self.sound {
            return problem::<E>(Problem::internal(), context);
        }
        let mut response = Response::new(axum::body::Body::from(self.body));
        *response.status_mut() = self.status;
        *response.headers_mut() = self.headers;
        response
    }
}

/// The answer to a request that reached no operation.
pub fn problem<E: ErrorBody>(problem: Problem, context: &Context) -> Response {
    let status = problem.status;
    let headers: HeaderMap = problem.headers.iter().cloned().collect();
    // An error body is made of strings; were it not to serialise, its status alone is the answer.
    let body = serde_json::to_vec(&E::new(problem, context)).unwrap_or_default();
    let mut response = (status, headers, body).into_response();
    response.headers_mut().insert(CONTENT_TYPE, JSON);
    response
}
