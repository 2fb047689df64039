//! Transactions that the database refuses because others were in the way are done again, and not for
//! ever.

use std::time::Instant;

use debitor_tests::{Answer, Engine, TestServer};
use futures::future::join_all;
use serde_json::json;
use tokio_postgres::Client;

use super::away::{create, refused};

/// How often a transaction is tried: once, and five times again.
const TRIES: i64 = 6;
/// More failures than anybody waits for.
const ALWAYS: i64 = 1000;

/// Has the next writes of customers fail, so many of them: a sequence counts also what is undone.
const FAIL: &str = "
    CREATE SEQUENCE attempt;
    CREATE TABLE script (fails bigint NOT NULL, code text NOT NULL);
    INSERT INTO script VALUES (0, '40001');
    CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
      DECLARE one script%ROWTYPE;
      BEGIN
        SELECT * INTO one FROM script;
        IF nextval('attempt') <= one.fails THEN
          RAISE EXCEPTION 'somebody was in the way' USING ERRCODE = one.code;
        END IF;
        RETURN NEW;
      END $$;";

/// Where in a transaction it fails.
const AT_STATEMENT: &str = "CREATE TRIGGER fail BEFORE INSERT OR UPDATE ON customer
    FOR EACH ROW EXECUTE FUNCTION fail()";
const AT_COMMIT: &str = "CREATE CONSTRAINT TRIGGER fail AFTER INSERT OR UPDATE ON customer
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION fail()";

struct Field {
    server: TestServer,
    sql: Client,
}

impl Field {
    async fn new() -> Self {
        let server = TestServer::start_on(Engine::Postgres).await;
        let sql = server.place().database().unwrap().superuser().await;
        Self { server, sql }
    }

    async fn fail(&self, times: i64, code: &str) {
        let script = format!(
            "ALTER SEQUENCE attempt RESTART; UPDATE script SET fails = {times}, code = '{code}'"
        );
        self.sql.batch_execute(&script).await.unwrap();
    }

    /// How often a customer was written since.
    async fn attempts(&self) -> i64 {
        let next = self.sql.query_one("SELECT nextval('attempt')", &[]).await;
        next.unwrap().get::<_, i64>(0) - 1
    }

    async fn customers(&self) -> i64 {
        let count = self.sql.query_one("SELECT count(*) FROM customer", &[]);
        count.await.unwrap().get(0)
    }

    async fn rename(&self, customer: &Answer, name: &str) -> Answer {
        let id = customer.json()["id"].as_str().unwrap().to_owned();
        let path = format!("{}/customers/{id}", self.server.company_path());
        let request = self.server.request("PATCH", &path).header("If-Match", "*");
        request.json(&json!({"displayName": name})).send().await
    }
}

/// Nothing was changed, so that the outcome is known.
fn given_up(answer: &Answer, begun: Instant) {
    refused(answer, begun);
    assert!(answer.json()["error"]["innerError"]["code"].is_null());
}

#[tokio::test]
async fn a_write_that_others_were_in_the_way_of_is_done_again_and_given_up_after_a_while() {
    let field = Field::new().await;
    field.sql.batch_execute(FAIL).await.unwrap();
    for place in [AT_STATEMENT, AT_COMMIT] {
        field.sql.batch_execute(place).await.unwrap();
        for code in ["40001", "40P01"] {
            let before = field.customers().await;
            field.fail(TRIES - 1, code).await;
            let created = create(&field.server).await.expect(201);
            assert_eq!(field.attempts().await, TRIES, "{code}");
            field.fail(TRIES - 1, code).await;
            field.rename(&created, "B").await.expect(200);
            assert_eq!(field.attempts().await, TRIES, "{code}");
            field.fail(ALWAYS, code).await;
            let begun = Instant::now();
            given_up(&create(&field.server).await, begun);
            let begun = Instant::now();
            given_up(&field.rename(&created, "C").await, begun);
            // Each is tried at first in the transaction that is for many.
            assert_eq!(field.attempts().await, 2 * (1 + TRIES), "{code}");
            assert_eq!(field.customers().await, before + 1);
        }
        // Of creates that are made together each is made alone then.
        let before = field.customers().await;
        field.fail(3, "40001").await;
        for answer in join_all((0..8).map(|_| create(&field.server))).await {
            answer.expect(201);
        }
        assert_eq!(field.customers().await, before + 8);
        let drop = "DROP TRIGGER fail ON customer";
        field.sql.batch_execute(drop).await.unwrap();
    }
}

/// A real one: the server holds the customer and waits for its draft, which another holds who waits
/// for the customer. The server waited first, and so its transaction is the one that ends.
#[tokio::test]
async fn a_write_that_is_ended_for_a_deadlock_is_done_again() {
    let field = Field::new().await;
    let invoice = field.server.sales_invoice();
    let company = field.server.company_path();
    let path = format!("{company}/salesInvoices/{invoice}/customer");
    let request = field.server.request("POST", &path);
    let created = request
        .json(&json!({"displayName": "A"}))
        .send()
        .await
        .expect(201);
    let mut other = field.server.place().database().unwrap().superuser().await;
    let other = other.transaction().await.unwrap();
    // It is never the one to look for the deadlock.
    let lock = "SET LOCAL deadlock_timeout = '1min'; SELECT FROM sales_invoice FOR UPDATE";
    other.batch_execute(lock).await.unwrap();
    let meet = async {
        let waits = "SELECT FROM pg_stat_activity
                     WHERE datname = current_database() AND wait_event_type = 'Lock'";
        while field.sql.query(waits, &[]).await.unwrap().is_empty() {}
        other
            .batch_execute("SELECT FROM customer FOR UPDATE")
            .await
            .unwrap();
        other.commit().await.unwrap();
    };
    let (renamed, ()) = tokio::join!(field.rename(&created, "B"), meet);
    renamed.expect(200);
}
