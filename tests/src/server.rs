//! A real server process with a data directory of its own, behind the judging proxy.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use serde_json::Value;
use tempfile::TempDir;
use uuid::Uuid;

use crate::binaries;
use crate::engine::{Engine, Place};
use crate::judge::Judge;
use crate::proxy::Proxy;
use crate::raw::Request;

/// The permission to read and write.
pub const READ_WRITE: &str = "Financials.ReadWrite.All";
/// The permission to read.
pub const READ: &str = "Financials.Read.All";

/// A running `debitor-server dev`. At the end its process is killed, and the test fails if an
/// exchange did not fit the document.
pub struct TestServer {
    data: TempDir,
    /// What the process is told beside where its files are.
    arguments: Vec<String>,
    /// Settings, by the names of their variables.
    variables: Vec<(String, String)>,
    process: Process,
    /// Dropped after the process has been killed.
    place: Place,
    proxy: Proxy,
    judge: Arc<Judge>,
}

/// What the server prints when it is ready.
struct Process {
    child: Child,
    ready: Value,
}

impl TestServer {
    /// Starts a server on an empty store of the engine that the suite runs on.
    pub async fn start() -> Self {
        Self::start_on(Engine::of_run()).await
    }

    /// Starts a server on an empty store of this engine.
    pub async fn start_on(engine: Engine) -> Self {
        Self::start_with(engine, &[]).await
    }

    /// Starts a server with these arguments on an empty store of this engine.
    pub async fn start_with(engine: Engine, arguments: &[&str]) -> Self {
        let data = tempfile::tempdir().expect("a temporary directory");
        let place = Place::new(engine, data.path()).await;
        Self::start_at(place, data, arguments, &[]).await
    }

    /// Starts a server with these settings, by the names of their variables, on an empty store of the
    /// engine that the suite runs on.
    pub async fn start_set(variables: &[(&str, &str)]) -> Self {
        let data = tempfile::tempdir().expect("a temporary directory");
        let place = Place::new(Engine::of_run(), data.path()).await;
        Self::start_at(place, data, &[], variables).await
    }

    /// Starts a server on a store of the test's own choice.
    pub async fn start_in(place: impl Into<Place>) -> Self {
        Self::start_in_with(place, &[]).await
    }

    /// Starts a server with these arguments on a store of the test's own choice.
    pub async fn start_in_with(place: impl Into<Place>, arguments: &[&str]) -> Self {
        let data = tempfile::tempdir().expect("a temporary directory");
        Self::start_at(place.into(), data, arguments, &[]).await
    }

    async fn start_at(
        place: Place,
        data: TempDir,
        arguments: &[&str],
        variables: &[(&str, &str)],
    ) -> Self {
        let store = ["--store", place.url()].into_iter();
        let arguments: Vec<_> = store
            .chain(arguments.iter().copied())
            .map(str::to_owned)
            .collect();
        let owned = |&(name, value): &(&str, &str)| (name.to_owned(), value.to_owned());
        let variables: Vec<_> = variables.iter().map(owned).collect();
        let process = Process::start(data.path(), &arguments, &variables);
        let judge = Arc::new(Judge::new());
        let proxy = Proxy::start(process.address(), Arc::clone(&judge)).await;
        Self {
            data,
            arguments,
            variables,
            process,
            place,
            proxy,
            judge,
        }
    }

    /// The id of the server's process.
    pub fn process_id(&self) -> u32 {
        self.process.child.id()
    }

    /// The address of the service, through the proxy.
    pub fn base_url(&self) -> String {
        format!("{}/v1.0", self.origin())
    }

    /// The address of the server, through the proxy.
    pub fn origin(&self) -> String {
        self.proxy.origin()
    }

    /// The JSON line that the server printed.
    pub fn ready(&self) -> &Value {
        &self.process.ready
    }

    /// The token that the server printed.
    pub fn token(&self) -> String {
        self.text("token")
    }

    /// The demo company.
    pub fn company(&self) -> Uuid {
        self.text("companyId").parse().expect("a GUID")
    }

    /// The draft sales invoice of the demo company.
    pub fn sales_invoice(&self) -> Uuid {
        self.text("salesInvoiceId").parse().expect("a GUID")
    }

    /// The path of the demo company.
    pub fn company_path(&self) -> String {
        format!("/v1.0/financials/companies/{}", self.company())
    }

    /// Where the server keeps its data.
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// The server's data directory.
    pub fn data_dir(&self) -> &Path {
        self.data.path()
    }

    /// A token of a caller with these permissions, of the demo tenant unless another is named.
    pub fn token_for(&self, tenant: Option<Uuid>, permissions: &[&str]) -> String {
        let mut command = self.token_command();
        if let Some(tenant) = tenant {
            command.args(["--tenant", &tenant.to_string()]);
        }
        for permission in permissions {
            command.args(["--permission", permission]);
        }
        printed(command)
    }

    /// A token of another person of the demo tenant, who may read and write.
    pub fn token_of(&self, subject: Uuid) -> String {
        let mut command = self.token_command();
        command.args(["--subject", &subject.to_string()]);
        printed(command)
    }

    /// A token of whoever these arguments of the program's command say.
    pub fn token_with(&self, arguments: &[&str]) -> String {
        let mut command = self.token_command();
        command.args(arguments);
        printed(command)
    }

    /// A request by a caller who may read and write.
    pub fn request(&self, method: &str, path: &str) -> Request {
        self.anonymous(method, path)
            .header("Authorization", &format!("Bearer {}", self.token()))
    }

    /// A request by a caller who may only read.
    pub fn as_reader(&self, method: &str, path: &str) -> Request {
        let token = self.token_for(None, &[READ]);
        self.anonymous(method, path)
            .header("Authorization", &format!("Bearer {token}"))
    }

    /// A request without a token.
    pub fn anonymous(&self, method: &str, path: &str) -> Request {
        let whole = path.starts_with("http");
        let address = if whole {
            path.to_owned()
        } else {
            format!("{}{path}", self.origin())
        };
        Request::new(method, &address)
    }

    /// Ends the process with SIGKILL.
    pub fn kill(&mut self) {
        self.process.child.kill().expect("the process is ours");
        self.process.child.wait().expect("the process ends");
    }

    /// Asks the process to end with SIGTERM; its exit code.
    pub fn stop(&mut self) -> Option<i32> {
        let pid = self.process.child.id().to_string();
        let sent = Command::new("kill")
            .args(["-TERM", &pid])
            .status()
            .expect("kill runs");
        assert!(sent.success());
        self.process.child.wait().expect("the process ends").code()
    }

    /// Starts a process on the same data after the last one ended.
    pub fn start_again(&mut self) {
        self.process = Process::start(self.data.path(), &self.arguments, &self.variables);
        self.proxy.forward_to(self.process.address());
    }

    /// What did not fit the document so far; the server is not failed for it at the end.
    pub fn take_violations(&self) -> Vec<String> {
        self.judge.take_violations()
    }
}

impl TestServer {
    fn token_command(&self) -> Command {
        let mut command = Command::new(binaries::server());
        command.arg("token").arg("--data-dir").arg(self.data_dir());
        command
    }

    fn text(&self, key: &str) -> String {
        self.process.ready[key]
            .as_str()
            .expect("the ready line has it")
            .to_owned()
    }
}

/// What a command that must succeed prints.
fn printed(mut command: Command) -> String {
    let output = command.output().expect("the server's program runs");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout)
        .expect("a token is text")
        .trim()
        .to_owned()
}

impl Drop for TestServer {
    fn drop(&mut self) {
        // The process may have ended already.
        let _ = self.process.child.kill();
        let _ = self.process.child.wait();
        let violations = self.judge.take_violations();
        assert!(
            violations.is_empty() || std::thread::panicking(),
            "exchanges that do not fit the document:
{}",
            violations.join(
                "
"
            )
        );
    }
}

impl Process {
    fn start(data: &Path, arguments: &[String], variables: &[(String, String)]) -> Self {
        let log = std::fs::File::options()
            .create(true)
            .append(true)
            .open(data.join("server.log"))
            .expect("the log can be written");
        let mut child = Command::new(binaries::server())
            .args(["dev", "--listen", "127.0.0.1:0", "--json", "--data-dir"])
            .arg(data)
            .args(arguments)
            .envs(variables.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .expect("the server's program runs");
        let mut line = String::new();
        let output = child.stdout.take().expect("the output is piped");
        BufReader::new(output)
            .read_line(&mut line)
            .expect("the output can be read");
        let Ok(ready) = serde_json::from_str(&line) else {
            let log = std::fs::read_to_string(data.join("server.log")).unwrap_or_default();
            panic!("the server did not become ready: {line}\n{log}");
        };
        Self { child, ready }
    }

    /// The server's own address.
    fn address(&self) -> String {
        let base = self.ready["baseUrl"]
            .as_str()
            .expect("the ready line has it");
        base.strip_suffix("/v1.0")
            .expect("the base ends with the version")
            .to_owned()
    }
}
