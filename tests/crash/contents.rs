//! What a database holds, read from a copy of its files without the server.

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use rusqlite::{Connection, Row};
use serde_json::Value;
use uuid::Uuid;

/// The schema from which on there are an audit table and idempotency records.
pub(crate) const AUDITED: u32 = 2;

#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Contents {
    /// The number of the last migration.
    pub(crate) schema: u32,
    pub(crate) customers: BTreeMap<Uuid, Entity>,
    pub(crate) invoices: BTreeMap<Uuid, Entity>,
    pub(crate) audit: Vec<Audit>,
    pub(crate) replies: Vec<Reply>,
    /// What `integrity_check` and `foreign_key_check` complain of.
    pub(crate) damage: Vec<String>,
}

/// A customer or a sales invoice.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Entity {
    pub(crate) version: i64,
    pub(crate) incarnation: i64,
    pub(crate) body: Value,
    /// The customer that an invoice's column names.
    pub(crate) customer: Option<Uuid>,
}

impl Entity {
    pub(crate) fn etag(&self) -> String {
        format!("W/\"{}-{:08x}\"", self.version, self.incarnation)
    }
}

/// A row of the audit table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Audit {
    pub(crate) action: String,
    pub(crate) entity: String,
    pub(crate) id: Uuid,
    pub(crate) version: i64,
    pub(crate) incarnation: i64,
}

/// An idempotency record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reply {
    pub(crate) id: Uuid,
    pub(crate) etag: String,
}

/// Copies the database of a store directory, without the shared memory: a restart makes it anew.
pub(crate) fn copy(store: &Path, to: &Path) -> Result<PathBuf> {
    std::fs::create_dir_all(to)?;
    for name in ["debitor.db", "debitor.db-wal"] {
        match std::fs::copy(store.join(name), to.join(name)) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                // What is left of an earlier copy is not part of this one.
                let _ = std::fs::remove_file(to.join(name));
            }
            done => drop(done.with_context(|| format!("cannot copy {name}"))?),
        }
    }
    let _ = std::fs::remove_file(to.join("debitor.db-shm"));
    Ok(to.join("debitor.db"))
}

impl Contents {
    /// What the store in a directory holds, told by a copy in the scratch folder.
    pub(crate) fn of_copy(store: &Path, scratch: &Path) -> Result<Self> {
        Self::read(&copy(store, scratch)?)
    }

    /// The entities that the audit says were deleted, if there is an audit.
    pub(crate) fn deleted(&self) -> Option<HashSet<Uuid>> {
        let deletes = self.audit.iter().filter(|row| row.action == "delete");
        (self.schema >= AUDITED).then(|| deletes.map(|row| row.id).collect())
    }

    /// What the database holds; opening it recovers what is in the write-ahead log.
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let db = Connection::open(path)?;
        let damage = damage(&db)?;
        let schema = db.query_row("PRAGMA user_version", [], |row| row.get(0))?;
        let mut contents = Self {
            schema,
            damage,
            ..Self::default()
        };
        if schema >= 1 {
            contents.customers = rows(&db, &entities("customer", "NULL"))?
                .into_iter()
                .collect();
            let invoices = entities("sales_invoice", "customer_id");
            contents.invoices = rows(&db, &invoices)?.into_iter().collect();
        }
        if schema >= AUDITED {
            contents.audit = audit(&db)?;
            contents.replies = replies(&db)?;
        }
        Ok(contents)
    }
}

fn damage(db: &Connection) -> Result<Vec<String>> {
    let mut check = db.prepare("PRAGMA integrity_check")?;
    let told: Vec<String> = check
        .query_map([], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    let mut damage: Vec<_> = told.into_iter().filter(|line| line != "ok").collect();
    let mut check = db.prepare("PRAGMA foreign_key_check")?;
    let tables: Vec<String> = check
        .query_map([], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    damage.extend(
        tables
            .iter()
            .map(|table| format!("a row of {table} refers to none")),
    );
    Ok(damage)
}

fn entities(table: &str, customer: &str) -> String {
    format!("SELECT id, version, incarnation, body, {customer} FROM {table}")
}

fn rows(db: &Connection, sql: &str) -> Result<Vec<(Uuid, Entity)>> {
    let mut select = db.prepare(sql)?;
    let rows = select.query_map([], |row| Ok((guid(row, 0)?, entity(row)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn entity(row: &Row<'_>) -> rusqlite::Result<Entity> {
    let customer: Option<[u8; 16]> = row.get(4)?;
    let body: String = row.get(3)?;
    Ok(Entity {
        version: row.get(1)?,
        incarnation: row.get(2)?,
        // What is no JSON compares as different from every entity that was asked for.
        body: serde_json::from_str(&body).unwrap_or_default(),
        customer: customer.map(Uuid::from_bytes),
    })
}

fn guid(row: &Row<'_>, column: usize) -> rusqlite::Result<Uuid> {
    Ok(Uuid::from_bytes(row.get(column)?))
}

fn audit(db: &Connection) -> Result<Vec<Audit>> {
    let mut select = db.prepare(
        "SELECT action, entity, entity_id, version, incarnation FROM audit ORDER BY sequence",
    )?;
    let rows = select.query_map([], |row| {
        Ok(Audit {
            action: row.get(0)?,
            entity: row.get(1)?,
            id: guid(row, 2)?,
            version: row.get(3)?,
            incarnation: row.get(4)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn replies(db: &Connection) -> Result<Vec<Reply>> {
    let mut select = db.prepare("SELECT id, etag FROM idempotency")?;
    let rows = select.query_map([], |row| {
        Ok(Reply {
            id: guid(row, 0)?,
            etag: row.get(1)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}
