//! The servers: which there are, and one of them as it runs.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::rc::Rc;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};

use crate::dialect::Dialect;
use crate::fill::Lists;
use crate::operation::Operation;
use crate::postgres::Postgres;
use crate::process::{self, Process};

/// The name of our own server in results.
pub(crate) const OURS: &str = "debitor";
/// The name of our own server, built so that its creates write nothing that only lists need, and that it
/// lets in who has no credentials.
pub(crate) const BARE: &str = "debitor-bare";
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
    /// Where it keeps its data, if not in files.
    database: Option<Rc<Postgres>>,
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
            database: None,
        }
    }

    /// The same, with its data in this database if there is one.
    pub(crate) fn on(self, database: Option<&Rc<Postgres>>) -> Self {
        let database = database.cloned();
        Self { database, ..self }
    }

    /// Another build of our own server.
    pub(crate) fn before(program: &Path) -> Self {
        Self::new("debitor-before", Kind::Ours, program)
    }

    /// Our own server without what only lists need, and without authentication.
    pub(crate) fn bare(program: &Path) -> Self {
        Self::new(BARE, Kind::Ours, program)
    }

    /// What it is, in a few words.
    pub(crate) fn title(&self) -> &str {
        match self.name.as_str() {
            "sqlx" => "axum + sqlx pool, SQLite",
            "sqlx-postgres" => "axum + sqlx pool, PostgreSQL",
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
        match operation {
            Operation::Get | Operation::Create | Operation::ById => true,
            _ => self.stores(),
        }
    }

    /// Copies the data of a folder that no server uses now.
    pub(crate) fn copy(&self, from: &Path, to: &Path) -> Result<()> {
        std::fs::create_dir_all(to.parent().unwrap_or(to))?;
        let copied = Command::new("cp").arg("-r").args([from, to]).status()?;
        ensure!(copied.success(), "the data cannot be copied");
        let copy = |database: &Rc<Postgres>| database.copy(from, to);
        self.database.as_ref().map_or(Ok(()), copy)
    }

    /// Brings data that have just been made into the state that they would have later.
    pub(crate) fn tidy(&self, folder: &Path) -> Result<()> {
        let tidy = |database: &Rc<Postgres>| database.tidy(folder);
        self.database.as_ref().map_or(Ok(()), tidy)
    }

    /// Makes the folder's database unless it is there, in our case with its schema.
    fn create(&self, database: &Postgres, folder: &Path) -> Result<()> {
        if database.has(folder)? {
            return Ok(());
        }
        database.create(folder)?;
        if self.kind == Kind::Peer {
            return Ok(());
        }
        let mut migrate = Command::new(&self.program);
        let owner = database.owner_url(folder);
        let output = migrate.args(["migrate", "--store", &owner]).output()?;
        let error = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "migrate: {error}");
        database.admit()
    }

    /// Starts it on the data in `folder`.
    pub(crate) fn start(&self, folder: &Path) -> Result<Running> {
        std::fs::create_dir_all(folder)?;
        if let Some(database) = &self.database {
            self.create(database, folder)?;
        }
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
                if let Some(database) = &self.database {
                    command.args(["--store", &database.login_url(folder)]);
                }
                let (process, line) = first_line(&mut command)?;
                let ready: serde_json::Value = serde_json::from_str(&line)?;
                let base = ready["baseUrl"].as_str().context("no baseUrl")?;
                let host = base.trim_start_matches("http://").trim_end_matches("/v1.0");
                let dialect = match self.name.as_str() {
                    BARE => Dialect::ours(&ready)?.bare(),
                    _ => Dialect::ours(&ready)?,
                };
                (process, host.to_owned(), dialect)
            }
            Kind::Limits => {
                let (process, line) = first_line(command.arg("serve"))?;
                let dialect = Dialect::limits();
                Lists::of(folder).write_random(&dialect)?;
                (process, line.trim().to_owned(), dialect)
            }
            Kind::Peer => {
                let host = format!("127.0.0.1:{}", free_port()?);
                let port = host.rsplit(':').next().unwrap_or_default();
                command.arg(port).stdout(Stdio::null());
                match &self.database {
                    Some(database) => command.arg(database.owner_url(folder)),
                    None => command.arg(folder),
                };
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
    /// The processes that do its work: its own, and those of its database.
    pub(crate) fn all_ids(&self) -> Vec<u32> {
        let database = self.server.database.iter();
        let database = database.flat_map(|database| database.process().ids());
        self.process.ids().into_iter().chain(database).collect()
    }

    /// The processor time of its database since that began, if it has one.
    pub(crate) fn database_seconds(&self) -> Option<f64> {
        let database = self.server.database.as_ref()?;
        Some(database.process().usage().cpu_seconds)
    }

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
