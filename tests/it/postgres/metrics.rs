//! What the server tells of its connections to those who run it, and that its data are there.

use debitor_tests::Engine;
use serde_json::json;

use crate::metrics::{Told, value};

#[tokio::test]
async fn the_store_tells_of_its_writes_and_its_connections() {
    let told = Told::start(Engine::Postgres, &[]).await;
    let server = &told.server;
    let before = value(&told.scrape().await, "debitor_store_commit_writes_sum");
    let customers = format!("{}/customers", server.company_path());
    for _ in 0..3 {
        let create = server.request("POST", &customers);
        create
            .json(&json!({"displayName": "A"}))
            .send()
            .await
            .expect(201);
        server.request("GET", &customers).send().await.expect(200);
    }
    let text = told.scrape().await;
    let get = |name: &str| value(&text, &format!("debitor_store_{name}"));
    assert!(
        (get("commit_writes_sum") - before - 3.0).abs() < 0.5,
        "{text}"
    );
    assert!(get("commit_seconds_sum") > 0.0);
    assert!(get("connections") >= get("connections_idle") && get("connections_idle") > 0.0);
    assert!(get("connections_awaited") < 0.5, "{text}");
}

/// Otherwise the whole suite could run on the wrong engine without anybody's noticing.
#[tokio::test]
async fn a_server_of_the_suite_keeps_its_data_in_its_database() {
    let server = debitor_tests::TestServer::start_on(Engine::Postgres).await;
    let customers = format!("{}/customers", server.company_path());
    let create = server.request("POST", &customers);
    create
        .json(&json!({"displayName": "A"}))
        .send()
        .await
        .expect(201);
    let sql = server.place().database().unwrap().superuser().await;
    let count = sql
        .query_one("SELECT count(*) FROM customer", &[])
        .await
        .unwrap();
    assert_eq!(count.get::<_, i64>(0), 1);
    assert!(!server.data_dir().join("debitor.db").exists());
}
