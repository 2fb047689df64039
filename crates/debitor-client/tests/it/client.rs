//! What is written by hand around the generated client.

use debitor_client::{Client, ConnectError, Error};
use httpmock::MockServer;

use crate::{COMPANY, CUSTOMER, ETAG, client};

#[tokio::test]
async fn every_request_carries_the_token() {
    let server = MockServer::start_async().await;
    let mock = server.mock(|when, then| {
        when.header("Authorization", "Bearer a-token");
        then.status(204);
    });
    let client = client(&server);
    let request = client
        .customer_delete()
        .company_id(COMPANY)
        .customer_id(CUSTOMER);
    request.if_match("*").send().await.unwrap();
    mock.assert();
}

#[tokio::test]
async fn not_modified_is_seen_with_its_version() {
    let server = MockServer::start_async().await;
    server.mock(|when, then| {
        when.header("If-None-Match", ETAG);
        then.status(304).header("ETag", ETAG);
    });
    let client = client(&server);
    let request = client
        .customer_get()
        .company_id(COMPANY)
        .customer_id(CUSTOMER);
    let Err(Error::UnexpectedResponse(answer)) = request.if_none_match(ETAG).send().await else {
        panic!("304 has no body to return");
    };
    assert_eq!(answer.status(), 304);
    assert_eq!(answer.headers()["etag"], ETAG);
}

#[test]
fn the_token_is_never_printed() {
    let client = Client::authorized("http://127.0.0.1:1/v1.0/", "a-secret").unwrap();
    let printed = format!("{client:?}");
    assert!(printed.contains("http://127.0.0.1:1/v1.0"), "{printed}");
    assert!(!printed.contains("a-secret"), "{printed}");
}

#[test]
fn what_no_request_can_be_made_of_is_refused() {
    let refused = |url, token| Client::authorized(url, token).unwrap_err();
    assert!(matches!(
        refused("127.0.0.1", "t"),
        ConnectError::BaseUrl(_)
    ));
    assert!(matches!(
        refused("file:///tmp", "t"),
        ConnectError::BaseUrl(_)
    ));
    assert!(matches!(
        refused("http://127.0.0.1", "a\nb"),
        ConnectError::Token
    ));
}
