//! Answers to requests that no operation is for.

use axum::extract::Request;
use axum::response::Response;
use debitor_api::support::reply;
use debitor_api::types::ODataErrorBody;
use debitor_api::{Context, Problem};

/// The error body of a problem.
pub(crate) fn problem(problem: Problem, request: &Request) -> Response {
    reply::problem::<ODataErrorBody>(problem, &context(request))
}

/// The context that the layers around the router have put there.
pub(crate) fn context(request: &Request) -> Context {
    let context = request.extensions().get::<Context>().cloned();
    context.unwrap_or_default()
}
