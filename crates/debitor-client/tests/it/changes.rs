//! The three states of a property in a PATCH: absent, null, a value.

use debitor_client::Nullable;
use debitor_client::httpmock::MockServerExt;
use debitor_client::types::{self, builder};
use httpmock::MockServer;
use serde_json::{Value, json};

use crate::{COMPANY, CUSTOMER, client, customer};

/// The change is sent as exactly this body.
async fn check(
    change: impl FnOnce(builder::CustomerUpdate) -> builder::CustomerUpdate,
    expected: Value,
) {
    let server = MockServer::start_async().await;
    let mock = server.customer_update(|when, then| {
        when.if_match("*").into_inner().json_body(expected);
        then.ok(&customer());
    });
    let client = client(&server);
    let request = client
        .customer_update()
        .company_id(COMPANY)
        .customer_id(CUSTOMER)
        .if_match("*")
        .body_map(change);
    let result = request.send().await;
    mock.assert();
    result.unwrap();
}

/// A body that is read and written again keeps its meaning.
fn check_json(body: &Value) {
    let read: types::CustomerUpdate = serde_json::from_value(body.clone()).unwrap();
    assert_eq!(serde_json::to_value(read).unwrap(), *body);
}

#[tokio::test]
async fn what_is_not_set_is_not_sent() {
    check(|body| body, json!({})).await;
}

#[tokio::test]
async fn null_clears() {
    check(|body| body.email(Nullable::Null), json!({ "email": null })).await;
}

#[tokio::test]
async fn a_value_sets() {
    let change = |body: builder::CustomerUpdate| {
        body.email(Nullable::from("a@b.example"))
            .tax_liable(Nullable::Value(false))
            .blocked(Nullable::Value(types::CustomerBlockedInput::All))
            .display_name("New".to_owned())
    };
    let expected = json!({ "blocked": "All", "displayName": "New", "email": "a@b.example", "taxLiable": false });
    check(change, expected).await;
}

#[tokio::test]
async fn a_member_of_a_complex_value_has_three_states_too() {
    let change = |body: builder::CustomerUpdate| {
        let address = types::PostalAddressTypeInput::builder()
            .city(Nullable::from("Hamburg"))
            .street(Nullable::Null);
        body.address(Nullable::Value(address.try_into().unwrap()))
    };
    check(
        change,
        json!({ "address": { "city": "Hamburg", "street": null } }),
    )
    .await;
}

#[tokio::test]
async fn an_empty_complex_value_is_sent() {
    let empty = types::PostalAddressTypeInput::default();
    check(
        |body| body.address(Nullable::Value(empty)),
        json!({ "address": {} }),
    )
    .await;
}

#[test]
fn json_keeps_the_three_states() {
    check_json(&json!({}));
    check_json(&json!({ "address": null, "email": null, "type": null }));
    check_json(&json!({ "address": {}, "email": "a@b.example", "type": "Person" }));
    check_json(&json!({ "address": { "city": null, "street": "Am Sandtorkai 30" } }));
}

#[test]
fn null_is_not_lost_where_the_document_does_not_allow_it() {
    let body = json!({ "displayName": null });
    let error = serde_json::from_value::<types::CustomerUpdate>(body).unwrap_err();
    assert!(error.to_string().contains("invalid type: null"), "{error}");
}

#[test]
fn a_create_sends_only_what_is_set() {
    let create: types::CustomerCreate = types::CustomerCreate::builder()
        .display_name("New")
        .try_into()
        .unwrap();
    assert_eq!(
        serde_json::to_value(create).unwrap(),
        json!({ "displayName": "New" })
    );
}
