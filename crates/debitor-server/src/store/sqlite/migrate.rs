//! The migrations of the schema.

use std::path::Path;

use anyhow::{Context, ensure};
use rusqlite::fallible_iterator::FallibleIterator;
use rusqlite::{Batch, Connection, params};

use super::super::NewerSchema;
use super::connection::Database;
use super::{snapshot, words};
use crate::domain::customer::fold_number;
use crate::failpoint;

/// The migrations in order; the database's `user_version` says how many it has.
const MIGRATIONS: [Migration; 5] = [
    Migration {
        number: 1,
        sql: include_str!("../../../migrations/sqlite/0001_init.sql"),
        fill: None,
    },
    Migration {
        number: 2,
        sql: include_str!("../../../migrations/sqlite/0002_audit_idempotency.sql"),
        fill: None,
    },
    Migration {
        number: 3,
        sql: include_str!("../../../migrations/sqlite/0003_words.sql"),
        fill: Some(fill_words),
    },
    Migration {
        number: 4,
        sql: include_str!("../../../migrations/sqlite/0004_secret.sql"),
        fill: None,
    },
    Migration {
        number: 5,
        sql: include_str!("../../../migrations/sqlite/0005_grants.sql"),
        fill: None,
    },
];

struct Migration {
    number: u32,
    sql: &'static str,
    /// What SQL cannot do, after it.
    fill: Option<fn(&Connection) -> rusqlite::Result<()>>,
}

/// What a migration did: the schema before and after.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Migrated {
    pub from: u32,
    pub to: u32,
}

/// Brings the store in the directory up to date; no server may run on it.
pub fn migrate(directory: &Path) -> anyhow::Result<Migrated> {
    let from = schema(&snapshot::open(directory)?)?;
    let writer = Database::lock(directory)?.open_writer()?;
    let to = schema(&writer)?;
    Ok(Migrated { from, to })
}

/// The number of the database's schema, none of which is newer than this program.
pub(super) fn schema(connection: &Connection) -> anyhow::Result<u32> {
    let have = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    known(have)?;
    Ok(have)
}

/// The schema that this program makes.
pub(super) fn newest() -> u32 {
    MIGRATIONS.last().map_or(0, |last| last.number)
}

/// Refuses a schema that is newer than this program.
pub(super) fn known(found: u32) -> Result<(), NewerSchema> {
    let known = newest();
    if found > known {
        return Err(NewerSchema { found, known });
    }
    Ok(())
}

/// Applies the migrations that the database lacks, with references not enforced, each with its number in one transaction, so that
/// a process that dies between two statements leaves the schema as it was.
pub(super) fn apply(connection: &mut Connection) -> anyhow::Result<()> {
    let have = schema(connection)?;
    for Migration { number, sql, fill } in MIGRATIONS.iter().filter(|one| one.number > have) {
        let transaction = connection.transaction()?;
        run(&transaction, sql)
            .and_then(|()| fill.map_or(Ok(()), |fill| fill(&transaction)))
            .with_context(|| format!("migration {number}"))?;
        check_references(&transaction)?;
        transaction.pragma_update(None, "user_version", number)?;
        failpoint::hit("migrate.before_commit");
        transaction.commit()?;
        failpoint::hit("migrate.after_commit");
    }
    Ok(())
}

/// Numbers were folded by a rule for the Greek sigma at the end of words, which nothing else knows. Two
/// customers whose numbers are the same without it keep what they have.
fn fill_words(connection: &Connection) -> rusqlite::Result<()> {
    let sigma = "SELECT row, body ->> '$.number' FROM customer WHERE number_fold LIKE '%ς%'";
    let mut statement = connection.prepare(sigma)?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    for (row, number) in rows.collect::<rusqlite::Result<Vec<(i64, String)>>>()? {
        let update = "UPDATE OR IGNORE customer SET number_fold = ?2 WHERE row = ?1";
        connection.execute(update, params![row, fold_number(&number)])?;
    }
    words::fill(connection)
}

/// A migration replaces tables that others refer to, which the database cannot watch meanwhile.
fn check_references(connection: &Connection) -> anyhow::Result<()> {
    let dangling = connection.prepare("PRAGMA foreign_key_check")?.exists([])?;
    ensure!(
        !dangling,
        "the migration left references to rows that do not exist"
    );
    Ok(())
}

fn run(connection: &Connection, sql: &str) -> rusqlite::Result<()> {
    let mut statements = Batch::new(connection, sql);
    while let Some(mut statement) = statements.next()? {
        failpoint::hit("migrate.statement");
        statement.execute([])?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::effort::Effort;
    use super::*;
    use crate::store::query::seek::Words;

    #[test]
    fn a_migration_is_there_as_a_whole_or_not_at_all() {
        let mut connection = Connection::open_in_memory().unwrap();
        let transaction = connection.transaction().unwrap();
        let refused = run(&transaction, "CREATE TABLE a (n); CREATE TABLE a (n);");
        assert!(refused.is_err());
        transaction.rollback().unwrap();
        apply(&mut connection).unwrap();
        let tables: u32 = connection
            .query_row(
                "SELECT count(*) FROM sqlite_schema WHERE name = 'a'",
                [],
                |row| row.get(0),
            )
            .unwrap();
        assert_eq!(tables, 0);
        assert_eq!(
            schema(&connection).unwrap(),
            MIGRATIONS.last().unwrap().number
        );
    }

    /// A store of schema 2 with this customer's number, and what that was folded to.
    fn migrated(number: &str, number_fold: &str) -> Connection {
        let mut db = Connection::open_in_memory().unwrap();
        for migration in &MIGRATIONS[..2] {
            run(&db, migration.sql).unwrap();
        }
        db.pragma_update(None, "user_version", 2).unwrap();
        let insert = "INSERT INTO company (id, tenant_id, body) VALUES (x'01', x'01', '{}')";
        db.execute(insert, []).unwrap();
        let body = format!(r#"{{"number":"{number}","displayName":"Nord Hafen"}}"#);
        db.execute(
            "INSERT INTO customer (company_id, id, version, incarnation, number_fold, body)
             VALUES (x'01', x'02', 1, 1, ?1, ?2)",
            [number_fold, &body],
        )
        .unwrap();
        apply(&mut db).unwrap();
        db
    }

    #[test]
    fn words_and_numbers_of_customers_that_are_there_are_made() {
        let db = migrated("ΑΣ", "ας");
        let text = |sql| {
            db.query_row(sql, [], |row| row.get::<_, String>(0))
                .unwrap()
        };
        assert_eq!(text("SELECT number_fold FROM customer"), "ασ");
        let hafen = Words::Whole("hafen".to_owned());
        let found = words::candidates(&db, 1, &hafen, 9, Effort::Full).unwrap();
        assert_eq!(found, Some(vec![1]));
    }

    #[test]
    fn a_newer_schema_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let database = Database::lock(directory.path()).unwrap();
        let connection = database.open_writer().unwrap();
        connection
            .pragma_update(None, "user_version", 1000_u32)
            .unwrap();
        drop(connection);
        let refusal = database.open_writer().unwrap_err();
        assert!(refusal.is::<NewerSchema>(), "{refusal}");
    }

    #[test]
    fn the_command_makes_no_store() {
        let directory = tempfile::tempdir().unwrap();
        assert!(migrate(directory.path()).is_err());
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
    }
}
