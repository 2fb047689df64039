//! Keys that tokens are verified with: a JSON Web Key Set, of which only sound keys are taken.

use std::fmt;
use std::path::Path;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey};
use serde_json::Value;

use super::issuer::fits;

pub(super) const MAX_BYTES: usize = 256 * 1024;
const MAX_KEYS: usize = 64;
/// Shorter RSA keys are within reach of an attacker.
const MIN_RSA_BYTES: usize = 2048 / 8;

/// The keys of an issuer, and the text that has them.
pub struct KeySet {
    keys: Vec<Key>,
    json: Vec<u8>,
}

/// A key, and the one algorithm that it is used with: a token's header has no say in it.
pub struct Key {
    id: Option<String>,
    /// The only issuer whose tokens it signs, if it is not all that the set is for. Entra says so, as
    /// its tenants' issuers share a set.
    issuer: Option<String>,
    pub(super) algorithm: Algorithm,
    pub(super) decoding: DecodingKey,
}

/// Why a key set cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("cannot be read: {0}")]
    Unreadable(std::io::Error),
    #[error("must have at most {MAX_BYTES} bytes")]
    TooLarge,
    #[error("is not a JSON Web Key Set")]
    NotAKeySet,
    #[error("must have at most {MAX_KEYS} keys")]
    TooMany,
    #[error("has no key for signatures by RS256, PS256, ES256 or EdDSA (RSA: 2048 bits or more)")]
    Empty,
}

impl KeySet {
    /// Reads the key set in a file.
    pub fn from_file(path: &Path) -> Result<Self, Error> {
        let length = std::fs::metadata(path).map_err(Error::Unreadable)?.len();
        if length > MAX_BYTES as u64 {
            return Err(Error::TooLarge);
        }
        Self::from_json(&std::fs::read(path).map_err(Error::Unreadable)?)
    }

    /// Reads a key set; keys of other kinds and for other uses are passed over.
    pub fn from_json(json: &[u8]) -> Result<Self, Error> {
        if json.len() > MAX_BYTES {
            return Err(Error::TooLarge);
        }
        let Value::Array(keys) = document(json)? else {
            return Err(Error::NotAKeySet);
        };
        if keys.len() > MAX_KEYS {
            return Err(Error::TooMany);
        }
        // One by one: a kind that the library does not know must not hide the keys beside it.
        let usable: Vec<Key> = keys.into_iter().filter_map(Key::new).collect();
        if usable.is_empty() {
            return Err(Error::Empty);
        }
        Ok(Self {
            keys: usable,
            json: json.to_vec(),
        })
    }

    /// Whether it has the key that a token names; a token need not name one.
    pub(super) fn has(&self, id: Option<&str>) -> bool {
        id.is_none() || self.candidates(id).next().is_some()
    }

    /// Keys for a token: those of its `kid`; without one, the only key there is.
    pub(super) fn candidates(&self, id: Option<&str>) -> impl Iterator<Item = &Key> {
        let only = self.keys.len() == 1;
        self.keys.iter().filter(move |key| match id {
            Some(id) => key.id.as_deref() == Some(id),
            None => only,
        })
    }
}

/// The same text has the same keys.
impl PartialEq for KeySet {
    fn eq(&self, other: &Self) -> bool {
        self.json == other.json
    }
}

impl fmt::Debug for KeySet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.keys).finish()
    }
}

fn document(json: &[u8]) -> Result<Value, Error> {
    let mut document: Value = serde_json::from_slice(json).map_err(|_| Error::NotAKeySet)?;
    document
        .get_mut("keys")
        .map(Value::take)
        .ok_or(Error::NotAKeySet)
}

impl Key {
    fn new(json: Value) -> Option<Self> {
        let issuer = json.get("issuer").and_then(Value::as_str);
        let issuer = issuer.map(str::to_owned);
        let jwk: Jwk = serde_json::from_value(json).ok()?;
        let common = &jwk.common;
        if common
            .public_key_use
            .as_ref()
            .is_some_and(|of| *of != PublicKeyUse::Signature)
        {
            return None;
        }
        let algorithm = algorithm(&jwk.algorithm, common.key_algorithm)?;
        let decoding = DecodingKey::from_jwk(&jwk).ok()?;
        Some(Self {
            id: common.key_id.clone(),
            issuer,
            algorithm,
            decoding,
        })
    }
}

impl Key {
    /// Whether it signs tokens of this `iss` and `tid`. Its issuer can have the tenant's place in its
    /// name, whether the issuer of the configuration has or not.
    pub(super) fn is_of(&self, issuer: &str, tenant: Option<&str>) -> bool {
        let own = self.issuer.as_deref();
        own.is_none_or(|own| fits(own, issuer, tenant))
    }
}

/// The algorithm that a key names, if it fits its kind; RSA keys without one sign by RS256.
fn algorithm(parameters: &AlgorithmParameters, named: Option<KeyAlgorithm>) -> Option<Algorithm> {
    match (parameters, named) {
        (AlgorithmParameters::RSA(rsa), named) if bytes(&rsa.n) >= MIN_RSA_BYTES => match named {
            None | Some(KeyAlgorithm::RS256) => Some(Algorithm::RS256),
            Some(KeyAlgorithm::PS256) => Some(Algorithm::PS256),
            Some(_) => None,
        },
        (AlgorithmParameters::EllipticCurve(ec), None | Some(KeyAlgorithm::ES256)) => {
            (ec.curve == EllipticCurve::P256).then_some(Algorithm::ES256)
        }
        (AlgorithmParameters::OctetKeyPair(pair), None | Some(KeyAlgorithm::EdDSA)) => {
            (pair.curve == EllipticCurve::Ed25519).then_some(Algorithm::EdDSA)
        }
        _ => None,
    }
}

/// The number of significant bytes of a number in base64url.
fn bytes(number: &str) -> usize {
    let decoded = BASE64_URL_SAFE_NO_PAD.decode(number).unwrap_or_default();
    decoded.iter().skip_while(|byte| **byte == 0).count()
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({:?}, {:?})", self.id, self.algorithm)
    }
}

#[cfg(test)]
#[expect(
    clippy::needless_pass_by_value,
    reason = "`json!` makes values, to be given as they are"
)]
mod tests {
    use serde_json::json;

    use super::*;

    const X: &str = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";

    fn ids(keys: Value) -> Result<Vec<(String, Algorithm)>, String> {
        let json = json!({ "keys": keys }).to_string();
        let set = KeySet::from_json(json.as_bytes()).map_err(|error| error.to_string())?;
        Ok(set
            .keys
            .into_iter()
            .map(|key| (key.id.unwrap_or_default(), key.algorithm))
            .collect())
    }

    fn rsa(id: &str, bits: usize, extra: Value) -> Value {
        let n = BASE64_URL_SAFE_NO_PAD.encode(vec![0xC3; bits / 8]);
        let mut key = json!({ "kty": "RSA", "kid": id, "n": n, "e": "AQAB" });
        key.as_object_mut()
            .unwrap()
            .extend(extra.as_object().unwrap().clone());
        key
    }

    #[test]
    fn sound_keys_are_taken_with_one_algorithm_each() {
        let found = ids(json!([
            rsa("plain", 2048, json!({})),
            rsa("pss", 3072, json!({ "alg": "PS256", "use": "sig" })),
            { "kty": "EC", "kid": "ec", "crv": "P-256", "x": X, "y": X },
            { "kty": "OKP", "kid": "ed", "crv": "Ed25519", "x": X, "alg": "EdDSA" },
        ]));
        let expected = [
            ("plain".to_owned(), Algorithm::RS256),
            ("pss".to_owned(), Algorithm::PS256),
            ("ec".to_owned(), Algorithm::ES256),
            ("ed".to_owned(), Algorithm::EdDSA),
        ];
        assert_eq!(found.unwrap(), expected);
    }

    #[test]
    fn other_keys_are_passed_over() {
        let found = ids(json!([
            rsa("short", 1024, json!({})),
            rsa("encryption", 2048, json!({ "use": "enc" })),
            rsa("sha1", 2048, json!({ "alg": "RS1" })),
            rsa("sha512", 2048, json!({ "alg": "RS512" })),
            { "kty": "oct", "kid": "shared", "k": "c2VjcmV0c2VjcmV0c2VjcmV0" },
            { "kty": "oct", "kid": "confused", "k": "c2VjcmV0", "alg": "HS256" },
            { "kty": "EC", "kid": "p384", "crv": "P-384", "x": X, "y": X },
            { "kty": "EC", "kid": "k1", "crv": "secp256k1", "x": X, "y": X },
            { "kty": "new", "kid": "unknown" },
            "text",
            { "kty": "OKP", "kid": "ed", "crv": "Ed25519", "x": X },
        ]));
        assert_eq!(found.unwrap(), [("ed".to_owned(), Algorithm::EdDSA)]);
    }

    #[test]
    fn unusable_sets_are_refused() {
        let refused = |json: &[u8]| KeySet::from_json(json).unwrap_err().to_string();
        assert!(ids(json!([])).unwrap_err().starts_with("has no key"));
        assert!(refused(b"{}").starts_with("is not"));
        assert!(refused(b"[").starts_with("is not"));
        assert!(refused(b"{\"keys\":{}}").starts_with("is not"));
        assert!(refused(&vec![b' '; MAX_BYTES + 1]).starts_with("must have at most"));
        let many = vec![json!({}); MAX_KEYS + 1];
        assert!(ids(json!(many)).unwrap_err().contains("64 keys"));
    }

    #[test]
    fn a_token_without_kid_fits_only_a_set_of_one() {
        let key = |id: &str| json!({ "kty": "OKP", "kid": id, "crv": "Ed25519", "x": X });
        let set = |keys: Value| KeySet::from_json(json!({ "keys": keys }).to_string().as_bytes());
        assert_eq!(set(json!([key("a")])).unwrap().candidates(None).count(), 1);
        let two = set(json!([key("a"), key("b")])).unwrap();
        assert_eq!(two.candidates(None).count(), 0);
        assert_eq!(two.candidates(Some("b")).count(), 1);
        assert_eq!(two.candidates(Some("c")).count(), 0);
    }
}
