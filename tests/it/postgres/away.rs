//! A database that goes away and comes back.

use std::time::{Duration, Instant};

use debitor_server::auth::signing::SigningKey;
use debitor_server::clock::{Clock, SystemClock};
use debitor_server::dev;
use debitor_tests::postgres::cluster::End;
use debitor_tests::postgres::{Database, Host};
use debitor_tests::{Answer, Request, TestServer, binaries};
use serde_json::json;

use crate::serve::{configure, free_port, serve};

/// How soon a request is refused without a database, and how soon all is well with one.
pub(super) const SOON: Duration = Duration::from_secs(2);

pub(super) async fn create(server: &TestServer) -> Answer {
    let request = server.request("POST", &format!("{}/customers", server.company_path()));
    request.json(&json!({"displayName": "A"})).send().await
}

pub(super) async fn read(server: &TestServer) -> Answer {
    server.request("GET", &server.company_path()).send().await
}

pub(super) async fn list(server: &TestServer) -> Answer {
    let path = format!("{}/customers?$count=true", server.company_path());
    server.request("GET", &path).send().await
}

pub(super) async fn ready(server: &TestServer) -> u16 {
    server.anonymous("GET", "/readyz").send().await.status
}

pub(super) fn refused(answer: &Answer, begun: Instant) {
    assert_eq!(
        answer.status,
        503,
        "{}",
        String::from_utf8_lossy(&answer.body)
    );
    let seconds: u64 = answer.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=30).contains(&seconds));
    assert!(begun.elapsed() < SOON, "{:?}", begun.elapsed());
}

#[tokio::test]
async fn without_a_database_requests_are_refused_soon_and_with_it_served_again() {
    let host = Host::own(&[]).await;
    let database = Database::on(&host, &binaries::server()).await;
    let server = TestServer::start_in(database).await;
    let cluster = host.cluster();
    for end in [End::Fast, End::Crash] {
        create(&server).await.expect(201);
        cluster.end(end).await;
        let begun = Instant::now();
        refused(&create(&server).await, begun);
        let begun = Instant::now();
        refused(&read(&server).await, begun);
        let begun = Instant::now();
        refused(&list(&server).await, begun);
        assert_eq!(ready(&server).await, 503);
        // Nothing is remembered of the time without a database.
        server.anonymous("GET", "/livez").send().await.expect(200);
        cluster.start_again().await;
        let begun = Instant::now();
        while create(&server).await.status != 201 || ready(&server).await != 200 {
            assert!(begun.elapsed() < SOON, "{end:?}");
        }
        read(&server).await.expect(200);
    }
}

#[tokio::test]
async fn a_server_starts_without_its_database_and_works_as_soon_as_that_is_there() {
    let host = Host::own(&[]).await;
    let database = Database::on(&host, &binaries::server()).await;
    let directory = tempfile::tempdir().unwrap();
    let key = SigningKey::open_or_create(directory.path()).unwrap();
    let port = free_port();
    let configuration = configure(directory.path(), &key, port, &database.url());
    host.cluster().end(End::Fast).await;
    let server = serve(&configuration, port).await;
    let token = key
        .token(&dev::grant(), SystemClock::default().now())
        .unwrap();
    let companies = || {
        let request = Request::new(
            "GET",
            &format!("{}/v1.0/financials/companies", server.origin),
        );
        request
            .header("Authorization", &format!("Bearer {token}"))
            .send()
    };
    let begun = Instant::now();
    refused(&companies().await, begun);
    host.cluster().start_again().await;
    let begun = Instant::now();
    while companies().await.status != 200 {
        assert!(begun.elapsed() < SOON);
    }
}
