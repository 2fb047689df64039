//! A real `debitor-server serve`, with issuers and a company of the test's choice, behind the judging
//! proxy.

use std::fs::File;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command};
use std::sync::Arc;

use tempfile::TempDir;
use uuid::Uuid;

use crate::binaries;
use crate::engine::{Engine, Place};
use crate::judge::Judge;
use crate::proxy::Proxy;
use crate::raw::Request;

/// A production server; it is killed at the end, and the test fails if an exchange did not fit the
/// document.
pub struct Production {
    process: Child,
    /// The server's own address.
    pub address: String,
    /// The company that it has, of the tenant that it was started for.
    pub company: Uuid,
    proxy: Proxy,
    judge: Arc<Judge>,
    directory: TempDir,
    _place: Place,
}

impl Production {
    /// Starts a server with these tables of the configuration, issuers among them, and a company of this
    /// tenant, on an empty store of the engine that the suite runs on.
    pub async fn start(tenant: Uuid, tables: &str) -> Self {
        Self::start_with(tenant, "", tables).await
    }

    /// Starts one with these settings that are in no table beside.
    pub async fn start_with(tenant: Uuid, settings: &str, tables: &str) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let place = Place::new(Engine::of_run(), &directory.path().join("store")).await;
        let port = free_port();
        let file = directory.path().join("debitor.toml");
        let text = format!(
            "listen = \"127.0.0.1:{port}\"\n{settings}[store]\nurl = \"{}\"\n[log]\nfilter = \"trace\"\n{tables}",
            place.url()
        );
        write(&file, &text);
        let company = create_company(&file, tenant);
        let process = start(&file, &directory.path().join("server.log"));
        let address = format!("http://127.0.0.1:{port}");
        await_ready(&address).await;
        let judge = Arc::new(Judge::new());
        let proxy = Proxy::start(address.clone(), Arc::clone(&judge)).await;
        Self {
            process,
            address,
            company,
            proxy,
            judge,
            directory,
            _place: place,
        }
    }

    /// The path of the company's customers.
    pub fn customers(&self) -> String {
        format!("/v1.0/financials/companies/{}/customers", self.company)
    }

    /// A request with these credentials.
    pub fn request(&self, method: &str, path: &str, token: &str) -> Request {
        let address = format!("{}{path}", self.proxy.origin());
        Request::new(method, &address).header("Authorization", &format!("Bearer {token}"))
    }

    /// The proxy's address.
    pub fn origin(&self) -> String {
        self.proxy.origin()
    }

    /// What the server has logged.
    pub fn log(&self) -> String {
        let path = self.directory.path().join("server.log");
        std::fs::read_to_string(path).expect("the log can be read")
    }
}

impl Drop for Production {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        let violations = self.judge.take_violations();
        assert!(
            violations.is_empty() || std::thread::panicking(),
            "exchanges that do not fit the document:\n{}",
            violations.join("\n")
        );
    }
}

fn create_company(configuration: &Path, tenant: Uuid) -> Uuid {
    let output = Command::new(binaries::server())
        .args(["company", "create", "--name", "Nordhafen", "--tenant"])
        .arg(tenant.to_string())
        .arg("--config")
        .arg(configuration)
        .output()
        .expect("the server's program runs");
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{told}");
    let id = String::from_utf8(output.stdout).expect("text");
    id.trim().parse().expect("a GUID")
}

fn start(configuration: &Path, log: &Path) -> Child {
    Command::new(binaries::server())
        .arg("serve")
        .arg("--config")
        .arg(configuration)
        .stderr(File::create(log).expect("the log can be written"))
        .spawn()
        .expect("the server's program runs")
}

async fn await_ready(address: &str) {
    let ready = format!("{address}/readyz");
    while Request::new("GET", &ready).try_send().await.is_err() {
        tokio::task::yield_now().await;
    }
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("it is bound").port()
}

#[expect(
    clippy::disallowed_methods,
    reason = "half a file of a test that crashed harms nobody"
)]
fn write(path: &Path, text: &str) {
    std::fs::write(path, text).expect("a temporary file can be written");
}
