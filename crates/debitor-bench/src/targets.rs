//! What the server is held to, and whether it is met.

use crate::operation::Operation::{
    self, ByEmail, ByNumber, Count, Create, DeepPage, FirstTen, Get, List, NextPage, Prefix,
    RareWord,
};
use crate::results::{Results, Sample};
use crate::server::OURS;
use crate::summary::{MANY, Spread, kept};

/// How many times as fast as the best durable peer an operation with so many clients is to be.
const PEERS: [(&str, Operation, usize, f64); 4] = [
    ("create", Create, 1, 0.9),
    ("get", Get, MANY, 1.7),
    ("list of 20", List, MANY, 4.5),
    ("create", Create, MANY, 4.0),
];
/// The same on a database that both use.
const PEERS_ON_A_DATABASE: [(&str, Operation, usize, f64); 2] =
    [("get", Get, MANY, 3.0), ("create", Create, MANY, 2.5)];

/// What is asked of lists and to cost little more than a get, in companies of every size.
const LISTS: [Operation; 6] = [FirstTen, DeepPage, Prefix, ByNumber, ByEmail, RareWord];

/// A figure and its bound; `None` if it was not measured.
pub(crate) struct Target {
    pub(crate) what: String,
    pub(crate) bound: Bound,
    pub(crate) measured: Option<Spread>,
}

pub(crate) enum Bound {
    AtLeast(f64),
    AtMost(f64),
    Between(f64, f64),
}

impl Target {
    /// Whether the median is within the bound.
    pub(crate) fn is_met(&self) -> Option<bool> {
        let median = self.measured?.median;
        Some(match self.bound {
            Bound::AtLeast(least) => median >= least,
            Bound::AtMost(most) => median <= most,
            Bound::Between(least, most) => (least..=most).contains(&median),
        })
    }
}

/// Every target, in the order in which they are told.
pub(crate) fn all(results: &Results) -> Vec<Target> {
    let first = if results.settings.database.is_some() {
        vec![on_a_database(results)]
    } else {
        vec![
            limits(results),
            peers(results, &PEERS),
            alone(results),
            growth(results),
        ]
    };
    let all = first.into_iter().chain([lists(results), bare(results)]);
    all.flatten().collect()
}

fn target(what: impl Into<String>, bound: Bound, measured: Option<Spread>) -> Target {
    let what = what.into();
    Target {
        what,
        bound,
        measured,
    }
}

fn limits(results: &Results) -> Vec<Target> {
    let rows = [
        ("get / static GET", Get, Get, 0.60),
        ("list of 20 / static GET", List, Get, 0.35),
        ("create / echo POST", Create, Create, 0.18),
    ];
    let row = |(what, own, of, least)| {
        let measured = results.to_limit(own, of, MANY);
        target(
            format!("{what}, {MANY} clients"),
            Bound::AtLeast(least),
            measured,
        )
    };
    rows.map(row).into()
}

fn peers(results: &Results, rows: &[(&str, Operation, usize, f64)]) -> Vec<Target> {
    let row = |&(what, operation, clients, least): &(&str, Operation, usize, f64)| {
        let best = results
            .best_peer(operation, clients)
            .unwrap_or("not measured");
        let what = format!("{what} / best durable peer, {clients} clients ({best})");
        let measured = results.to_best_peer(operation, clients);
        target(what, Bound::AtLeast(least), measured)
    };
    rows.iter().map(row).collect()
}

fn alone(results: &Results) -> Vec<Target> {
    let one = |value: f64| Spread::of([value]);
    let sync_ms = Spread::of(
        kept(&results.rounds)
            .iter()
            .map(|round| 1000.0 / round.fdatasync),
    );
    let p99_bound = 10.0 + 2.0 * sync_ms.map_or(0.0, |spread| spread.median);
    let p99 = results
        .latency
        .iter()
        .find(|latency| latency.server == OURS);
    let p99 = p99.and_then(|latency| one(latency.p99 as f64 / 1000.0));
    let slope = results
        .soak
        .as_ref()
        .and_then(|soak| one(soak.mib_per_minute()));
    vec![
        target(
            "fsyncs of a sequential create",
            Bound::Between(1.0, 1.1),
            syncs(results),
        ),
        target(
            "p99 of creates at half of capacity, open loop, ms",
            Bound::AtMost(p99_bound),
            p99,
        ),
        memory(results, 64.0),
        target(
            "memory in the soak, MiB a minute",
            Bound::AtMost(1.0),
            slope,
        ),
    ]
}

fn on_a_database(results: &Results) -> Vec<Target> {
    let mut all = peers(results, &PEERS_ON_A_DATABASE);
    // The database syncs files of its own from time to time, too.
    all.push(target(
        "fsyncs of a sequential create",
        Bound::AtLeast(1.0),
        syncs(results),
    ));
    all.push(memory(results, 96.0));
    all
}

fn syncs(results: &Results) -> Option<Spread> {
    let mut admissions = results.admissions.iter();
    let ours = admissions.find(|admission| admission.server == OURS)?;
    Spread::of([ours.syncs_per_create])
}

/// The operation that takes the most memory.
fn memory(results: &Results, most: f64) -> Target {
    let spread = |operation| results.spread((OURS, operation, MANY), |sample| sample.memory_mib);
    let measured = [Get, List, Create].into_iter().filter_map(spread);
    target(
        format!("memory with {MANY} clients, MiB"),
        Bound::AtMost(most),
        measured.max_by(|a, b| a.median.total_cmp(&b.median)),
    )
}

/// By one client; what `$count` takes is a time and no ratio.
fn lists(results: &Results) -> Vec<Target> {
    let Some([few, many]) = results.ends() else {
        return Vec::new();
    };
    let row = |operation: Operation| {
        let name = operation.name();
        let asked = (operation, 1, many);
        let to_get = target(
            format!("{name} / get by id, {many} customers"),
            Bound::AtMost(3.0),
            results.to_get(asked, Sample::cost),
        );
        let growth = target(
            format!("{name}: time with {many} customers / with {few}"),
            Bound::AtMost(2.0),
            results.growth_of_lists(operation, 1),
        );
        [to_get, growth]
    };
    let count = target(
        format!("$count, {many} customers, ms"),
        Bound::AtMost(30.0),
        results.of_lists((Count, 1, many), |sample| sample.cost() / 1000.0),
    );
    let rows = LISTS.into_iter().flat_map(row);
    rows.chain([count]).collect()
}

fn bare(results: &Results) -> Vec<Target> {
    let row = |clients| {
        target(
            format!("create / without what lists need, {clients} clients"),
            Bound::AtLeast(0.7),
            results.creates_to_bare(clients),
        )
    };
    let get = target(
        format!("get: processor time / without authentication, {MANY} clients"),
        Bound::AtMost(1.15),
        results.gets_to_bare(),
    );
    [row(1), row(MANY), get].into()
}

fn growth(results: &Results) -> Vec<Target> {
    let [few, many] = results.ends().unwrap_or_default();
    let rows = [
        ("get", Get),
        ("create", Create),
        ("first page", List),
        ("next page", NextPage),
    ];
    let row = |(what, operation)| {
        let what = format!("{what}: cost with {many} customers / with {few}");
        target(what, Bound::AtMost(2.0), results.growth(operation))
    };
    rows.map(row).into()
}
