//! The account of the end-to-end suite: which documented pairs of operation and status it has seen.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use debitor_codegen::Spec;

use crate::codegen::DOCUMENT;

/// Where the harness adds a line for each pair, such as `customer_get 200`.
const FOLDER: &str = "target/contract-coverage";

/// Failures of the service itself and of its disk, which no request provokes.
const NOT_OWED: [&str; 3] = ["500", "503", "507"];

/// Forgets what earlier runs have seen.
pub(crate) fn begin(root: &Path) -> Result<()> {
    let folder = root.join(FOLDER);
    if !folder.exists() {
        return Ok(());
    }
    fs::remove_dir_all(folder).context("cannot forget earlier runs")
}

/// Reports the pairs that no test has seen; one that is owed is a failure.
pub(crate) fn report(root: &Path) -> Result<()> {
    let document = fs::read_to_string(root.join(DOCUMENT))?;
    let seen = fs::read_to_string(root.join(FOLDER).join("seen.txt"))
        .context("the end-to-end suite has left no account: did it run?")?;
    let documented = documented(&Spec::parse(&document)?);
    let unseen = unseen(&documented, &seen);
    println!(
        "{} pairs of operation and status are documented",
        documented.len()
    );
    for pair in &unseen {
        println!("no test has seen: {pair}");
    }
    let owed: Vec<_> = unseen.iter().filter(|pair| is_owed(pair)).collect();
    ensure!(
        owed.is_empty(),
        "no test has seen {owed:?}: add one to tests/it"
    );
    Ok(())
}

fn documented(spec: &Spec) -> BTreeSet<String> {
    let operations = spec.operations();
    let pairs = operations.iter().flat_map(|operation| {
        let id = operation.value["operationId"].as_str().unwrap_or_default();
        let responses = operation.value["responses"].as_object();
        responses
            .into_iter()
            .flatten()
            .map(move |(status, _)| format!("{id} {status}"))
    });
    pairs.collect()
}

fn unseen(documented: &BTreeSet<String>, seen: &str) -> BTreeSet<String> {
    let seen = seen.lines().map(str::to_owned).collect();
    documented.difference(&seen).cloned().collect()
}

fn is_owed(pair: &str) -> bool {
    !NOT_OWED.iter().any(|status| pair.ends_with(status))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pair_that_no_test_has_seen_is_owed_unless_it_is_the_services_own_failure() {
        let text = "paths: {/a: {get: {operationId: a_get, responses: {'200': {}, '404': {}, '500': {}, '507': {}}}}}";
        let documented = documented(&Spec::parse(text).unwrap());
        let unseen = unseen(&documented, "a_get 200\nb_get 404\n");
        assert_eq!(
            Vec::from_iter(&unseen),
            ["a_get 404", "a_get 500", "a_get 507"]
        );
        assert!(is_owed("a_get 404") && !is_owed("a_get 500") && !is_owed("a_get 507"));
    }
}
