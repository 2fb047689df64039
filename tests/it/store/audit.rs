//! The record of changes: a row for each version of each entity, and none for what was refused.

use debitor_server::store::CustomerKey;
use debitor_tests::Engine;
use uuid::Uuid;

use super::Fixture;
use super::fixture::{TENANT, new_customer, renamed};

super::behaviours! {
    every_version_has_its_row
    what_was_refused_or_repeated_has_no_row
    rows_say_which_properties_and_by_whom_but_never_to_what
    the_record_is_only_added_to
}

/// Who changed what: entity, id, version, action, properties, actor.
type Row = (String, Uuid, i64, String, String, String);

const COLUMNS: &str = "entity, entity_id, version, action, properties, actor";

/// The rows of the company, in an order of their own.
async fn rows(fixture: &Fixture) -> Vec<Row> {
    let mut rows = match fixture.engine {
        Engine::Sqlite => of_file(fixture),
        Engine::Postgres => of_database(fixture).await,
    };
    rows.sort();
    rows
}

fn of_file(fixture: &Fixture) -> Vec<Row> {
    let file = fixture.directory.path().join("debitor.db");
    let db = rusqlite::Connection::open(file).unwrap();
    let sql = format!("SELECT {COLUMNS} FROM audit WHERE company_id = ?1 AND tenant_id = ?2");
    let mut statement = db.prepare(&sql).unwrap();
    let company = fixture.scope.company();
    let key = (company.as_bytes(), TENANT.as_bytes());
    let rows = statement.query_map(key, |row| {
        let id = Uuid::from_bytes(row.get(1)?);
        Ok((
            row.get(0)?,
            id,
            row.get(2)?,
            row.get(3)?,
            row.get(4)?,
            row.get(5)?,
        ))
    });
    rows.unwrap().map(Result::unwrap).collect()
}

async fn of_database(fixture: &Fixture) -> Vec<Row> {
    let client = fixture.place.database().unwrap().superuser().await;
    let sql = format!("SELECT {COLUMNS} FROM audit WHERE company_id = $1 AND tenant_id = $2");
    let rows = client
        .query(&sql, &[&fixture.scope.company(), &TENANT])
        .await
        .unwrap();
    let row = |row: tokio_postgres::Row| {
        (
            row.get(0),
            row.get(1),
            row.get(2),
            row.get(3),
            row.get(4),
            row.get(5),
        )
    };
    rows.into_iter().map(row).collect()
}

/// Entity, version and action of each row that is not the company's own.
async fn versions(fixture: &Fixture, id: Uuid) -> Vec<(i64, String)> {
    let rows = rows(fixture).await.into_iter();
    rows.filter(|row| row.1 == id)
        .map(|row| (row.2, row.3))
        .collect()
}

async fn every_version_has_its_row(fixture: &Fixture) {
    let company = versions(fixture, fixture.scope.company()).await;
    assert_eq!(company, [(1, "create".to_owned())]);
    let stored = fixture.customer("A").await;
    let draft = fixture.draft(Some(stored.id)).await.unwrap();
    fixture.rename(&stored, "*", "B").await.unwrap();
    fixture
        .delete(CustomerKey::OfSalesInvoice(draft.id), "*")
        .await
        .unwrap();
    let [create, update, delete] = ["create", "update", "delete"].map(str::to_owned);
    let expected = [(1, create.clone()), (2, update.clone()), (3, delete)];
    assert_eq!(versions(fixture, stored.id).await, expected);
    // The draft shows the new name, and then no customer.
    let expected = [(1, create), (2, update.clone()), (3, update)];
    assert_eq!(versions(fixture, draft.id).await, expected);
}

async fn what_was_refused_or_repeated_has_no_row(fixture: &Fixture) {
    let stored = fixture.create_once((1, 1), "A").await.unwrap().stored;
    let before = rows(fixture).await;
    fixture.create_once((1, 1), "A").await.unwrap();
    fixture.rename(&stored, "\"0-0\"", "B").await.unwrap_err();
    fixture
        .create(super::fixture::with_id(stored.id))
        .await
        .unwrap_err();
    assert_eq!(rows(fixture).await, before);
}

async fn rows_say_which_properties_and_by_whom_but_never_to_what(fixture: &Fixture) {
    let create = r#"{"displayName": "Canary", "email": "canary@bird.example"}"#;
    let stored = fixture.create(new_customer(create)).await.unwrap();
    fixture
        .update(&stored, "*", renamed("Robin"))
        .await
        .unwrap();
    let rows = rows(fixture).await;
    let of_customer: Vec<_> = rows.iter().filter(|row| row.1 == stored.id).collect();
    assert!(
        of_customer
            .iter()
            .all(|row| row.0 == "customer" && row.5 == "ada")
    );
    assert!(of_customer[0].4.contains("email"), "{of_customer:?}");
    assert_eq!(of_customer[1].4, "displayName");
    let text = format!("{rows:?}");
    assert!(!text.contains("anary") && !text.contains("Robin"), "{text}");
}

async fn the_record_is_only_added_to(fixture: &Fixture) {
    fixture.customer("A").await;
    let before = rows(fixture).await;
    for change in ["UPDATE audit SET actor = 'eve'", "DELETE FROM audit"] {
        let refused = match fixture.engine {
            Engine::Sqlite => {
                let file = fixture.directory.path().join("debitor.db");
                let db = rusqlite::Connection::open(file).unwrap();
                db.execute_batch(change)
                    .err()
                    .map(|error| error.to_string())
            }
            Engine::Postgres => as_service(fixture, change).await,
        };
        assert!(refused.is_some(), "{change}");
    }
    assert_eq!(rows(fixture).await, before);
}

/// The error of a statement that is run with the rights of a server.
async fn as_service(fixture: &Fixture, sql: &str) -> Option<String> {
    let client = fixture.place.database().unwrap().superuser().await;
    let sql = format!("SET ROLE debitor_service; SET app.tenant = '{TENANT}'; {sql}");
    client
        .batch_execute(&sql)
        .await
        .err()
        .map(|error| format!("{error:?}"))
}
