//! Who calls: bearer tokens become a [`Caller`], or a [`Rejection`].

mod caller;
mod issuer;
pub mod jwt;
pub mod keys;
mod remembered;
pub mod rotation;
pub mod signing;
pub mod source;

use std::net::IpAddr;
use std::sync::Arc;

use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, HeaderValue};

use crate::clock::Clock;
use crate::layers::rates::{Limits, Rates, TooMany};
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
    #[error("Too many requests of the address had no valid token.")]
    TooMany(TooMany),
}

impl Rejection {
    /// The value of `WWW-Authenticate`: without an error code if there were no credentials. None, if
    /// other credentials would not help.
    pub fn challenge(&self) -> Option<String> {
        let error = match self {
            Self::Missing => return Some(REALM.to_owned()),
            Self::Unavailable | Self::TooMany(_) => return None,
            Self::Malformed => "invalid_request".to_owned(),
            Self::Invalid | Self::Expired => "invalid_token".to_owned(),
            Self::Scope { needed } => format!(r#"insufficient_scope", scope="{needed}"#),
        };
        Some(format!(r#"{REALM}, error="{error}""#))
    }

    /// Whether other credentials are asked for: 401.
    fn is_failure(&self) -> bool {
        matches!(
            self,
            Self::Missing | Self::Malformed | Self::Invalid | Self::Expired
        )
    }
}

/// Verifies the tokens of requests.
pub struct Verifier {
    issuers: Vec<Issuer>,
    clock: Arc<dyn Clock>,
    rates: Arc<Rates>,
    remembered: Remembered,
    /// Who was verified first: whoever has no credentials is taken for that in the benchmark's build.
    #[cfg(debitor_bare)]
    first: std::sync::OnceLock<Arc<Caller>>,
}

impl Verifier {
    /// Trusts these issuers.
    pub fn new(issuers: Vec<Issuer>, clock: Arc<dyn Clock>) -> Self {
        Self {
            issuers,
            clock,
            rates: Rates::new(Limits::default()),
            remembered: Remembered::default(),
            #[cfg(debitor_bare)]
            first: std::sync::OnceLock::new(),
        }
    }

    /// An address may fail so often.
    #[must_use]
    pub fn limited(mut self, rates: Arc<Rates>) -> Self {
        self.rates = rates;
        self
    }

    /// Finds the caller of a request from this address, as far as it is known.
    pub async fn verify(
        &self,
        headers: &HeaderMap,
        address: Option<IpAddr>,
    ) -> Result<Arc<Caller>, Rejection> {
        let verified = self.caller(headers, address).await;
        if let Err(rejection) = &verified {
            self.note(rejection, address);
        }
        verified
    }

    fn note(&self, rejection: &Rejection, address: Option<IpAddr>) {
        if let Rejection::TooMany(too_many) = rejection {
            // A line of the log would cost more than the refusal.
            return self.rates.refused(too_many.what);
        }
        security::unauthenticated(rejection);
        if rejection.is_failure() {
            self.rates.failed(address);
        }
    }

    async fn caller(
        &self,
        headers: &HeaderMap,
        address: Option<IpAddr>,
    ) -> Result<Arc<Caller>, Rejection> {
        #[cfg(debitor_bare)]
        if let (None, Some(first)) = (headers.get(AUTHORIZATION), self.first.get()) {
            return Ok(Arc::clone(first));
        }
        let header = authorization(headers);
        let known = header.as_ref().ok().and_then(|header| self.known(header));
        if let Some(caller) = known.as_ref().and_then(|known| self.valid(known).ok()) {
            return Ok(caller);
        }
        if let Err(too_many) = self.rates.may_try(address) {
            let known = header.ok().and_then(|header| self.known_elsewhere(header));
            return known.ok_or(Rejection::TooMany(too_many));
        }
        let verified = match known {
            Some(known) => known,
            None => self.verify_signature(header?).await?,
        };
        self.valid(&verified)
    }

    /// What this thread remembers of the token, if it is still to be trusted.
    fn known(&self, header: &HeaderValue) -> Option<Arc<Verified>> {
        let known = self.remembered.find(header);
        known.filter(|known| known.is_trusted())
    }

    /// The caller by what another thread remembers. A connection may be served by each in turn.
    fn known_elsewhere(&self, header: &HeaderValue) -> Option<Arc<Caller>> {
        self.remembered.spread(header);
        let known = self.known(header)?;
        self.valid(&known).ok()
    }

    /// The caller, if the token is valid now.
    fn valid(&self, verified: &Verified) -> Result<Arc<Caller>, Rejection> {
        verified.check_times(self.clock.now())?;
        Ok(Arc::clone(&verified.caller))
    }

    async fn verify_signature(&self, header: &HeaderValue) -> Result<Arc<Verified>, Rejection> {
        let token = Unverified::read(bearer_token(header)?, &self.issuers)?;
        let verified = Arc::new(token.verify().await?);
        self.remembered.add(header, Arc::clone(&verified));
        #[cfg(debitor_bare)]
        let _ = self.first.set(Arc::clone(&verified.caller));
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
