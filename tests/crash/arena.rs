//! Where a program does its harm: a store, a journal outside of it, and the oracle that judges.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;
use uuid::Uuid;

use crate::client::Client;
use crate::contents::{self, Contents, Entity};
use crate::journal::{self, Journal};
use crate::oracle::{DEMO_INVOICE, Oracle, Verdict};
use crate::server::{Launch, Server};

/// A server on a database of ours must be ready within this time.
const READY: Duration = Duration::from_secs(2);
const ATTEMPTS: usize = 3;
/// The files as the last server left them, for whoever looks into a failure.
const LEFT: &str = "left";

pub(crate) struct Arena {
    /// The journal, the log and copies; the store too, unless it is on a disk of its own.
    pub(crate) folder: PathBuf,
    pub(crate) launch: Launch,
    pub(crate) journal: Arc<Journal>,
    pub(crate) oracle: Oracle,
    /// The slowest start so far.
    pub(crate) slowest: Duration,
}

impl Arena {
    /// An arena in a new folder.
    pub(crate) fn new(program: &Path, folder: &Path) -> Result<Self> {
        Self::with_store(program, folder, &folder.join("store"))
    }

    /// An arena whose store is somewhere else.
    pub(crate) fn with_store(program: &Path, folder: &Path, store: &Path) -> Result<Self> {
        std::fs::create_dir_all(folder)
            .with_context(|| format!("cannot make {}", folder.display()))?;
        Ok(Self {
            folder: folder.to_owned(),
            launch: Launch::new(program, store, folder),
            journal: Arc::new(Journal::create(&folder.join("journal"))?),
            oracle: Oracle::default(),
            slowest: Duration::ZERO,
        })
    }

    pub(crate) fn client(&self, server: &Server) -> Result<Client> {
        Client::new(&server.access, &self.journal)
    }

    /// What the store holds now, told by a copy of its files.
    pub(crate) fn contents(&self) -> Result<Contents> {
        let left = self.folder.join(LEFT);
        contents::copy(&self.launch.store, &left)?;
        Contents::of_copy(&left, &self.folder.join("copy"))
    }

    /// Holds a store against the journal.
    pub(crate) fn check(&mut self, contents: &Contents) -> Result<Verdict> {
        let lines = journal::read(&self.folder.join("journal"))?;
        let verdict = self.oracle.check(&lines, contents);
        ensure!(verdict.violations.is_empty(), list(&verdict.violations));
        Ok(verdict)
    }

    /// Holds the store whose server ended against the journal, and starts a server on it that must
    /// show the same.
    pub(crate) async fn check_and_restart(&mut self) -> Result<(Verdict, Server)> {
        let contents = self.contents()?;
        let verdict = self.check(&contents)?;
        let server = self.launch.start().await?;
        self.shows(&server, &contents).await?;
        Ok((verdict, server))
    }

    /// Whether a server is ready in time and shows by HTTP what the database holds.
    pub(crate) async fn shows(&mut self, server: &Server, contents: &Contents) -> Result<()> {
        self.slowest = self.slowest.max(server.started_in);
        if server.started_in > READY {
            self.is_slow(server.started_in).await?;
        }
        let client = self.client(server)?;
        client.ready().await?;
        let customers = client.list("customers").await?;
        same("customer", &contents.customers, &customers)?;
        let mut invoices = client.list("salesInvoices").await?;
        // A start makes it, in a store that an earlier one could not finish.
        if !contents.invoices.contains_key(&DEMO_INVOICE) {
            invoices.retain(|invoice| invoice["id"] != DEMO_INVOICE.to_string());
        }
        same("sales invoice", &contents.invoices, &invoices)
    }

    /// Fails unless a server on the same files is ready in time at another attempt: the first may
    /// have found the machine busy.
    async fn is_slow(&self, started_in: Duration) -> Result<()> {
        for _ in 0..ATTEMPTS {
            let store = self.folder.join("again");
            contents::copy(&self.folder.join(LEFT), &store)?;
            let launch = Launch {
                store,
                arguments: Vec::new(),
                ..self.launch.clone()
            };
            let mut server = launch.start().await?;
            server.kill().await?;
            std::fs::remove_dir_all(&launch.store)?;
            if server.started_in <= READY {
                return Ok(());
            }
        }
        bail!("ready only after {started_in:?}, and no faster at {ATTEMPTS} other attempts")
    }

    /// Removes the arena's files.
    pub(crate) fn remove(self) -> Result<()> {
        Ok(std::fs::remove_dir_all(self.folder)?)
    }
}

/// Fails unless a list shows the entities of the database; both are in the order of their ids.
fn same(noun: &str, stored: &BTreeMap<Uuid, Entity>, shown: &[Value]) -> Result<()> {
    ensure!(
        stored.len() == shown.len(),
        "the server shows {} of {} entities: {noun}",
        shown.len(),
        stored.len()
    );
    for (stored, shown) in stored.values().zip(shown) {
        ensure!(
            stored.body == *shown,
            "the server shows another {noun} than it stores: {shown}"
        );
    }
    Ok(())
}

/// The first few of a list of violations, and how many there are.
pub(crate) fn list(violations: &[String]) -> String {
    let first: Vec<_> = violations
        .iter()
        .take(10)
        .map(|line| format!("\n  {line}"))
        .collect();
    format!("{} violations:{}", violations.len(), first.concat())
}
