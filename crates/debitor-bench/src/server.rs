//! The servers: which there are, and one of them as it runs.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};

use crate::dialect::Dialect;
use crate::fill::Lists;
use crate::operation::Operation;
use crate::process::{self, Process};

/// The name of our own server in results.
pub(crate) const OURS: &str = "debitor";
/// The name of the server that keeps nothing.
pub(crate) const LIMITS: &str = "limits";

const START_TIME: Duration = Duration::from_secs(30);
/// Two looks at the processor time of a server that is busy differ if they are this far apart.
const STILL: Duration = Duration::from_millis(50);

/// A server that can be started.
#[derive(Debug, Clone)]
pub(crate) struct Server {
    pub(crate) name: String,
    kind: Kind,
    /// The program, or of a peer the script that starts it.
    program: PathBuf,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Ours,
    Limits,
    Peer,
}

impl Server {
    pub(crate) fn ours(program: &Path) -> Self {
        Self::new(OURS, Kind::Ours, program)
    }

    pub(crate) fn limits(program: &Path) -> Self {
        Self::new(LIMITS, Kind::Limits, program)
    }

    /// A peer that is installed in `folder`, with the script `start`.
    pub(crate) fn peer(name: &str, folder: &Path) -> Self {
        Self::new(name, Kind::Peer, &folder.join("start"))
    }

    fn new(name: &str, kind: Kind, program: &Path) -> Self {
        Self {
            name: name.to_owned(),
            kind,
            program: program.to_owned(),
        }
    }

    /// Another build of our own server.
    pub(crate) fn before(program: &Path) -> Self {
        Self::new("debitor-before", Kind::Ours, program)
    }

    /// What it is, in a few words.
    pub(crate) fn title(&self) -> &str {
        match self.name.as_str() {
            "sqlx" => "axum + sqlx pool, SQLite",
            "bun" => "Bun + Hono + bun:sqlite",
            "fastify" => "Fastify + better-sqlite3",
            "fastapi" => "FastAPI + SQLModel, SQLite",
            "pocketbase" => "PocketBase",
            name => name,
        }
    }

    pub(crate) fn stores(&self) -> bool {
        self.kind != Kind::Limits
    }

    pub(crate) fn can(&self, operation: Operation) -> bool {
        self.stores() || matches!(operation, Operation::Get | Operation::Create)
    }

    /// Starts it on the data in `folder`.
    pub(crate) fn start(&self, folder: &Path) -> Result<Running> {
        std::fs::create_dir_all(folder)?;
        let mut command = match self.kind {
            Kind::Ours | Kind::Limits => process::command(&self.program),
            Kind::Peer => {
                let mut command = process::command("sh");
                command.arg(&self.program);
                command
            }
        };
        let log = File::options()
            .create(true)
            .append(true)
            .open(folder.join("server.log"))?;
        command
            .stdin(Stdio::null())
            .stderr(log)
            .stdout(Stdio::piped());
        self.run(command, folder)
            .with_context(|| format!("{} does not start; see {}", self.name, folder.display()))
    }

    fn run(&self, mut command: Command, folder: &Path) -> Result<Running> {
        let (process, host, dialect) = match self.kind {
            Kind::Ours => {
                command.env("DEBITOR_LOG_FILTER", "warn");
                command
                    .args(["dev", "--json", "--listen", "127.0.0.1:0", "--data-dir"])
                    .arg(folder);
                let (process, line) = first_line(&mut command)?;
                let ready: serde_json::Value = serde_json::from_str(&line)?;
                let base = ready["baseUrl"].as_str().context("no baseUrl")?;
                let host = base.trim_start_matches("http://").trim_end_matches("/v1.0");
                (process, host.to_owned(), Dialect::ours(&ready)?)
            }
            Kind::Limits => {
                let (process, line) = first_line(command.arg("serve"))?;
                Lists::of(folder).write_random()?;
                (process, line.trim().to_owned(), Dialect::limits())
            }
            Kind::Peer => {
                let host = format!("127.0.0.1:{}", free_port()?);
                let port = host.rsplit(':').next().unwrap_or_default();
                command.arg(port).arg(folder).stdout(Stdio::null());
                let process = Process::spawn(&mut command)?;
                wait_for(&host)?;
                let dialect = match self.name.as_str() {
                    "pocketbase" => Dialect::pocketbase(),
                    _ => Dialect::peer(),
                };
                (process, host, dialect)
            }
        };
        Ok(Running {
            server: self.clone(),
            process,
            host,
            dialect,
            folder: folder.to_owned(),
        })
    }
}

/// A server that runs, with its data in a folder of its own.
pub(crate) struct Running {
    pub(crate) server: Server,
    pub(crate) process: Process,
    pub(crate) host: String,
    pub(crate) dialect: Dialect,
    pub(crate) folder: PathBuf,
}

impl Running {
    /// Waits until it has done what was asked of it: wrk ends with requests under way.
    pub(crate) fn settle(&self) -> Result<()> {
        let start = Instant::now();
        let mut before = self.process.usage().cpu_seconds;
        while start.elapsed() < START_TIME {
            sleep(STILL);
            let now = self.process.usage().cpu_seconds;
            if now - before < 0.015 {
                return Ok(());
            }
            before = now;
        }
        anyhow::bail!("{} does not come to rest", self.server.name)
    }
}

fn first_line(command: &mut Command) -> Result<(Process, String)> {
    let mut process = Process::spawn(command)?;
    let output = process
        .child()
        .stdout
        .take()
        .context("the output is piped")?;
    let mut line = String::new();
    BufReader::new(output).read_line(&mut line)?;
    ensure!(!line.is_empty(), "it ended without a line");
    Ok((process, line))
}

/// A port that was free a moment ago.
fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

fn wait_for(host: &str) -> Result<()> {
    let start = Instant::now();
    while TcpStream::connect(host).is_err() {
        ensure!(start.elapsed() < START_TIME, "nobody listens on {host}");
        sleep(Duration::from_millis(20));
    }
    Ok(())
}
