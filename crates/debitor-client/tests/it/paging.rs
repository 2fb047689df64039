//! Lists as streams: what is sent, and when.

use debitor_client::types::ODataErrorBody;
use debitor_client::{Client, Error};
use futures::{StreamExt, TryStreamExt};
use uuid::Uuid;

use crate::fake::{Fake, failure, page, pages};

type Item = Result<u128, Error<ODataErrorBody>>;

fn client(server: &Fake) -> Client {
    Client::authorized(&format!("{}/v1.0", server.origin()), "a-secret").unwrap()
}

/// All that the stream of companies gives.
async fn companies(client: &Client) -> Vec<Item> {
    let companies = client.company_list().client_request_id("a-trace").stream();
    let companies = companies.map_ok(|company| company.id.as_u128());
    companies.collect().await
}

/// What was given before the error, and the error.
fn until_error(mut items: Vec<Item>) -> (Vec<u128>, Error<ODataErrorBody>) {
    let error = items.pop().unwrap().unwrap_err();
    (items.into_iter().map(Result::unwrap).collect(), error)
}

/// Links are followed as the server writes them, with the headers of the first request.
async fn follows(answer: impl Fn(&str, &str) -> String + Send + Sync + 'static, expected: &[&str]) {
    let server = Fake::start(answer).await;
    let items: Vec<_> = companies(&client(&server)).await;
    let ids: Vec<_> = items.into_iter().map(Result::unwrap).collect();
    assert_eq!(ids, [1, 2]);
    let requests = server.requests();
    assert_eq!(requests.len(), expected.len(), "{requests:?}");
    for (request, expected) in requests.iter().zip(expected) {
        let head = format!("GET /v1.0/financials/companies{expected} HTTP/1.1\r\n");
        assert!(request.starts_with(&head), "{request}");
        for header in [
            "authorization: Bearer a-secret",
            "client-request-id: a-trace",
        ] {
            assert!(request.contains(header), "{request}");
        }
    }
}

#[tokio::test]
async fn links_are_followed_to_the_end() {
    let absolute = |origin: &str, path: &str| match path.split_once('?') {
        None => page(
            1,
            Some(format!(
                "{origin}/v1.0/financials/companies?$skiptoken=a%2Fb#x"
            )),
        ),
        Some(_) => page(2, None),
    };
    follows(absolute, &["", "?$skiptoken=a%2Fb"]).await;
}

#[tokio::test]
async fn a_relative_link_belongs_to_the_page_that_it_is_on() {
    for path in ["companies", "", "/v1.0/financials/companies"] {
        let answer = move |_: &str, asked: &str| match asked.split_once('?') {
            None => page(1, Some(format!("{path}?$skiptoken=2"))),
            Some(_) => page(2, None),
        };
        follows(answer, &["", "?$skiptoken=2"]).await;
    }
}

#[tokio::test]
async fn an_empty_page_is_not_the_end() {
    let answer = |_: &str, path: &str| match path.split_once('?') {
        None => page(1, Some("?p=2".to_owned())),
        Some((_, "p=2")) => pages(&[], Some("?p=3".to_owned())),
        Some(_) => page(2, None),
    };
    follows(answer, &["", "?p=2", "?p=3"]).await;
}

#[tokio::test]
async fn a_page_is_asked_for_when_the_one_before_it_is_used_up() {
    let server = Fake::start(|_, path| match path.split_once('?') {
        None => pages(&[1, 2], Some("?p=2".to_owned())),
        Some(_) => pages(&[3], None),
    })
    .await;
    let client = client(&server);
    let mut companies = client.company_list().stream();
    assert_eq!(server.connections(), 0);
    for (id, connections) in [(1, 1), (2, 1), (3, 2)] {
        let company = companies.try_next().await.unwrap().unwrap();
        assert_eq!(
            (company.id, server.connections()),
            (Uuid::from_u128(id), connections)
        );
    }
    assert!(companies.next().await.is_none());
    assert_eq!(server.connections(), 2);
}

#[tokio::test]
async fn a_stream_ends_after_its_first_error() {
    let server = Fake::start(|_, path| match path.split_once('?') {
        None => page(1, Some("?p=2".to_owned())),
        Some(_) => failure(),
    })
    .await;
    let (ids, error) = until_error(companies(&client(&server)).await);
    assert_eq!(ids, [1]);
    assert!(matches!(&error, Error::UnexpectedResponse(answer) if answer.status() == 502));
    assert_eq!(server.connections(), 2);
}

#[tokio::test]
async fn what_cannot_be_asked_for_is_an_error_and_not_sent() {
    let server = Fake::start(|_, _| page(1, None)).await;
    let client = client(&server);
    let items: Vec<_> = client.customer_list().stream().collect().await;
    assert!(
        matches!(items.as_slice(), [Err(Error::InvalidRequest(_))]),
        "{items:?}"
    );
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn pages_tell_what_else_they_hold() {
    let server = Fake::start(|_, path| match path.split_once('?') {
        None => page(1, Some("?p=2".to_owned())),
        Some(_) => page(2, None),
    })
    .await;
    let client = client(&server);
    let pages: Vec<_> = client.company_list().pages().try_collect().await.unwrap();
    let links: Vec<_> = pages
        .iter()
        .map(|page| page.odata_next_link.as_deref())
        .collect();
    assert_eq!(links, [Some("?p=2"), None]);
    assert_eq!(pages[0].status(), 200);
}

/// A walk that comes to a page again gives these companies and no more.
async fn ends(answer: fn(&str, &str) -> String, expected: &[u128]) {
    let server = Fake::start(answer).await;
    let client = client(&server);
    // A walk that does not end should fail here and not go on.
    let companies = client.company_list().stream().take(expected.len() + 2);
    let companies = companies.map_ok(|company| company.id.as_u128());
    let (ids, error) = until_error(companies.collect().await);
    assert_eq!(ids, expected);
    let error = error.to_string();
    assert!(error.contains("leads to a page that has been"), "{error}");
    assert_eq!(server.connections(), ids.len());
}

#[tokio::test]
async fn a_page_that_comes_again_is_an_error() {
    ends(|_, _| page(1, Some("companies".to_owned())), &[1]).await;
    let to_the_first = |_: &str, path: &str| match path.split_once('?') {
        None => page(1, Some("?p=2".to_owned())),
        Some(_) => page(2, Some("companies#again".to_owned())),
    };
    ends(to_the_first, &[1, 2]).await;
    let between = |_: &str, path: &str| match path.split_once('?') {
        None => page(1, Some("?p=2".to_owned())),
        Some((_, "p=2")) => page(2, Some("?p=3".to_owned())),
        Some(_) => page(3, Some("?p=2".to_owned())),
    };
    ends(between, &[1, 2, 3]).await;
}
