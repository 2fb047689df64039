//! A headless Chromium, driven through `chromedriver` (W3C `WebDriver`).

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

/// How long the page may take for what a test waits for.
const PATIENCE: Duration = Duration::from_mins(1);

/// A browser with one page.
pub struct Browser {
    driver: Child,
    session: String,
    client: reqwest::Client,
    _profile: TempDir,
}

impl Browser {
    /// Starts a browser that keeps a log of its console and of its requests.
    pub async fn start() -> Self {
        let profile = tempfile::tempdir().expect("a temporary directory");
        let profile_path = profile.path().to_owned();
        let port = free_port();
        let driver = Command::new("chromedriver")
            .arg(format!("--port={port}"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("`chromedriver` is installed: `cargo xtask test` does it");
        let client = reqwest::Client::new();
        let origin = format!("http://127.0.0.1:{port}");
        await_driver(&client, &origin).await;
        let mut browser = Self {
            driver,
            session: origin,
            client,
            _profile: profile,
        };
        let capabilities = capabilities(&profile_path);
        let session = browser.call("POST", "/session", &capabilities).await;
        let id = session["sessionId"].as_str().expect("a session").to_owned();
        browser.session = format!("{}/session/{id}", browser.session);
        browser
    }

    /// Opens a page.
    pub async fn open(&self, address: &str) {
        self.call("POST", "/url", &json!({"url": address})).await;
    }

    /// Runs a script in the page; its value is what it returns.
    pub async fn run(&self, script: &str, arguments: Value) -> Value {
        let body = json!({"script": script, "args": arguments});
        self.call("POST", "/execute/sync", &body).await
    }

    /// Runs a script again and again until it returns something true.
    pub async fn wait_for(&self, script: &str, arguments: Value) -> Value {
        let started = tokio::time::Instant::now();
        loop {
            let value = self.run(script, arguments.clone()).await;
            if !matches!(value, Value::Null | Value::Bool(false)) {
                return value;
            }
            assert!(
                started.elapsed() < PATIENCE,
                "the page never came to: {script}"
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Clicks the element, once it is there.
    pub async fn click(&self, selector: &str) {
        let script = "const e = document.querySelector(arguments[0]); if (e) e.click(); return !!e";
        self.wait_for(script, json!([selector])).await;
    }

    /// Types into the field, as a person's keys do.
    pub async fn enter(&self, selector: &str, text: &str) {
        let script = "return document.querySelector(arguments[0])";
        let found = self.wait_for(script, json!([selector])).await;
        let element = found
            .as_object()
            .and_then(|e| e.values().next())
            .and_then(Value::as_str);
        let element = element.expect("an element");
        self.call("POST", &format!("/element/{element}/clear"), &json!({}))
            .await;
        self.call(
            "POST",
            &format!("/element/{element}/value"),
            &json!({"text": text}),
        )
        .await;
    }

    /// Leaves the field that was typed into: the page takes its value then, and not at each key.
    pub async fn leave_field(&self) {
        self.run("document.activeElement.blur()", json!([])).await;
    }

    /// The console's messages of level error.
    pub async fn console_errors(&self) -> Vec<String> {
        let entries = self.log("browser").await;
        let severe = entries.iter().filter(|entry| entry["level"] == "SEVERE");
        severe.map(|entry| entry["message"].to_string()).collect()
    }

    /// The addresses that the page requested.
    pub async fn requested(&self) -> Vec<String> {
        let mut addresses = Vec::new();
        for entry in self.log("performance").await {
            let text = entry["message"].as_str().unwrap_or_default();
            let message: Value = serde_json::from_str(text).unwrap_or_default();
            if message["message"]["method"] == "Network.requestWillBeSent" {
                let url = &message["message"]["params"]["request"]["url"];
                addresses.extend(url.as_str().map(str::to_owned));
            }
        }
        addresses
    }

    async fn log(&self, kind: &str) -> Vec<Value> {
        let entries = self.call("POST", "/se/log", &json!({"type": kind})).await;
        entries.as_array().cloned().unwrap_or_default()
    }

    async fn call(&self, method: &str, path: &str, body: &Value) -> Value {
        let method = method.parse().expect("a method");
        let address = format!("{}{path}", self.session);
        let sent = self.client.request(method, address).json(body).send().await;
        let answer: Value = sent.expect("an answer").json().await.expect("JSON");
        let value = &answer["value"];
        assert!(value["error"].is_null(), "{path}: {value}");
        value.clone()
    }
}

impl Drop for Browser {
    /// Only the end of the session ends the browser; a driver that is killed leaves it running.
    fn drop(&mut self) {
        // What fails here fails no test: the browser has done its work.
        let _ = end_session(&self.session);
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}

/// Ends the session and waits until the browser has gone. A runtime is not to be had in a drop.
fn end_session(session: &str) -> std::io::Result<()> {
    let address = session.trim_start_matches("http://");
    let (host, path) = address.split_once('/').unwrap_or((address, ""));
    let mut stream = TcpStream::connect(host)?;
    let request = format!("DELETE /{path} HTTP/1.1\r\nHost: {host}\r\n\r\n");
    stream.write_all(request.as_bytes())?;
    stream.set_read_timeout(Some(PATIENCE))?;
    // The answer begins when the browser has gone; the connection may stay.
    stream.read(&mut [0; 512]).map(drop)
}

fn capabilities(profile: &std::path::Path) -> Value {
    let arguments = [
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--window-size=1400,2000",
        &format!("--user-data-dir={}", profile.display()),
    ];
    json!({"capabilities": {"alwaysMatch": {
        "browserName": "chrome",
        "goog:chromeOptions": {"args": arguments},
        "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"},
    }}})
}

fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("it is bound").port()
}

async fn await_driver(client: &reqwest::Client, origin: &str) {
    let started = tokio::time::Instant::now();
    while client.get(format!("{origin}/status")).send().await.is_err() {
        assert!(started.elapsed() < PATIENCE, "ChromeDriver does not answer");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
