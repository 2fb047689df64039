//! What the store is told of a write: who asks, in which request, and what tells a repetition.

use std::sync::Arc;

use aws_lc_rs::digest::{Context as Digest, SHA256};
use debitor_api::{Context, Fault, Operation};
use uuid::Uuid;

use crate::auth::Caller;
use crate::store::{Form, Idempotency, Write};

/// A write of a company's data that is not repeatable.
pub(super) fn write(caller: &Arc<Caller>, company: Uuid, context: &Context) -> Write {
    Write {
        scope: caller.scope(company),
        actor: caller.to_string(),
        request_id: context.request_id,
        form: Form {
            base_url: context.base_url.clone(),
            minimal: false,
        },
        idempotency: None,
    }
}

/// The headers with which a client makes a request repeatable: the second is the name that OASIS
/// Repeatable Requests 1.0 has for the first.
#[derive(Debug, Clone, Copy)]
pub(super) struct Keys<'a> {
    pub(super) idempotency_key: Option<&'a str>,
    pub(super) repeatability_request_id: Option<&'a str>,
}

/// Finds them among an operation's headers, for which each operation has a type of its own.
macro_rules! keys {
    ($headers:expr) => {
        $crate::handlers::writes::Keys {
            idempotency_key: $headers.idempotency_key.as_deref(),
            repeatability_request_id: $headers.repeatability_request_id.as_deref(),
        }
    };
}
pub(super) use keys;

impl<'a> Keys<'a> {
    /// The request's key; two that differ are a fault.
    fn one(self) -> Result<Option<&'a str>, Vec<Fault>> {
        match (self.idempotency_key, self.repeatability_request_id) {
            (Some(key), Some(id)) if key != id => Err(vec![Fault {
                code: "idempotencyKey",
                message: "differs from `Idempotency-Key`".into(),
                target: "Repeatability-Request-ID".into(),
            }]),
            (key, id) => Ok(key.or(id)),
        }
    }

    /// What a success says of it: a client that used the standard's name is told that it counted.
    pub(super) fn result(self) -> Option<String> {
        self.repeatability_request_id.map(|_| "accepted".to_owned())
    }
}

/// A write that is done once for its key. The key is the caller's own, for this operation alone.
pub(super) fn repeatable(
    caller: &Arc<Caller>,
    company: Uuid,
    context: &Context,
    operation: &Operation,
    keys: Keys<'_>,
) -> Result<Write, Vec<Fault>> {
    let mut write = write(caller, company, context);
    if let (Some(key), Some(fingerprint)) = (keys.one()?, context.fingerprint) {
        let tenant = caller.tenant();
        let scope = [
            tenant.as_bytes(),
            company.as_bytes(),
            caller.app().unwrap_or_default().as_bytes(),
            caller.subject().as_bytes(),
            operation.id.as_bytes(),
            key.as_bytes(),
        ];
        let key = sha256(&scope);
        write.idempotency = Some(Idempotency { key, fingerprint });
    }
    Ok(write)
}

/// Each part with its length before it, so that no two lists of parts read the same.
fn sha256(parts: &[&[u8]]) -> [u8; 32] {
    let mut digest = Digest::new(&SHA256);
    for part in parts {
        digest.update(&(part.len() as u64).to_be_bytes());
        digest.update(part);
    }
    let mut bytes = [0; 32];
    bytes.copy_from_slice(digest.finish().as_ref());
    bytes
}

#[cfg(test)]
mod tests {
    use debitor_api::customer::{CUSTOMER_CREATE, CUSTOMER_UPDATE};

    use super::*;
    use crate::auth::Administrator;

    fn caller(subject: &str, app: &str) -> Arc<Caller> {
        let tenant = Administrator::of(Uuid::from_u128(1));
        Arc::new(tenant.acting_as(subject, Some(app), None))
    }

    fn key(caller: &Arc<Caller>, company: u128, operation: &Operation, key: &str) -> [u8; 32] {
        let context = Context {
            fingerprint: Some([7; 32]),
            ..Context::default()
        };
        let keys = Keys {
            idempotency_key: Some(key),
            repeatability_request_id: None,
        };
        let company = Uuid::from_u128(company);
        let write = repeatable(caller, company, &context, operation, keys).unwrap();
        write.idempotency.unwrap().key
    }

    #[test]
    fn a_key_is_the_callers_own_for_one_operation_of_one_company() {
        let ada = caller("ada", "shop");
        let own = key(&ada, 1, &CUSTOMER_CREATE, "k");
        assert_eq!(own, key(&ada, 1, &CUSTOMER_CREATE, "k"));
        let colleague = caller("bob", "shop");
        // Where one part ends and the next begins counts too.
        let shifted = caller("da", "shopa");
        for other in [
            key(&colleague, 1, &CUSTOMER_CREATE, "k"),
            key(&shifted, 1, &CUSTOMER_CREATE, "k"),
            key(&ada, 2, &CUSTOMER_CREATE, "k"),
            key(&ada, 1, &CUSTOMER_UPDATE, "k"),
            key(&ada, 1, &CUSTOMER_CREATE, "K"),
        ] {
            assert_ne!(own, other);
        }
    }

    #[test]
    fn two_keys_of_one_request_must_be_the_same() {
        let keys = |a, b| Keys {
            idempotency_key: a,
            repeatability_request_id: b,
        };
        assert_eq!(keys(Some("a"), Some("a")).one(), Ok(Some("a")));
        assert_eq!(keys(None, Some("b")).one(), Ok(Some("b")));
        assert_eq!(keys(None, None).one(), Ok(None));
        let faults = keys(Some("a"), Some("b")).one().unwrap_err();
        assert_eq!(faults[0].target, "Repeatability-Request-ID");
    }
}
