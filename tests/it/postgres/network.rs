//! A network that drops packets: nobody says that a connection is lost, and the server finds out.
//! The proxy has threads of its own, as starting a server holds up the test's.

use std::time::{Duration, Instant};

use debitor_server::auth::signing::SigningKey;
use debitor_server::clock::{Clock, SystemClock};
use debitor_server::dev;
use debitor_tests::postgres::Database;
use debitor_tests::postgres::wire::{Fault, WireProxy};
use debitor_tests::{Answer, Place, Request, TestServer};
use serde_json::json;

use super::away::{SOON, create, list, read, ready, refused};
use crate::metrics::{Told, value};
use crate::serve::{configure, free_port, serve};

/// A server that does not wait for its database refuses a request in less, by its own account.
const AT_ONCE: Duration = Duration::from_millis(200);
/// A delay of every piece of bytes that a database may have and live.
const SLOW: Duration = Duration::from_millis(50);
/// Longer than a database may be silent, and shorter than a lock is waited for.
const LONG: Duration = Duration::from_millis(1300);

/// A server, its database, and the network between them.
struct Field {
    told: Told,
    proxy: WireProxy,
    /// The path of a customer.
    customer: String,
}

impl Field {
    async fn new() -> Self {
        let database = Database::new().await;
        let proxy = proxy(&database).await;
        let told = Told::start_in(Place::behind(&proxy, database)).await;
        let created = create(&told.server).await.expect(201).json();
        let id = created["id"].as_str().unwrap();
        let customer = format!("{}/customers/{id}", told.server.company_path());
        Self {
            told,
            proxy,
            customer,
        }
    }

    fn server(&self) -> &TestServer {
        &self.told.server
    }

    async fn customer(&self) -> Answer {
        self.server().request("GET", &self.customer).send().await
    }

    async fn update(&self) -> Answer {
        let request = self.server().request("PATCH", &self.customer);
        let request = request.header("If-Match", "*");
        request.json(&json!({"displayName": "B"})).send().await
    }

    /// One request of each kind, all at the same time.
    async fn all(&self) -> [Answer; 5] {
        let server = self.server();
        let kinds = tokio::join!(
            read(server),
            self.customer(),
            list(server),
            create(server),
            self.update(),
        );
        kinds.into()
    }

    /// Of the last requests of each kind.
    fn slowest_refusal(&self) -> Duration {
        let log = std::fs::read_to_string(self.server().data_dir().join("server.log")).unwrap();
        let refusals = log.lines().rev().filter(|line| line.contains("status=503"));
        let times = refusals.take(5).map(|line| {
            let (_, milliseconds) = line.split_once("duration_ms=").unwrap();
            Duration::from_secs_f64(milliseconds.parse::<f64>().unwrap() / 1000.0)
        });
        times.max().unwrap()
    }

    async fn is_reachable(&self) -> bool {
        value(&self.told.scrape().await, "debitor_store_reachable") > 0.5
    }

    async fn customers(&self) -> i64 {
        let sql = self.server().place().database().unwrap().superuser().await;
        let count = sql.query_one("SELECT count(*) FROM customer", &[]);
        count.await.unwrap().get(0)
    }

    /// Waits until requests of each kind are served again.
    async fn recover(&self) -> Duration {
        let begun = Instant::now();
        while self.all().await.iter().any(|answer| answer.status >= 300)
            || ready(self.server()).await != 200
        {
            assert!(begun.elapsed() < SOON, "{:?}", begun.elapsed());
        }
        begun.elapsed()
    }
}

async fn proxy(database: &Database) -> WireProxy {
    let url = database.url().parse().unwrap();
    WireProxy::start(&url).await.unwrap()
}

/// The network goes with requests under way and idle connections, and comes back for connections as
/// they are, or for new ones only.
#[tokio::test(flavor = "multi_thread")]
async fn while_packets_are_dropped_requests_are_refused_soon_and_served_soon_after() {
    let field = Field::new().await;
    for (fault, forgets) in [
        (Fault::BlackHole, false),
        (Fault::BlackHole, true),
        (Fault::NoAnswers, true),
        (Fault::NoRequests, false),
        (Fault::Reset, false),
    ] {
        assert!(field.is_reachable().await);
        field.proxy.fail(fault);
        let begun = Instant::now();
        for answer in field.all().await {
            refused(&answer, begun);
        }
        let waited = begun.elapsed();
        let begun = Instant::now();
        for answer in field.all().await {
            refused(&answer, begun);
        }
        let slowest = field.slowest_refusal();
        assert!(slowest < AT_ONCE, "{fault:?}: {slowest:?}");
        assert_eq!(ready(field.server()).await, 503);
        // Connections that are reset refuse requests before the next heartbeat.
        while field.is_reachable().await {
            assert!(begun.elapsed() < SOON);
        }
        let live = field.server().anonymous("GET", "/livez");
        live.send().await.expect(200);
        if forgets {
            field.proxy.forget();
        } else {
            field.proxy.fail(Fault::None);
        }
        let recovered = field.recover().await;
        println!("{fault:?}: refused after {waited:?}, well after {recovered:?}");
    }
}

/// The transaction is durable; the server cannot know.
#[tokio::test(flavor = "multi_thread")]
async fn a_write_whose_commit_meets_a_black_hole_is_of_unknown_outcome_and_made_once() {
    let field = Field::new().await;
    let server = field.server();
    let customers = format!("{}/customers", server.company_path());
    for fault in [Fault::BlackHole, Fault::NoAnswers] {
        let before = field.customers().await;
        let once = async || {
            let request = server.request("POST", &customers);
            let request = request.header("Idempotency-Key", &format!("{fault:?}"));
            request.json(&json!({"displayName": "Once"})).send().await
        };
        field.proxy.fail_at_commit(fault);
        let begun = Instant::now();
        let cut = once().await;
        refused(&cut, begun);
        assert_eq!(cut.json()["error"]["innerError"]["code"], "outcomeUnknown");
        assert_eq!(field.customers().await, before + 1, "it was committed");
        field.proxy.fail(Fault::None);
        let begun = Instant::now();
        let mut repeated = once().await;
        while repeated.status == 503 {
            assert!(begun.elapsed() < SOON, "{:?}", begun.elapsed());
            repeated = once().await;
        }
        repeated.expect(201);
        assert_eq!(field.customers().await, before + 1);
    }
    // Without a key nobody can find out but by looking.
    field.proxy.fail_at_commit(Fault::BlackHole);
    let begun = Instant::now();
    let cut = field.update().await;
    refused(&cut, begun);
    assert_eq!(cut.json()["error"]["innerError"]["code"], "outcomeUnknown");
    field.proxy.fail(Fault::None);
    field.recover().await;
}

/// Creates of a company follow each other on one connection, the next before the answer of the one in front:
/// when no answer comes both are there, and the server cannot know of either.
#[tokio::test(flavor = "multi_thread")]
async fn a_create_behind_one_that_is_not_answered_is_of_unknown_outcome_and_made_once() {
    let field = Field::new().await;
    let server = field.server();
    let customers = format!("{}/customers", server.company_path());
    let one = async |key: &str| {
        let request = server.request("POST", &customers);
        let request = request.header("Idempotency-Key", key);
        request.json(&json!({"displayName": key})).send().await
    };
    let before = field.customers().await;
    field.proxy.fail_at_commit(Fault::NoAnswers);
    let begun = Instant::now();
    let behind = async {
        while field.customers().await == before {
            assert!(begun.elapsed() < SOON);
        }
        let behind = one("behind");
        let there = async {
            while field.customers().await < before + 2 {
                assert!(begun.elapsed() < SOON);
            }
        };
        tokio::join!(behind, there).0
    };
    for cut in <[Answer; 2]>::from(tokio::join!(one("first"), behind)) {
        refused(&cut, begun);
        assert_eq!(cut.json()["error"]["innerError"]["code"], "outcomeUnknown");
    }
    field.proxy.fail(Fault::None);
    field.recover().await;
    let before = field.customers().await;
    for key in ["first", "behind"] {
        one(key).await.expect(201);
    }
    assert_eq!(field.customers().await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_slow_is_not_away() {
    let field = Field::new().await;
    field.recover().await;
    field.proxy.fail(Fault::Slow(SLOW));
    for _ in 0..3 {
        for answer in field.all().await {
            let log = field.server().data_dir().join("server.log");
            let log = || std::fs::read_to_string(&log).unwrap();
            assert!(answer.status < 300, "{}\n{}", answer.status, log());
        }
        assert!(field.is_reachable().await);
    }
    field.proxy.fail(Fault::None);
    // A write that waits for a lock is left alone.
    let mut sql = field.server().place().database().unwrap().superuser().await;
    let lock = sql.transaction().await.unwrap();
    lock.batch_execute("SELECT FROM company FOR UPDATE")
        .await
        .unwrap();
    let begun = Instant::now();
    let release = async {
        while begun.elapsed() < LONG {
            read(field.server()).await.expect(200);
            assert!(field.is_reachable().await);
        }
        lock.commit().await.unwrap();
    };
    let (created, ()) = tokio::join!(create(field.server()), release);
    created.expect(201);
    assert!(begun.elapsed() >= LONG);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_starts_in_a_black_hole_and_works_as_soon_as_that_is_gone() {
    let database = Database::new().await;
    let proxy = proxy(&database).await;
    let directory = tempfile::tempdir().unwrap();
    let key = SigningKey::open_or_create(directory.path()).unwrap();
    let port = free_port();
    let url = proxy.before(&database.url());
    let configuration = configure(directory.path(), &key, port, &url);
    proxy.fail(Fault::BlackHole);
    let server = serve(&configuration, port).await;
    let token = key
        .token(&dev::grant(), SystemClock::default().now())
        .unwrap();
    let address = format!("{}/v1.0/financials/companies", server.origin);
    let companies = async || {
        let request = Request::new("GET", &address);
        let request = request.header("Authorization", &format!("Bearer {token}"));
        request.send().await
    };
    let begun = Instant::now();
    refused(&companies().await, begun);
    proxy.fail(Fault::None);
    let begun = Instant::now();
    while companies().await.status != 200 {
        assert!(begun.elapsed() < SOON);
    }
}
