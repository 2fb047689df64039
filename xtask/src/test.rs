//! `cargo xtask test`: everything, in named steps, the cheap ones first.

use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result};

use crate::crash::{self, Length};
use crate::process::{command, run};
use crate::{bench, browser, codegen, coverage, deps, fuzz, identity, postgres, spec};

/// A step's name and what it does.
type Step = (&'static str, fn(&Path, Length) -> Result<()>);

const STEPS: [Step; 15] = [
    ("fmt", |root, _| fmt(root)),
    ("codegen", |root, _| codegen::check(root)),
    ("spec", |root, _| spec::check(root)),
    ("deps", |root, _| deps::check(root)),
    ("browser", |_, _| browser::prepare()),
    ("identity", |root, _| identity::prepare(root)),
    ("postgres", |_, _| postgres::prepare()),
    ("clippy", |root, _| clippy(root)),
    ("programs", |root, _| programs(root)),
    ("tests", |root, _| tests(root)),
    ("tests on postgres", |root, _| postgres::tests(root)),
    ("coverage", |root, _| coverage::report(root)),
    ("crash", crash::test),
    ("fuzz", fuzz::test),
    ("released", |root, _| released(root)),
];

/// Runs every step; the first that fails ends the run by its name.
pub(crate) fn run_all(root: &Path, length: Length) -> Result<()> {
    let begin = Instant::now();
    let mut times = Vec::new();
    for (name, step) in STEPS {
        println!("== {name}");
        let start = Instant::now();
        step(root, length).with_context(|| format!("step `{name}`"))?;
        times.push(format!("{name} {:.0} s", start.elapsed().as_secs_f64()));
    }
    println!(
        "== all steps passed in {:.0} s: {}",
        begin.elapsed().as_secs_f64(),
        times.join(", ")
    );
    Ok(())
}

fn fmt(root: &Path) -> Result<()> {
    cargo(root, &["fmt", "--all", "--check"])
}

fn clippy(root: &Path) -> Result<()> {
    let arguments = [
        "clippy",
        "--workspace",
        "--all-targets",
        "--all-features",
        "--locked",
    ];
    run(command(root, "cargo", &arguments).args(["--", "--deny", "warnings"]))
}

/// The programs that the end-to-end suite starts, with the features of the tests, so that nothing
/// is built twice.
fn programs(root: &Path) -> Result<()> {
    cargo(
        root,
        &[
            "build",
            "--workspace",
            "--bins",
            "--all-features",
            "--locked",
        ],
    )
}

fn tests(root: &Path) -> Result<()> {
    coverage::begin(root)?;
    cargo(root, &["test", "--workspace", "--all-features", "--locked"])
}

/// What only the program as it is given to people can show: that it has no failpoints, and how many
/// instructions its main operations take.
fn released(root: &Path) -> Result<()> {
    crash::released_without_failpoints(root)?;
    bench::instructions(root, false)
}

fn cargo(root: &Path, arguments: &[&str]) -> Result<()> {
    run(&mut command(root, "cargo", arguments))
}
