//! What the server tells of its files to those who run it.

use debitor_tests::Engine;
use serde_json::json;

use crate::metrics::{Told, value};

#[tokio::test]
async fn the_store_tells_of_its_writes_and_its_files() {
    let archive = tempfile::tempdir().unwrap();
    let archive = archive.path().display().to_string();
    let told = Told::start(Engine::Sqlite, &["--archive", &archive]).await;
    let server = &told.server;
    let before = value(&told.scrape().await, "debitor_store_commit_writes_sum");
    for _ in 0..3 {
        let customers = format!("{}/customers", server.company_path());
        let request = server.request("POST", &customers);
        request
            .json(&json!({"displayName": "A"}))
            .send()
            .await
            .expect(201);
    }
    let text = told.scrape().await;
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
