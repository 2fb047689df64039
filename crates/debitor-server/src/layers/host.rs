//! The host that a client asks for. Links start with it where no public URL is set.

use axum::extract::Request;
use axum::http::StatusCode;
use axum::http::header::HOST;
use axum::http::uri::Authority;
use debitor_api::Problem;

/// Refuses a request with several: whoever stands before us may have looked at another one than we would
/// (RFC 9112, section 3.2).
pub(super) fn check(request: &Request) -> Result<(), Problem> {
    if request.headers().get_all(HOST).iter().nth(1).is_none() {
        return Ok(());
    }
    let message = "A request must not have more than one Host header.";
    let problem = Problem::new(StatusCode::BAD_REQUEST, "invalidRequest", message);
    Err(problem.target("Host"))
}

/// The host that the client asked for; nonsense is not repeated.
pub(super) fn asked(request: &Request) -> &str {
    let header = || request.headers().get(HOST)?.to_str().ok();
    let asked = request.uri().authority().map(Authority::as_str);
    asked
        .or_else(header)
        .filter(|host| is_host(host))
        .unwrap_or("localhost")
}

/// Whether the text is a host, with a port or without; what is not plain is for the parser to say.
pub(super) fn is_host(text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b':');
    let (name, port) = text.split_once(':').unwrap_or((text, "80"));
    let plain = !name.is_empty() && text.bytes().all(is_plain) && port.parse::<u16>().is_ok();
    plain || (!text.contains('@') && text.parse::<Authority>().is_ok())
}
