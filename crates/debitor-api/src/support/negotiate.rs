//! Media types: whether a caller takes what an operation answers with, and sends what it reads.

use axum::http::header::{ACCEPT, ALLOW, CONTENT_ENCODING, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};

use super::Problem;

const JSON: &str = "application/json";

/// Refuses a request that takes none of the media types of an operation's successes.
pub fn accept(headers: &HeaderMap, produced: &[&str]) -> Result<(), Problem> {
    let values = headers
        .get_all(ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok());
    let ranges: Vec<Range<'_>> = values
        .flat_map(|value| value.split(','))
        .filter_map(Range::parse)
        .collect();
    // Without a single range the caller has no wish that could be met or refused.
    if produced.is_empty() || ranges.is_empty() || produced.iter().any(|p| takes(&ranges, p)) {
        return Ok(());
    }
    let message = format!("This operation answers with {}.", produced.join(" or "));
    Err(Problem::new(StatusCode::NOT_ACCEPTABLE, "notAcceptable", message).target("Accept"))
}

/// Refuses a body that is not plain JSON.
pub fn content_type(headers: &HeaderMap) -> Result<(), Problem> {
    let encoding = headers.get_all(CONTENT_ENCODING).iter();
    let identity =
        |value: &axum::http::HeaderValue| value.as_bytes().eq_ignore_ascii_case(b"identity");
    if !encoding.into_iter().all(identity) {
        return Err(unsupported(
            "The body must not be encoded.",
            "Content-Encoding",
        ));
    }
    let mut sent = headers.get_all(CONTENT_TYPE).iter();
    // Of two, whoever stands before us may have looked at the other.
    let only = sent.next().filter(|_| sent.next().is_none());
    let essence = only
        .and_then(|value| value.to_str().ok()?.split(';').next())
        .map(str::trim);
    if essence.is_some_and(|essence| essence.eq_ignore_ascii_case(JSON)) {
        return Ok(());
    }
    Err(unsupported(
        "The body must be of the type application/json.",
        "Content-Type",
    ))
}

/// Refuses a method that a path does not have.
pub fn method_not_allowed(allowed: &str) -> Problem {
    let message = format!("This path has the methods {allowed}.");
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "methodNotAllowed", message).header(ALLOW, allowed)
}

/// Refuses a path that the API does not have.
pub fn not_found() -> Problem {
    Problem::new(
        StatusCode::NOT_FOUND,
        "itemNotFound",
        "There is nothing at this path.",
    )
}

fn unsupported(message: &str, target: &str) -> Problem {
    Problem::new(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "unsupportedMediaType",
        message,
    )
    .target(target)
}

/// Whether the most specific range that covers the media type has a weight above zero.
fn takes(ranges: &[Range<'_>], produced: &str) -> bool {
    let covering = ranges
        .iter()
        .filter_map(|range| Some((range.specificity(produced)?, range)));
    let best = covering.max_by(|a, b| (a.0, a.1.weight).cmp(&(b.0, b.1.weight)));
    best.is_some_and(|(_, range)| range.weight > 0)
}

/// One member of an `Accept` header. Parameters other than the weight are passed over, since
/// `application/json;odata.metadata=minimal` asks for what is answered anyway.
#[derive(Debug)]
struct Range<'a> {
    kind: &'a str,
    subtype: &'a str,
    /// In thousandths.
    weight: u16,
}

impl<'a> Range<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        let mut parts = text.split(';').map(str::trim);
        let (kind, subtype) = parts.next()?.split_once('/')?;
        if kind.is_empty() || subtype.is_empty() {
            return None;
        }
        let mut weights = parts.filter_map(|part| part.split_once('='));
        let weight = weights.find(|(name, _)| name.trim().eq_ignore_ascii_case("q"));
        Some(Self {
            kind,
            subtype,
            weight: weight.map_or(1000, |(_, value)| thousandths(value)),
        })
    }

    fn specificity(&self, produced: &str) -> Option<u8> {
        let (kind, subtype) = produced.split_once('/')?;
        match (self.kind, self.subtype) {
            ("*", "*") => Some(0),
            (own, "*") if own.eq_ignore_ascii_case(kind) => Some(1),
            (own, sub) if own.eq_ignore_ascii_case(kind) && sub.eq_ignore_ascii_case(subtype) => {
                Some(2)
            }
            _ => None,
        }
    }
}

/// A weight such as `0.8`; what is no weight counts as full.
fn thousandths(text: &str) -> u16 {
    let text = text.trim();
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let padded = format!("{fraction:0<3}");
    match (
        whole,
        padded
            .get(..3)
            .and_then(|digits| digits.parse::<u16>().ok()),
    ) {
        ("0", Some(thousandths)) => thousandths,
        _ => 1000,
    }
}
