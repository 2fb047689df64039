//! Traces, as a collector gets them from a real server.

pub(crate) mod collector;

use std::time::{Duration, Instant};

use debitor_tests::{Answer, Request, TestServer};
use serde_json::json;

use collector::{Collector, Conduct, Span};

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const CALLER: &str = "b7ad6b7169203331";

/// A server that sends its traces, and where it sends them.
struct Traced {
    server: TestServer,
    collector: Collector,
}

impl Traced {
    async fn start(conduct: Conduct, sampled_per_mille: &str) -> Self {
        let collector = Collector::start(conduct);
        let variables = [
            ("DEBITOR_TRACES_ENDPOINT", collector.endpoint()),
            ("DEBITOR_TRACES_SAMPLED_PER_MILLE", sampled_per_mille),
        ];
        let server = TestServer::start_set(&variables).await;
        Self { server, collector }
    }

    fn customers(&self) -> String {
        format!("{}/customers", self.server.company_path())
    }

    async fn called(&self, headers: &[(&str, &str)]) -> Answer {
        let mut request = self.server.request("GET", &self.customers());
        for (name, value) in headers {
            request = request.header(name, value);
        }
        request.send().await.expect(200)
    }

    /// All spans, once the server has ended and sent its last ones.
    fn spans(&mut self) -> Vec<Span> {
        assert_eq!(self.server.stop(), Some(0));
        self.collector.spans()
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.server.data_dir().join("server.log")).unwrap()
    }
}

#[tokio::test]
async fn a_request_is_a_span_that_tells_what_the_document_has() {
    let mut traced = Traced::start(Conduct::Take, "1000").await;
    let (server, customers) = (&traced.server, traced.customers());
    let list = server
        .request(
            "GET",
            &format!("{customers}?$filter=displayName eq 'secret'"),
        )
        .send()
        .await
        .expect(200);
    let create = server.request("POST", &customers);
    create
        .json(&json!({"no": "secret"}))
        .send()
        .await
        .expect(400);
    let beta = customers.replace("/v1.0", "/beta");
    server.anonymous("GET", &beta).send().await.expect(401);
    let nothing = format!("{}/secret", server.company_path());
    server.request("GET", &nothing).send().await.expect(404);
    server.anonymous("GET", "/livez").send().await.expect(200);
    let spans = traced.spans();
    let route = "/v1.0/financials/companies/{companyId}/customers";
    let told: Vec<_> = spans
        .iter()
        .map(|span| (span.name.as_str(), span.text("http.response.status_code")))
        .collect();
    let (get, post) = (format!("GET {route}"), format!("POST {route}"));
    assert_eq!(
        told,
        [
            (get.as_str(), "200"),
            (&post, "400"),
            (&get, "401"),
            ("GET", "404")
        ]
    );
    let id = list.headers["request-id"].to_str().unwrap();
    let expected = [
        ("debitor.operation_id", "customer_list"),
        ("debitor.request_id", id),
        ("http.request.method", "GET"),
        ("http.response.status_code", "200"),
        ("http.route", route),
        ("network.protocol.version", "1.1"),
        ("url.scheme", "http"),
    ];
    let attributes: Vec<_> = spans[0]
        .attributes
        .iter()
        .map(|(a, b)| (&**a, &**b))
        .collect();
    assert_eq!(attributes, expected);
    assert!(spans.iter().all(|span| span.is_server && !span.is_error));
    let resource = &spans[0].resource;
    assert_eq!(resource["service.name"], "debitor-server");
    assert_eq!(resource["service.version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(resource.len(), 2);
    let bytes = traced.collector.bytes();
    let has = |text: &str| {
        bytes
            .windows(text.len())
            .any(|window| window == text.as_bytes())
    };
    assert!(has("customer_list") && !has("secret"));
}

#[tokio::test]
async fn a_callers_trace_goes_on_if_it_is_one() {
    let mut traced = Traced::start(Conduct::Take, "1000").await;
    let parent = format!("00-{TRACE}-{CALLER}-01");
    let of = |parent| [("traceparent", parent), ("tracestate", "theirs=1")];
    traced.called(&of(&parent)).await;
    let unsampled = parent.replace("-01", "-00");
    traced.called(&of(&unsampled)).await;
    let malformed = parent.replace("b7ad", "b7zz");
    traced.called(&of(&malformed)).await;
    traced.called(&[]).await;
    let spans = traced.spans();
    assert_eq!(spans.len(), 3, "{spans:#?}");
    assert_eq!((&*spans[0].trace, &*spans[0].parent), (TRACE, CALLER));
    assert!(spans.iter().all(|span| span.state.is_empty()), "{spans:#?}");
    for begun in &spans[1..] {
        assert_eq!(begun.parent, "");
        assert!(begun.trace.len() == 32 && begun.trace != TRACE, "{begun:?}");
    }
    assert_ne!(spans[1].trace, spans[2].trace);
}

#[tokio::test]
async fn of_traces_that_begin_here_as_many_are_sent_as_are_to_be() {
    let mut none = Traced::start(Conduct::Take, "0").await;
    for _ in 0..20 {
        none.called(&[]).await;
    }
    let parent = format!("00-{TRACE}-{CALLER}-01");
    none.called(&[("traceparent", &parent)]).await;
    let spans = none.spans();
    assert_eq!(spans.len(), 1, "{spans:#?}");
    assert_eq!(spans[0].trace, TRACE);

    let mut half = Traced::start(Conduct::Take, "500").await;
    for _ in 0..200 {
        half.called(&[]).await;
    }
    // Of 200 tosses of a coin, seven standard deviations: once in 10^12 runs.
    let count = half.spans().len();
    assert!((50..150).contains(&count), "{count}");
}

/// What no request takes that does not wait for a batch, which has 5 s, and no end that does not wait for
/// all that are left, four with as many.
const NO_BATCH: Duration = Duration::from_secs(4);
const NOT_ALL: Duration = Duration::from_secs(10);

/// More requests than wait for a collector, each answered soon; and an end that comes in time.
async fn goes_on(conduct: Conduct) -> String {
    const REQUESTS: usize = 3000;
    let mut traced = Traced::start(conduct, "1000").await;
    let base = traced.server.ready()["baseUrl"].as_str().unwrap();
    let address = format!("{base}/financials/companies");
    let client = reqwest::Client::new();
    let mut slowest = Duration::ZERO;
    for _ in 0..REQUESTS {
        let begin = Instant::now();
        let answer = Request::new("GET", &address).try_send_by(&client).await;
        assert_eq!(answer.unwrap().status, 401);
        slowest = slowest.max(begin.elapsed());
    }
    assert!(slowest < NO_BATCH, "{slowest:?}");
    let begin = Instant::now();
    assert_eq!(traced.server.stop(), Some(0));
    let end = begin.elapsed();
    assert!(end < NOT_ALL, "{end:?}");
    assert_eq!(traced.collector.spans(), []);
    traced.log()
}

const NOT_SENT: &str = "traces could not be sent";
const DROPPED: &str = "SpanDroppingStarted";

#[tokio::test]
async fn a_collector_that_is_away_costs_no_request() {
    let log = goes_on(Conduct::BeAway).await;
    assert_eq!(log.matches(NOT_SENT).count(), 1, "{log}");
}

#[tokio::test]
async fn a_collector_that_refuses_costs_no_request() {
    let log = goes_on(Conduct::Refuse).await;
    assert_eq!(log.matches(NOT_SENT).count(), 1, "{log}");
    assert!(log.contains("the collector answers 500"), "{log}");
}

#[tokio::test]
async fn a_collector_that_never_answers_costs_no_request_and_no_memory() {
    let log = goes_on(Conduct::BeSilent).await;
    assert_eq!(log.matches(DROPPED).count(), 1, "{log}");
    assert!(
        log.contains("the last traces were not sent in time"),
        "{log}"
    );
}
