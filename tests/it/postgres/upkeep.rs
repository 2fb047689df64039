//! What may no longer be sent again is forgotten, also where nobody sends anything.

use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::TimeDelta;
use debitor_server::clock::{Clock, FixedClock, SystemClock};
use debitor_server::store::{self, Options, Store};
use debitor_tests::{Engine, Place};
use tokio_postgres::Client;

use crate::store::fixture::{Fixture, OTHER_TENANT, company, keyed, named, write};

/// How often these servers look.
const OFTEN: Duration = Duration::from_millis(50);
const SOON: Duration = Duration::from_secs(10);

async fn open(place: &Place, clock: Arc<dyn Clock>) -> Arc<dyn Store> {
    let options = Options {
        upkeep: OFTEN,
        ..Options::default()
    };
    store::connect(place.url(), options, clock).await.unwrap()
}

/// A clock that stands still so many hours ago.
fn hours_ago(hours: i64) -> Arc<dyn Clock> {
    let now = SystemClock::default().now();
    Arc::new(FixedClock::at(now - TimeDelta::hours(hours)))
}

async fn number(sql: &Client, query: &str) -> i64 {
    sql.query_one(query, &[]).await.unwrap().get(0)
}

const KEPT: &str = "SELECT count(*) FROM idempotency";
const DUE: &str = "SELECT count(*) FROM tenant WHERE looked_at = 0";
const NEWEST: &str = "SELECT max(looked_at) FROM tenant";

/// Two tenants were served until yesterday; nobody asks for anything now.
#[tokio::test]
async fn old_outcomes_of_quiet_companies_of_all_tenants_are_forgotten() {
    let fixture = Fixture::new(Engine::Postgres).await;
    let sql = fixture.place.database().unwrap().superuser().await;
    let options = Options::default();
    let yesterday = store::connect(fixture.place.url(), options, hours_ago(25))
        .await
        .unwrap();
    let other = company(yesterday.as_ref(), OTHER_TENANT).await;
    for (key, scope) in [(1, fixture.scope.clone()), (2, other)] {
        let write = keyed(write(&scope), (key, 1));
        yesterday
            .customer_create(write, None, named("A"))
            .await
            .unwrap();
    }
    let first = fixture.create_once((3, 1), "A").await.unwrap();
    assert_eq!(number(&sql, KEPT).await, 3);
    // Of several servers each tenant is looked through by one.
    let servers = [
        open(&fixture.place, Arc::new(SystemClock::default())).await,
        open(&fixture.place, Arc::new(SystemClock::default())).await,
    ];
    let begun = Instant::now();
    while number(&sql, KEPT).await > 1 || number(&sql, DUE).await > 0 {
        assert!(begun.elapsed() < SOON);
    }
    // What may still be sent again is answered as it was.
    assert_eq!(fixture.create_once((3, 1), "A").await.unwrap(), first);
    // No tenant is looked through again within the hour.
    let (looked_at, begun) = (number(&sql, NEWEST).await, Instant::now());
    while begun.elapsed() < 4 * OFTEN {
        assert_eq!(number(&sql, NEWEST).await, looked_at);
    }
    drop(servers);
}

/// A server whose clock is wrong must not keep the others from it for years.
#[tokio::test]
async fn a_tenant_that_was_looked_through_in_the_future_is_looked_through_again() {
    let fixture = Fixture::new(Engine::Postgres).await;
    let sql = fixture.place.database().unwrap().superuser().await;
    let future = "UPDATE tenant SET looked_at = 9000000000000000";
    sql.batch_execute(future).await.unwrap();
    let _server = open(&fixture.place, Arc::new(SystemClock::default())).await;
    let begun = Instant::now();
    while number(&sql, NEWEST).await == 9_000_000_000_000_000 {
        assert!(begun.elapsed() < SOON);
    }
}
