//! Keys and numbers when several servers work on one database.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use debitor_server::store::{Error, Store};
use debitor_tests::Engine;
use futures::future::join_all;

use crate::store::fixture::{Fixture, keyed, named, number, open, write};

/// A second request with a key waits no longer than this for the first.
const WAIT: Duration = Duration::from_millis(1800);

/// The fixture's store and two more on the same database.
async fn replicas(fixture: &Fixture) -> Vec<Arc<dyn Store>> {
    let others = [open(&fixture.place).await, open(&fixture.place).await];
    std::iter::once(Arc::clone(&fixture.store))
        .chain(others)
        .collect()
}

#[tokio::test]
async fn of_a_key_that_comes_to_several_servers_at_once_one_is_done() {
    let fixture = Fixture::new(Engine::Postgres).await;
    let replicas = replicas(&fixture).await;
    for key in 0..20 {
        let sent = replicas.iter().map(|store| {
            let write = keyed(write(&fixture.scope), (key, 1));
            store.customer_create(write, None, named("A"))
        });
        let mut answers = BTreeSet::new();
        for answer in join_all(sent).await {
            match answer {
                Ok(written) => drop(answers.insert(written.stored.id)),
                Err(Error::InProgress) => {}
                Err(other) => panic!("{other:?}"),
            }
        }
        assert_eq!(answers.len(), 1, "key {key}");
        assert_eq!(fixture.count().await, i32::from(key) + 1);
    }
}

#[tokio::test]
async fn several_servers_give_every_number_once() {
    let fixture = Fixture::new(Engine::Postgres).await;
    let replicas = replicas(&fixture).await;
    let sent = (0..90).map(|n| {
        let store = &replicas[n % replicas.len()];
        store.customer_create(write(&fixture.scope), None, named("A"))
    });
    let answers = join_all(sent).await;
    let numbers: BTreeSet<_> = answers
        .iter()
        .map(|answer| number(&answer.as_ref().unwrap().stored))
        .collect();
    assert_eq!(numbers.len(), 90);
    assert_eq!(numbers.last().map(String::as_str), Some("C00900"));
}

/// With it each of them signs the links between pages, which the others follow.
#[tokio::test]
async fn all_servers_of_a_database_have_its_secret() {
    let fixture = Fixture::new(Engine::Postgres).await;
    let secret = fixture.store.secret().await.unwrap();
    for store in replicas(&fixture).await {
        assert_eq!(store.secret().await.unwrap(), secret);
    }
}

/// Another server has begun the same request and does not come to an end.
#[tokio::test]
async fn a_key_that_is_under_way_elsewhere_is_waited_for_a_second() {
    let fixture = Fixture::new(Engine::Postgres).await;
    let first = fixture.create_once((1, 1), "A").await.unwrap();
    let mut elsewhere = fixture.place.database().unwrap().superuser().await;
    let transaction = elsewhere.transaction().await.unwrap();
    // A record as the other server writes it: the first one's, with the key of the second.
    let copy = "INSERT INTO idempotency (company_id, key, tenant_id, fingerprint, at, id, etag,
                base_url, minimal, body)
                SELECT company_id, $1, tenant_id, fingerprint, at, id, etag, base_url, minimal, body
                FROM idempotency";
    transaction
        .execute(copy, &[&[2_u8; 32].as_slice()])
        .await
        .unwrap();
    let begun = Instant::now();
    let waiting = fixture.create_once((2, 1), "A").await;
    assert!(matches!(waiting, Err(Error::InProgress)), "{waiting:?}");
    assert!(begun.elapsed() < WAIT, "{:?}", begun.elapsed());
    // Neighbours do not wait with it.
    fixture.create_once((3, 1), "A").await.unwrap();
    transaction.commit().await.unwrap();
    assert_eq!(fixture.create_once((2, 1), "A").await.unwrap(), first);
    assert_eq!(fixture.count().await, 2);
}
