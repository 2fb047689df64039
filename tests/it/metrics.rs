//! Reading what the server tells those who run it.

use std::net::TcpListener;

use debitor_tests::{Engine, Place, Request, TestServer};

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

fn free_address() -> String {
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
