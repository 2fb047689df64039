//! Tokens that are refused, and why; tokens that are not.

#![expect(
    clippy::needless_pass_by_value,
    reason = "`json!` makes values, to be given as they are"
)]

use std::sync::Arc;

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta};
use futures::FutureExt as _;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::{Value, json};

use uuid::Uuid;

use super::keys::KeySet;
use super::rotation::Keys;
use super::*;
use crate::clock::FixedClock;
use crate::layers::rates::Rate;

const NOW: i64 = 1_800_000_000;
const ISSUER: &str = "https://login.example.com/";
const AUDIENCE: &str = "api://debitor";
const TENANT: &str = "6f1a1c3e-2b0e-4a7c-9d39-0a1f5d1f7a11";
const SUBJECT: &str = "0b7a4f2c-95c5-4c1f-8d3c-6b8a3f1e2d44";

/// An issuer whose tokens are trusted, with the key that a test signs with.
struct World {
    key: EncodingKey,
    clock: Arc<FixedClock>,
    verifier: Verifier,
}

fn ec_key() -> EncodingKey {
    let random = SystemRandom::new();
    let key = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
    EncodingKey::from_ec_der(key.as_ref())
}

fn world() -> World {
    let key = ec_key();
    let mut jwk = Jwk::from_encoding_key(&key, Algorithm::ES256).unwrap();
    jwk.common.key_id = Some("one".to_owned());
    world_with(key, &serde_json::to_value(jwk).unwrap())
}

fn world_with(key: EncodingKey, jwk: &Value) -> World {
    let mut other = Jwk::from_encoding_key(&ec_key(), Algorithm::ES256).unwrap();
    other.common.key_id = Some("two".to_owned());
    let keys = KeySet::from_json(json!({ "keys": [jwk, other] }).to_string().as_bytes()).unwrap();
    let clock = Arc::new(FixedClock::at(DateTime::from_timestamp(NOW, 0).unwrap()));
    let issuer = Issuer {
        name: ISSUER.to_owned(),
        audience: AUDIENCE.to_owned(),
        tenant: None,
        keys: Keys::fixed(keys),
    };
    World {
        key,
        verifier: Verifier::new(vec![issuer], clock.clone()),
        clock,
    }
}

impl World {
    /// A token that is valid but for what `header` and `claims` put in its place (null: leave out).
    fn token(&self, header: Value, claims: Value) -> String {
        sign(
            &self.key,
            Algorithm::ES256,
            &merged(base_header(), header),
            &merged(base(), claims),
        )
    }

    fn verify(&self, token: &str) -> Result<Arc<Caller>, Rejection> {
        let headers = authorization(&[&format!("Bearer {token}")]);
        verify(&self.verifier, &headers, &["Read", "Write"])
    }

    fn check_claims(&self, claims: Value, expected: Result<(), Rejection>) {
        let told = claims.to_string();
        let found = self.verify(&self.token(json!({}), claims)).map(|_| ());
        assert_eq!(found, expected, "{told}");
    }
}

/// Keys that never change are there at once.
fn verify(
    verifier: &Verifier,
    headers: &HeaderMap,
    any_of: &[&str],
) -> Result<Arc<Caller>, Rejection> {
    let found = verifier.verify(headers, None).now_or_never().unwrap();
    found.and_then(|caller| caller.require(any_of).map(|()| caller))
}

fn base_header() -> Value {
    json!({ "alg": "ES256", "typ": "JWT", "kid": "one" })
}

fn base() -> Value {
    json!({
        "iss": ISSUER, "aud": AUDIENCE, "tid": TENANT, "oid": SUBJECT, "sub": "pairwise",
        "azp": "a-program", "scp": "Read", "exp": NOW + 600, "nbf": NOW - 5, "iat": NOW - 5,
    })
}

fn merged(mut base: Value, changes: Value) -> Value {
    let object = base.as_object_mut().unwrap();
    for (name, value) in changes.as_object().unwrap() {
        object.remove(name);
        if !value.is_null() {
            object.insert(name.clone(), value.clone());
        }
    }
    base
}

fn encoded(part: &str) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(part)
}

fn sign(key: &EncodingKey, algorithm: Algorithm, header: &Value, claims: &Value) -> String {
    sign_text(key, algorithm, &header.to_string(), &claims.to_string())
}

fn sign_text(key: &EncodingKey, algorithm: Algorithm, header: &str, claims: &str) -> String {
    let message = format!("{}.{}", encoded(header), encoded(claims));
    let signature = jsonwebtoken::crypto::sign(message.as_bytes(), key, algorithm).unwrap();
    format!("{message}.{signature}")
}

fn authorization(values: &[&str]) -> HeaderMap {
    let name = HeaderName::from_static("authorization");
    values
        .iter()
        .map(|value| (name.clone(), HeaderValue::from_str(value).unwrap()))
        .collect()
}

#[test]
fn a_valid_token_names_its_caller() {
    let world = world();
    let caller = world
        .verify(&world.token(json!({}), json!({ "roles": ["Other"] })))
        .unwrap();
    let expected = Caller {
        tenant: Uuid::parse_str(TENANT).unwrap(),
        subject: SUBJECT.to_owned(),
        app: Some("a-program".to_owned()),
        permissions: vec!["Read".to_owned(), "Other".to_owned()],
        companies: None,
        is_administrator: false,
    };
    assert_eq!(*caller, expected);
}

#[test]
fn a_token_can_say_which_companies_it_is_for() {
    let world = world();
    let companies = |claims| {
        let caller = world.verify(&world.token(json!({}), claims))?;
        Ok(caller.companies().map(<[Uuid]>::to_vec))
    };
    let tenant = Uuid::parse_str(TENANT).unwrap();
    for (claim, expected) in [
        (json!(null), Ok(None)),
        (json!([]), Ok(Some(vec![]))),
        (json!([TENANT.to_uppercase()]), Ok(Some(vec![tenant]))),
        (json!(TENANT), Err(Rejection::Invalid)),
        (json!({ TENANT: 1 }), Err(Rejection::Invalid)),
        (json!([TENANT, 1]), Err(Rejection::Invalid)),
        (json!([TENANT, "x"]), Err(Rejection::Invalid)),
        (json!([format!("{{{TENANT}}}")]), Err(Rejection::Invalid)),
    ] {
        assert_eq!(companies(json!({ "companies": claim })), expected);
    }
    let null = Value::Object(
        [("companies".to_owned(), Value::Null)]
            .into_iter()
            .collect(),
    );
    let mut claims = base();
    claims
        .as_object_mut()
        .unwrap()
        .extend(null.as_object().unwrap().clone());
    let token = sign(&world.key, Algorithm::ES256, &base_header(), &claims);
    assert_eq!(world.verify(&token), Err(Rejection::Invalid));
}

#[test]
fn a_name_that_no_store_takes_is_no_name() {
    let world = world();
    for claim in ["oid", "azp"] {
        world.check_claims(json!({ claim: "a\u{0}b" }), Err(Rejection::Invalid));
    }
}

#[test]
fn an_app_is_known_by_its_roles_and_its_sub() {
    let world = world();
    let claims = json!({
        "scp": null, "roles": ["Write"], "oid": null, "azp": null, "appid": "a-daemon",
    });
    let caller = world.verify(&world.token(json!({}), claims)).unwrap();
    assert_eq!(
        (caller.subject.as_str(), caller.app.as_deref()),
        ("pairwise", Some("a-daemon"))
    );
}

#[test]
fn other_spellings_of_a_valid_token_are_valid() {
    let world = world();
    world.check_claims(json!({ "aud": ["api://other", AUDIENCE] }), Ok(()));
    world.check_claims(json!({ "nbf": null, "iat": null }), Ok(()));
    world.check_claims(json!({ "tid": TENANT.to_uppercase() }), Ok(()));
    for header in [
        json!({ "typ": null }),
        json!({ "typ": "at+jwt" }),
        json!({ "typ": "at+JWT" }),
    ] {
        world.verify(&world.token(header, json!({}))).unwrap();
    }
    let token = world.token(json!({}), json!({}));
    for scheme in ["bearer", "BEARER", "Bearer "] {
        let headers = authorization(&[&format!("{scheme} {token}")]);
        verify(&world.verifier, &headers, &["Read"]).unwrap();
    }
}

#[test]
fn eddsa_keys_verify_too() {
    let key = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
    let public = Ed25519KeyPair::from_pkcs8(key.as_ref())
        .unwrap()
        .public_key()
        .as_ref()
        .to_vec();
    let x = BASE64_URL_SAFE_NO_PAD.encode(public);
    let jwk = json!({ "kty": "OKP", "crv": "Ed25519", "kid": "one", "x": x });
    let world = world_with(EncodingKey::from_ed_der(key.as_ref()), &jwk);
    let header = merged(base_header(), json!({ "alg": "EdDSA" }));
    world
        .verify(&sign(&world.key, Algorithm::EdDSA, &header, &base()))
        .unwrap();
}

#[test]
fn rsa_keys_verify_by_their_own_algorithm_alone() {
    let key = KeyPair::generate(KeySize::Rsa2048).unwrap();
    let der: Pkcs8V1Der = key.as_der().unwrap();
    // The library takes PKCS#1, which PKCS#8 has behind 26 bytes for a key of this length.
    let private = EncodingKey::from_rsa_der(&der.as_ref()[26..]);
    let mut jwk = serde_json::to_value(Jwk::from_encoding_key(&private, Algorithm::RS256).unwrap());
    let jwk = jwk.as_mut().unwrap();
    for (named, own, other) in [
        (Value::Null, Algorithm::RS256, Algorithm::PS256),
        (json!("RS256"), Algorithm::RS256, Algorithm::PS256),
        (json!("PS256"), Algorithm::PS256, Algorithm::RS256),
    ] {
        let jwk = merged(jwk.clone(), json!({ "kid": "one", "alg": named }));
        let world = world_with(private.clone(), &jwk);
        let sign = |algorithm: Algorithm| {
            let header = merged(base_header(), json!({ "alg": algorithm }));
            sign(&world.key, algorithm, &header, &base())
        };
        world.verify(&sign(own)).unwrap();
        assert_eq!(world.verify(&sign(other)), Err(Rejection::Invalid));
        assert_eq!(
            world.verify(&sign(Algorithm::RS512)),
            Err(Rejection::Invalid)
        );
    }
}

#[test]
fn claims_of_the_wrong_value_are_refused() {
    let world = world();
    for claims in [
        json!({ "iss": "https://login.example.com" }),
        json!({ "iss": "https://LOGIN.example.com/" }),
        json!({ "iss": "https://other.example.com/" }),
        json!({ "iss": "" }),
        json!({ "aud": "api://other" }),
        json!({ "aud": "api://debitor/" }),
        json!({ "aud": "API://DEBITOR" }),
        json!({ "aud": ["api://other"] }),
        json!({ "aud": [] }),
        json!({ "tid": "not-a-guid" }),
        json!({ "tid": "6f1a1c3e2b0e4a7c9d390a1f5d1f7a11" }),
        json!({ "tid": "{6f1a1c3e-2b0e-4a7c-9d39-0a1f5d1f7a11}" }),
        json!({ "tid": "00000000-0000-0000-0000-000000000000" }),
        json!({ "tid": "" }),
        json!({ "oid": "", "sub": "" }),
        json!({ "nbf": NOW + 61 }),
        json!({ "iat": NOW + 61 }),
        json!({ "exp": i64::MIN, "nbf": i64::MAX }),
    ] {
        world.check_claims(claims, Err(Rejection::Invalid));
    }
}

#[test]
fn claims_of_the_wrong_type_are_refused() {
    let world = world();
    for name in ["exp", "nbf", "iat"] {
        for value in [
            json!("1800000600"),
            json!(1_800_000_000.5),
            json!(1e20),
            json!(u64::MAX),
            json!([NOW]),
            json!({}),
            json!(true),
            json!(""),
        ] {
            world.check_claims(json!({ name: value }), Err(Rejection::Invalid));
        }
    }
    for claims in [
        json!({ "iss": [ISSUER] }),
        json!({ "iss": 1 }),
        json!({ "aud": 1 }),
        json!({ "aud": { "0": AUDIENCE } }),
        json!({ "tid": 1 }),
        json!({ "tid": [TENANT] }),
        json!({ "oid": 1 }),
        json!({ "sub": {} }),
        json!({ "azp": 1 }),
        json!({ "scp": ["Read"] }),
        json!({ "roles": "Write" }),
        json!({ "roles": ["Write", 1] }),
    ] {
        world.check_claims(claims, Err(Rejection::Invalid));
    }
}

#[test]
fn null_is_not_a_claim() {
    let world = world();
    for name in ["exp", "nbf", "iss", "aud", "tid", "scp", "roles"] {
        let mut claims = base();
        claims[name] = Value::Null;
        let token = sign(&world.key, Algorithm::ES256, &base_header(), &claims);
        assert_eq!(world.verify(&token), Err(Rejection::Invalid), "{name}");
    }
}

#[test]
fn missing_claims_are_refused() {
    let world = world();
    for claims in [
        json!({ "exp": null }),
        json!({ "iss": null }),
        json!({ "aud": null }),
        json!({ "tid": null }),
        json!({ "oid": null, "sub": null }),
    ] {
        world.check_claims(claims, Err(Rejection::Invalid));
    }
}

#[test]
fn times_are_the_clocks_with_a_minute_of_leeway() {
    let world = world();
    world.check_claims(json!({ "exp": NOW - 59 }), Ok(()));
    world.check_claims(json!({ "exp": NOW - 60 }), Err(Rejection::Expired));
    world.check_claims(json!({ "exp": 0 }), Err(Rejection::Expired));
    world.check_claims(json!({ "nbf": NOW + 60, "iat": NOW + 60 }), Ok(()));
    let token = world.token(json!({}), json!({}));
    world.verify(&token).unwrap();
    world.clock.advance(TimeDelta::seconds(700));
    assert_eq!(world.verify(&token), Err(Rejection::Expired));
    world.clock.advance(TimeDelta::seconds(-900));
    assert_eq!(world.verify(&token), Err(Rejection::Invalid), "before nbf");
}

#[test]
fn headers_that_mean_anything_else_are_refused() {
    let world = world();
    for header in [
        json!({ "alg": null }),
        json!({ "alg": "ES384" }),
        json!({ "alg": "RS256" }),
        json!({ "alg": "es256" }),
        json!({ "alg": 1 }),
        json!({ "typ": "id+jwt" }),
        json!({ "typ": "JWE" }),
        json!({ "typ": 1 }),
        json!({ "crit": ["exp"] }),
        json!({ "crit": [] }),
        json!({ "enc": "A256GCM" }),
        json!({ "zip": "DEF" }),
        json!({ "cty": "JWT" }),
        json!({ "b64": false }),
        json!({ "kid": null }),
        json!({ "kid": "two" }),
        json!({ "kid": "ONE" }),
        json!({ "kid": "../../etc/passwd" }),
        json!({ "kid": "one' or '1'='1" }),
        json!({ "kid": "one\u{0}" }),
        json!({ "kid": 1 }),
        json!({ "kid": "x".repeat(257) }),
    ] {
        let told = header.to_string();
        assert_eq!(
            world.verify(&world.token(header, json!({}))),
            Err(Rejection::Invalid),
            "{told}"
        );
    }
}

#[test]
fn a_key_in_the_token_is_no_key() {
    let world = world();
    let mine = ec_key();
    let jwk = Jwk::from_encoding_key(&mine, Algorithm::ES256).unwrap();
    for header in [
        json!({ "jwk": jwk }),
        json!({ "jku": "https://attacker.example/keys", "kid": "mine" }),
        json!({ "x5u": "https://attacker.example/cert" }),
    ] {
        let header = merged(base_header(), header);
        let token = sign(&mine, Algorithm::ES256, &header, &base());
        assert_eq!(world.verify(&token), Err(Rejection::Invalid));
    }
}

#[test]
fn unsigned_tokens_are_refused_in_every_spelling() {
    let world = world();
    for alg in ["none", "None", "NONE", "nOnE", ""] {
        let header = merged(base_header(), json!({ "alg": alg }));
        let message = format!(
            "{}.{}",
            encoded(&header.to_string()),
            encoded(&base().to_string())
        );
        for signature in ["", ".", ".AA"] {
            let found = world.verify(&format!("{message}{signature}"));
            assert_eq!(found, Err(Rejection::Invalid), "{alg} {signature}");
        }
    }
}

#[test]
fn a_public_key_is_no_shared_secret() {
    let world = world();
    let jwk = Jwk::from_encoding_key(&world.key, Algorithm::ES256).unwrap();
    let secret = serde_json::to_vec(&jwk).unwrap();
    let header = merged(base_header(), json!({ "alg": "HS256" }));
    let token = sign(
        &EncodingKey::from_secret(&secret),
        Algorithm::HS256,
        &header,
        &base(),
    );
    assert_eq!(world.verify(&token), Err(Rejection::Invalid));
}

#[test]
fn changed_tokens_are_refused() {
    let world = world();
    let token = world.token(json!({}), json!({}));
    let [header, claims, signature]: [&str; 3] =
        token.split('.').collect::<Vec<_>>().try_into().unwrap();
    let more = encoded(&merged(base(), json!({ "scp": "Write" })).to_string());
    let zeros = BASE64_URL_SAFE_NO_PAD.encode([0; 64]);
    for changed in [
        format!("{header}.{more}.{signature}"),
        format!("{header}.{claims}.{zeros}"),
        format!("{header}.{claims}."),
        format!("{header}.{claims}"),
        format!("{header}..{signature}"),
        format!(".{claims}.{signature}"),
        format!("{header}.{claims}.{signature}."),
        format!("{header}.{claims}.{signature}.{signature}"),
        format!("{header}.{claims}.{signature}=="),
        format!("{header}.{claims}.{}", &signature[..signature.len() - 4]),
        format!("a.{header}.{claims}.{signature}"),
        "..".to_owned(),
        "a.b.c".to_owned(),
        "token".to_owned(),
    ] {
        assert_eq!(world.verify(&changed), Err(Rejection::Invalid), "{changed}");
    }
}

#[test]
fn claims_said_twice_are_refused() {
    let world = world();
    let base = base().to_string();
    for name in ["iss", "aud", "exp"] {
        let value = serde_json::from_str::<Value>(&base).unwrap()[name].to_string();
        let claims = format!(r#"{{"{name}":{value},{}"#, &base[1..]);
        let token = sign_text(
            &world.key,
            Algorithm::ES256,
            &base_header().to_string(),
            &claims,
        );
        assert_eq!(world.verify(&token), Err(Rejection::Invalid), "{name}");
    }
}

#[test]
fn parts_that_are_no_objects_are_refused() {
    let world = world();
    let header = base_header().to_string();
    for claims in ["[]", "null", "\"text\"", "", "{", "\u{0}"] {
        let token = sign_text(&world.key, Algorithm::ES256, &header, claims);
        assert_eq!(world.verify(&token), Err(Rejection::Invalid), "{claims}");
    }
}

#[test]
fn credentials_come_in_one_authorization_header() {
    let world = world();
    let token = world.token(json!({}), json!({}));
    let long = format!("Bearer {}", "x".repeat(8 * 1024 + 1));
    let check = |values: &[&str], expected: Rejection| {
        let found = verify(&world.verifier, &authorization(values), &[]);
        assert_eq!(found, Err(expected), "{values:?}");
    };
    check(&[], Rejection::Missing);
    check(&["Basic dXNlcjpwYXNzd29yZA=="], Rejection::Missing);
    check(&[""], Rejection::Missing);
    check(&[&token], Rejection::Missing);
    check(&[&format!("BearerX {token}")], Rejection::Missing);
    check(&["Bearer"], Rejection::Malformed);
    check(&["Bearer "], Rejection::Malformed);
    check(&[&format!("Bearer {token} {token}")], Rejection::Malformed);
    check(
        &[&format!("Bearer {token}, Basic YTpi")],
        Rejection::Malformed,
    );
    check(
        &[&format!("Bearer {token}"), &format!("Bearer {token}")],
        Rejection::Malformed,
    );
    check(
        &[&format!("Bearer {token}"), "Basic YTpi"],
        Rejection::Malformed,
    );
    check(&["Bearer tok\u{e9}n"], Rejection::Malformed);
    check(&[&long], Rejection::Invalid);
}

#[test]
fn permissions_are_compared_whole() {
    let world = world();
    let needed = Rejection::Scope {
        needed: "Read".to_owned(),
    };
    for scp in [
        "",
        "read",
        "Read.All",
        "Rea",
        "Other",
        "Read,Write",
        "\u{a0}Read",
    ] {
        world.check_claims(json!({ "scp": scp }), Err(needed.clone()));
    }
    world.check_claims(json!({ "scp": null, "roles": ["Reader"] }), Err(needed));
    world.check_claims(json!({ "scp": "Other Write" }), Ok(()));
}

#[test]
fn challenges_say_no_more_than_the_standard_asks() {
    let challenge = |rejection: Rejection| rejection.challenge().unwrap();
    assert_eq!(challenge(Rejection::Missing), r#"Bearer realm="debitor""#);
    assert_eq!(
        challenge(Rejection::Malformed),
        r#"Bearer realm="debitor", error="invalid_request""#
    );
    assert_eq!(challenge(Rejection::Invalid), challenge(Rejection::Expired));
    assert_eq!(
        challenge(Rejection::Invalid),
        r#"Bearer realm="debitor", error="invalid_token""#
    );
    assert_eq!(
        challenge(Rejection::Scope {
            needed: "Read".to_owned()
        }),
        r#"Bearer realm="debitor", error="insufficient_scope", scope="Read""#
    );
    assert_eq!(Rejection::Unavailable.challenge(), None);
}

const ENTRA: &str = "https://login.microsoftonline.com/{tenantid}/v2.0";

/// The world's issuer under this name, and of this tenant alone if it is one's.
fn renamed(world: &mut World, name: &str, tenant: Option<&str>) {
    let issuer = &mut world.verifier.issuers[0];
    issuer.name = name.to_owned();
    issuer.tenant = tenant.map(|tenant| tenant.parse().unwrap());
}

#[test]
fn an_issuers_name_can_have_the_tokens_tenant() {
    let mut world = world();
    renamed(&mut world, ENTRA, None);
    let of = |tenant: &str| ENTRA.replace("{tenantid}", tenant);
    world.check_claims(json!({ "iss": of(TENANT) }), Ok(()));
    let other = "11111111-2222-4333-8444-555555555555";
    for claims in [
        json!({ "iss": of(other) }),
        json!({ "iss": of(TENANT), "tid": other }),
        json!({ "iss": of("{tenantid}") }),
        json!({ "iss": of("{tenantid}"), "tid": "{tenantid}" }),
        json!({ "iss": of(""), "tid": "" }),
        json!({ "iss": of(&TENANT.to_uppercase()) }),
        json!({ "iss": of("x/../y"), "tid": "x/../y" }),
        json!({ "iss": of(TENANT), "tid": null }),
    ] {
        world.check_claims(claims, Err(Rejection::Invalid));
    }
}

#[test]
fn a_key_signs_for_its_own_issuer_alone() {
    let key = ec_key();
    let jwk = |issuer: &str| {
        let mut jwk = Jwk::from_encoding_key(&key, Algorithm::ES256).unwrap();
        jwk.common.key_id = Some("one".to_owned());
        merged(
            serde_json::to_value(jwk).unwrap(),
            json!({ "issuer": issuer }),
        )
    };
    let own = ENTRA.replace("{tenantid}", TENANT);
    let other = ENTRA.replace("{tenantid}", "9188040d-6c67-4c5b-b112-36a304b66dad");
    for (trusted, issuer, expected) in [
        (ENTRA, ENTRA, Ok(())),
        (ENTRA, &own, Ok(())),
        (ENTRA, &other, Err(Rejection::Invalid)),
        (&own, ENTRA, Ok(())),
        (&own, &own, Ok(())),
        (&own, &other, Err(Rejection::Invalid)),
    ] {
        let mut world = world_with(key.clone(), &jwk(issuer));
        renamed(&mut world, trusted, None);
        world.check_claims(json!({ "iss": own }), expected);
    }
}

#[test]
fn an_issuer_of_one_tenant_need_not_name_it() {
    let mut world = world();
    renamed(&mut world, ISSUER, Some(TENANT));
    world.check_claims(json!({ "tid": null }), Ok(()));
    world.check_claims(json!({}), Ok(()));
    let other = json!({ "tid": "11111111-2222-4333-8444-555555555555" });
    world.check_claims(other, Err(Rejection::Invalid));
}

#[test]
fn claims_of_rfc_9068_are_read() {
    let world = world();
    let claims = json!({ "scp": null, "scope": "Other Write", "azp": null, "client_id": "mine" });
    let caller = world
        .verify(&world.token(json!({ "typ": "at+jwt" }), claims))
        .unwrap();
    assert_eq!(caller.app.as_deref(), Some("mine"));
    for wrong in [json!({ "scope": ["Read"] }), json!({ "client_id": 1 })] {
        world.check_claims(wrong, Err(Rejection::Invalid));
    }
}

#[test]
fn the_development_key_signs_tokens_that_verify() {
    let directory = tempfile::tempdir().unwrap();
    let key = signing::SigningKey::open_or_create(directory.path()).unwrap();
    let clock = Arc::new(FixedClock::at(DateTime::from_timestamp(NOW, 0).unwrap()));
    let grant = signing::Grant {
        tenant: Uuid::parse_str(TENANT).unwrap(),
        subject: Uuid::parse_str(SUBJECT).unwrap(),
        app: "shop".to_owned(),
        companies: None,
        permissions: vec!["Read".to_owned(), "Write".to_owned()],
        valid_for: TimeDelta::hours(1),
    };
    let token = key.token(&grant, clock.now()).unwrap();
    let verifier = Verifier::new(vec![key.issuer().unwrap()], clock.clone());
    let headers = authorization(&[&format!("Bearer {token}")]);
    let caller = verify(&verifier, &headers, &["Write"]).unwrap();
    assert_eq!((caller.tenant, caller.permissions.len()), (grant.tenant, 2));
    clock.advance(TimeDelta::hours(2));
    assert_eq!(
        verify(&verifier, &headers, &["Write"]),
        Err(Rejection::Expired)
    );
}

#[test]
fn an_address_that_failed_too_often_is_refused_unless_its_token_is_known() {
    let World {
        key,
        clock,
        verifier,
    } = world();
    let verifier = verifier.limited(Rates::new(Limits {
        failures: Some(Rate {
            per_second: 1,
            burst: 3,
        }),
        ..Limits::default()
    }));
    let token = |claims| {
        sign(
            &key,
            Algorithm::ES256,
            &base_header(),
            &merged(base(), claims),
        )
    };
    let [one, other] = ["192.0.2.1", "192.0.2.2"].map(|address| address.parse().ok());
    let verify = |token: &str, address| {
        let headers = authorization(&[&format!("Bearer {token}")]);
        verifier.verify(&headers, address).now_or_never().unwrap()
    };
    let nobody = || {
        let headers = HeaderMap::new();
        verifier.verify(&headers, one).now_or_never().unwrap()
    };
    let is_refused = |verified| matches!(verified, Err(Rejection::TooMany(_)));
    let known = token(json!({}));
    let soon = token(json!({ "exp": NOW + 60 }));
    let new = token(json!({ "oid": "new" }));
    std::thread::scope(|scope| {
        // It is known to another thread, if the machine has more than one processor.
        let elsewhere = scope.spawn(|| [&known, &soon].map(|token| verify(token, one).unwrap()));
        elsewhere.join().unwrap();
    });
    assert_eq!(nobody(), Err(Rejection::Missing));
    assert_eq!(verify("x", one), Err(Rejection::Invalid));
    assert_eq!(verify("x.y.z", one), Err(Rejection::Invalid));

    // In a second it may fail once more.
    let exhaust = || while !is_refused(verify("x.y.z", one)) {};
    exhaust();
    assert!(is_refused(nobody()));
    exhaust();
    assert!(is_refused(verify(&new, one)), "a signature was verified");
    verify(&known, one).unwrap();
    verify(&soon, one).unwrap();
    verify(&new, other).unwrap();
    clock.advance(TimeDelta::seconds(120));
    exhaust();
    assert!(is_refused(verify(&soon, one)), "it has expired");
    verify(&known, one).unwrap();
}
