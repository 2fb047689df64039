//! `debitor-server migrate`, and the servers on a schema that is not theirs.

use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;
use std::time::Duration;

use debitor_server::clock::SystemClock;
use debitor_server::store::{self, Options};
use debitor_tests::postgres::{Database, Host};
use debitor_tests::{TestServer, binaries};
use tempfile::TempDir;
use tokio::time::sleep;
use tokio_postgres::Client;

/// The exit code for what has to be set up otherwise.
pub(super) const CONFIGURATION: Option<i32> = Some(78);
/// Runners that start at the same time.
const RUNNERS: usize = 4;

pub(super) fn program(arguments: &[&str]) -> Output {
    Command::new(binaries::server())
        .args(arguments)
        .output()
        .unwrap()
}

fn migrate(database: &Database) -> Output {
    program(&["migrate", "--store", &database.owner_url()])
}

/// A runner that goes on by itself.
fn spawned(database: &Database) -> Child {
    Command::new(binaries::server())
        .args(["migrate", "--store", &database.owner_url()])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

fn printed(output: &Output) -> String {
    assert!(output.status.success(), "{}", told(output));
    String::from_utf8(output.stdout.clone()).unwrap()
}

pub(super) fn told(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// A server that is not going to start.
pub(super) fn refused(url: &str) -> Output {
    let data = TempDir::new().unwrap();
    let data = data.path().display().to_string();
    program(&[
        "dev",
        "--listen",
        "127.0.0.1:0",
        "--data-dir",
        &data,
        "--store",
        url,
    ])
}

/// Says to all programs that the schema is this one, and which programs can work with it.
async fn set_schema(database: &Database, version: i32, compatible: i32) {
    let sql = "UPDATE schema_version SET version = $1, compatible = $2";
    let superuser = database.superuser().await;
    assert_eq!(
        superuser
            .execute(sql, &[&version, &compatible])
            .await
            .unwrap(),
        1
    );
}

#[tokio::test]
async fn the_schema_is_made_once() {
    let database = Database::without_schema().await;
    let made = printed(&migrate(&database));
    let (schema, before) = made.trim().rsplit_once(' ').unwrap();
    assert!(schema.starts_with("schema ") && before == "0", "{made}");
    let again = printed(&migrate(&database));
    assert!(
        again.starts_with(schema) && !again.ends_with(" 0\n"),
        "{again}"
    );
}

#[tokio::test]
async fn runners_at_the_same_time_come_after_each_other() {
    let database = Database::without_schema().await;
    let runners: Vec<_> = (0..RUNNERS).map(|_| spawned(&database)).collect();
    for runner in runners {
        printed(&runner.wait_with_output().unwrap());
    }
    let rows = database
        .superuser()
        .await
        .query("SELECT FROM schema_version", &[])
        .await;
    assert_eq!(rows.unwrap().len(), 1);
}

/// Another runner has the lock and has granted, which PostgreSQL itself lets nobody wait for: who
/// grants before it has the lock fails as soon as the other commits.
#[tokio::test]
async fn a_runner_waits_for_the_lock_before_it_changes_anything() {
    let database = Database::new().await;
    let mut other = database.superuser().await;
    let transaction = other.transaction().await.unwrap();
    transaction
        .batch_execute(
            "SELECT FROM schema_version FOR UPDATE;
             GRANT SELECT ON schema_version TO debitor_service",
        )
        .await
        .unwrap();
    let runner = spawned(&database);
    waits(&database.superuser().await).await;
    transaction.commit().await.unwrap();
    printed(&runner.wait_with_output().unwrap());
}

/// Until somebody in the database waits for a lock.
async fn waits(superuser: &Client) {
    let waiting = "SELECT FROM pg_stat_activity
                   WHERE datname = current_database() AND wait_event_type = 'Lock'";
    while superuser.query(waiting, &[]).await.unwrap().is_empty() {
        sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn a_server_does_not_start_on_a_database_that_does_not_wait_for_its_disk() {
    let database = Database::new().await;
    let url = format!("{}?options=-c%20synchronous_commit%3Doff", database.url());
    let refused = refused(&url);
    assert_eq!(refused.status.code(), CONFIGURATION, "{}", told(&refused));
    assert!(told(&refused).contains("synchronous_commit"));
}

/// Companies of the first schema, whose tenants nobody had noted.
#[tokio::test]
async fn the_tenants_that_there_are_are_noted() {
    let database = Database::new().await;
    let sql = database.superuser().await;
    sql.batch_execute(
        "DROP TABLE tenant; DROP TABLE secret; DROP TABLE customer_words; DROP TABLE company_grant;
         DROP POLICY grants ON company;
         ALTER TABLE company DROP fold, DROP customers, DROP everyone_may; ALTER TABLE customer DROP fold;
         ALTER TABLE sales_invoice DROP fold;
         INSERT INTO company (id, tenant_id, body)
         SELECT gen_random_uuid(), md5((n % 2)::text)::uuid, '{}' FROM generate_series(1, 4) AS n",
    )
    .await
    .unwrap();
    set_schema(&database, 1, 1).await;
    printed(&migrate(&database));
    let noted = "SELECT array_agg(tenant_id ORDER BY tenant_id)
                   = (SELECT array_agg(DISTINCT tenant_id ORDER BY tenant_id) FROM company)
                 FROM tenant";
    assert!(sql.query_one(noted, &[]).await.unwrap().get::<_, bool>(0));
    // The wall that the migration looked over stands again.
    let walls = "SELECT bool_and(relforcerowsecurity) FROM pg_class
                 WHERE relname IN ('company', 'tenant')";
    assert!(sql.query_one(walls, &[]).await.unwrap().get::<_, bool>(0));
}

#[tokio::test]
async fn a_server_does_not_start_on_a_schema_that_it_cannot_work_with() {
    let database = Database::without_schema().await;
    let none = refused(&database.url());
    assert_eq!(none.status.code(), CONFIGURATION, "{}", told(&none));
    let database = Database::new().await;
    set_schema(&database, 0, 0).await;
    let older = refused(&database.url());
    assert_eq!(older.status.code(), CONFIGURATION);
    assert!(
        told(&older).contains("debitor-server migrate"),
        "{}",
        told(&older)
    );
    set_schema(&database, 1000, 1000).await;
    for newer in [refused(&database.url()), migrate(&database)] {
        assert_eq!(newer.status.code(), CONFIGURATION, "{}", told(&newer));
        assert!(told(&newer).contains("1000"), "{}", told(&newer));
    }
}

/// The next version's migration has run, and says that servers of this version can go on.
#[tokio::test]
async fn a_server_works_on_a_newer_schema_that_says_so() {
    let database = Database::new().await;
    set_schema(&database, 1000, 1).await;
    let server = TestServer::start_in(database).await;
    server
        .request("GET", &server.company_path())
        .send()
        .await
        .expect(200);
}

/// Whoever logs in, the server works in the role that the policies hold for. A host of its own, as
/// all databases of one have their roles in common.
#[tokio::test]
async fn a_role_for_which_the_policies_do_not_hold_is_refused() {
    let host = Host::own(&[]).await;
    let database = Database::on(&host, &binaries::server()).await;
    let superuser = database.superuser().await;
    for (spoil, mend) in [
        (
            "ALTER ROLE debitor_service BYPASSRLS",
            "ALTER ROLE debitor_service NOBYPASSRLS",
        ),
        (
            "ALTER ROLE debitor_service SUPERUSER",
            "ALTER ROLE debitor_service NOSUPERUSER",
        ),
        (
            "ALTER TABLE customer OWNER TO debitor_service",
            "ALTER TABLE customer OWNER TO debitor_test_owner",
        ),
    ] {
        superuser.batch_execute(spoil).await.unwrap();
        let refused = refused(&database.url());
        assert_eq!(
            refused.status.code(),
            CONFIGURATION,
            "{spoil}: {}",
            told(&refused)
        );
        assert!(
            told(&refused).contains("own no table"),
            "{}",
            told(&refused)
        );
        superuser.batch_execute(mend).await.unwrap();
    }
    // The owner may log in: its server works in that role too.
    let options = Options::default();
    let clock = Arc::new(SystemClock::default());
    let store = store::connect(&database.owner_url(), options, clock)
        .await
        .unwrap();
    store.ping().await.unwrap();
}

#[tokio::test]
async fn the_password_is_never_told() {
    let database = Database::without_schema().await;
    let wrong = database.url().replace("@127.0.0.1", "canary@127.0.0.1");
    for output in [refused(&wrong), program(&["migrate", "--store", &wrong])] {
        assert!(!output.status.success());
        let text = told(&output) + &String::from_utf8_lossy(&output.stdout);
        assert!(!text.contains("canary"), "{text}");
    }
}
