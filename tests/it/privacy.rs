//! Canaries: texts that stand nowhere by chance, sent through every operation in every place that a request
//! has, to be answered with every status, while the server logs all that it can. None may be told in a log,
//! by a metric or in a trace, and once their customers are erased none may stand in a file of the store.

mod canary;
pub(crate) mod commands;
mod files;
mod probes;
mod refused;
mod secure;
mod world;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use debitor_server::dev;
use debitor_tests::document::Document;
use debitor_tests::{Engine, tried};

use canary::Canaries;
use world::World;

/// What no request of a client brings about here: a body that does not come, a rate that is exceeded, a
/// server that is not available, a full disk. `refused` does.
const NOT_TRIED: [u16; 4] = [408, 429, 503, 507];

#[tokio::test]
async fn canaries_are_told_to_nobody_and_erased_from_every_file() {
    let begin = Instant::now();
    let mut canaries = Canaries::new();
    let mut world = World::start(Engine::of_run()).await;
    world.fill(&mut canaries).await;
    let answered = world.try_all(&mut canaries).await;
    every_status_was_answered(&answered);
    world.break_and_try(&mut canaries).await;
    assert!(canaries.count() >= 1000, "{} canaries", canaries.count());

    let metrics = world.metrics().await;
    assert!(metrics.contains("debitor_requests"), "{metrics}");
    assert_eq!(
        canaries.found_in(metrics.as_bytes()),
        NONE,
        "in the metrics"
    );
    world.stop_if_embedded();
    let (traces, spans) = world.traces().await;
    assert_eq!(canaries.found_in(&traces), NONE, "in the traces");
    let log = world.log();
    refusals_are_told(&log);
    assert!(!log.contains("SpanDropping") && !log.contains("traces could not be sent"));
    assert_eq!(canaries.found_in(log.as_bytes()), NONE, "in the log");

    world.settle().await;
    let before = world.files(&canaries).await;
    assert!(before.canaries.len() >= 1000, "{before:?}");
    let erased = world.erase_all().await;
    let after = world.files(&canaries).await;
    assert_eq!(after.canaries, NONE, "in files after {erased} were erased");
    world.others_are_there().await;
    let requests: usize = answered.values().map(BTreeMap::len).sum();
    tried::tell(
        "canaries",
        &[
            ("engine", format!("{:?}", Engine::of_run())),
            ("canaries", canaries.count().to_string()),
            ("pairs of operation and status", requests.to_string()),
            ("bytes of log", log.len().to_string()),
            ("bytes of traces", traces.len().to_string()),
            ("spans", spans.len().to_string()),
            ("in files before", before.canaries.len().to_string()),
            ("customers erased", erased.to_string()),
            (
                "bytes of files",
                format!("{} before, {} after", before.bytes, after.bytes),
            ),
            ("took", format!("{:.1} s", begin.elapsed().as_secs_f64())),
        ],
    );
}

/// For each operation: the requests without a good token, without the permission, and for a company that
/// does not exist, the latter two with the caller.
fn refusals_are_told(log: &str) {
    let caller = format!("actor={} by {}", dev::SUBJECT, dev::APP);
    for operation in Document::of_repository().operations() {
        let of_operation = format!("operationId=\"{}\"", operation.id);
        let of_operation: Vec<_> = log
            .lines()
            .filter(|line| line.contains(" security: ") && line.contains(&of_operation))
            .collect();
        let is_told = |refusal: &str, actor: &str| {
            let refusal = format!("refusal={refusal}");
            let is_one = |line: &&&str| line.contains(&refusal) && line.contains(actor);
            of_operation.iter().find(is_one).is_some()
        };
        assert!(is_told("Missing", ""), "{}", operation.id);
        assert!(is_told("\"permission\"", &caller), "{}", operation.id);
        let has_company = operation.path.contains("{companyId}");
        assert!(
            !has_company || is_told("\"company\"", &caller),
            "{}",
            operation.id
        );
    }
}

const NONE: BTreeSet<String> = BTreeSet::new();

/// How often each operation answered each status.
type Answered = BTreeMap<String, BTreeMap<u16, usize>>;

fn every_status_was_answered(answered: &Answered) {
    let mut missing = Vec::new();
    for operation in Document::of_repository().operations() {
        let seen = answered.get(&operation.id);
        let documented = operation.value["responses"].as_object().unwrap().keys();
        for status in documented.map(|status| status.parse::<u16>().unwrap()) {
            let is_seen = seen.is_some_and(|seen| seen.contains_key(&status));
            // Broken later on purpose.
            if !is_seen && status != 500 && !NOT_TRIED.contains(&status) {
                missing.push(format!("{} {status}", operation.id));
            }
        }
    }
    assert_eq!(missing, Vec::<String>::new(), "{answered:?}");
}
