//! Filling a server through its interface, and reading what it has.

use std::fs::File;
use std::io::{BufRead as _, BufReader, BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Result, ensure};
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::customer::CREATE;
use crate::dialect::{Customer, Dialect};
use crate::http::Connection;
use crate::operation::Operation;
use crate::request::{Random, filled};
use crate::server::Running;

/// Connections that fill a server at once.
const CONNECTIONS: u64 = 64;

/// Makes this many customers.
pub(crate) async fn fill(server: &Running, customers: u64) -> Result<()> {
    let left = Arc::new(AtomicU64::new(customers));
    let mut tasks = JoinSet::new();
    for seed in 0..CONNECTIONS {
        let mut connection = Connection::open(&server.host).await?;
        let request = server.dialect.create();
        let left = Arc::clone(&left);
        tasks.spawn(async move {
            let mut random = Random::new(seed + 1);
            let take = |left: u64| left.checked_sub(1);
            while left
                .try_update(Ordering::Relaxed, Ordering::Relaxed, take)
                .is_ok()
            {
                connection
                    .send(&request, filled(CREATE, &mut random))
                    .await?;
            }
            anyhow::Ok(())
        });
    }
    while let Some(task) = tasks.join_next().await {
        task??;
    }
    let found = count(server).await?;
    ensure!(
        found == customers,
        "{found} customers of {customers} that were acknowledged"
    );
    Ok(())
}

pub(crate) async fn count(server: &Running) -> Result<u64> {
    let request = server.dialect.request(Operation::Count);
    let body = Connection::open(&server.host)
        .await?
        .send(&request, String::new())
        .await?;
    server.dialect.read_count(&body)
}

/// As many as the servers that keep customers start with.
const RANDOM_CUSTOMERS: usize = 10_000;

/// Files for wrk's script, each with a line for every customer or page.
#[derive(Debug, Clone)]
pub(crate) struct Lists {
    pub(crate) customers: PathBuf,
    /// Paths of pages that are not the first.
    pub(crate) pages: PathBuf,
    folder: PathBuf,
}

impl Lists {
    /// Where the files of a server are.
    pub(crate) fn of(folder: &Path) -> Self {
        Self {
            customers: folder.join("customers.txt"),
            pages: folder.join("pages.txt"),
            folder: folder.to_owned(),
        }
    }

    /// Where the addresses of an operation are.
    pub(crate) fn look_ups(&self, operation: Operation) -> PathBuf {
        self.folder.join(format!("{operation:?}.txt"))
    }

    /// Writes addresses.
    pub(crate) fn write_look_ups(&self, operation: Operation, paths: &[String]) -> Result<()> {
        let mut file = BufWriter::new(File::create(self.look_ups(operation))?);
        for path in paths {
            writeln!(file, "{path} 0 ")?;
        }
        Ok(file.flush()?)
    }

    /// Writes customers that do not exist, for a server that answers the same to any.
    pub(crate) fn write_random(&self, dialect: &Dialect) -> Result<()> {
        let mut customers = BufWriter::new(File::create(&self.customers)?);
        let mut paths = Vec::new();
        for _ in 0..RANDOM_CUSTOMERS {
            let id = Uuid::now_v7();
            writeln!(customers, "{id} 1 ")?;
            paths.push(dialect.by_id(&id.to_string()));
        }
        customers.flush()?;
        self.write_look_ups(Operation::ById, &paths)
    }

    /// What the first words of a file's lines are.
    pub(crate) fn first_words(file: &Path) -> Result<Vec<String>> {
        let lines = BufReader::new(File::open(file)?).lines();
        let word = |line: String| line.split(' ').next().unwrap_or_default().to_owned();
        lines.map(|line| Ok(word(line?))).collect()
    }

    /// Reads every customer of the server, in its own order.
    pub(crate) async fn read(server: &Running) -> Result<Self> {
        let lists = Self::of(&server.folder);
        let mut customers = BufWriter::new(File::create(&lists.customers)?);
        let mut pages = BufWriter::new(File::create(&lists.pages)?);
        let mut connection = Connection::open(&server.host).await?;
        let mut path = server.dialect.first_page();
        loop {
            let request = server.dialect.page(&path);
            let body = connection.send(&request, String::new()).await?;
            let page = server.dialect.read_page(&path, &body)?;
            for Customer { id, version, tag } in &page.customers {
                writeln!(customers, "{id} {version} {tag}")?;
            }
            let Some(next) = page.next else { break };
            writeln!(pages, "{} 0 ", page_of_20(&next))?;
            path = next;
        }
        customers.flush()?;
        pages.flush()?;
        Ok(lists)
    }
}

/// The page at the same place, with 20 customers.
fn page_of_20(path: &str) -> String {
    path.replace("$top=1000", "$top=20")
}
