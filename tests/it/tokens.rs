//! Tokens and credentials that must be refused, by a server that fetches its issuers' keys.
//!
//! Each is sent with a request that would create a customer: at the end there is none, and the issuer
//! was asked for its keys alone, and seldom.

#![expect(
    clippy::needless_pass_by_value,
    reason = "`json!` makes values, to be given as they are"
)]

mod hostile;
mod issuer;

use std::collections::BTreeMap;
use std::time::Instant;

use debitor_tests::{Answer, Production, tried};
use serde_json::json;

use hostile::{Attempt, Outcome};
use issuer::{Issuer, TENANT};

/// Seconds between two readings of an issuer's keys at least.
const PAUSE: u64 = 10;

async fn send(server: &Production, attempt: &Attempt) -> Answer {
    let path = format!("{}{}{}", server.origin(), server.customers(), attempt.query);
    let mut request = reqwest::Client::new()
        .post(path)
        .json(&json!({"displayName": "A"}));
    for (name, value) in &attempt.headers {
        request = request.header(*name, value);
    }
    let response = request.send().await.unwrap();
    Answer {
        status: response.status().as_u16(),
        headers: response.headers().clone(),
        body: response.bytes().await.unwrap(),
    }
}

#[track_caller]
fn check(attempt: &Attempt, answer: &Answer) {
    let name = &attempt.name;
    let (status, code, error) = match attempt.outcome {
        Outcome::NoCredentials => (401, "unauthenticated", None),
        Outcome::Malformed => (401, "unauthenticated", Some("invalid_request")),
        Outcome::Invalid => (401, "unauthenticated", Some("invalid_token")),
        Outcome::NotAllowed => (403, "accessDenied", Some("insufficient_scope")),
    };
    let told = String::from_utf8_lossy(&answer.body);
    assert_eq!(
        (answer.status, &*answer.code()),
        (status, code),
        "{name}: {told}"
    );
    let challenge = answer.header("www-authenticate").unwrap();
    assert!(
        challenge.starts_with("Bearer realm=\"debitor\""),
        "{name}: {challenge}"
    );
    let named = error.map(|error| format!("error=\"{error}\""));
    match named {
        None => assert!(!challenge.contains("error"), "{name}: {challenge}"),
        Some(error) => assert!(challenge.contains(&error), "{name}: {challenge}"),
    }
}

#[tokio::test]
async fn hostile_credentials_are_refused_and_fetch_nothing() {
    let begin = Instant::now();
    let issuer = Issuer::start().await;
    let server = Production::start(TENANT, &issuer.configuration()).await;
    let path = server.customers();
    let valid = issuer.valid_tokens();
    for token in &valid {
        server.request("GET", &path, token).send().await.expect(200);
    }
    let attempts = hostile::attempts(&issuer);
    let mut tried: BTreeMap<&str, usize> = BTreeMap::new();
    for attempt in &attempts {
        check(attempt, &send(&server, attempt).await);
        *tried.entry(attempt.group).or_default() += 1;
    }
    assert!(attempts.len() >= 150, "{} attempts", attempts.len());
    let list = server
        .request("GET", &path, &valid[0])
        .send()
        .await
        .expect(200);
    assert_eq!(list.json()["value"], json!([]), "something was created");
    let log = server.log();
    let is_told = |attempt: &&Attempt| attempt.secret().is_some_and(|secret| log.contains(secret));
    assert_eq!(
        attempts.iter().find(is_told).map(|attempt| &attempt.name),
        None
    );
    let asked = issuer.asked();
    let readings = 1 + begin.elapsed().as_secs() / PAUSE;
    for (address, times) in &asked {
        assert!(
            issuer::KNOWN.contains(&&**address),
            "{address} was asked for"
        );
        assert!(*times <= readings, "{address} was asked for {times} times");
    }
    let mut rows: Vec<_> = tried
        .iter()
        .map(|(group, count)| (*group, format!("{count} refused")))
        .collect();
    rows.push(("readings of keys", format!("{asked:?}")));
    tried::tell("hostile credentials", &rows);
}
