//! Writes that are refused, that panic, that cannot be committed, and the end.

use rusqlite::Connection;

use super::super::super::metrics::Observed;
use super::super::checkpoint::Checkpoints;
use super::super::committer::{Job, Outcome, Refusal};
use super::super::edit::Edit;
use super::super::points::Points;
use super::super::space::Space;
use super::super::words::Change;
use super::*;

fn start(connection: Connection) -> Writer {
    Writer::start(committer(connection)).unwrap()
}

fn committer(mut connection: Connection) -> Committer {
    let nowhere = std::path::Path::new("/nowhere");
    let checkpoints = Checkpoints::start(&mut connection, nowhere, None).unwrap();
    let points = Points::start(|| Ok(Connection::open_in_memory()?)).unwrap();
    let space = Space::new("/".into(), 0);
    Committer::new(
        connection,
        checkpoints,
        Arc::new(points),
        space,
        Observed::default(),
    )
}

fn writer() -> Writer {
    let connection = Connection::open_in_memory().unwrap();
    connection
        .execute_batch("CREATE TABLE t (n INTEGER PRIMARY KEY)")
        .unwrap();
    start(connection)
}

async fn insert(writer: &Writer, n: i64) -> Result<()> {
    writer
        .run(move |db| Ok(db.execute("INSERT INTO t VALUES (?1)", [n]).map(drop)?))
        .await
}

async fn count(writer: &Writer) -> i64 {
    let count = writer.run(|db| Ok(db.query_row("SELECT count(*) FROM t", [], |row| row.get(0))?));
    count.await.unwrap()
}

#[tokio::test]
async fn a_refused_write_takes_no_neighbour_with_it() {
    let writer = writer();
    let (a, b, c) = tokio::join!(insert(&writer, 1), insert(&writer, 1), insert(&writer, 2));
    assert!(a.is_ok() && b.is_err() && c.is_ok());
    assert_eq!(count(&writer).await, 2);
}

#[tokio::test]
async fn a_panic_undoes_its_own_write_alone() {
    let writer = writer();
    let outcome: Result<()> = writer
        .run(|db| {
            db.execute("INSERT INTO t VALUES (1)", [])?;
            panic!("on purpose")
        })
        .await;
    assert!(matches!(outcome, Err(Error::Internal(_))));
    assert_eq!(count(&writer).await, 0);
}

/// A foreign key that is checked at the end makes COMMIT itself fail.
#[tokio::test]
async fn a_failed_commit_is_no_success_and_the_last() {
    let connection = Connection::open_in_memory().unwrap();
    let tables = "PRAGMA foreign_keys = ON; CREATE TABLE t (n INTEGER PRIMARY KEY);
        CREATE TABLE u (n REFERENCES t DEFERRABLE INITIALLY DEFERRED);";
    connection.execute_batch(tables).unwrap();
    let writer = start(connection);
    insert(&writer, 1).await.unwrap();
    let dangling: Result<usize> = writer
        .run(|db| Ok(db.execute("INSERT INTO u VALUES (2)", [])?))
        .await;
    assert!(
        matches!(dangling, Err(Error::OutcomeUnknown(_))),
        "{dangling:?}"
    );
    assert!(matches!(
        insert(&writer, 3).await,
        Err(Error::Unavailable(_))
    ));
    writer.failed().await;
    assert!(writer.check().is_err());
}

#[tokio::test]
async fn after_the_stop_writes_are_refused() {
    let writer = writer();
    writer.stop().await;
    assert!(matches!(
        insert(&writer, 1).await,
        Err(Error::Unavailable(_))
    ));
    assert!(writer.check().is_err());
}

/// A work that makes the nth customer of the company with the number 1, and is undone or not.
struct Make(i64, Outcome);

impl Job for Make {
    fn run(&mut self, edit: &Edit<'_>) -> Outcome {
        let json = r#"{"displayName":"Nord"}"#;
        edit.note(Change::new(1, self.0, None, Some(json)));
        self.1.clone()
    }

    fn answer(self: Box<Self>, _: std::result::Result<(), Refusal>) {}
}

#[test]
fn words_of_an_undone_write_are_forgotten() {
    let connection = Connection::open_in_memory().unwrap();
    let tables = "CREATE TABLE company (row INTEGER, customers INTEGER);
        INSERT INTO company VALUES (1, 0);
        CREATE VIRTUAL TABLE customer_words USING fts5 (
          words, content = '', columnsize = 0, detail = none, tokenize = \"ascii tokenchars '_'\");";
    connection.execute_batch(tables).unwrap();
    let mut committer = committer(connection);
    let works = [(7, Outcome::Keep), (8, Outcome::Undo), (9, Outcome::Keep)];
    let works = works.map(|(row, outcome)| Box::new(Make(row, outcome)) as Box<dyn Job>);
    committer.group(works.into_iter()).committed.unwrap();
    let rows = "SELECT group_concat(rowid) FROM customer_words WHERE customer_words MATCH '1_nord'";
    let found = |edit: &Edit<'_>| -> Result<(String, i64)> {
        let rows = edit.query_row(rows, [], |row| row.get(0))?;
        let count = edit.query_row("SELECT customers FROM company", [], |row| row.get(0))?;
        Ok((rows, count))
    };
    assert_eq!(committer.one(found).unwrap(), ("7,9".to_owned(), 2));
}
