//! Who calls: bearer tokens become a [`Caller`], or a [`Rejection`].

mod caller;
pub mod jwt;
pub mod keys;
mod remembered;
pub mod signing;

use std::sync::Arc;

use anyhow::Context as _;
use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, HeaderValue};

use crate::clock::Clock;
use crate::config;
pub use caller::{Administrator, Caller, Scope};
use jwt::Verified;
use keys::KeySet;
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
    #[error("The bearer token lacks a permission that the operation needs.")]
    Scope {
        /// The least permission that would do.
        needed: String,
    },
}

impl Rejection {
    /// The value of `WWW-Authenticate`: without an error code if there were no credentials.
    pub fn challenge(&self) -> String {
        let realm = REALM;
        match self {
            Self::Missing => realm.to_owned(),
            Self::Malformed => format!(r#"{realm}, error="invalid_request""#),
            Self::Invalid | Self::Expired => format!(r#"{realm}, error="invalid_token""#),
            Self::Scope { needed } => {
                format!(r#"{realm}, error="insufficient_scope", scope="{needed}""#)
            }
        }
    }
}

/// Someone whose tokens are trusted.
#[derive(Debug)]
pub struct Issuer {
    /// What a token's `iss` must be, to the letter.
    pub name: String,
    /// What a token's `aud` must be, or have among its values.
    pub audience: String,
    /// The keys that sign its tokens.
    pub keys: KeySet,
}

impl Issuer {
    /// An issuer of the configuration, with the keys that its file has now.
    pub fn from_config(config: &config::Issuer) -> anyhow::Result<Self> {
        let file = &config.jwks_file;
        let keys = KeySet::from_file(file).with_context(|| file.display().to_string())?;
        Ok(Self {
            name: config.issuer.clone(),
            audience: config.audience.clone(),
            keys,
        })
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
    pub fn verify(&self, headers: &HeaderMap, any_of: &[&str]) -> Result<Arc<Caller>, Rejection> {
        let verified = self.caller(headers).and_then(|caller| {
            let needed = || any_of.first().copied().unwrap_or_default().to_owned();
            if caller.may(any_of) {
                Ok(caller)
            } else {
                Err(Rejection::Scope { needed: needed() })
            }
        });
        if let Err(rejection) = &verified {
            tracing::info!(auth.rejection = ?rejection, "access refused");
        }
        verified
    }

    fn caller(&self, headers: &HeaderMap) -> Result<Arc<Caller>, Rejection> {
        let header = authorization(headers)?;
        let verified = match self.remembered.find(header) {
            Some(verified) => verified,
            None => self.verify_signature(header)?,
        };
        verified.check_times(self.clock.now())?;
        Ok(Arc::clone(&verified.caller))
    }

    fn verify_signature(&self, header: &HeaderValue) -> Result<Arc<Verified>, Rejection> {
        let verified = Arc::new(jwt::verify(bearer_token(header)?, &self.issuers)?);
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
