//! What the server tells of its files to those who run it.

use std::net::TcpListener;

use debitor_tests::{Engine, Request, TestServer};
use serde_json::json;

/// The value of a metric in the text.
fn value(text: &str, name: &str) -> f64 {
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    let line = line.unwrap_or_else(|| panic!("{name} is missing in\n{text}"));
    line.parse().unwrap()
}

#[tokio::test]
async fn the_store_tells_of_its_writes_and_its_files() {
    // The port is free again at the end of the statement, and nobody else looks for it.
    let port = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let address = format!("127.0.0.1:{port}");
    let archive = tempfile::tempdir().unwrap();
    let archive = archive.path().display().to_string();
    let arguments = ["--admin", &address, "--archive", &archive];
    let server = TestServer::start_with(Engine::Sqlite, &arguments).await;
    let scrape = async || {
        let answer = Request::new("GET", &format!("http://{address}/metrics"))
            .send()
            .await;
        String::from_utf8(answer.expect(200).body.to_vec()).unwrap()
    };
    let before = value(&scrape().await, "debitor_store_commit_writes_sum");
    for _ in 0..3 {
        let customers = format!("{}/customers", server.company_path());
        let request = server.request("POST", &customers);
        request
            .json(&json!({"displayName": "A"}))
            .send()
            .await
            .expect(201);
    }
    let text = scrape().await;
    let get = |name: &str| value(&text, &format!("debitor_store_{name}"));
    // Counts too are floating-point numbers there.
    let counted = |name: &str, expected: f64| (get(name) - expected).abs() < 0.5;
    assert!(counted("commit_writes_sum", before + 3.0), "{text}");
    assert!(get("commit_seconds_sum") > 0.0);
    assert!(counted("accepts_writes", 1.0) && counted("writes_pending", 0.0));
    assert!(get("database_bytes") > 0.0 && get("log_bytes") > 0.0);
    assert!(get("disk_free_bytes") > 0.0 && get("archive_lag_seconds") < 60.0);
    // Customers' side of the server tells nothing.
    server.anonymous("GET", "/metrics").send().await.expect(404);
}
