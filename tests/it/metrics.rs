//! Reading what the server tells those who run it.

use std::net::TcpListener;

use debitor_tests::{Engine, Request, TestServer};

/// A server that tells its metrics.
pub(crate) struct Told {
    pub(crate) server: TestServer,
    address: String,
}

impl Told {
    pub(crate) async fn start(engine: Engine, arguments: &[&str]) -> Self {
        // The port is free again at the end of the statement, and nobody else looks for it.
        let port = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let address = format!("127.0.0.1:{port}");
        let arguments = [&["--admin", &address], arguments].concat();
        let server = TestServer::start_with(engine, &arguments).await;
        Self { server, address }
    }

    pub(crate) async fn scrape(&self) -> String {
        let metrics = Request::new("GET", &format!("http://{}/metrics", self.address));
        String::from_utf8(metrics.send().await.expect(200).body.to_vec()).unwrap()
    }
}

/// The value of a metric in the text.
pub(crate) fn value(text: &str, name: &str) -> f64 {
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    let line = line.unwrap_or_else(|| panic!("{name} is missing in\n{text}"));
    line.parse().unwrap()
}
