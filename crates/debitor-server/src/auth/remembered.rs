//! Tokens that were verified before: a signature costs more than all else that a read does.
//!
//! What is remembered is that an issuer's key signed these bytes for us. Whether the token is valid at
//! this instant is asked each time.

use std::collections::HashMap;
use std::hash::{Hash, Hasher};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::http::HeaderValue;

use super::jwt::Verified;
use crate::per_thread::{PerThread, processors};

/// Tokens that all threads remember at most; with one more, a thread forgets its own.
const TOKENS: usize = 10_000;
/// Bytes of a token's end that are hashed: of the signature, which no two tokens share.
const HASHED: usize = 32;

/// Remembers verified tokens by the `Authorization` header that brought them, each thread for itself.
#[derive(Debug, Default)]
pub(super) struct Remembered(PerThread<Mutex<HashMap<Credentials, Arc<Verified>>>>);

impl Remembered {
    pub(super) fn find(&self, header: &HeaderValue) -> Option<Arc<Verified>> {
        let tokens = self.tokens();
        tokens.get(&Credentials(header.clone())).cloned()
    }

    pub(super) fn add(&self, header: &HeaderValue, verified: Arc<Verified>) {
        let mut tokens = self.tokens();
        if tokens.len() >= TOKENS / processors() {
            tokens.clear();
        }
        // A copy: the header shares its bytes with all of its request.
        if let Ok(own) = HeaderValue::from_bytes(header.as_bytes()) {
            tokens.insert(Credentials(own), verified);
        }
    }

    /// Has this thread remember what any of them does that is still to be trusted.
    pub(super) fn spread(&self, header: &HeaderValue) {
        let key = Credentials(header.clone());
        let found = self.0.all().find_map(|tokens| {
            let tokens = tokens.lock().unwrap_or_else(PoisonError::into_inner);
            let verified = tokens.get(&key).cloned();
            verified.filter(|verified| verified.is_trusted())
        });
        if let Some(verified) = found {
            self.add(header, verified);
        }
    }

    fn tokens(&self) -> MutexGuard<'_, HashMap<Credentials, Arc<Verified>>> {
        let own = self.0.own();
        own.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Compared whole, hashed by its end. Only verified tokens are keys, so that nobody can make them
/// collide.
#[derive(Debug, PartialEq, Eq)]
struct Credentials(HeaderValue);

impl Hash for Credentials {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let bytes = self.0.as_bytes();
        bytes[bytes.len().saturating_sub(HASHED)..].hash(state);
    }
}
