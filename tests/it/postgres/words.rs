//! The index of words, while its segments are merged.

use std::time::{Duration, Instant};

use debitor_server::auth::Administrator;
use debitor_server::odata::search;
use debitor_server::store::privacy::{Erase, Sought};
use debitor_server::store::{Condition, CustomerKey};
use debitor_tests::Engine;
use tokio_postgres::Client;
use uuid::Uuid;

use crate::store::fixture::{Fixture, TENANT};

/// Writes one after the other, each of which adds a segment.
const WRITES: usize = 400;
const PATIENCE: Duration = Duration::from_mins(1);

/// Writes until the statement says so, as it is by lot whether a write has the segments looked at.
async fn until(fixture: &Fixture, sql: &Client, condition: &str) {
    let begun = Instant::now();
    while !holds(sql, condition).await {
        assert!(begun.elapsed() < PATIENCE, "{condition}");
        let more = fixture.customer("noch eins").await;
        let key = CustomerKey::Id(more.id);
        fixture.delete(key, &more.etag).await.unwrap();
    }
}

async fn holds(sql: &Client, condition: &str) -> bool {
    sql.query_one(condition, &[]).await.unwrap().get(0)
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
    let few = "SELECT count(*) < 40 FROM customer_words WHERE place = 0";
    until(&fixture, &sql, few).await;
    for (word, expected) in &words {
        assert_eq!(found(&fixture, word).await, *expected, "{word}");
    }
    let all = i32::try_from(WRITES / 2 * 3 / 4).unwrap();
    assert_eq!(found(&fixture, "gemeinsam").await, all);
    assert_eq!(found(&fixture, "eins").await, 0);
    fixture.store.close().await;
}

/// Customers are erased while others write and segments are merged. Nothing is left of those, whatever words
/// they had before.
#[tokio::test]
async fn who_is_erased_leaves_the_index_by_the_side_of_merges() {
    let fixture = Fixture::new(Engine::Postgres).await;
    let sql = fixture.place.database().unwrap().superuser().await;
    let mut customers = Vec::new();
    for n in 0..WRITES / 4 {
        let stored = fixture.customer(&format!("gemeinsam alt{n}x")).await;
        let name = format!("gemeinsam neu{n}x");
        fixture.rename(&stored, &stored.etag, &name).await.unwrap();
        customers.push(stored.id);
    }
    let (by, company) = (Administrator::of(TENANT), fixture.scope.company());
    let erase = async {
        for (n, pair) in customers.chunks(2).enumerate() {
            let erase = Erase {
                customers: vec![Sought::Id(pair[n % 2])],
                issued: false,
                files: false,
            };
            fixture
                .store
                .customer_erase(by, company, erase)
                .await
                .unwrap();
        }
    };
    let write = async {
        for n in 0..WRITES / 2 {
            fixture.customer(&format!("nebenbei{n}x gemeinsam")).await;
        }
    };
    tokio::join!(erase, write);
    let few = "SELECT count(*) < 40 FROM customer_words WHERE place = 0";
    until(&fixture, &sql, few).await;
    for (n, pair) in customers.chunks(2).enumerate() {
        let (gone, here) = (pair[n % 2], pair[1 - n % 2]);
        let has = async |id: Uuid| {
            let has =
                "SELECT count(*) > 0 FROM customer_words WHERE position($1::bytea IN postings) > 0";
            let row = sql.query_one(has, &[&&id.as_bytes()[..]]).await.unwrap();
            row.get::<_, bool>(0)
        };
        assert!(!has(gone).await && has(here).await, "{n}");
    }
    let all = i32::try_from(WRITES / 8 + WRITES / 2).unwrap();
    assert_eq!(found(&fixture, "gemeinsam").await, all);
    assert_eq!(found(&fixture, "nebenbei77x").await, 1);
    assert!(holds(&sql, SIZES_ARE_RIGHT).await);
    assert!(holds(&sql, CHUNKS_ARE_IN_ORDER).await);
    fixture.store.close().await;
}

/// Sixteen segments, each too large to be merged with the small ones, in chunks of nine long words.
const LARGE: &str = "INSERT INTO customer_words
      (company_id, segment, first, place, tenant_id, size, postings)
    SELECT company_id, md5('large' || s)::uuid, (array_agg(word ORDER BY word))[1], place, tenant_id,
      CASE place WHEN 0 THEN 1100 * 9 * 172 END,
      string_agg(int2send(151::int2) || int2send(1::int2) || '\\x00' || word || uuid_send(id), ''
                 ORDER BY word)
    FROM (SELECT company_id, tenant_id, id FROM customer) AS c,
      generate_series(0, 15) AS s, generate_series(0, 1099) AS place, generate_series(0, 8) AS n,
      lpad((place * 9 + n)::text, 6, '0') AS number,
      convert_to('wort' || number || chr(97 + s) || repeat('x', 140), 'UTF8') AS word
    GROUP BY company_id, tenant_id, s, place";
const SIXTEEN_ARE_LARGE: &str =
    "SELECT count(*) = 16 FROM customer_words WHERE place = 0 AND size > 1600000";
const ONE_IS_LARGE: &str = "SELECT count(*) = 1 AND sum(size) > 27000000
    FROM customer_words WHERE place = 0 AND size > 1600000";
/// What ends the merge waits for a chunk that somebody else has locked.
const WAITING: &str = "FROM pg_stat_activity WHERE datname = current_database()
    AND wait_event_type = 'Lock' AND query LIKE 'DELETE FROM customer_words%'";
const SIZES_ARE_RIGHT: &str = "SELECT bool_and(is_right) FROM (
      SELECT sum(size) = sum(length(postings)) AS is_right FROM customer_words GROUP BY segment) AS s";
const CHUNKS_ARE_IN_ORDER: &str = "SELECT bool_and(is_right) FROM (
      SELECT first >= lag(first) OVER (PARTITION BY segment ORDER BY place) IS NOT FALSE AS is_right
      FROM customer_words) AS s";

/// Nor are they compressed, and some are nearly as large as they may be.
const ROWS_ARE_IN_ONE_PIECE: &str = "SELECT bool_and(pg_column_size(postings) > length(postings))
      AND max(length(first) + length(postings)) > 1800
      AND (SELECT pg_relation_size(reltoastrelid) = 0 FROM pg_class WHERE relname = 'customer_words')
    FROM customer_words";

/// Nothing that writes need is locked meanwhile, and a merge that is cut off leaves everything as it was.
#[tokio::test]
async fn large_segments_are_merged_by_the_side_of_writes() {
    let fixture = Fixture::new(Engine::Postgres).await;
    let database = fixture.place.database().unwrap();
    let (sql, other) = (database.superuser().await, database.superuser().await);
    fixture.customer("wort").await;
    sql.batch_execute(LARGE).await.unwrap();
    let lock = "BEGIN; SELECT FROM customer_words WHERE place = 550 FOR UPDATE";
    other.batch_execute(lock).await.unwrap();
    until(&fixture, &sql, &format!("SELECT count(*) = 1 {WAITING}")).await;
    let cut = format!("SELECT pg_terminate_backend(pid) {WAITING}");
    assert!(holds(&sql, &cut).await);
    assert!(holds(&sql, SIXTEEN_ARE_LARGE).await);
    other.batch_execute("ROLLBACK").await.unwrap();
    until(&fixture, &sql, ONE_IS_LARGE).await;
    assert!(holds(&sql, SIZES_ARE_RIGHT).await);
    assert!(holds(&sql, CHUNKS_ARE_IN_ORDER).await);
    assert!(holds(&sql, ROWS_ARE_IN_ONE_PIECE).await);
    for n in (0..9900).step_by(199) {
        let word = format!("wort{n:06}{}", char::from(b"abcdefghijklmnop"[n % 16]));
        let one = "SELECT count(*) = 1 FROM customer_words
            WHERE position(convert_to($1, 'UTF8') IN postings) > 0";
        let is_one: bool = sql.query_one(one, &[&word]).await.unwrap().get(0);
        assert!(is_one, "{word}");
    }
    assert_eq!(found(&fixture, "wort").await, 1);
    fixture.store.close().await;
}
