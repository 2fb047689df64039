//! A private PostgreSQL: a cluster below the folder of the run, whose databases have the names of
//! the folders that their servers have.
//!
//! It is as PostgreSQL comes: what is committed is on the disk. Only its memory is set, as no
//! machine that runs a database leaves it at the 128 MB of the default.

use std::fs::File;
use std::io::Write as _;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use uuid::Uuid;

use crate::process::{self, Process};

const SETTINGS: [&str; 2] = ["shared_buffers=512MB", "max_connections=200"];
const START_TIME: Duration = Duration::from_secs(30);
/// The superuser, in PostgreSQL and, if we are root, on the machine: PostgreSQL refuses root.
const SUPERUSER: &str = "postgres";
/// Owns the databases and what peers make in them.
const OWNER: &str = "bench_owner";
/// What our own server logs in as, with the rights of the role that its schema makes.
const LOGIN: &str = "bench_login";
const ROLE: &str = "debitor_service";

/// The cluster; it ends with this value.
#[derive(Debug)]
pub(crate) struct Postgres {
    /// Where PostgreSQL's programs are.
    programs: PathBuf,
    /// The folder of the run.
    root: PathBuf,
    port: u16,
    password: String,
    process: Process,
}

impl Postgres {
    /// Makes a cluster in the folder of the run, and starts it.
    pub(crate) fn start(programs: &Path, root: &Path) -> Result<Self> {
        let folder = root.join("postgres");
        let password = Uuid::now_v7().simple().to_string();
        initialise(programs, &folder, &password)?;
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let process = Process::spawn(&mut server(programs, &folder, port)?)?;
        let postgres = Self {
            programs: programs.to_owned(),
            root: root.to_owned(),
            port,
            password,
            process,
        };
        postgres.wait()?;
        for (role, rights) in [(OWNER, "LOGIN CREATEROLE"), (LOGIN, "LOGIN")] {
            let password = &postgres.password;
            postgres.say(&format!(
                "CREATE ROLE {role} {rights} PASSWORD '{password}'"
            ))?;
        }
        Ok(postgres)
    }

    /// The version, and what was set.
    pub(crate) fn describe(&self) -> Result<String> {
        let version = self.say("SHOW server_version")?;
        Ok(format!("PostgreSQL {version}, {}", SETTINGS.join(", ")))
    }

    /// The process that all others of PostgreSQL descend from.
    pub(crate) fn process(&self) -> &Process {
        &self.process
    }

    /// The address of the folder's database for a server that may do everything in it.
    pub(crate) fn owner_url(&self, folder: &Path) -> String {
        self.url(OWNER, &self.name(folder))
    }

    /// The same for our own server.
    pub(crate) fn login_url(&self, folder: &Path) -> String {
        self.url(LOGIN, &self.name(folder))
    }

    /// Whether the folder has a database.
    pub(crate) fn has(&self, folder: &Path) -> Result<bool> {
        let name = self.name(folder);
        let found = self.say(&format!(
            "SELECT 1 FROM pg_database WHERE datname = '{name}'"
        ))?;
        Ok(!found.is_empty())
    }

    /// Makes an empty database for the folder.
    pub(crate) fn create(&self, folder: &Path) -> Result<()> {
        self.create_from(folder, "template0")
    }

    /// Makes the folder's database anew, as a copy of another one that nobody uses.
    pub(crate) fn copy(&self, from: &Path, to: &Path) -> Result<()> {
        let name = self.name(to);
        self.say(&format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"))?;
        self.create_from(to, &self.name(from))
    }

    /// Lets our own server in, whose schema the database has.
    pub(crate) fn admit(&self) -> Result<()> {
        self.say(&format!("GRANT {ROLE} TO {LOGIN}")).map(drop)
    }

    /// Does now what PostgreSQL would do of itself some time after a load, in every copy anew.
    pub(crate) fn tidy(&self, folder: &Path) -> Result<()> {
        let url = self.url(SUPERUSER, &self.name(folder));
        self.say_to(&url, "VACUUM (ANALYZE)").map(drop)
    }

    /// What a statement answers in the folder's database, a line for each row.
    pub(crate) fn ask(&self, folder: &Path, sql: &str) -> Result<String> {
        self.say_to(&self.url(SUPERUSER, &self.name(folder)), sql)
    }

    /// As files: row by row through the log would leave the copies' checkpoints to the rounds.
    fn create_from(&self, folder: &Path, template: &str) -> Result<()> {
        let name = self.name(folder);
        let sql =
            format!("CREATE DATABASE {name} TEMPLATE {template} OWNER {OWNER} STRATEGY FILE_COPY");
        self.say(&sql).map(drop)
    }

    fn name(&self, folder: &Path) -> String {
        name(folder.strip_prefix(&self.root).unwrap_or(folder))
    }

    fn url(&self, user: &str, database: &str) -> String {
        let Self { password, port, .. } = self;
        format!("postgres://{user}:{password}@127.0.0.1:{port}/{database}")
    }

    fn say(&self, sql: &str) -> Result<String> {
        self.say_to(&self.url(SUPERUSER, "postgres"), sql)
    }

    fn say_to(&self, url: &str, sql: &str) -> Result<String> {
        let mut psql = Command::new(self.programs.join("psql"));
        let options = [
            "--no-psqlrc",
            "--quiet",
            "--tuples-only",
            "--no-align",
            "--command",
        ];
        let output = psql
            .args(options)
            .args([sql, url])
            .stdin(Stdio::null())
            .output();
        let output = output.context("psql cannot be started")?;
        let error = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "PostgreSQL: {error}");
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }

    fn wait(&self) -> Result<()> {
        let start = Instant::now();
        while let Err(error) = self.say("SELECT 1") {
            ensure!(start.elapsed() < START_TIME, error);
            sleep(Duration::from_millis(50));
        }
        Ok(())
    }
}

/// A database's name for a folder below that of the run.
fn name(below: &Path) -> String {
    let allowed = |letter: char| match letter {
        'a'..='z' | '0'..='9' => letter,
        _ => '_',
    };
    below.to_string_lossy().chars().map(allowed).collect()
}

impl Drop for Postgres {
    /// An orderly end, which leaves no shared memory behind.
    fn drop(&mut self) {
        // If it cannot be waited for, it has ended.
        let _ = self.process.interrupt();
    }
}

/// A command that root runs as PostgreSQL's user. It gets the signal if we end before it: the one
/// that a server may not ignore leaves shared memory behind, and so does not do here.
fn command(programs: &Path, program: &str) -> Command {
    let mut command = Command::new("setpriv");
    if is_root() {
        command.args(["--reuid", SUPERUSER, "--regid", SUPERUSER, "--init-groups"]);
    }
    command
        .args(["--pdeathsig", "QUIT"])
        .arg(programs.join(program));
    command.stdin(Stdio::null());
    command
}

fn is_root() -> bool {
    let output = Command::new("id").arg("-u").output();
    output.is_ok_and(|output| output.stdout == b"0\n")
}

fn initialise(programs: &Path, folder: &Path, password: &str) -> Result<()> {
    std::fs::create_dir_all(folder)?;
    let secret = folder.join("password");
    writeln!(File::create(&secret)?, "{password}")?;
    if is_root() {
        let given = Command::new("chown")
            .args(["-R", SUPERUSER])
            .arg(folder)
            .status()?;
        ensure!(
            given.success(),
            "there is no user {SUPERUSER} to run PostgreSQL"
        );
    }
    let output = command(programs, "initdb")
        .args(["--no-instructions", "--encoding=UTF8", "--locale=C"])
        .args(["--auth=scram-sha-256", "--username", SUPERUSER])
        .arg("--pwfile")
        .arg(&secret)
        .arg("--pgdata")
        .arg(folder.join("data"))
        .output()?;
    let error = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "initdb: {error}");
    Ok(())
}

/// The server, which is spoken to over TCP only.
fn server(programs: &Path, folder: &Path, port: u16) -> Result<Command> {
    let own = command(programs, "postgres");
    let mut command = process::prioritised(own.get_program());
    command.args(own.get_args());
    command.arg("-D").arg(folder.join("data"));
    let port = format!("port={port}");
    let network = [
        "listen_addresses=127.0.0.1",
        "unix_socket_directories=",
        &port,
    ];
    for setting in network.iter().chain(&SETTINGS) {
        command.args(["-c", setting]);
    }
    let log = File::create(folder.join("server.log"))?;
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log);
    Ok(command)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_of_every_plan_have_databases_of_their_own() {
        let check = |below, expected| assert_eq!(name(Path::new(below)), expected);
        check("round/debitor-10000", "round_debitor_10000");
        check("growth/round/debitor-10000", "growth_round_debitor_10000");
        check("open-loop/sqlx-postgres", "open_loop_sqlx_postgres");
    }
}
