//! Canaries: texts that stand nowhere by chance, sent through every operation in every place that a request
//! has, to be answered with every status, while the server logs all that it can and sends traces. None may be
//! told in a log, by a metric or in a trace, and once their customers are erased none may stand in a file of
//! the store.

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

use crate::traces::collector::Span;
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
    let log = world.log();
    refusals_are_told(&log);
    assert_eq!(canaries.found_in(log.as_bytes()), NONE, "in the log");

    let (spans, sent) = world.traces().await;
    every_answer_is_traced(&answered, &spans);
    assert_eq!(canaries.found_in(&sent), NONE, "in the traces");

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
            ("spans", spans.len().to_string()),
            ("bytes of traces", sent.len().to_string()),
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

/// What the connection answers too, which has no request yet then: what is no HTTP, or too large.
const OF_NO_REQUEST: [u16; 2] = [400, 431];
/// What is answered too before it is known which operation a request is for.
const OF_NO_OPERATION: [u16; 3] = [404, 405, 414];

/// Each operation's answers of each status have spans, and so have those of the broken store.
fn every_answer_is_traced(answered: &Answered, spans: &[Span]) {
    let mut traced = Answered::new();
    for span in spans {
        let status = span.text("http.response.status_code").parse().unwrap();
        let operation = span.text("debitor.operation_id").to_owned();
        *traced
            .entry(operation)
            .or_default()
            .entry(status)
            .or_default() += 1;
        assert_eq!(span.is_error, status >= 500, "{span:?}");
        assert_eq!(span.text("error.type").is_empty(), status < 500, "{span:?}");
    }
    let total = |all: &Answered, status| -> usize {
        all.values().filter_map(|seen| seen.get(&status)).sum()
    };
    for (operation, statuses) in answered {
        for (&status, count) in statuses {
            if OF_NO_REQUEST.contains(&status) {
                continue;
            }
            let of_operation = traced.get(operation).and_then(|seen| seen.get(&status));
            let is_traced = of_operation >= Some(count) || OF_NO_OPERATION.contains(&status);
            assert!(is_traced, "{operation} {status}: {traced:?}");
            let is_whole = total(&traced, status) >= total(answered, status);
            assert!(is_whole, "{status}: {traced:?}");
        }
    }
    let broken = |seen: &BTreeMap<u16, usize>| seen.contains_key(&500);
    assert!(traced.values().any(broken), "{traced:?}");
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
