//! Everything that is wrong with a document, in one run: the house's rules for the contract, and
//! whatever the generators cannot carry (progenitor panics on much of it).
//!
//! A rule is a small function over a view of one operation, one schema or the whole document; the
//! tables of rules stand at the top of each module. No rule relies on another having passed, so a
//! document full of faults is reported whole.

mod document;
mod names;
mod operation;
mod parameters;
mod pattern;
mod references;
mod responses;
mod schemas;
#[cfg(test)]
mod tests;
mod uses;
mod view;

use crate::{Fault, Spec};
use view::{Operation, Place};

/// Every fault of the document; none if the generators can carry it.
pub fn lint(spec: &Spec) -> Vec<Fault> {
    let mut report = Report::default();
    document::check(spec, &mut report);
    references::check(spec, &mut report);
    for operation in Operation::all(spec) {
        operation::check(&operation, &mut report);
        parameters::check(&operation, &mut report);
        responses::check(&operation, &mut report);
    }
    schemas::check(spec, &mut report);
    report.faults
}

/// The faults found so far. Shared components are seen through every operation that uses them;
/// each of their faults is kept once.
#[derive(Default)]
struct Report {
    faults: Vec<Fault>,
}

impl Report {
    fn fault(&mut self, pointer: &str, problem: impl Into<String>, remedy: impl Into<String>) {
        let fault = Fault::new(pointer, problem, remedy);
        if !self.faults.contains(&fault) {
            self.faults.push(fault);
        }
    }

    /// A fault for each key of `place` that is not among `known`.
    fn unknown_keys(&mut self, place: &Place<'_>, known: &[&str], what: &str) {
        for key in place.keys().filter(|key| !known.contains(key)) {
            self.fault(
                &place.below(key),
                format!("`{key}` of {what} is not carried by the generators"),
                format!("remove it; {what} may have {}", known.join(", ")),
            );
        }
    }

    /// A fault if `place` has no text under `key`.
    fn needs_text(&mut self, place: &Place<'_>, key: &str, what: &str) {
        if place.text(key).trim().is_empty() {
            self.fault(
                &place.pointer,
                format!("{what} has no {key}"),
                format!("write `{key}:`, one sentence for people"),
            );
        }
    }
}
