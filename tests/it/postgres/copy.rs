//! Companies that are copied from the embedded store to a database: everything of them is there
//! afterwards, or nothing.

use std::process::{Command, Output};

use debitor_api::support::properties::Property;
use debitor_server::auth::Administrator;
use debitor_server::domain::right::{Granted, Grantee, Right};
use debitor_server::domain::version::Precondition::Any;
use debitor_server::store::{Condition, CustomerKey, Entities, ListQuery, Scope, Store};
use debitor_tests::postgres::Database;
use debitor_tests::{Engine, Place, TestServer, binaries};
use serde_json::json;
use tempfile::TempDir;
use uuid::Uuid;

use crate::store::fixture::{
    Fixture, OTHER_TENANT, TENANT, company, keyed, named, number, open, renamed, write,
};

const ADMINISTRATOR: Administrator = Administrator::of(TENANT);

/// A store that nobody has open, and what it answered of its company.
struct Source {
    scope: Scope,
    answers: Answers,
    place: Place,
    _directory: TempDir,
}

impl Source {
    async fn of(fixture: Fixture) -> Self {
        let answers = answers(fixture.store.as_ref(), &fixture.scope).await;
        fixture.store.close().await;
        Self {
            scope: fixture.scope,
            answers,
            place: fixture.place,
            _directory: fixture.directory,
        }
    }

    fn copy(&self, database: &Database, more: &[&str]) -> Output {
        run(self.place.url(), database, more)
    }
}

fn run(from: &str, database: &Database, more: &[&str]) -> Output {
    let mut command = Command::new(binaries::server());
    command.args(["copy", "--from", from, "--to", &database.url()]);
    command.args(more).output().unwrap()
}

fn told(output: &Output) -> (Option<i32>, String) {
    let [out, error] = [&output.stdout, &output.stderr].map(|one| String::from_utf8_lossy(one));
    (output.status.code(), format!("{out}{error}"))
}

/// Fails unless the command said this, and ended with this code.
fn expect(output: &Output, code: i32, text: &str) {
    let (ended, said) = told(output);
    assert!(
        ended == Some(code) && said.contains(text),
        "{ended:?}: {said}"
    );
}

/// Everything, counted.
fn all<P: Property>() -> ListQuery<P> {
    ListQuery {
        count: true,
        ..ListQuery::first(1000)
    }
}

type Answers = (Vec<u8>, Entities, Entities, Vec<Granted>);

/// Everything that the store answers of the company.
async fn answers(store: &dyn Store, scope: &Scope) -> Answers {
    (
        store.company_get(scope).await.unwrap().to_vec(),
        store.customer_list(scope, all()).await.unwrap().entities,
        store
            .sales_invoice_list(scope, all())
            .await
            .unwrap()
            .entities,
        store.company_grants(ADMINISTRATOR).await.unwrap(),
    )
}

/// How many rows there are in all tables, whoever they belong to.
async fn rows(database: &Database) -> i64 {
    let sql = "SELECT (SELECT count(*) FROM company) + (SELECT count(*) FROM customer)
      + (SELECT count(*) FROM sales_invoice) + (SELECT count(*) FROM audit)
      + (SELECT count(*) FROM idempotency) + (SELECT count(*) FROM company_grant)";
    let client = database.superuser().await;
    client.query_one(sql, &[]).await.unwrap().get(0)
}

/// A company with entities in several versions, one that is gone, and outcomes of requests: that of
/// the entity that is gone, and of one that was changed since.
async fn lived_in() -> Fixture {
    let fixture = Fixture::new(Engine::Sqlite).await;
    let kept = fixture.create_once((1, 1), "A").await.unwrap().stored;
    fixture.draft(Some(kept.id)).await.unwrap();
    fixture.draft(None).await.unwrap();
    fixture
        .rename(&kept, "*", "Ä \u{1f30a} \\u0000")
        .await
        .unwrap();
    let gone = fixture.create_once((2, 2), "B").await.unwrap().stored;
    fixture.delete(CustomerKey::Id(gone.id), "*").await.unwrap();
    for name in 0..50 {
        fixture.customer(&format!("C{name}")).await;
    }
    for (to, right) in [
        (Grantee::Everyone, Right::None),
        (Grantee::Subject("ada".to_owned()), Right::Write),
        (Grantee::App("till".to_owned()), Right::Read),
    ] {
        let company = fixture.scope.company();
        let granted = fixture
            .store
            .company_grant(ADMINISTRATOR, company, to, right);
        granted.await.unwrap();
    }
    fixture
}

#[tokio::test]
async fn a_copy_answers_as_the_store_it_was_made_of() {
    let (fixture, database) = (lived_in().await, Database::new().await);
    let last = fixture.customer("last").await;
    let renamed_last = fixture.rename(&last, "*", "last of all").await.unwrap();
    let source = Source::of(fixture).await;
    let output = source.copy(&database, &[]);
    // 1 company, 2 grants, 52 customers, 2 invoices and 2 outcomes; as many rows as there were changes:
    // the making of each entity and of the one that is gone, its end, two names, the draft that shows
    // one of them, and what was granted and taken back.
    let text = "1 companies copied, 0 there already; 122 rows are the same in both";
    expect(&output, 0, text);
    expect(&output, 0, "copy: 100 % of 122 rows");

    let place = Place::from(database);
    let store = open(&place).await;
    let scope = source.scope;
    assert_eq!(answers(store.as_ref(), &scope).await, source.answers);
    // Requests that are sent again are known, be their entity changed or gone.
    for (once, name) in [((1, 1), "A"), ((2, 2), "B")] {
        let again = keyed(write(&scope), once);
        let again = store
            .customer_create(again, None, named(name))
            .await
            .unwrap();
        assert!(again.stored.etag.starts_with("W/\"1-"), "{again:?}");
    }
    // Numbers and versions go on where they were.
    let next = store.customer_create(write(&scope), None, named("next"));
    let next = next.await.unwrap().stored;
    assert!(number(&next) > number(&last), "{next:?}");
    let key = CustomerKey::Id(last.id);
    let changed = renamed("again");
    let changed = store.customer_update(write(&scope), key, Any, changed);
    let changed = changed.await.unwrap().stored.etag;
    assert_eq!(changed.replace("W/\"3", "W/\"2"), renamed_last.etag);
    store.close().await;
}

#[tokio::test]
async fn a_copy_that_is_run_again_compares() {
    let (source, database) = (Source::of(lived_in().await).await, Database::new().await);
    expect(&source.copy(&database, &[]), 0, "1 companies copied");
    let all = rows(&database).await;
    expect(
        &source.copy(&database, &[]),
        0,
        "0 companies copied, 1 there already",
    );
    assert_eq!(rows(&database).await, all);
    let client = database.superuser().await;
    let change = "UPDATE audit SET actor = 'eve' WHERE version = 2 AND action = 'update'";
    let granted = "UPDATE company_grant SET may = 2 WHERE kind = 'app'";
    client.execute(granted, &[]).await.unwrap();
    let output = source.copy(&database, &[]);
    expect(
        &output,
        1,
        "is there already, and not the same: grants differ",
    );
    client
        .execute("UPDATE company_grant SET may = 1 WHERE kind = 'app'", &[])
        .await
        .unwrap();
    assert!(client.execute(change, &[]).await.unwrap() > 0);
    let output = source.copy(&database, &[]);
    expect(
        &output,
        1,
        "is there already, and not the same: audit rows differ",
    );
    let foreign = "UPDATE company SET tenant_id = $1";
    client.execute(foreign, &[&OTHER_TENANT]).await.unwrap();
    let output = source.copy(&database, &[]);
    expect(&output, 1, "is there already, and another tenant's");
    assert_eq!(rows(&database).await, all);
}

#[tokio::test]
async fn companies_can_be_chosen_and_keep_their_tenants() {
    let (fixture, database) = (lived_in().await, Database::new().await);
    let other = company(fixture.store.as_ref(), OTHER_TENANT).await;
    let source = Source::of(fixture).await;
    let unknown = Uuid::from_u128(5).to_string();
    let output = source.copy(&database, &["--company", &unknown]);
    expect(
        &output,
        1,
        "the store has no company 00000000-0000-0000-0000-000000000005",
    );
    let chosen = other.company().to_string();
    let output = source.copy(&database, &["--company", &chosen]);
    expect(&output, 0, "1 companies copied, 0 there already; 2 rows");
    expect(
        &source.copy(&database, &[]),
        0,
        "1 companies copied, 1 there already",
    );
    let place = Place::from(database);
    let store = open(&place).await;
    for (scope, customers) in [(source.scope, 51), (other, 0)] {
        assert_eq!(
            store.customer_count(&scope, Condition::ALL).await.unwrap(),
            customers
        );
        let foreign = Administrator::of(Uuid::from_u128(7)).scope(scope.company());
        assert!(store.company_get(&foreign).await.is_err());
    }
    store.close().await;
}

/// What the database does to rows behind the command's back.
#[tokio::test]
async fn a_company_that_does_not_arrive_as_it_was_sent_is_not_there_at_all() {
    let source = Source::of(lived_in().await).await;
    for (body, text) in [
        (
            "NEW.body := replace(NEW.body, 'C49', 'C48'); RETURN NEW",
            "customers were not kept",
        ),
        ("RETURN NULL", "customers were not kept"),
        ("RAISE EXCEPTION 'no'", "customers: "),
    ] {
        let database = Database::new().await;
        let client = database.superuser().await;
        let meddle = format!(
            "CREATE FUNCTION meddle() RETURNS trigger LANGUAGE plpgsql AS
               $$ BEGIN IF NEW.body LIKE '%\"C49\"%' THEN {body}; END IF; RETURN NEW; END $$;
             CREATE TRIGGER meddle BEFORE INSERT ON customer FOR EACH ROW EXECUTE FUNCTION meddle()"
        );
        client.batch_execute(&meddle).await.unwrap();
        expect(&source.copy(&database, &[]), 1, text);
        assert_eq!(rows(&database).await, 0, "{body}");
        client
            .batch_execute("DROP TRIGGER meddle ON customer")
            .await
            .unwrap();
        expect(&source.copy(&database, &[]), 0, "1 companies copied");
    }
}

#[tokio::test]
async fn what_cannot_be_copied_is_refused() {
    let database = Database::new().await;
    let server = TestServer::start_on(Engine::Sqlite).await;
    expect(
        &run(server.place().url(), &database, &[]),
        1,
        "in use by another process",
    );
    let empty = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", empty.path().display());
    expect(&run(&url, &database, &[]), 1, "there is no store");
    expect(
        &run(&database.url(), &database, &[]),
        1,
        "needs an embedded store",
    );
    let source = Source::of(lived_in().await).await;
    let bare = Database::without_schema().await;
    expect(&source.copy(&bare, &[]), 78, "run `debitor-server migrate`");
    assert_eq!(rows(&database).await, 0);
}

/// As those who change from the one to the other do it.
#[tokio::test]
async fn a_server_goes_on_with_the_copy() {
    let mut server = TestServer::start_on(Engine::Sqlite).await;
    let customers = format!("{}/customers", server.company_path());
    let create = |server: &TestServer| {
        let request = server
            .request("POST", &customers)
            .header("Idempotency-Key", "once");
        request.json(&json!({"displayName": "A"}))
    };
    let first = create(&server).send().await.expect(201);
    assert_eq!(server.stop(), Some(0));
    let database = Database::new().await;
    expect(
        &run(server.place().url(), &database, &[]),
        0,
        "1 companies copied",
    );
    let copy = TestServer::start_in(database).await;
    assert_eq!(copy.company_path(), server.company_path());
    assert_eq!(copy.sales_invoice(), server.sales_invoice());
    let path = format!("{customers}/{}", first.json()["id"].as_str().unwrap());
    let found = copy.request("GET", &path).send().await.expect(200);
    assert_eq!(found.etag(), first.etag());
    let again = create(&copy).send().await.expect(201);
    assert_eq!(again.json()["id"], first.json()["id"]);
}
