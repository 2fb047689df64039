//! What the server is held to, and whether it is met.

use crate::operation::Operation::{Create, Get, List, NextPage};
use crate::results::Results;
use crate::server::OURS;
use crate::summary::{MANY, Spread, kept};

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
    [
        limits(results),
        peers(results),
        alone(results),
        growth(results),
    ]
    .into_iter()
    .flatten()
    .collect()
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

fn peers(results: &Results) -> Vec<Target> {
    let rows = [
        ("create", Create, 1, 0.9),
        ("get", Get, MANY, 1.7),
        ("list of 20", List, MANY, 4.5),
        ("create", Create, MANY, 4.0),
    ];
    let row = |(what, operation, clients, least)| {
        let best = results
            .best_peer(operation, clients)
            .unwrap_or("not measured");
        let what = format!("{what} / best durable peer, {clients} clients ({best})");
        let measured = results.to_best_peer(operation, clients);
        target(what, Bound::AtLeast(least), measured)
    };
    rows.map(row).into()
}

fn alone(results: &Results) -> Vec<Target> {
    let one = |value: f64| Spread::of([value]);
    let ours = results
        .admissions
        .iter()
        .find(|admission| admission.server == OURS);
    let syncs = ours.and_then(|admission| one(admission.syncs_per_create));
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
    let memory = [Get, List, Create]
        .map(|operation| results.spread((OURS, operation, MANY), |sample| sample.memory_mib));
    let memory = memory
        .into_iter()
        .flatten()
        .max_by(|a, b| a.median.total_cmp(&b.median));
    let slope = results
        .soak
        .as_ref()
        .and_then(|soak| one(soak.mib_per_minute()));
    vec![
        target(
            "fsyncs of a sequential create",
            Bound::Between(1.0, 1.1),
            syncs,
        ),
        target(
            "p99 of creates at half of capacity, open loop, ms",
            Bound::AtMost(p99_bound),
            p99,
        ),
        target(
            format!("memory with {MANY} clients, MiB"),
            Bound::AtMost(64.0),
            memory,
        ),
        target(
            "memory in the soak, MiB a minute",
            Bound::AtMost(1.0),
            slope,
        ),
    ]
}

fn growth(results: &Results) -> Vec<Target> {
    let sizes = &results.settings.sizes;
    let [few, many] = [sizes.first(), sizes.last()].map(|size| size.copied().unwrap_or_default());
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
