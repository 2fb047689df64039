//! The migrations of the schema, and whether a server can work with the one there is.
//!
//! The owner of the schema migrates; servers only look. One row says which schema there is, and which
//! is the oldest program that can work with it, so that servers of two versions run side by side.

use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use tokio_postgres::error::SqlState;

use super::super::NewerSchema;
use super::address::Address;
use super::fill;
use super::primary::Primary;
use super::session::Session;

/// A schema, the oldest known schema whose programs can work with it, and how it is made from the
/// one before.
struct Migration {
    version: i32,
    compatible: i32,
    sql: &'static str,
    /// Whether the rows get what lists need, which SQL cannot make.
    fills: bool,
}

/// The migrations in order.
const MIGRATIONS: [Migration; 5] = [
    Migration {
        version: 1,
        compatible: 1,
        sql: include_str!("../../../migrations/postgres/0001_init.sql"),
        fills: false,
    },
    Migration {
        version: 2,
        compatible: 1,
        sql: include_str!("../../../migrations/postgres/0002_tenant.sql"),
        fills: false,
    },
    Migration {
        version: 3,
        compatible: 1,
        sql: include_str!("../../../migrations/postgres/0003_secret.sql"),
        fills: false,
    },
    // What a program of an earlier schema writes, no list would find by its words.
    Migration {
        version: 4,
        compatible: 4,
        sql: include_str!("../../../migrations/postgres/0004_lists.sql"),
        fills: true,
    },
    // To a program of schema 4, a company that is not open to everyone does not exist.
    Migration {
        version: 5,
        compatible: 4,
        sql: include_str!("../../../migrations/postgres/0005_grants.sql"),
        fills: false,
    },
];

/// How long another runner is waited for.
const LOCK_TIMEOUT: Duration = Duration::from_mins(1);
/// The role in which servers work.
pub const ROLE: &str = "debitor_service";

/// What a migration did: the schema before and after.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Migrated {
    pub from: u32,
    pub to: u32,
}

/// The schema that this program knows.
fn known() -> i32 {
    MIGRATIONS.last().map_or(0, |last| last.version)
}

/// Brings the database's schema up to date, as the owner that the URL names. Servers of this version
/// and the one before may run on it.
pub async fn migrate(url: &str) -> anyhow::Result<Migrated> {
    let lock_timeout = ("lock_timeout", LOCK_TIMEOUT.as_millis().to_string());
    let address = Address::parse(url, &[lock_timeout])?;
    let session = Primary::of(&address)
        .open(0)
        .await
        .context("cannot connect to the database")?;
    make_role(&session).await?;
    make_version(&session).await?;
    let (from, _) = locked_version(&session).await?;
    // Two runners that grant at the same time would meet in the table's own row, which is no
    // conflict that PostgreSQL waits for: the lock makes one come after the other.
    session
        .script("GRANT SELECT ON schema_version TO debitor_service; COMMIT")
        .await?;
    for migration in &MIGRATIONS {
        apply(&session, migration)
            .await
            .with_context(|| format!("migration {}", migration.version))?;
    }
    Ok(Migrated {
        from: u32::try_from(from)?,
        to: u32::try_from(known().max(from))?,
    })
}

/// Whether the statement failed because another runner was faster.
fn is_there(error: &tokio_postgres::Error) -> bool {
    let codes = [
        SqlState::DUPLICATE_OBJECT,
        SqlState::DUPLICATE_TABLE,
        SqlState::UNIQUE_VIOLATION,
    ];
    error.code().is_some_and(|code| codes.contains(code))
}

/// Makes the servers' role, which all databases of the cluster have in common.
async fn make_role(session: &Session) -> anyhow::Result<()> {
    let found = session
        .query("SELECT 1 FROM pg_roles WHERE rolname = $1", &[&ROLE])
        .await?;
    if !found.is_empty() {
        return Ok(());
    }
    match session.script("CREATE ROLE debitor_service NOLOGIN").await {
        Err(error) if error.code() == Some(&SqlState::INSUFFICIENT_PRIVILEGE) => bail!(
            "there is no role {ROLE}, and this user may not make it: have CREATE ROLE {ROLE} \
             NOLOGIN done by one who may"
        ),
        Err(error) if !is_there(&error) => Err(error.into()),
        _ => Ok(()),
    }
}

/// Makes the row that says which schema there is, unless it is there.
async fn make_version(session: &Session) -> anyhow::Result<()> {
    const MAKE: &str = "CREATE TABLE IF NOT EXISTS schema_version (
        id integer NOT NULL PRIMARY KEY, version integer NOT NULL, compatible integer NOT NULL)";
    match session.script(MAKE).await {
        Err(error) if !is_there(&error) => return Err(error.into()),
        _ => {}
    }
    session
        .script(
            "INSERT INTO schema_version (id, version, compatible) VALUES (1, 0, 0)
             ON CONFLICT DO NOTHING",
        )
        .await?;
    Ok(())
}

/// Begins a transaction that alone can change the schema, and reads which one there is.
async fn locked_version(session: &Session) -> anyhow::Result<(i32, i32)> {
    session.script("BEGIN").await?;
    let sql = "SELECT version, compatible FROM schema_version WHERE id = 1 FOR UPDATE";
    let rows = session.query(sql, &[]).await;
    let rows = rows.context("another runner is at work, or the schema cannot be read")?;
    let row = rows.first().context("schema_version has no row")?;
    let (version, compatible) = (row.try_get(0)?, row.try_get(1)?);
    if version > known() {
        return Err(newer(version).into());
    }
    Ok((version, compatible))
}

/// Applies the migration unless it is there, with its number in one transaction.
async fn apply(session: &Session, migration: &Migration) -> anyhow::Result<()> {
    let (have, _) = locked_version(session).await?;
    if have < migration.version {
        session.script(migration.sql).await?;
        if migration.fills {
            fill::all(session).await?;
        }
        let sql = "UPDATE schema_version SET version = $1, compatible = $2 WHERE id = 1";
        session
            .query(sql, &[&migration.version, &migration.compatible])
            .await?;
    }
    session.script("COMMIT").await?;
    Ok(())
}

fn newer(found: i32) -> NewerSchema {
    NewerSchema {
        found: u32::try_from(found).unwrap_or_default(),
        known: u32::try_from(known()).unwrap_or_default(),
    }
}

/// Refuses a schema that this program cannot work with: one that is older, or one so much newer that
/// it says so.
pub(super) async fn check(session: &Session) -> anyhow::Result<()> {
    let sql = "SELECT version, compatible FROM schema_version WHERE id = 1";
    let rows = match session.query(sql, &[]).await {
        Err(error) if error.code() == Some(&SqlState::UNDEFINED_TABLE) => Vec::new(),
        rows => rows?,
    };
    let (version, compatible): (i32, i32) = match rows.first() {
        Some(row) => (row.try_get(0)?, row.try_get(1)?),
        None => (0, 0),
    };
    if compatible > known() {
        return Err(newer(version).into());
    }
    ensure!(
        version >= known(),
        "the database has schema {version}, this program needs {}: run `debitor-server migrate` as \
         the owner of the schema",
        known()
    );
    Ok(())
}
