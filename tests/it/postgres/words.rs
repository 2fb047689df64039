//! The index of words, while its segments are merged.

use std::time::{Duration, Instant};

use debitor_server::odata::search;
use debitor_server::store::{Condition, CustomerKey};
use debitor_tests::Engine;
use tokio::time::sleep;
use tokio_postgres::Client;

use crate::store::fixture::Fixture;

/// Writes one after the other, each of which adds a segment.
const WRITES: usize = 400;
const PATIENCE: Duration = Duration::from_secs(20);

async fn segments(sql: &Client) -> i64 {
    let count = "SELECT count(*) FROM customer_words WHERE place = 0";
    sql.query_one(count, &[]).await.unwrap().get(0)
}

async fn found(fixture: &Fixture, word: &str) -> i32 {
    let condition = Condition {
        filter: None,
        search: Some(search::parse(word).unwrap()),
    };
    let count = fixture.store.customer_count(&fixture.scope, condition);
    count.await.unwrap()
}

#[tokio::test]
async fn segments_are_merged_and_say_what_they_said() {
    let fixture = Fixture::new(Engine::Postgres).await;
    let sql = fixture.place.database().unwrap().superuser().await;
    let mut words = Vec::new();
    for n in 0..WRITES / 2 {
        let stored = fixture.customer(&format!("gemeinsam alt{n}x")).await;
        words.push((format!("alt{n}x"), 1));
        match n % 4 {
            0 => {
                let key = CustomerKey::Id(stored.id);
                fixture.delete(key, &stored.etag).await.unwrap();
                words[n].1 = 0;
            }
            1 => {
                let name = format!("gemeinsam neu{n}x");
                fixture.rename(&stored, &stored.etag, &name).await.unwrap();
                words[n] = (format!("neu{n}x"), 1);
            }
            _ => {}
        }
    }
    let begun = Instant::now();
    while segments(&sql).await > 60 {
        assert!(begun.elapsed() < PATIENCE, "{}", segments(&sql).await);
        sleep(Duration::from_millis(50)).await;
        // Whether a write has the segments looked at is by lot.
        let more = fixture.customer("noch eins").await;
        let key = CustomerKey::Id(more.id);
        fixture.delete(key, &more.etag).await.unwrap();
    }
    for (word, expected) in &words {
        assert_eq!(found(&fixture, word).await, *expected, "{word}");
    }
    let all = i32::try_from(WRITES / 2 * 3 / 4).unwrap();
    assert_eq!(found(&fixture, "gemeinsam").await, all);
    assert_eq!(found(&fixture, "eins").await, 0);
    fixture.store.close().await;
}
