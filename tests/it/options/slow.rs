//! A list that takes too long is ended, and neither while it runs nor afterwards is anybody kept from
//! anything.

use std::sync::Arc;
use std::time::{Duration, Instant};

use debitor_server::auth::Administrator;
use debitor_server::dev::TENANT;
use debitor_tests::{Answer, TestServer};
use futures::{StreamExt, stream};
use serde_json::{Value, json};

use super::documented::{body, without_date};
use super::{customers, json_of, numbers, with};
use crate::postgres::copies::multiply;
use crate::store::fixture::{new_customer, open, write};

/// Enough for what [`slow`] asks for to take several times as long as a list may, on either engine.
const EMBEDDED: usize = 2000;
const ON_POSTGRES: usize = 40_000;
/// How many are created at once, fewer than a store lets wait.
const AT_ONCE: usize = 500;
/// How long a list may take.
const LIMIT: Duration = Duration::from_secs(2);

/// A server with many customers.
async fn crowded() -> TestServer {
    let mut server = TestServer::start().await;
    if let Some(database) = server.place().database() {
        let create = server.request("POST", &customers(&server));
        create.json(&customer()).send().await.expect(201);
        multiply(&database.superuser().await, "customer", ON_POSTGRES, "").await;
    } else {
        server.kill();
        fill(&server).await;
        server.start_again();
    }
    server
}

/// Creates customers while no server has the store.
async fn fill(server: &TestServer) {
    let store = open(server.place()).await;
    let scope = Administrator::of(TENANT).scope(server.company());
    let create = |_| async {
        let create = new_customer(&customer().to_string());
        let created = store.customer_create(write(&scope), None, create).await;
        created.unwrap();
    };
    let all = stream::iter(0..EMBEDDED);
    all.for_each_concurrent(AT_ONCE, create).await;
    store.close().await;
}

fn customer() -> Value {
    json!({
        "displayName": "Gemeinschaft der Wohnungseigentümer Hafenstraße 7",
        "email": "verwaltung@hafenstrasse.example",
        "address": {"city": "Hamburg"},
    })
}

/// A list of customers for which five texts of each have to be looked through for a hundred phrases,
/// none of which is there.
fn slow(server: &TestServer) -> String {
    let phrases = vec!["\"qq\""; 100].join(" OR ");
    let options = [("$filter", "number ne 'x'"), ("$search", &*phrases)];
    with(&customers(server), &options)
}

async fn ask(server: Arc<TestServer>) -> (Answer, Duration) {
    let begun = Instant::now();
    let answer = server.request("GET", &slow(&server)).send().await;
    (answer, begun.elapsed())
}

/// Requests of every other kind are answered.
async fn others_are_served(server: &TestServer) {
    let page = json_of(server.request("GET", &with(&customers(server), &[("$top", "1")]))).await;
    let id = page["value"][0]["id"].as_str().unwrap();
    let path = format!("{}/{id}", customers(server));
    json_of(server.request("GET", &path)).await;
    let create = server.request("POST", &customers(server));
    let create = create.json(&json!({"displayName": "Nordhafen"}));
    let created = create.send().await.expect(201).json();
    let number = created["number"].as_str().unwrap();
    let filter = format!("number eq '{number}'");
    assert_eq!(numbers(server, &[("$filter", &filter)]).await, [number]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_that_takes_too_long_is_ended_and_holds_nobody_up() {
    let server = Arc::new(crowded().await);
    // More than once, as each must leave its thread or connection as it was.
    for _ in 0..3 {
        let slow = tokio::spawn(ask(Arc::clone(&server)));
        others_are_served(&server).await;
        assert!(!slow.is_finished(), "{:?}", slow.await);
        let (answer, time) = slow.await.unwrap();
        let answer = answer.expect(400).json();
        assert_eq!(without_date(answer), without_date(body("queryTimeout")));
        assert!(time >= LIMIT, "{time:?}");
    }
    others_are_served(&server).await;
}
