//! How often callers may ask, at a real server.

use std::net::{IpAddr, Ipv4Addr};
use std::time::{Duration, Instant};

use debitor_server::dev::TENANT;
use debitor_tests::document::Document;
use debitor_tests::{Answer, Request, tried};
use serde_json::json;
use uuid::Uuid;

use crate::issued::Issued;
use crate::metrics::{free_address, value};

const OTHER_TENANT: Uuid = Uuid::from_u128(42);
const COMPANIES: &str = "/v1.0/financials/companies";

/// What a test waits for at most.
const SOON: Duration = Duration::from_secs(20);

/// Fails unless the answer is a 429 that says what there was too much of; the seconds to wait.
#[track_caller]
fn check_refused(answer: &Answer, what: &str) -> u64 {
    let told = String::from_utf8_lossy(&answer.body);
    assert_eq!(answer.status, 429, "{told}");
    assert_eq!(answer.code(), "activityLimitReached");
    let message = answer.json()["error"]["message"].to_string();
    assert!(message.contains(what), "{message}");
    assert_eq!(answer.header("www-authenticate"), None);
    let seconds: u64 = answer.header("retry-after").unwrap().parse().unwrap();
    assert!(seconds >= 1);
    seconds
}

/// Sends requests until one is refused.
async fn until_refused(request: impl Fn() -> Request) -> Answer {
    let begun = Instant::now();
    loop {
        let answer = request().send().await;
        if answer.status == 429 {
            return answer;
        }
        assert!(begun.elapsed() < SOON, "{}", answer.status);
    }
}

#[tokio::test]
async fn every_operation_documents_its_429() {
    let tables = "[limits]\nrequests_per_second = 1\nrequests_burst = 1\n";
    let issued = Issued::start("", tables).await;
    let token = issued.token();
    for operation in Document::of_repository().operations() {
        let path = ["{companyId}", "{customerId}", "{salesInvoiceId}"]
            .iter()
            .fold(operation.path.clone(), |path, name| {
                path.replace(name, &Uuid::from_u128(1).to_string())
            });
        let path = format!("/v1.0{path}");
        let send = || issued.server.request(&operation.method, &path, &token);
        let refused = until_refused(send).await;
        check_refused(&refused, "more than 1 requests a second of the program");
    }
}

/// Behind a refusal the bucket is empty: what was had until then is the burst, and what came since.
#[tokio::test]
async fn a_program_has_its_burst_and_its_rate() {
    let tables = "[limits]\nrequests_per_second = 20\nrequests_burst = 60\n";
    let issued = Issued::start("", tables).await;
    let bearer = format!("Bearer {}", issued.token());
    let list = Request::new("GET", &format!("{}{COMPANIES}", issued.server.address));
    let list = list.header("Authorization", &bearer);
    let client = reqwest::Client::new();
    let begun = Instant::now();
    let (mut had, mut was_refused) = (0, false);
    let elapsed = loop {
        assert!(begun.elapsed() < SOON, "{had} were had");
        let answer = list.clone().try_send_by(&client).await.unwrap();
        let is_refused = answer.status == 429;
        had += u32::from(!is_refused);
        if had >= 100 && was_refused && !is_refused {
            break begun.elapsed();
        }
        was_refused = is_refused;
    };
    let due = 60.0 + 20.0 * elapsed.as_secs_f64();
    let ratio = f64::from(had) / due;
    let figures = format!(
        "{had} in {:.2} s, {ratio:.3} of what is due",
        elapsed.as_secs_f64()
    );
    tried::tell(
        "rate limit",
        &[("20 a second, 60 at once", figures.clone())],
    );
    assert!((0.9..=1.0 + 1.0 / due).contains(&ratio), "{figures}");
}

#[tokio::test]
async fn others_are_not_refused_and_whoever_waits_is_served() {
    let tables = "[limits]\nrequests_per_second = 1\nrequests_burst = 2\n";
    let issued = Issued::start("", tables).await;
    let list = |token: &str| issued.server.request("GET", COMPANIES, token);
    let own = issued.token_of(TENANT, "shop");
    let refused = until_refused(|| list(&own)).await;
    let begun = Instant::now();
    let seconds = check_refused(&refused, "requests a second");
    for others in [
        issued.token_of(OTHER_TENANT, "shop"),
        issued.token_of(TENANT, "till"),
    ] {
        list(&others).send().await.expect(200);
    }
    let alive = format!("{}/livez", issued.server.address);
    while begun.elapsed() < Duration::from_secs(seconds) {
        Request::new("GET", &alive).send().await.expect(200);
    }
    list(&own).send().await.expect(200);
}

#[tokio::test]
async fn writes_are_limited_apart() {
    let address = free_address();
    let tables = format!(
        "[limits]\nwrites_per_second = 1\nwrites_burst = 2\n[admin]\nlisten = \"{address}\"\n"
    );
    let issued = Issued::start("", &tables).await;
    let (path, token) = (issued.server.customers(), issued.token());
    let body = json!({ "displayName": "Nordhafen" });
    let create = || issued.server.request("POST", &path, &token).json(&body);
    create().send().await.expect(201);
    let refused = until_refused(create).await;
    check_refused(&refused, "more than 1 writes a second of the program");
    for _ in 0..20 {
        let list = issued.server.request("GET", &path, &token);
        list.send().await.expect(200);
    }
    let metrics = Request::new("GET", &format!("http://{address}/metrics"));
    let text = String::from_utf8(metrics.send().await.expect(200).body.to_vec()).unwrap();
    let count = |limit| {
        value(
            &text,
            &format!("debitor_requests_throttled_total{{limit=\"{limit}\"}}"),
        )
    };
    assert!(count("writes") > 0.5, "{text}");
    assert!(count("requests") < 0.5 && count("failed_authentications") < 0.5);
}

/// A request from this address of the machine itself.
async fn list_from(last_byte: u8, issued: &Issued, token: &str) -> Answer {
    let address = Ipv4Addr::new(127, 0, 0, last_byte);
    let client = reqwest::Client::builder()
        .local_address(IpAddr::from(address))
        .build()
        .unwrap();
    let request = Request::new("GET", &format!("{}{COMPANIES}", issued.server.address));
    let request = request.header("Authorization", &format!("Bearer {token}"));
    request.try_send_by(&client).await.unwrap()
}

#[tokio::test]
async fn whoever_fails_too_often_locks_out_nobody_who_is_known() {
    const FAILURES: &str = "failed authentications a second of the address";
    let tables =
        "[limits]\nfailed_authentications_per_second = 1\nfailed_authentications_burst = 3\n";
    let issued = Issued::start("", tables).await;
    let (known, new) = (issued.token(), issued.token_of(TENANT, "new"));
    list_from(2, &issued, &known).await.expect(200);
    let exhaust = async || {
        let begun = Instant::now();
        let mut failed = 0;
        while list_from(2, &issued, "x.y.z").await.status != 429 {
            failed += 1;
            assert!(begun.elapsed() < SOON);
        }
        failed
    };
    assert!(exhaust().await >= 3);
    for _ in 0..20 {
        // Each connection may be another thread's.
        list_from(2, &issued, &known).await.expect(200);
    }
    exhaust().await;
    check_refused(&list_from(2, &issued, &new).await, FAILURES);
    exhaust().await;
    check_refused(&list_from(2, &issued, "").await, FAILURES);
    list_from(3, &issued, &new).await.expect(200);
    list_from(3, &issued, "x.y.z").await.expect(401);
    list_from(2, &issued, &new).await.expect(200);

    let log = issued.server.log();
    let told = log.lines().filter(|line| line.contains("status=429"));
    let (mut refused, mut loud) = (0, 0);
    for line in told {
        refused += 1;
        loud += usize::from(!line.contains(" INFO "));
    }
    let rejected = log.matches("access refused").count();
    let failed = log.matches("status=401").count();
    assert!(refused >= 3 && loud == 0, "{refused} refused, {loud} loud");
    assert_eq!(rejected, failed, "a refusal has a line of its own");
}

#[tokio::test]
async fn a_development_server_has_no_limits() {
    let server = debitor_tests::TestServer::start().await;
    let client = reqwest::Client::new();
    let list = server.request("GET", COMPANIES);
    for _ in 0..300 {
        let answer = list.clone().try_send_by(&client).await.unwrap();
        answer.expect(200);
    }
    let wrong = server.anonymous("GET", COMPANIES);
    for _ in 0..300 {
        let answer = wrong.clone().try_send_by(&client).await.unwrap();
        answer.expect(401);
    }
}
