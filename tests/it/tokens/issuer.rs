//! An issuer whose keys the test has: of each kind that is trusted, and of some that must not be.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _,
};
use axum::Router;
use axum::extract::{Request, State};
use axum::response::IntoResponse as _;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use debitor_server::clock::{Clock as _, SystemClock};
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use uuid::Uuid;

pub(super) const TENANT: Uuid = Uuid::from_u128(0x6f1a_1c3e_2b0e_4a7c_9d39_0a1f_5d1f_7a11);
pub(super) const AUDIENCE: &str = "api://debitor";
pub(super) const READ_WRITE: &str = "Financials.ReadWrite.All";
/// What the server may ask for.
pub(super) const KNOWN: [&str; 3] = [DESCRIPTION, "/keys", "/tenants/keys"];
const DESCRIPTION: &str = "/.well-known/openid-configuration";
/// A secret that the key set has, as no key set should.
pub(super) const SHARED: &str = "a secret that everybody knows who reads the set";

/// The issuer, and what it was asked for.
pub(super) struct Issuer {
    pub(super) origin: String,
    pub(super) now: i64,
    keys: BTreeMap<&'static str, Key>,
    published: Vec<Value>,
    asked: Arc<Mutex<BTreeMap<String, u64>>>,
}

/// A key: what it signs with, by which algorithm, and what is published of it.
struct Key {
    algorithm: Algorithm,
    private: EncodingKey,
    public: Value,
}

impl Key {
    fn new(algorithm: Algorithm, private: EncodingKey) -> Self {
        let public = Jwk::from_encoding_key(&private, algorithm).unwrap();
        let public = serde_json::to_value(public).unwrap();
        Self {
            algorithm,
            private,
            public,
        }
    }

    fn ec() -> Self {
        let random = SystemRandom::new();
        let key = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random);
        Self::new(
            Algorithm::ES256,
            EncodingKey::from_ec_der(key.unwrap().as_ref()),
        )
    }

    fn ed() -> Self {
        let key = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
        let pair = Ed25519KeyPair::from_pkcs8(key.as_ref()).unwrap();
        let x = encoded(pair.public_key());
        Self {
            algorithm: Algorithm::EdDSA,
            private: EncodingKey::from_ed_der(key.as_ref()),
            public: json!({ "kty": "OKP", "crv": "Ed25519", "x": x }),
        }
    }

    fn rsa(algorithm: Algorithm) -> Self {
        let key = KeyPair::generate(KeySize::Rsa2048).unwrap();
        let der: Pkcs8V1Der<'_> = key.as_der().unwrap();
        // The library takes PKCS#1, which PKCS#8 has behind 26 bytes for a key of this length.
        Self::new(algorithm, EncodingKey::from_rsa_der(&der.as_ref()[26..]))
    }
}

impl Issuer {
    /// Starts one.
    pub(super) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let keys = BTreeMap::from([
            ("ec", Key::ec()),
            ("ed", Key::ed()),
            ("rsa", Key::rsa(Algorithm::RS256)),
            ("pss", Key::rsa(Algorithm::PS256)),
            ("encryption", Key::rsa(Algorithm::RS256)),
            ("sha512", Key::rsa(Algorithm::RS512)),
            ("tenants", Key::rsa(Algorithm::RS256)),
            ("other-tenants", Key::rsa(Algorithm::RS256)),
            ("mine", Key::ec()),
        ]);
        let mut issuer = Self {
            origin,
            now: SystemClock::default().now().timestamp(),
            keys,
            published: Vec::new(),
            asked: Arc::default(),
        };
        issuer.published = ["ec", "ed", "rsa", "pss", "encryption", "sha512"]
            .map(|id| issuer.jwk(id))
            .into();
        let secret = BASE64_URL_SAFE_NO_PAD.encode(SHARED);
        issuer
            .published
            .push(json!({ "kty": "oct", "kid": "shared", "alg": "HS256", "k": secret }));
        issuer.listen(listener);
        issuer
    }

    fn listen(&self, listener: TcpListener) {
        let description =
            json!({ "issuer": self.origin, "jwks_uri": format!("{}/keys", self.origin) });
        let tenants = ["tenants", "other-tenants"].map(|id| self.jwk(id));
        let answers = BTreeMap::from([
            (KNOWN[0], description.to_string()),
            (KNOWN[1], json!({ "keys": self.published }).to_string()),
            (KNOWN[2], json!({ "keys": tenants }).to_string()),
        ]);
        let state = (Arc::new(answers), Arc::clone(&self.asked));
        let router = Router::new().fallback(answer).with_state(state);
        tokio::spawn(async { axum::serve(listener, router).await });
    }

    /// The public key, as it is published.
    pub(super) fn jwk(&self, id: &str) -> Value {
        let mut jwk = self.keys[id].public.clone();
        jwk["kid"] = json!(id);
        match id {
            "encryption" => jwk["use"] = json!("enc"),
            "tenants" => jwk["issuer"] = json!(self.template()),
            "other-tenants" => jwk["issuer"] = json!("https://login.example.com/other/v2.0"),
            _ => {}
        }
        jwk
    }

    fn template(&self) -> String {
        format!("{}/tenants/{{tenantid}}/v2.0", self.origin)
    }

    /// The name of a tenant's issuer.
    pub(super) fn of_tenant(&self, tenant: &str) -> String {
        self.template().replace("{tenantid}", tenant)
    }

    /// The tables of a server's configuration that trust it.
    pub(super) fn configuration(&self) -> String {
        let (origin, template) = (&self.origin, self.template());
        format!(
            "[[auth.issuers]]\nissuer = \"{origin}\"\naudience = \"{AUDIENCE}\"\ndiscovery = true\n\
             [[auth.issuers]]\nissuer = \"{template}\"\naudience = \"{AUDIENCE}\"\n\
             jwks_url = \"{origin}/tenants/keys\"\n"
        )
    }

    /// A token of each key that is trusted.
    pub(super) fn valid_tokens(&self) -> Vec<String> {
        let mut tokens: Vec<_> = ["ec", "ed", "rsa", "pss"]
            .map(|id| self.token(id, json!({}), json!({})))
            .into();
        let claims = json!({ "iss": self.of_tenant(&TENANT.to_string()) });
        tokens.push(self.token("tenants", json!({}), claims));
        tokens
    }

    /// The claims of a valid token.
    pub(super) fn claims(&self) -> Value {
        json!({
            "iss": self.origin, "aud": AUDIENCE, "tid": TENANT, "oid": "a-person", "azp": "a-program",
            "scp": READ_WRITE, "exp": self.now + 3600, "nbf": self.now - 5, "iat": self.now - 5,
        })
    }

    /// The header of a valid token.
    pub(super) fn header(&self, key: &str) -> Value {
        json!({ "alg": self.keys[key].algorithm, "typ": "JWT", "kid": key })
    }

    /// A token that is valid but for what stands in `header` and `claims` (null: left out).
    pub(super) fn token(&self, key: &str, header: Value, claims: Value) -> String {
        let header = merged(self.header(key), header).to_string();
        let claims = merged(self.claims(), claims).to_string();
        self.sign_text(key, &header, &claims)
    }

    /// Signs whatever it is, by the key's own algorithm.
    pub(super) fn sign_text(&self, key: &str, header: &str, claims: &str) -> String {
        let key = &self.keys[key];
        sign(&key.private, key.algorithm, header, claims)
    }

    /// Signs by another algorithm than the key's own.
    pub(super) fn token_by(&self, key: &str, algorithm: Algorithm) -> String {
        let header = merged(self.header(key), json!({ "alg": algorithm })).to_string();
        sign(
            &self.keys[key].private,
            algorithm,
            &header,
            &self.claims().to_string(),
        )
    }

    /// What was asked for, and how often.
    pub(super) fn asked(&self) -> BTreeMap<String, u64> {
        self.asked.lock().unwrap().clone()
    }
}

pub(super) fn sign(key: &EncodingKey, algorithm: Algorithm, header: &str, claims: &str) -> String {
    let message = format!("{}.{}", encoded(header), encoded(claims));
    let signature = jsonwebtoken::crypto::sign(message.as_bytes(), key, algorithm).unwrap();
    format!("{message}.{signature}")
}

pub(super) fn encoded(part: impl AsRef<[u8]>) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(part)
}

/// These properties, in place of the others' of their names; null leaves one out.
pub(super) fn merged(mut base: Value, changes: Value) -> Value {
    let object = base.as_object_mut().unwrap();
    for (name, value) in changes.as_object().unwrap() {
        object.remove(name);
        if !value.is_null() {
            object.insert(name.clone(), value.clone());
        }
    }
    base
}

type Shared = (
    Arc<BTreeMap<&'static str, String>>,
    Arc<Mutex<BTreeMap<String, u64>>>,
);

async fn answer(
    State((answers, asked)): State<Shared>,
    request: Request,
) -> axum::response::Response {
    let path = request.uri().path().to_owned();
    let answer = answers.get(&*path).cloned();
    *asked.lock().unwrap().entry(path).or_default() += 1;
    answer.unwrap_or_default().into_response()
}
