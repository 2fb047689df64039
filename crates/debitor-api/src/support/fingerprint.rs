//! What makes two requests the same: the fingerprint that a store keeps with an idempotency key.

use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use sha2::{Digest, Sha256};

/// Headers that carry a key; without one, nobody asks for the fingerprint.
const KEYS: [&str; 2] = ["idempotency-key", "repeatability-request-id"];

/// The fingerprint of a request that carries a key: of its method, its path as the operation's
/// router sees it, its query, its content type and its body's bytes.
pub(super) fn of(parts: &Parts, body: &[u8]) -> Option<[u8; 32]> {
    KEYS.iter()
        .any(|key| parts.headers.contains_key(*key))
        .then(|| {
            digest(&[
                parts.method.as_str().as_bytes(),
                parts.uri.path().as_bytes(),
                parts.uri.query().unwrap_or_default().as_bytes(),
                content_type(&parts.headers),
                body,
            ])
        })
}

/// Each field after its length, so that no byte can move from one field to its neighbour.
fn digest(fields: &[&[u8]]) -> [u8; 32] {
    let mut hash = Sha256::new();
    for field in fields {
        hash.update((field.len() as u64).to_be_bytes());
        hash.update(field);
    }
    hash.finalize().into()
}

fn content_type(headers: &HeaderMap) -> &[u8] {
    headers
        .get(CONTENT_TYPE)
        .map_or(&[], axum::http::HeaderValue::as_bytes)
}
