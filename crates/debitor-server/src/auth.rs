//! Who calls: bearer tokens become a [`Caller`], or a [`Rejection`].

mod caller;
mod issuer;
pub mod jwt;
pub mod keys;
mod remembered;
pub mod rotation;
pub mod signing;
pub mod source;

use std::sync::Arc;

use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, HeaderValue};

use crate::clock::Clock;
use crate::security;
pub use caller::{Administrator, Caller, Scope};
pub use issuer::Issuer;
use jwt::{Unverified, Verified};
use remembered::Remembered;

/// A longer token is refused unread.
const MAX_TOKEN_BYTES: usize = 8 * 1024;

/// The challenge that says no more than that other credentials may change the answer.
pub const REALM: &str = r#"Bearer realm="debitor""#;

/// Why a request has no caller. Whoever calls learns nothing finer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    #[error("The request has no bearer token.")]
    Missing,
    #[error("The request must have one `Authorization: Bearer` header, with a token.")]
    Malformed,
    #[error("The bearer token is not valid.")]
    Invalid,
    #[error("The bearer token has expired.")]
    Expired,
    #[error("The keys of the bearer token's issuer cannot be read now. Try again later.")]
    Unavailable,
    #[error("The bearer token lacks a permission that the operation needs.")]
    Scope {
        /// The least permission that would do.
        needed: String,
    },
}

impl Rejection {
    /// The value of `WWW-Authenticate`: without an error code if there were no credentials. None, if
    /// other credentials would not help.
    pub fn challenge(&self) -> Option<String> {
        let error = match self {
            Self::Missing => return Some(REALM.to_owned()),
            Self::Unavailable => return None,
            Self::Malformed => "invalid_request".to_owned(),
            Self::Invalid | Self::Expired => "invalid_token".to_owned(),
            Self::Scope { needed } => format!(r#"insufficient_scope", scope="{needed}"#),
        };
        Some(format!(r#"{REALM}, error="{error}""#))
    }
}

/// Verifies the tokens of requests.
pub struct Verifier {
    issuers: Vec<Issuer>,
    clock: Arc<dyn Clock>,
    remembered: Remembered,
}

impl Verifier {
    /// Trusts these issuers.
    pub fn new(issuers: Vec<Issuer>, clock: Arc<dyn Clock>) -> Self {
        Self {
            issuers,
            clock,
            remembered: Remembered::default(),
        }
    }

    /// Finds the caller of a request that needs any one of these permissions.
    pub async fn verify(
        &self,
        headers: &HeaderMap,
        any_of: &[&str],
    ) -> Result<Arc<Caller>, Rejection> {
        let caller = self.caller(headers).await;
        let caller = caller.inspect_err(security::unauthenticated)?;
        if caller.may(any_of) {
            return Ok(caller);
        }
        security::not_permitted(&caller);
        let needed = any_of.first().copied().unwrap_or_default().to_owned();
        Err(Rejection::Scope { needed })
    }

    async fn caller(&self, headers: &HeaderMap) -> Result<Arc<Caller>, Rejection> {
        let header = authorization(headers)?;
        let remembered = self.remembered.find(header);
        let verified = match remembered.filter(|verified| verified.is_trusted()) {
            Some(verified) => verified,
            None => self.verify_signature(header).await?,
        };
        verified.check_times(self.clock.now())?;
        Ok(Arc::clone(&verified.caller))
    }

    async fn verify_signature(&self, header: &HeaderValue) -> Result<Arc<Verified>, Rejection> {
        let token = Unverified::read(bearer_token(header)?, &self.issuers)?;
        let verified = Arc::new(token.verify().await?);
        self.remembered.add(header, Arc::clone(&verified));
        Ok(verified)
    }
}

/// The one `Authorization` header.
fn authorization(headers: &HeaderMap) -> Result<&HeaderValue, Rejection> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let value = values.next().ok_or(Rejection::Missing)?;
    match values.next() {
        None => Ok(value),
        Some(_) => Err(Rejection::Malformed),
    }
}

/// The token of a header; other schemes are no credentials here.
fn bearer_token(header: &HeaderValue) -> Result<&str, Rejection> {
    let value = header.to_str().map_err(|_| Rejection::Malformed)?;
    let (scheme, token) = value.split_once(' ').unwrap_or((value, ""));
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(Rejection::Missing);
    }
    let token = token.trim_matches(' ');
    if token.is_empty() || token.contains([' ', ',']) {
        return Err(Rejection::Malformed);
    }
    if token.len() > MAX_TOKEN_BYTES {
        Err(Rejection::Invalid)
    } else {
        Ok(token)
    }
}

#[cfg(test)]
mod tests;
