//! Tokens of an identity server that others have written, found by discovery.

use std::time::{Duration, Instant};

use debitor_tests::identity::{AUDIENCE, Identity};
use debitor_tests::{Answer, Production};
use serde_json::json;
use uuid::Uuid;

const TENANT: Uuid = Uuid::from_u128(0x7b1c);
const READ_WRITE: &str = "Financials.ReadWrite.All";
const READ: &str = "Financials.Read.All";

async fn trusting(identity: &Identity) -> Production {
    let issuers = format!(
        "[[auth.issuers]]\nissuer = \"{}\"\naudience = \"{AUDIENCE}\"\ntenant = \"{TENANT}\"\n\
         discovery = true\n",
        identity.issuer
    );
    Production::start(TENANT, &issuers).await
}

async fn create(server: &Production, token: &str) -> Answer {
    let body = json!({"displayName": "A"});
    let request = server.request("POST", &server.customers(), token);
    request.json(&body).send().await
}

#[tokio::test]
async fn its_tokens_work_as_their_scopes_say() {
    let identity = Identity::start();
    let server = trusting(&identity).await;
    let writer = identity.token("writer", READ_WRITE).await;
    create(&server, &writer).await.expect(201);
    let reader = identity.token("reader", READ).await;
    let list = server.request("GET", &server.customers(), &reader);
    assert_eq!(
        list.send().await.expect(200).json()["value"][0]["displayName"],
        "A"
    );
    create(&server, &reader).await.expect(403);
    let other = identity.token("other", "Other").await;
    let refused = create(&server, &other).await.expect(403);
    let challenge = refused.header("www-authenticate").unwrap();
    assert!(challenge.contains(READ_WRITE), "{challenge}");
}

/// The server asks for the keys again, though not at once: it has just read them.
#[tokio::test]
async fn after_a_rotation_new_tokens_work_and_old_ones_do_not() {
    let mut identity = Identity::start();
    let server = trusting(&identity).await;
    let old = identity.token("writer", READ_WRITE).await;
    create(&server, &old).await.expect(201);
    identity.rotate();
    let new = identity.token("writer", READ_WRITE).await;
    let begin = Instant::now();
    while create(&server, &new).await.status == 401 {
        assert!(
            begin.elapsed() < Duration::from_mins(1),
            "the new key is not read"
        );
    }
    create(&server, &new).await.expect(201);
    create(&server, &old).await.expect(401);
}
