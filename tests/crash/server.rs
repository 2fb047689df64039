//! The server under test: a process that can be started, frozen, killed and waited for.

use std::ffi::OsString;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;
use uuid::Uuid;

/// A server that says nothing for so long will say nothing any more.
const START: Duration = Duration::from_secs(20);
/// Likewise for one that was told to stop.
const STOP: Duration = Duration::from_secs(30);

/// How the server is started.
#[derive(Debug, Clone)]
pub(crate) struct Launch {
    pub(crate) program: PathBuf,
    /// Where the store is; the signing key and the log stand beside it.
    pub(crate) store: PathBuf,
    /// The address of the database that is the store in place of the folder.
    pub(crate) database: Option<String>,
    /// A folder that is not on a faulted disk.
    pub(crate) safe: PathBuf,
    pub(crate) listen: SocketAddr,
    pub(crate) environment: Vec<(String, OsString)>,
    pub(crate) arguments: Vec<OsString>,
}

/// What the server says when it is ready.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Access {
    pub(crate) base_url: String,
    pub(crate) token: String,
    pub(crate) company_id: Uuid,
}

pub(crate) struct Server {
    child: Child,
    pub(crate) access: Access,
    /// How long it took to be ready.
    pub(crate) started_in: Duration,
}

impl Launch {
    pub(crate) fn new(program: &Path, store: &Path, safe: &Path) -> Self {
        Self {
            program: program.to_owned(),
            store: store.to_owned(),
            database: None,
            safe: safe.to_owned(),
            listen: (Ipv4Addr::LOCALHOST, 0).into(),
            environment: Vec::new(),
            arguments: Vec::new(),
        }
    }

    /// The same with a variable more.
    pub(crate) fn with(&self, name: &str, value: impl Into<OsString>) -> Self {
        let mut launch = self.clone();
        launch.environment.push((name.to_owned(), value.into()));
        launch
    }

    /// Starts the server and waits until it is ready.
    pub(crate) async fn start(&self) -> Result<Server> {
        match self.try_start().await? {
            Ok(server) => Ok(server),
            Err(status) => bail!(
                "the server did not become ready ({status}); {}",
                self.log_end()
            ),
        }
    }

    /// Starts the server; the status of one that ended before it was ready.
    pub(crate) async fn try_start(&self) -> Result<std::result::Result<Server, ExitStatus>> {
        let begun = Instant::now();
        let mut child = self.spawn()?;
        let output = child.stdout.take().context("the output is piped")?;
        let mut line = String::new();
        timeout(START, BufReader::new(output).read_line(&mut line))
            .await
            .context("the server said nothing")??;
        if line.is_empty() {
            let status = timeout(STOP, child.wait())
                .await
                .context("the server hangs")??;
            return Ok(Err(status));
        }
        let access = serde_json::from_str(&line).context("what the server said")?;
        let started_in = begun.elapsed();
        Ok(Ok(Server {
            child,
            access,
            started_in,
        }))
    }

    fn spawn(&self) -> Result<Child> {
        let log = std::fs::File::options()
            .create(true)
            .append(true)
            .open(self.log())?;
        Command::new(&self.program)
            .args([
                "dev",
                "--json",
                "--listen",
                &self.listen.to_string(),
                "--data-dir",
            ])
            .arg(&self.safe)
            .arg("--store")
            .arg(self.url())
            .args(&self.arguments)
            .env("DEBITOR_LOG_FILTER", "warn")
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("cannot start {}", self.program.display()))
    }

    fn url(&self) -> OsString {
        if let Some(database) = &self.database {
            return database.into();
        }
        let mut url = OsString::from("sqlite:");
        url.push(&self.store);
        url
    }

    pub(crate) fn log(&self) -> PathBuf {
        self.safe.join("server.log")
    }

    fn log_end(&self) -> String {
        let log = std::fs::read_to_string(self.log()).unwrap_or_default();
        format!(
            "its log ends with: {}",
            log.lines().last().unwrap_or_default()
        )
    }
}

impl Server {
    pub(crate) fn pid(&self) -> Result<u32> {
        self.child.id().context("the server has ended")
    }

    /// Its memory that is resident, in bytes.
    pub(crate) fn memory(&self) -> Result<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid()?))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kibibytes = line.and_then(|line| line.split_whitespace().next());
        Ok(kibibytes
            .context("the memory of the server")?
            .parse::<u64>()?
            * 1024)
    }

    /// Ends the process with SIGKILL.
    pub(crate) async fn kill(&mut self) -> Result<()> {
        self.child.kill().await.context("cannot kill the server")
    }

    /// Stops every thread of the process, and waits until each has stopped.
    pub(crate) async fn freeze(&self) -> Result<()> {
        let pid = self.pid()?;
        signal(pid, "STOP").await?;
        let begun = Instant::now();
        while !is_frozen(pid)? {
            ensure!(begun.elapsed() < STOP, "the server does not freeze");
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        Ok(())
    }

    /// Asks the process to end with SIGTERM.
    pub(crate) async fn terminate(&mut self) -> Result<ExitStatus> {
        signal(self.pid()?, "TERM").await?;
        self.ended(STOP).await?.context("the server does not stop")
    }

    /// The status of the process, if it ends within the time.
    pub(crate) async fn ended(&mut self, within: Duration) -> Result<Option<ExitStatus>> {
        Ok(timeout(within, self.child.wait()).await.ok().transpose()?)
    }
}

/// An address that is free now.
pub(crate) fn free_address() -> Result<SocketAddr> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?)
}

async fn signal(pid: u32, name: &str) -> Result<()> {
    let status = Command::new("kill")
        .args([format!("-{name}"), pid.to_string()])
        .status()
        .await?;
    ensure!(status.success(), "`kill -{name} {pid}` failed");
    Ok(())
}

/// Whether every thread is in state T: one in a system call finishes it first.
fn is_frozen(pid: u32) -> Result<bool> {
    for thread in std::fs::read_dir(format!("/proc/{pid}/task"))? {
        let stat = std::fs::read_to_string(thread?.path().join("stat"))?;
        // The name before the state stands in parentheses and may hold anything.
        let state = stat
            .rsplit(") ")
            .next()
            .and_then(|rest| rest.chars().next());
        if state != Some('T') {
            return Ok(false);
        }
    }
    Ok(true)
}
