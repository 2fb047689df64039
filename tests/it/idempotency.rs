//! Repeated requests: done once, and answered as the first time, whatever happened in between.

use std::collections::BTreeSet;

use debitor_tests::document::Document;
use debitor_tests::{Answer, Request, TestServer};
use futures::future::join_all;
use serde_json::{Value, json};
use uuid::Uuid;

const KEY: &str = "Idempotency-Key";
const ALIAS: &str = "Repeatability-Request-ID";
const OTHER_PERSON: Uuid = Uuid::from_u128(42);

/// A request of an operation, on an entity of its own, and another body that would be as good.
struct Write {
    id: &'static str,
    method: &'static str,
    path: String,
    etag: Option<String>,
    body: Value,
    other: Value,
}

impl Write {
    fn create(id: &'static str, path: String) -> Self {
        let (body, other) = match id {
            "sales_invoice_create" => (json!({"currencyCode": "EUR"}), json!({})),
            _ => (json!({"displayName": "A"}), json!({"displayName": "B"})),
        };
        Self {
            id,
            method: "POST",
            path,
            etag: None,
            body,
            other,
        }
    }

    fn update(id: &'static str, path: String, entity: &Answer) -> Self {
        Self {
            id,
            method: "PATCH",
            path,
            etag: Some(entity.etag()),
            body: json!({"currencyCode": "EUR"}),
            other: json!({"currencyCode": "USD"}),
        }
    }

    /// The request as it is sent, but for a key.
    fn request(&self, server: &TestServer) -> Request {
        let request = server.request(self.method, &self.path).json(&self.body);
        match &self.etag {
            Some(etag) => request.header("If-Match", etag),
            None => request,
        }
    }

    /// Sends the request with a key.
    async fn send(&self, server: &TestServer, key: &str) -> Answer {
        self.request(server).header(KEY, key).send().await
    }

    /// The status of a success.
    fn success(&self) -> u16 {
        if self.method == "POST" { 201 } else { 200 }
    }
}

/// A request of each operation that takes a key.
async fn writes(server: &TestServer) -> Vec<Write> {
    let (customers, invoices) = (customers(server), invoices(server));
    let customer = post(server, &customers, json!({"displayName": "C"})).await;
    let invoice = post(server, &invoices, json!({})).await;
    let empty = post(server, &invoices, json!({})).await;
    let full = post(server, &invoices, json!({})).await;
    let of = |invoice: &Answer| format!("{invoices}/{}/customer", id(invoice));
    let named = post(server, &of(&full), json!({"displayName": "D"})).await;
    vec![
        Write::create("customer_create", customers.clone()),
        Write::create("sales_invoice_create", invoices.clone()),
        Write::create("sales_invoice_customer_create", of(&empty)),
        Write::update(
            "customer_update",
            format!("{customers}/{}", id(&customer)),
            &customer,
        ),
        Write::update(
            "sales_invoice_update",
            format!("{invoices}/{}", id(&invoice)),
            &invoice,
        ),
        Write::update("sales_invoice_customer_update", of(&full), &named),
    ]
}

fn customers(server: &TestServer) -> String {
    format!("{}/customers", server.company_path())
}

fn invoices(server: &TestServer) -> String {
    format!("{}/salesInvoices", server.company_path())
}

async fn post(server: &TestServer, path: &str, body: Value) -> Answer {
    let request = server.request("POST", path).json(&body);
    request.send().await.expect(201)
}

fn id(entity: &Answer) -> String {
    entity.json()["id"].as_str().unwrap().to_owned()
}

/// The numbers of customers and of sales invoices.
async fn counts(server: &TestServer) -> [Value; 2] {
    let count = async |path: String| {
        let request = server.request("GET", &format!("{path}?$count=true&$top=1"));
        request.send().await.expect(200).json()["@odata.count"].clone()
    };
    [
        count(customers(server)).await,
        count(invoices(server)).await,
    ]
}

/// The answer is the first one's, byte for byte, under a name of its own.
fn assert_replayed(first: &Answer, again: &Answer, what: &str) {
    assert_eq!(
        (again.status, &again.body),
        (first.status, &first.body),
        "{what}"
    );
    for name in ["etag", "location", "content-type", "preference-applied"] {
        assert_eq!(again.header(name), first.header(name), "{what}: {name}");
    }
    assert_ne!(again.header("request-id"), first.header("request-id"));
}

fn assert_reused(answer: &Answer, what: &str) {
    assert_eq!(
        (answer.status, answer.code()),
        (422, "idempotencyKeyReused".to_owned()),
        "{what}"
    );
}

#[tokio::test]
async fn no_operation_with_a_key_is_left_out() {
    let server = TestServer::start().await;
    let tried: BTreeSet<_> = writes(&server)
        .await
        .iter()
        .map(|w| w.id.to_owned())
        .collect();
    let operations = Document::of_repository().operations().iter();
    let with_key = operations.filter(|o| o.parameters.iter().any(|p| p["name"] == KEY));
    assert_eq!(tried, with_key.map(|o| o.id.clone()).collect());
}

#[tokio::test]
async fn each_is_done_once_and_answered_alike_after_a_restart_too() {
    let mut server = TestServer::start().await;
    let writes = writes(&server).await;
    let mut done = Vec::new();
    for write in &writes {
        let first = write.send(&server, "k-1").await.expect(write.success());
        let counted = counts(&server).await;
        // An update's `If-Match` is stale by now, were it looked at.
        assert_replayed(&first, &write.send(&server, "k-1").await, write.id);
        assert_eq!(counts(&server).await, counted, "{}", write.id);
        done.push(first);
    }
    let counted = counts(&server).await;
    assert_eq!(server.stop(), Some(0));
    server.start_again();
    for (write, first) in writes.iter().zip(&done) {
        assert_replayed(first, &write.send(&server, "k-1").await, write.id);
    }
    assert_eq!(counts(&server).await, counted);
    for (write, first) in writes
        .iter()
        .zip(&done)
        .filter(|(w, _)| w.method == "PATCH")
    {
        let read = server.request("GET", &write.path).send().await.expect(200);
        assert_eq!(read.etag(), first.etag(), "{}", write.id);
    }
}

#[tokio::test]
async fn a_kill_forgets_nothing_that_was_answered() {
    let mut server = TestServer::start().await;
    let writes = writes(&server).await;
    let mut done = Vec::new();
    for write in &writes {
        done.push(write.send(&server, "k-1").await.expect(write.success()));
    }
    server.kill();
    server.start_again();
    for (write, first) in writes.iter().zip(&done) {
        assert_replayed(first, &write.send(&server, "k-1").await, write.id);
    }
}

#[tokio::test]
async fn each_refuses_a_key_that_came_with_another_request() {
    let server = TestServer::start().await;
    for write in writes(&server).await {
        let first = write.send(&server, "k-1").await.expect(write.success());
        let counted = counts(&server).await;
        let request = write.request(&server).header(KEY, "k-1");
        let another = request.clone().json(&write.other).send().await;
        assert_reused(&another, write.id);
        let spaced = format!("{} ", write.body);
        assert_reused(&request.clone().bytes(spaced).send().await, write.id);
        let typed = request.header("Content-Type", "application/json; charset=utf-8");
        assert_reused(&typed.send().await, write.id);
        assert_eq!(counts(&server).await, counted, "{}", write.id);
        assert_replayed(&first, &write.send(&server, "k-1").await, write.id);
    }
}

/// The path is no part of whose key it is, but of which request it came with.
#[tokio::test]
async fn a_key_of_another_entity_is_refused() {
    let server = TestServer::start().await;
    let change = async |path: &str| {
        let request = server.request("PATCH", path).header("If-Match", "*");
        let request = request.header(KEY, "k-1");
        request.json(&json!({"currencyCode": "EUR"})).send().await
    };
    let mut paths = Vec::new();
    for _ in 0..2 {
        let customer = post(&server, &customers(&server), json!({"displayName": "A"})).await;
        paths.push(format!("{}/{}", customers(&server), id(&customer)));
    }
    let first = change(&paths[0]).await.expect(200);
    assert_reused(&change(&paths[1]).await, "another customer");
    // The same address in another spelling, under the other base: the same request.
    let (path, key) = paths[0].rsplit_once('/').unwrap();
    let spelled = format!("{}('{key}')", path.replace("/v1.0/", "/beta/"));
    assert_replayed(&first, &change(&spelled).await, "the same customer");
}

#[tokio::test]
async fn each_refuses_what_is_no_key() {
    let server = TestServer::start().await;
    let long = "k".repeat(256);
    for write in writes(&server).await {
        for (name, key) in [
            (KEY, long.as_str()),
            (KEY, "a b"),
            (KEY, ""),
            (ALIAS, &long),
        ] {
            let request = write.request(&server).header(name, key);
            let refused = request.send().await.expect(400);
            let targets = BTreeSet::from_iter(refused.targets());
            assert_eq!(targets, [name.to_owned()].into(), "{}", write.id);
        }
        let longest = &long[1..];
        write.send(&server, longest).await.expect(write.success());
    }
}

#[tokio::test]
async fn the_alias_is_the_same_key() {
    let server = TestServer::start().await;
    for write in writes(&server).await {
        let aliased = || {
            let request = write.request(&server).header(ALIAS, "k-1");
            request.header("Repeatability-First-Sent", "Sat, 31 Jan 2026 12:00:00 GMT")
        };
        let unlike = aliased().header(KEY, "k-2").send().await.expect(400);
        assert!(!unlike.targets().is_empty(), "{}", write.id);
        let first = aliased().send().await.expect(write.success());
        let by_key = write.send(&server, "k-1").await;
        let by_both = aliased().header(KEY, "k-1").send().await;
        for (answer, result) in [
            (&first, Some("accepted")),
            (&by_key, None),
            (&by_both, Some("accepted")),
        ] {
            assert_eq!(
                answer.header("repeatability-result"),
                result,
                "{}",
                write.id
            );
        }
        assert_replayed(&first, &by_key, write.id);
        assert_replayed(&first, &by_both, write.id);
    }
}

#[tokio::test]
async fn a_key_is_its_callers_and_its_operations() {
    let server = TestServer::start().await;
    let writes = writes(&server).await;
    let create = &writes[0];
    let own = create.send(&server, "k-1").await.expect(201);
    let token = format!("Bearer {}", server.token_of(OTHER_PERSON));
    let request = create.request(&server).header(KEY, "k-1");
    let theirs = request.header("Authorization", &token).send().await;
    assert_ne!(id(&own), id(&theirs.expect(201)));
    for write in &writes[1..] {
        write.send(&server, "k-1").await.expect(write.success());
    }
    assert_replayed(&own, &create.send(&server, "k-1").await, create.id);
}

#[tokio::test]
async fn an_answer_without_a_body_is_repeated_without_one() {
    let server = TestServer::start().await;
    for write in writes(&server).await.iter().filter(|w| w.method == "PATCH") {
        let request = write.request(&server).header("Prefer", "return=minimal");
        let first = request.header(KEY, "k-1").send().await.expect(204);
        assert_eq!(first.header("preference-applied"), Some("return=minimal"));
        // Neither the preference nor `If-Match` makes it another request.
        let again = write.request(&server).header("If-Match", "*");
        let again = again.header(KEY, "k-1").send().await;
        assert_replayed(&first, &again, write.id);
    }
}

#[tokio::test]
async fn what_was_refused_leaves_the_key_free() {
    let server = TestServer::start().await;
    let writes = writes(&server).await;
    let create = &writes[0];
    post(
        &server,
        &customers(&server),
        json!({"displayName": "A", "number": "N-1"}),
    )
    .await;
    let keyed = || create.request(&server).header(KEY, "k-1");
    let nobody = server.anonymous("POST", &create.path).header(KEY, "k-1");
    nobody.json(&create.body).send().await.expect(401);
    keyed().json(&json!({})).send().await.expect(400);
    keyed().bytes("{").send().await.expect(400);
    keyed()
        .header("Content-Type", "text/plain")
        .send()
        .await
        .expect(415);
    let taken = json!({"displayName": "A", "number": "N-1"});
    for _ in 0..2 {
        let refused = keyed().json(&taken).send().await.expect(409);
        assert_eq!(refused.code(), "nameAlreadyExists");
    }
    create.send(&server, "k-1").await.expect(201);

    for write in writes.iter().filter(|w| w.method == "PATCH") {
        let keyed = write.request(&server).header(KEY, "k-1");
        let stale = keyed.clone().header("If-Match", "W/\"9-00000000\"");
        stale.send().await.expect(412);
        keyed.send().await.expect(200);
    }
}

/// All are sent before any is answered: one is done, the others get its answer or are told to wait.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_at_once_one_is_done() {
    let server = TestServer::start().await;
    for write in writes(&server).await {
        let before = counts(&server).await;
        let request = write.request(&server).header(KEY, "k-1");
        let answers = join_all((0..16).map(|_| request.clone().send())).await;
        let (done, waiting): (Vec<_>, Vec<_>) =
            answers.iter().partition(|answer| answer.status != 409);
        for answer in waiting {
            assert_eq!(answer.code(), "requestInProgress", "{}", write.id);
            assert_eq!(answer.header("retry-after"), Some("1"));
        }
        let first = done.first().expect("one is answered");
        for answer in done.iter().skip(1) {
            assert_replayed(first, answer, write.id);
        }
        assert_eq!(first.status, write.success(), "{}", write.id);
        assert_replayed(first, &write.send(&server, "k-1").await, write.id);
        let after = counts(&server).await;
        let made = (0..2).map(|n| after[n].as_i64().unwrap() - before[n].as_i64().unwrap());
        assert_eq!(
            made.sum::<i64>(),
            i64::from(write.method == "POST"),
            "{}",
            write.id
        );
    }
}
