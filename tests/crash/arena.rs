//! Where a program does its harm: a store, a journal outside of it, and the oracle that judges.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::client::Client;
use crate::contents::{Contents, Entity};
use crate::journal::{self, Journal};
use crate::oracle::{Oracle, Verdict};
use crate::server::{Launch, Server};

/// A server on a database of ours must be ready within this time.
const READY: Duration = Duration::from_secs(2);

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
        Contents::of_copy(&self.launch.store, &self.folder.join("copy"))
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
        ensure!(
            server.started_in < READY,
            "ready only after {:?}",
            server.started_in
        );
        let client = self.client(server)?;
        client.ready().await?;
        same(
            "customer",
            contents.customers.values(),
            &client.list("customers").await?,
        )?;
        same(
            "sales invoice",
            contents.invoices.values(),
            &client.list("salesInvoices").await?,
        )
    }

    /// Removes the arena's files.
    pub(crate) fn remove(self) -> Result<()> {
        Ok(std::fs::remove_dir_all(self.folder)?)
    }
}

/// Fails unless a list shows the entities of the database; both are in the order of their ids.
fn same<'a>(noun: &str, stored: impl Iterator<Item = &'a Entity>, shown: &[Value]) -> Result<()> {
    let stored: Vec<&Value> = stored.map(|entity| &entity.body).collect();
    ensure!(
        stored.len() == shown.len(),
        "the server shows {} of {} entities: {noun}",
        shown.len(),
        stored.len()
    );
    for (stored, shown) in stored.iter().zip(shown) {
        ensure!(
            *stored == shown,
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
