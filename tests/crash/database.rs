//! Where programs harm servers on PostgreSQL: a database, a journal, and what the database must hold
//! whatever happened to its clients.

use std::collections::{BTreeMap, HashSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use debitor_tests::postgres::{self, Database};
use tokio_postgres::{Client as Sql, Row};
use uuid::Uuid;

use crate::Run;
use crate::arena::list;
use crate::client::Client;
use crate::contents::{AUDITED, Audit, Contents, Entity, Reply};
use crate::journal::{self, Journal, Line};
use crate::oracle::{Oracle, Verdict};
use crate::server::{Launch, Server};

/// What a request was given up for is over within this time: a statement's longest.
const QUIET: Duration = Duration::from_secs(6);

/// How long requests wait for a connection: no program here is about overload, and the machine may be
/// busy with other things.
const WAIT_MS: &str = "10000";

/// A database with a server's launch and a journal.
pub(crate) struct Field {
    pub(crate) database: Database,
    folder: PathBuf,
    pub(crate) launch: Launch,
    pub(crate) journal: Arc<Journal>,
    pub(crate) oracle: Oracle,
    pub(crate) sql: Sql,
}

impl Field {
    pub(crate) async fn new(run: &Run) -> Result<Self> {
        let database = Database::on(postgres::shared().await, &run.server).await;
        let launch = Launch::new(&run.server, &run.folder, &run.folder);
        let mut launch = launch.with("DEBITOR_STORE_WAIT_TIMEOUT_MS", WAIT_MS);
        launch.database = Some(database.url());
        Ok(Self {
            folder: run.folder.clone(),
            launch,
            journal: Arc::new(Journal::create(&run.folder.join("journal"))?),
            oracle: Oracle::default(),
            sql: database.superuser().await,
            database,
        })
    }

    pub(crate) fn client(&self, server: &Server) -> Result<Client> {
        Client::new(&server.access, &self.journal)
    }

    /// Holds what the database has against the journal.
    pub(crate) async fn check(&mut self) -> Result<Verdict> {
        let (lines, contents) = (self.lines()?, self.contents().await?);
        let verdict = self.oracle.check(&lines, &contents);
        ensure!(verdict.violations.is_empty(), list(&verdict.violations));
        Ok(verdict)
    }

    /// What the clients wrote down.
    pub(crate) fn lines(&self) -> Result<Vec<Line>> {
        journal::read(&self.folder.join("journal"))
    }

    /// What the database holds.
    pub(crate) async fn contents(&self) -> Result<Contents> {
        contents(&self.sql).await
    }

    /// Waits until no transaction is open but our own; the time that took.
    pub(crate) async fn is_quiet(&self) -> Result<Duration> {
        quiet(&self.sql).await
    }
}

/// Waits until no transaction of the database is open but this connection's; the time that took.
pub(crate) async fn quiet(sql: &Sql) -> Result<Duration> {
    let begun = Instant::now();
    while let Some(first) = open(sql).await? {
        ensure!(
            begun.elapsed() < QUIET,
            "transactions stay open, as {first}"
        );
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    Ok(begun.elapsed())
}

/// A transaction of the database that is open, but for this connection's.
pub(crate) async fn open(sql: &Sql) -> Result<Option<String>> {
    let open = "SELECT pid::text || ' ' || state || ': ' || query FROM pg_stat_activity
                WHERE datname = current_database() AND pid <> pg_backend_pid()
                AND xact_start IS NOT NULL LIMIT 1";
    let row = sql.query_opt(open, &[]).await?;
    Ok(row.map(|row| row.get(0)))
}

/// What a database holds.
pub(crate) async fn contents(sql: &Sql) -> Result<Contents> {
    let invoices = entities(sql, "sales_invoice", "customer_id").await?;
    Ok(Contents {
        schema: AUDITED,
        customers: entities(sql, "customer", "NULL::uuid").await?,
        damage: dangling(&invoices, sql).await?,
        invoices,
        audit: audit(sql).await?,
        replies: replies(sql).await?,
    })
}

async fn entities(sql: &Sql, table: &str, customer: &str) -> Result<BTreeMap<Uuid, Entity>> {
    let select = format!("SELECT id, version, incarnation, body, {customer} FROM {table}");
    let rows = sql.query(&select, &[]).await?;
    let entity = |row: &Row| Entity {
        version: row.get(1),
        incarnation: row.get(2),
        body: serde_json::from_str(row.get(3)).unwrap_or_default(),
        customer: row.get(4),
    };
    Ok(rows.iter().map(|row| (row.get(0), entity(row))).collect())
}

/// PostgreSQL keeps no references here; the server's locks do.
async fn dangling(invoices: &BTreeMap<Uuid, Entity>, sql: &Sql) -> Result<Vec<String>> {
    let rows = sql.query("SELECT id FROM customer", &[]).await?;
    let customers: HashSet<Uuid> = rows.iter().map(|row| row.get(0)).collect();
    let named = invoices.values().filter_map(|invoice| invoice.customer);
    let missing = named.filter(|customer| !customers.contains(customer));
    Ok(missing
        .map(|id| format!("an invoice names customer {id}, who is not there"))
        .collect())
}

async fn audit(sql: &Sql) -> Result<Vec<Audit>> {
    let select = "SELECT action, entity, entity_id, version, incarnation FROM audit
                  ORDER BY entity_id, incarnation, version";
    let rows = sql.query(select, &[]).await?;
    let row = |row: &Row| Audit {
        action: row.get(0),
        entity: row.get(1),
        id: row.get(2),
        version: row.get(3),
        incarnation: row.get(4),
    };
    Ok(rows.iter().map(row).collect())
}

async fn replies(sql: &Sql) -> Result<Vec<Reply>> {
    let rows = sql.query("SELECT id, etag FROM idempotency", &[]).await?;
    let reply = |row: &Row| Reply {
        id: row.get(0),
        etag: row.get(1),
    };
    Ok(rows.iter().map(reply).collect())
}
