//! Reading what the server tells those who run it.

use std::net::TcpListener;

use debitor_tests::{Engine, Place, Request, TestServer, binaries};
use serde_json::{Value, json};

/// A server that tells its metrics.
pub(crate) struct Told {
    pub(crate) server: TestServer,
    address: String,
}

impl Told {
    pub(crate) async fn start(engine: Engine, arguments: &[&str]) -> Self {
        let address = free_address();
        let arguments = [&["--admin", &address], arguments].concat();
        let server = TestServer::start_with(engine, &arguments).await;
        Self { server, address }
    }

    /// One on a store of the test's own choice.
    pub(crate) async fn start_in(place: Place) -> Self {
        let address = free_address();
        let server = TestServer::start_in_with(place, &["--admin", &address]).await;
        Self { server, address }
    }

    pub(crate) async fn scrape(&self) -> String {
        let metrics = Request::new("GET", &format!("http://{}/metrics", self.address));
        String::from_utf8(metrics.send().await.expect(200).body.to_vec()).unwrap()
    }
}

pub(crate) fn free_address() -> String {
    // The port is free again at the end, and nobody else looks for it.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().to_string()
}

/// The value of a metric in the text.
pub(crate) fn value(text: &str, name: &str) -> f64 {
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    let line = line.unwrap_or_else(|| panic!("{name} is missing in\n{text}"));
    line.parse().unwrap()
}

/// Counts are floating-point numbers there.
#[track_caller]
fn check(text: &str, name: &str, expected: f64) {
    let found = value(text, name);
    assert!((found - expected).abs() < 0.5, "{name} is {found}:\n{text}");
}

#[tokio::test]
async fn requests_are_counted_by_operation_and_by_what_became_of_them() {
    let told = Told::start(Engine::of_run(), &[]).await;
    let server = &told.server;
    let customers = format!("{}/customers", server.company_path());
    for body in [
        json!({"displayName": "A"}),
        json!({"displayName": "B"}),
        json!({"no": 1}),
    ] {
        server.request("POST", &customers).json(&body).send().await;
    }
    server.anonymous("GET", &customers).send().await.expect(401);
    let text = told.scrape().await;
    let count = |labels: &str| format!("debitor_request_seconds_count{{{labels}}}");
    let created = r#"operation="customer_create",status="2xx""#;
    check(&text, &count(created), 2.0);
    check(
        &text,
        &count(r#"operation="customer_create",status="4xx""#),
        1.0,
    );
    check(
        &text,
        &count(r#"operation="customer_list",status="4xx""#),
        1.0,
    );
    check(&text, "debitor_requests", 0.0);
    check(&text, "debitor_requests_refused_total", 0.0);
    assert!(value(&text, &format!("debitor_request_seconds_sum{{{created}}}")) > 0.0);
}

/// Every name that the dashboard asks for is one that servers tell, on one engine or the other.
#[tokio::test]
async fn the_dashboard_asks_for_what_there_is() {
    let mut told = String::new();
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let archive = tempfile::tempdir().unwrap();
        let archive = archive.path().display().to_string();
        let arguments: &[&str] = match engine {
            Engine::Sqlite => &["--archive", &archive],
            Engine::Postgres => &[],
        };
        let server = Told::start(engine, arguments).await;
        let customers = format!("{}/customers", server.server.company_path());
        server
            .server
            .request("GET", &customers)
            .send()
            .await
            .expect(200);
        told += &server.scrape().await;
    }
    let path = binaries::root().join("crates/debitor-server/dashboard.json");
    let dashboard: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let mut asked = 0;
    for panel in dashboard["panels"].as_array().unwrap() {
        for target in panel["targets"].as_array().unwrap() {
            let query = target["expr"].as_str().unwrap();
            for name in query.split(|c: char| !c.is_ascii_alphanumeric() && c != '_') {
                if name.starts_with("debitor_") {
                    asked += 1;
                    assert!(told.contains(name), "{name}:\n{told}");
                }
            }
        }
    }
    assert!(asked > 10, "{asked} names are asked for");
}
