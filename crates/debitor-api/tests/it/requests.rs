//! What handlers see of sound requests.

use axum::body::Body;
use debitor_api::Field;
use debitor_api::types::{CustomerBlockedInput, CustomerTypeInput};

use crate::app::{App, GUID, customers, json, request};

#[tokio::test]
async fn defaults_are_applied() {
    let app = App::default();
    app.get(&customers("")).await;
    let query = app.listed().query;
    assert_eq!(
        (query.top, query.count, query.skiptoken, query.select),
        (100, false, None, None)
    );
    app.get(&customers("?%24top=7&$count=true&$select=id,number"))
        .await;
    let query = app.listed().query;
    assert_eq!((query.top, query.count), (7, true));
    assert_eq!(query.select.as_deref(), Some("id,number"));
}

#[tokio::test]
async fn guids_may_have_any_case() {
    let app = App::default();
    let path = format!("/financials/companies/{}/customers", GUID.to_uppercase());
    assert_eq!(app.get(&path).await.status, 404);
    assert_eq!(app.listed().path.company_id.to_string(), GUID);
}

#[tokio::test]
async fn blank_spellings_of_enumerations_are_values() {
    let app = App::default();
    let answer = app
        .create(r#"{"displayName":"A","type":"","blocked":"_x0020_","email":null}"#)
        .await;
    assert_eq!(answer.status, 201);
    let body = app.created().body;
    assert_eq!(body.type_, Field::Value(CustomerTypeInput::Empty));
    assert_eq!(body.blocked, Field::Value(CustomerBlockedInput::X0020));
    assert_eq!((body.email, body.website), (Field::Null, Field::Absent));
}

#[tokio::test]
async fn a_patch_has_three_states_at_every_level() {
    let app = App::default();
    let request = json("PATCH", &customers(&format!("/{GUID}")))
        .header("if-match", "*")
        .header("prefer", "return=minimal")
        .body(Body::from(
            r#"{"address":{"city":null,"street":"x"},"website":null}"#,
        ))
        .unwrap();
    assert_eq!(app.send(request).await.status, 204);
    let request = app.updated();
    assert_eq!(request.headers.if_match, "*");
    assert_eq!(request.headers.prefer.as_deref(), Some("return=minimal"));
    assert_eq!(
        (request.body.website, request.body.email),
        (Field::Null, Field::Absent)
    );
    let Field::Value(address) = request.body.address else {
        panic!("the address was sent")
    };
    assert_eq!((address.city, address.state), (Field::Null, Field::Absent));
    assert_eq!(address.street, Field::Value("x".into()));
}

#[tokio::test]
async fn a_request_with_a_key_has_a_fingerprint() {
    let app = App::default();
    let mut seen = Vec::new();
    for (name, body) in [
        ("idempotency-key", "{\"displayName\":\"A\"}"),
        ("repeatability-request-id", "{\"displayName\":\"A\"}"),
        ("idempotency-key", "{\"displayName\":\"B\"}"),
        ("x-key", "{\"displayName\":\"A\"}"),
    ] {
        let request = json("POST", &customers("")).header(name, "k-1");
        assert_eq!(
            app.send(request.body(body.into()).unwrap()).await.status,
            201
        );
        let created = app.created();
        let headers = (
            created.headers.idempotency_key,
            created.headers.repeatability_request_id,
        );
        let key = headers.0.or(headers.1);
        assert_eq!(
            key.is_some(),
            created.context.fingerprint.is_some(),
            "{name}"
        );
        seen.push(created.context.fingerprint);
    }
    assert_eq!(seen[0], seen[1]);
    assert_ne!(seen[0], seen[2]);
    assert_eq!(seen[3], None);
}

#[tokio::test]
async fn keys_and_dates_have_their_form() {
    let long = "k".repeat(255);
    let date = "Sat, 31 Jan 2026 12:00:00 GMT";
    for (name, value, status) in [
        ("idempotency-key", "!", 201),
        ("idempotency-key", long.as_str(), 201),
        ("idempotency-key", "", 400),
        ("idempotency-key", "a b", 400),
        ("idempotency-key", &format!("{long}k"), 400),
        ("repeatability-request-id", "~", 201),
        ("repeatability-request-id", "a\tb", 400),
        ("repeatability-first-sent", date, 201),
        (
            "repeatability-first-sent",
            "Sat, 31 Jan 2026 12:00:00 CET",
            400,
        ),
        ("repeatability-first-sent", "2026-01-31T12:00:00Z", 400),
    ] {
        let request = json("POST", &customers("")).header(name, value);
        let body = Body::from("{\"displayName\":\"A\"}");
        let answer = App::default().send(request.body(body).unwrap()).await;
        assert_eq!(answer.status, status, "{name}: {value}");
    }
}

#[tokio::test]
async fn faults_reach_no_handler() {
    let app = App::default();
    for body in [
        "{}",
        "[]",
        "null",
        "{\"displayName\":null}",
        "{\"displayName\":\"\"}",
    ] {
        assert_eq!(app.create(body).await.status, 400, "{body}");
    }
    let answer = app.create("{}").await;
    assert_eq!(answer.error()["target"], "displayName");
    assert_eq!(answer.details(), ["displayName required"]);
}

#[tokio::test]
async fn bodies_of_requests_without_one_are_ignored() {
    let request = request("GET", &customers("/$count"))
        .body(Body::from("{"))
        .unwrap();
    assert_eq!(App::default().send(request).await.status, 200);
}
