//! Tokens that were verified before: a signature costs more than all else that a read does.
//!
//! What is remembered is that an issuer's key signed these bytes for us. Whether the token is valid at
//! this instant is asked each time.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use super::jwt::Verified;

/// Tokens that are remembered at most; with one more, all are forgotten.
const TOKENS: usize = 10_000;

/// Remembers verified tokens.
#[derive(Debug, Default)]
pub(super) struct Remembered(RwLock<HashMap<Box<str>, Arc<Verified>>>);

impl Remembered {
    pub(super) fn find(&self, token: &str) -> Option<Arc<Verified>> {
        let tokens = self.0.read().unwrap_or_else(PoisonError::into_inner);
        tokens.get(token).cloned()
    }

    pub(super) fn add(&self, token: &str, verified: Arc<Verified>) {
        let mut tokens = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if tokens.len() >= TOKENS {
            tokens.clear();
        }
        tokens.insert(token.into(), verified);
    }
}
