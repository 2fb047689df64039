//! What surrounds a request: who implements the API, which operation it is, and its context.

use std::future::Future;
use std::sync::Arc;

use axum::http::StatusCode;
use axum::http::request::Parts;
use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::Problem;

/// What a layer of the server knows of a request before any operation sees it.
///
/// The layer puts it into the request's extensions; without one, operations see the default.
#[derive(Debug, Clone)]
pub struct Context {
    /// The server's own name of this request, on every answer.
    pub request_id: Uuid,
    /// The caller's name of this request, echoed when it is a GUID.
    pub client_request_id: Option<Uuid>,
    /// When the request arrived.
    pub received_at: DateTime<Utc>,
    /// What absolute links start with, without a slash at the end.
    pub base_url: Arc<str>,
    /// What is the same in every repetition of the request, if it carries a key and a body.
    pub fingerprint: Option<[u8; 32]>,
}

impl Default for Context {
    fn default() -> Self {
        Self {
            request_id: Uuid::nil(),
            client_request_id: None,
            received_at: DateTime::UNIX_EPOCH,
            base_url: Arc::from(""),
            fingerprint: None,
        }
    }
}

/// What the document says of an operation as a whole.
#[derive(Debug, PartialEq, Eq)]
pub struct Operation {
    /// Its operationId.
    pub id: &'static str,
    /// Its tag.
    pub tag: &'static str,
    /// Its method, in upper case.
    pub method: &'static str,
    /// Its path template.
    pub path: &'static str,
    /// Whether it needs a caller.
    pub secured: bool,
    /// Permissions of which the caller needs any one; none are needed when this is empty.
    pub permissions: &'static [&'static str],
    /// The statuses it documents, in ascending order.
    pub statuses: &'static [u16],
    /// The media types of its successes.
    pub produces: &'static [&'static str],
}

impl Operation {
    /// Whether the document has this status for the operation.
    pub fn documents(&self, status: u16) -> bool {
        self.statuses.contains(&status)
    }
}

/// What every implementation of the API has, whichever its tags.
pub trait Api: Clone + Send + Sync + 'static {
    /// Who calls: what a secured operation's method takes.
    type Caller: Send;
    /// What handlers fail with.
    type Error: Into<Problem> + Send;

    /// What accompanies a request from the operation that was found to its answer, such as a
    /// measurement. It is dropped without an answer if nobody waits for one any more.
    type Visit: Send;

    /// Called first, with the operation that was found.
    fn entered(&self, operation: &'static Operation) -> Self::Visit;

    /// Called last, with the status of the answer.
    fn answered(&self, visit: Self::Visit, status: StatusCode);

    /// Finds the caller of a secured operation, or answers 401, 403 or 429, before the body is read.
    fn authenticate(
        &self,
        operation: &'static Operation,
        request: &Parts,
    ) -> impl Future<Output = Result<Self::Caller, Problem>> + Send;

    /// Called once all of a request has come, with what it began with: whether it is carried out now.
    ///
    /// # Errors
    ///
    /// What is answered instead.
    fn admit(&self, _request: &Parts) -> Result<(), Problem> {
        Ok(())
    }

    /// The largest body that is read, in bytes.
    fn body_limit(&self) -> usize {
        1024 * 1024
    }
}
