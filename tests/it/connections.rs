//! What a client of a real server can do slowly, too largely, or over TLS. Without the proxy, which
//! would send on only what is whole.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use axum::http::{HeaderMap, HeaderName};
use debitor_tests::certificate::Certificate;
use debitor_tests::judge::{Exchange, Judge};
use debitor_tests::{Engine, Place, Request, binaries};
use serde_json::{Value, json};
use tempfile::TempDir;

/// What a test waits for at most.
const SOON: Duration = Duration::from_secs(20);

/// A development server with settings; it is killed at the end.
struct Server {
    process: Child,
    ready: Value,
    _place: Place,
    _data: TempDir,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Server {
    async fn start(settings: &[(&str, &str)]) -> Self {
        let data = TempDir::new().unwrap();
        let place = Place::new(Engine::of_run(), data.path()).await;
        let mut process = Command::new(binaries::server())
            .args(["dev", "--json", "--listen", "127.0.0.1:0", "--data-dir"])
            .arg(data.path())
            .args(["--store", place.url()])
            .envs(settings.iter().copied())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let output = process.stdout.take().unwrap();
        BufReader::new(output).read_line(&mut line).unwrap();
        Self {
            process,
            ready: serde_json::from_str(&line).unwrap(),
            _place: place,
            _data: data,
        }
    }

    fn text(&self, name: &str) -> &str {
        self.ready[name].as_str().unwrap()
    }

    /// The address, without the scheme.
    fn address(&self) -> &str {
        let origin = self.text("baseUrl").trim_end_matches("/v1.0");
        origin.split_once("://").unwrap().1
    }

    /// What begins a request that creates a customer, up to the headers of its body.
    fn create(&self) -> String {
        let (company, token) = (self.text("companyId"), self.text("token"));
        format!(
            "POST /v1.0/financials/companies/{company}/customers HTTP/1.1\r\nhost: localhost\r\n\
             authorization: Bearer {token}\r\ncontent-type: application/json\r\n"
        )
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address()).unwrap();
        stream.set_read_timeout(Some(SOON)).unwrap();
        stream
    }
}

/// All that is answered until the connection is closed.
fn rest(mut stream: TcpStream) -> String {
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    String::from_utf8(answer).unwrap()
}

/// Fails unless the answer is a 408 after which the connection was closed.
fn check_late(answer: &str) {
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 408 "), "{answer}");
    assert!(head.contains("\r\nconnection: close"), "{answer}");
    assert!(head.contains("\r\nrequest-id: "), "{answer}");
    let body: Value = serde_json::from_str(body).unwrap();
    assert_eq!(body["error"]["code"], "requestTimeout");
}

#[tokio::test]
async fn a_body_that_stalls_is_answered_with_408() {
    let server = Server::start(&[("DEBITOR_LIMITS_BODY_TIMEOUT_MS", "200")]).await;
    let head = format!("{}content-length: 100\r\n\r\n", server.create());
    for start in ["", "{\"displayName\""] {
        let mut stream = server.connect();
        let begun = Instant::now();
        stream
            .write_all(format!("{head}{start}").as_bytes())
            .unwrap();
        check_late(&rest(stream));
        assert!(begun.elapsed() >= Duration::from_millis(200));
    }
}

/// The operations with a body, each with a path of its own.
const WITH_BODY: [(&str, &str); 6] = [
    ("POST", "customers"),
    ("PATCH", "customers/ID"),
    ("POST", "salesInvoices"),
    ("PATCH", "salesInvoices/ID"),
    ("POST", "salesInvoices/ID/customer"),
    ("PATCH", "salesInvoices/ID/customer"),
];

#[tokio::test]
async fn every_operation_with_a_body_documents_its_408() {
    let server = Server::start(&[("DEBITOR_LIMITS_BODY_TIMEOUT_MS", "200")]).await;
    let (company, token) = (server.text("companyId"), server.text("token"));
    let judge = Judge::new();
    for (method, path) in WITH_BODY {
        let path = path.replace("ID", server.text("salesInvoiceId"));
        let path = format!("/v1.0/financials/companies/{company}/{path}");
        let mut stream = server.connect();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\n\
             content-type: application/json\r\ncontent-length: 100\r\n\r\n{{"
        );
        stream.write_all(head.as_bytes()).unwrap();
        let answer = rest(stream);
        check_late(&answer);
        see(&judge, method, &path, &answer);
    }
    assert_eq!(judge.take_violations(), [""; 0]);
}

/// Shows the judge an answer of 408, as the proxy shows it answers to whole requests.
fn see(judge: &Judge, method: &str, path: &str, answer: &str) {
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let mut headers = HeaderMap::new();
    for line in head.lines().skip(1) {
        let (name, value) = line.split_once(": ").unwrap();
        let name: HeaderName = name.parse().unwrap();
        headers.append(name, value.parse().unwrap());
    }
    judge.see(&Exchange {
        method,
        path,
        query: "",
        request_headers: &HeaderMap::new(),
        request_body: b"{",
        status: 408,
        headers: &headers,
        body: body.as_bytes(),
    });
}

#[tokio::test]
async fn a_body_that_does_not_end_is_answered_with_408() {
    let server = Server::start(&[("DEBITOR_LIMITS_REQUEST_TIMEOUT_MS", "500")]).await;
    let mut stream = server.connect();
    let mut drip = stream.try_clone().unwrap();
    let head = format!("{}transfer-encoding: chunked\r\n\r\n", server.create());
    stream.write_all(head.as_bytes()).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_millis(50)))
        .unwrap();
    let (begun, mut answer) = (Instant::now(), Vec::new());
    // One byte after the other, at the pace of a read that waits for an answer in vain.
    while answer.is_empty() && begun.elapsed() < SOON {
        drip.write_all(b"1\r\n \r\n").unwrap();
        let mut piece = [0; 4096];
        let read = stream.read(&mut piece).unwrap_or_default();
        answer.extend_from_slice(&piece[..read]);
    }
    check_late(&String::from_utf8(answer).unwrap());
}

#[tokio::test]
async fn lines_and_headers_that_are_too_large_are_refused_in_the_error_body() {
    let server = Server::start(&[]).await;
    let path = |length: usize| format!("/v1.0/{}", "x".repeat(length - 6));
    for (path, value, status) in [
        (path(8192), 1, 404),
        (path(8193), 1, 414),
        (path(100), 31 * 1024, 404),
        (path(100), 33 * 1024, 431),
    ] {
        let address = format!("http://{}{path}", server.address());
        let request = Request::new("GET", &address).header("a", &"x".repeat(value));
        let answer = request.send().await.expect(status);
        assert!(!answer.code().is_empty() && answer.header("request-id").is_some());
    }
    // What hyper refuses itself has no body.
    let beyond = Request::new("GET", &format!("http://{}/", server.address()));
    let beyond = beyond.header("a", &"x".repeat(300 * 1024)).send().await;
    assert_eq!(beyond.expect(431).body, "");
}

async fn works(client: &reqwest::Client, address: &str) -> bool {
    let answer = client.get(format!("{address}/livez")).send().await;
    answer.is_ok_and(|answer| answer.status().is_success())
}

#[tokio::test]
async fn a_certificate_is_renewed_on_sighup() {
    let directory = TempDir::new().unwrap();
    let old = Certificate::write(directory.path());
    let server = Server::start(&[
        ("DEBITOR_TLS_CERT_FILE", old.cert_file.to_str().unwrap()),
        ("DEBITOR_TLS_KEY_FILE", old.key_file.to_str().unwrap()),
    ])
    .await;
    let address = server.address().replace("127.0.0.1", "localhost");
    let address = format!("https://{address}");
    // Its connection stays open.
    let before = old.client();
    assert!(works(&before, &address).await);
    let created = before
        .post(format!(
            "{address}/v1.0/financials/companies/{}/customers",
            server.text("companyId")
        ))
        .bearer_auth(server.text("token"))
        .json(&json!({"displayName": "A"}));
    let location = created.send().await.unwrap().headers()["location"].clone();
    assert!(
        location.to_str().unwrap().starts_with(&address),
        "{location:?}"
    );
    assert!(server.text("baseUrl").starts_with("https://"));

    let new = Certificate::write(directory.path());
    assert!(works(&old.client(), &address).await);
    let hangup = Command::new("kill")
        .args(["-HUP", &server.process.id().to_string()])
        .status();
    assert!(hangup.unwrap().success());
    let begun = Instant::now();
    while !works(&new.client(), &address).await {
        assert!(begun.elapsed() < SOON, "the new certificate is not shown");
    }
    assert!(!works(&old.client(), &address).await);
    assert!(works(&before, &address).await, "an open connection goes on");
}

#[test]
fn a_certificate_that_cannot_be_used_keeps_it_from_starting() {
    let directory = TempDir::new().unwrap();
    let certificate = Certificate::write(directory.path());
    let refused = Command::new(binaries::server())
        .args(["dev", "--listen", "127.0.0.1:0", "--data-dir"])
        .arg(directory.path())
        .env("DEBITOR_TLS_CERT_FILE", &certificate.cert_file)
        .env("DEBITOR_TLS_KEY_FILE", &certificate.cert_file)
        .output()
        .unwrap();
    assert_eq!(refused.status.code(), Some(78));
    let message = String::from_utf8_lossy(&refused.stderr);
    assert!(message.contains("tls.key_file"), "{message}");
}
