//! What is printed for each feature of the document, compared with the golden of its name.
//!
//! When a change is meant: `cargo run -p debitor-codegen --example goldens`, then read the diff.

use std::fs;

use crate::golden::{GOLDENS, path, text};

#[track_caller]
fn check(fixture: &str) {
    let (_, chosen) = GOLDENS.iter().find(|(name, _)| *name == fixture).unwrap();
    let golden = fs::read_to_string(path(fixture)).unwrap_or_default();
    let printed = text(fixture, *chosen);
    let differs = golden
        .lines()
        .zip(printed.lines())
        .position(|(old, new)| old != new);
    let line = differs.unwrap_or(golden.lines().count().min(printed.lines().count())) + 1;
    assert!(
        golden == printed,
        "goldens/{fixture}.txt:{line} differs; if that is meant, run \
         `cargo run -p debitor-codegen --example goldens`\nprinted: {}",
        printed.lines().nth(line - 1).unwrap_or("nothing more"),
    );
}

#[test]
fn base() {
    check("base");
}

#[test]
fn objects() {
    check("objects");
}

#[test]
fn enumerations() {
    check("enumerations");
}

#[test]
fn listed() {
    check("listed");
}

#[test]
fn parameters() {
    check("parameters");
}

#[test]
fn answers() {
    check("answers");
}

#[test]
fn metadata() {
    check("metadata");
}
