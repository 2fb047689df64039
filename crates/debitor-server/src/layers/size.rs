//! How large a request's line and headers may be. hyper's own limits are a little wider: what goes
//! beyond them as well is refused there, without a body.

use axum::extract::Request;
use axum::http::StatusCode;
use debitor_api::Problem;

const MAX_PATH: usize = 8 * 1024;
/// A link to a next page repeats the options, percent-encoded, beside a token: 25 KiB at the longest.
const MAX_BYTES: usize = 32 * 1024;
const MAX_HEADERS: usize = 64;
/// What a line of HTTP/1.1 has beside its words: `: ` and its end.
const BETWEEN: usize = 4;

/// What is too large of a request.
pub(super) fn check(request: &Request) -> Result<(), Problem> {
    if request.uri().path().len() > MAX_PATH {
        let message = format!("The path must not be longer than {MAX_PATH} bytes.");
        return Err(Problem::new(
            StatusCode::URI_TOO_LONG,
            "uriTooLong",
            message,
        ));
    }
    if request.headers().len() > MAX_HEADERS {
        return Err(too_large(format!(
            "A request must not have more than {MAX_HEADERS} headers."
        )));
    }
    if bytes(request) > MAX_BYTES {
        return Err(too_large(format!(
            "A request's line and headers must not be larger than {MAX_BYTES} bytes."
        )));
    }
    Ok(())
}

fn too_large(message: String) -> Problem {
    Problem::new(
        StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
        "requestHeaderFieldsTooLarge",
        message,
    )
}

/// The size of the line and the headers, as HTTP/1.1 has them.
fn bytes(request: &Request) -> usize {
    let target = request.uri().path_and_query();
    let line = target.map_or(0, |target| target.as_str().len()) + request.method().as_str().len();
    let headers = request.headers().iter();
    headers
        .map(|(name, value)| name.as_str().len() + value.len() + BETWEEN)
        .fold(line, |sum, bytes| sum + bytes)
}
