//! The same over HTTP/2 and TLS, and what is answered to whoever comes too late, too often, or when there is
//! no place or room.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use axum::http;
use debitor_tests::certificate::Certificate;
use debitor_tests::document::{Document, Operation};
use debitor_tests::{Engine, tried};
use futures::future::join_all;
use tempfile::TempDir;

use super::Answered;
use super::canary::Canaries;
use super::probes::{self, Credentials, Probe};
use super::secure::Secure;
use super::world::World;

/// Room for one request, which has so long to bring its body.
const LIMITS: [(&str, &str); 4] = [
    ("DEBITOR_LIMITS_REQUESTS", "1"),
    ("DEBITOR_LIMITS_BODY_TIMEOUT_MS", "300"),
    ("DEBITOR_LIMITS_FAILED_AUTHENTICATIONS_PER_SECOND", "1"),
    ("DEBITOR_LIMITS_FAILED_AUTHENTICATIONS_BURST", "1"),
];
/// Requests that are sent together, of which the server has a place for one.
const TOGETHER: usize = 16;
/// What a test waits for at most.
const SOON: Duration = Duration::from_mins(1);

/// A world and a connection to it.
struct Refusals {
    world: World,
    secure: Secure,
    answered: Answered,
}

#[tokio::test]
async fn canaries_over_http2_and_in_refused_requests_are_told_to_nobody() {
    let begin = Instant::now();
    let directory = TempDir::new().unwrap();
    let certificate = Certificate::write(directory.path());
    let mut canaries = Canaries::new();
    let mut world = World::start_with(Engine::of_run(), Some(&certificate), &LIMITS).await;
    world.look_for_tokens(&mut canaries);
    world.add_other(0).await;
    let secure = Secure::connect(&certificate, world.address()).await;
    let mut refusals = Refusals {
        world,
        secure,
        answered: Answered::new(),
    };
    for operation in Document::of_repository().operations() {
        refusals.try_all(operation, &mut canaries).await;
        refusals.too_late(operation, &mut canaries).await;
        refusals.no_place(operation, &mut canaries).await;
        refusals.too_often(operation, &mut canaries).await;
    }
    refusals.no_room(&mut canaries).await;
    refusals.every_status_was_answered();
    assert!(canaries.count() >= 1000, "{} canaries", canaries.count());

    let metrics = refusals.world.metrics().await;
    assert_eq!(
        canaries.found_in(metrics.as_bytes()),
        super::NONE,
        "in the metrics"
    );
    let (spans, traces) = refusals.world.traces().await;
    assert_eq!(canaries.found_in(&traces), super::NONE, "in the traces");
    let log = refusals.world.log();
    assert!(!log.contains("SpanDropping") && !log.contains("traces could not be sent"));
    assert!(log.contains("status=408") && log.contains("status=429"));
    assert_eq!(canaries.found_in(log.as_bytes()), super::NONE, "in the log");
    let pairs: usize = refusals.answered.values().map(BTreeMap::len).sum();
    tried::tell(
        "canaries over HTTP/2 and TLS",
        &[
            ("engine", format!("{:?}", Engine::of_run())),
            ("canaries", canaries.count().to_string()),
            ("pairs of operation and status", pairs.to_string()),
            ("408, 429, 503, 507", refusals.counts()),
            ("bytes of log", log.len().to_string()),
            ("bytes of traces", traces.len().to_string()),
            ("spans", spans.len().to_string()),
            ("took", format!("{:.1} s", begin.elapsed().as_secs_f64())),
        ],
    );
}

impl Refusals {
    async fn send(&mut self, operation: &Operation, probe: &Probe) -> Option<u16> {
        let request = self.request(probe)?;
        let status = self.secure.send(request, probe.body.clone()).await?;
        self.note(operation, status);
        Some(status)
    }

    /// None for what HTTP/2 has no form for.
    fn request(&self, probe: &Probe) -> Option<http::Request<()>> {
        let mut request = http::Request::builder()
            .version(http::Version::HTTP_2)
            .method(&*probe.method)
            .uri(self.world.uri(probe));
        for (name, value) in self.world.headers(probe) {
            request = request.header(name, value);
        }
        request.body(()).ok()
    }

    fn note(&mut self, operation: &Operation, status: u16) {
        let statuses = self.answered.entry(operation.id.clone()).or_default();
        *statuses.entry(status).or_default() += 1;
    }

    /// Good and bad, as over HTTP/1.1.
    async fn try_all(&mut self, operation: &Operation, canaries: &mut Canaries) {
        let ids = self.world.target("Draft", canaries).await;
        let mut all = probes::bad(operation, &ids, canaries);
        // These would be refused for too many failures before they are looked at.
        all.retain(|probe| !matches!(probe.credentials, Credentials::Header(_)));
        all.push(Probe::good(operation, &ids, canaries));
        for probe in all {
            self.send(operation, &probe).await;
        }
    }

    /// A body that does not come.
    async fn too_late(&mut self, operation: &Operation, canaries: &mut Canaries) {
        let ids = self.world.target("Draft", canaries).await;
        let probe = Probe::good(operation, &ids, canaries);
        let Some(body) = &probe.body else {
            return;
        };
        let request = self.request(&probe).unwrap();
        let beginning = body[..body.len() - 1].to_vec();
        let status = self.secure.stall(request, beginning).await.status().await;
        assert_eq!(status, 408, "{}", operation.id);
        self.note(operation, status);
    }

    /// Together, until there was no place for one of them.
    async fn no_place(&mut self, operation: &Operation, canaries: &mut Canaries) {
        let ids = self.world.target("Draft", canaries).await;
        let begun = Instant::now();
        loop {
            let probes = [(); TOGETHER].map(|()| Probe::good(operation, &ids, canaries));
            let sending = probes.iter().map(|probe| {
                let request = self.request(probe).unwrap();
                self.secure.send(request, probe.body.clone())
            });
            let statuses = join_all(sending).await;
            for status in statuses.iter().flatten() {
                self.note(operation, *status);
            }
            if statuses.contains(&Some(503)) {
                break;
            }
            assert!(begun.elapsed() < SOON, "{}: {statuses:?}", operation.id);
        }
    }

    /// With a token that nobody has.
    async fn too_often(&mut self, operation: &Operation, canaries: &mut Canaries) {
        let ids = self.world.target("Draft", canaries).await;
        let begun = Instant::now();
        loop {
            let [one, two, three] = [(); 3].map(|()| canaries.word());
            let mut probe = Probe::good(operation, &ids, canaries);
            probe.credentials = Credentials::Header(Some(format!("Bearer {one}.{two}.{three}")));
            if self.send(operation, &probe).await == Some(429) {
                break;
            }
            assert!(begun.elapsed() < SOON, "{}", operation.id);
        }
    }

    /// A database whose disk is full, and says of what row. An embedded store would need a disk of its own.
    async fn no_room(&mut self, canaries: &mut Canaries) {
        let operations = Document::of_repository().operations();
        let writes = |one: &&Operation| one.value["responses"].get("507").is_some();
        for operation in operations.iter().filter(writes) {
            let ids = self.world.target("Draft", canaries).await;
            if !self.world.fill_disk(true).await {
                return;
            }
            let probe = Probe::good(operation, &ids, canaries);
            let status = self.send(operation, &probe).await;
            assert_eq!(status, Some(507), "{}", operation.id);
            self.world.fill_disk(false).await;
        }
    }

    /// Each of those that a client alone does not bring about, of each operation that documents it.
    fn every_status_was_answered(&self) {
        let mut missing = Vec::new();
        for operation in Document::of_repository().operations() {
            for status in super::NOT_TRIED {
                let documented = operation.value["responses"].get(status.to_string());
                let is_tried = status != 507 || Engine::of_run() == Engine::Postgres;
                let seen = self.answered.get(&operation.id);
                let is_seen = seen.is_some_and(|seen| seen.contains_key(&status));
                if documented.is_some() && is_tried && !is_seen {
                    missing.push(format!("{} {status}", operation.id));
                }
            }
        }
        assert_eq!(missing, Vec::<String>::new(), "{:?}", self.answered);
    }

    /// How many operations answered each.
    fn counts(&self) -> String {
        let of = |status| {
            let statuses = self.answered.values();
            statuses.filter(|seen| seen.contains_key(&status)).count()
        };
        super::NOT_TRIED
            .map(|status| of(status).to_string())
            .join(", ")
    }
}
