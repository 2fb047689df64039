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
