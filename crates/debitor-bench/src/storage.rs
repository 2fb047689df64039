//! What a customer takes in the database: bytes of tables, of indexes, and of the log that its create
//! writes.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};
use tokio::runtime::Runtime;

use crate::fill;
use crate::postgres::Postgres;
use crate::server::Server;

/// Enough that what every table has once does not count.
const CUSTOMERS: u64 = 100_000;

/// Bytes for a customer, in a company that has nothing else.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Storage {
    /// How many customers it was measured with.
    pub(crate) customers: u64,
    /// What a create writes to the log, whole pages after checkpoints included.
    pub(crate) log: f64,
    pub(crate) tables: Vec<Table>,
}

/// What one table has for each customer.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Table {
    pub(crate) name: String,
    pub(crate) rows: f64,
    pub(crate) indexes: f64,
}

impl Storage {
    /// Fills a database of its own and looks.
    pub(crate) fn measure(
        server: &Server,
        database: &Postgres,
        folder: &Path,
        runtime: &Runtime,
    ) -> Result<Self> {
        println!("storage: {CUSTOMERS} customers");
        let mut running = server.start(folder)?;
        let before = log(database, folder)?;
        runtime.block_on(fill::fill(&running, CUSTOMERS))?;
        let written = log(database, folder)? - before;
        running.process.stop()?;
        server.tidy(folder)?;
        Ok(Self {
            customers: CUSTOMERS,
            log: written / CUSTOMERS as f64,
            tables: tables(database, folder)?,
        })
    }

    /// A table of it.
    pub(crate) fn markdown(&self) -> String {
        let mut text = format!(
            "Bytes for each of {} customers\n\n| table | rows | indexes |\n| --- | --- | --- |\n",
            self.customers
        );
        let tables = self.tables.iter();
        for table in tables.filter(|one| one.rows + one.indexes >= 1.0) {
            let _ = writeln!(
                text,
                "| {} | {:.0} | {:.0} |",
                table.name, table.rows, table.indexes
            );
        }
        let _ = writeln!(
            text,
            "| all | {:.0} | {:.0} |\n\nLog for a create: {:.0} bytes.",
            self.bytes() - self.indexes(),
            self.indexes(),
            self.log
        );
        text
    }

    /// All that a customer takes on the disk.
    pub(crate) fn bytes(&self) -> f64 {
        self.tables.iter().map(|one| one.rows + one.indexes).sum()
    }

    /// What its indexes take of that.
    pub(crate) fn indexes(&self) -> f64 {
        self.tables.iter().map(|one| one.indexes).sum()
    }

    /// What a table takes, rows and indexes.
    pub(crate) fn table(&self, name: &str) -> f64 {
        let own = self.tables.iter().filter(|one| one.name == name);
        own.map(|one| one.rows + one.indexes).sum()
    }
}

/// How many bytes the log has had so far.
fn log(database: &Postgres, folder: &Path) -> Result<f64> {
    let bytes = database.ask(folder, "SELECT pg_current_wal_lsn() - '0/0'")?;
    bytes.parse().context("a position in the log")
}

fn tables(database: &Postgres, folder: &Path) -> Result<Vec<Table>> {
    let rows = database.ask(
        folder,
        "SELECT relname, pg_table_size(oid), pg_indexes_size(oid) FROM pg_class
         WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace ORDER BY relname",
    )?;
    let mut tables = Vec::new();
    for row in rows.lines() {
        let mut columns = row.split('|');
        let mut next = || columns.next().context("a column is missing");
        let name = next()?.to_owned();
        let mut bytes = || anyhow::Ok(next()?.parse::<f64>()? / CUSTOMERS as f64);
        tables.push(Table {
            name,
            rows: bytes()?,
            indexes: bytes()?,
        });
    }
    Ok(tables)
}
