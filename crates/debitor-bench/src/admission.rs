//! Before a server is measured: how often it syncs its files for a create, counted by strace.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{ChildStderr, Command, Stdio};

use anyhow::{Context as _, Result, ensure};
use serde::{Deserialize, Serialize};

use crate::customer::CREATE;
use crate::http::Connection;
use crate::process::Process;
use crate::request::{Random, filled};
use crate::server::{Running, Server};

/// Creates, one after the other.
const CREATES: u32 = 50;

/// What a server syncs, which decides whom it is compared with.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Admission {
    pub(crate) server: String,
    pub(crate) title: String,
    pub(crate) syncs_per_create: f64,
}

impl Admission {
    /// Starts the server on nothing and watches it.
    pub(crate) async fn of(server: &Server, folder: &Path) -> Result<Self> {
        let mut running = server.start(&folder.join(&server.name))?;
        // The first creates may make files and prepare statements.
        create(&running, CREATES).await?;
        running.settle()?;
        let calls = folder.join("syncs.txt");
        let watch = Watch::begin(&running, &calls)?;
        create(&running, CREATES).await?;
        let syncs = watch.end()?;
        running.process.stop()?;
        Ok(Self {
            server: server.name.clone(),
            title: server.title().to_owned(),
            syncs_per_create: f64::from(syncs) / f64::from(CREATES),
        })
    }

    /// Whether every answered create is on the disk.
    pub(crate) fn is_durable(&self) -> bool {
        self.syncs_per_create >= 1.0
    }
}

async fn create(server: &Running, creates: u32) -> Result<()> {
    let mut connection = Connection::open(&server.host).await?;
    let mut random = Random::new(creates.into());
    let request = server.dialect.create();
    for _ in 0..creates {
        connection
            .send(&request, filled(CREATE, &mut random))
            .await?;
    }
    Ok(())
}

/// strace, attached to every thread of a server, and to its database if that is a server too.
struct Watch<'a> {
    strace: Process,
    /// Kept open: strace tells of every thread, and would end if nobody listened.
    _messages: BufReader<ChildStderr>,
    calls: &'a Path,
}

impl<'a> Watch<'a> {
    fn begin(server: &Running, calls: &'a Path) -> Result<Self> {
        let mut command = Command::new("strace");
        command
            .args([
                "-f",
                "-e",
                "trace=fsync,fdatasync,sync_file_range,msync",
                "-o",
            ])
            .arg(calls)
            .stderr(Stdio::piped());
        let pids = server.all_ids();
        for pid in &pids {
            command.args(["-p", &pid.to_string()]);
        }
        let mut strace = Process::spawn(&mut command)?;
        let output = strace
            .child()
            .stderr
            .take()
            .context("the output is piped")?;
        let mut messages = BufReader::new(output);
        for _ in pids {
            let mut line = String::new();
            messages.read_line(&mut line)?;
            ensure!(line.contains("attached"), "strace: {line}");
        }
        Ok(Self {
            strace,
            _messages: messages,
            calls,
        })
    }

    /// A call that another thread's line interrupts has two lines: the second says `resumed`.
    fn end(mut self) -> Result<u32> {
        let ended = self.strace.child().try_wait()?;
        ensure!(ended.is_none(), "strace ended before its time");
        self.strace.stop()?;
        let calls = fs::read_to_string(self.calls)?;
        let begun = |line: &&str| line.contains("sync") && !line.contains("resumed");
        Ok(u32::try_from(calls.lines().filter(begun).count())?)
    }
}
