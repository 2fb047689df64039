//! `cargo xtask bench`: builds what is measured and what measures, and runs it.

use std::path::Path;

use anyhow::Result;
use clap::Args;

use crate::process::{command, need, run};

/// What is measured; `debitor-bench run --help` explains what is passed on to it.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Passed on to `debitor-bench run`, such as `--rounds 2 --seconds 2 --clients 1,64`.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    passed_on: Vec<String>,
}

/// Measures our server against the machine's limits.
pub(crate) fn measure(root: &Path, options: &Options) -> Result<()> {
    // wrk itself never exits with 0 unless it loads a server.
    need(&["sh", "-c", "command -v wrk"], &["wrk"])?;
    // One by one: built together they would share features that the released server has not.
    for package in ["debitor-server", "debitor-bench"] {
        let build = ["build", "--release", "--locked", "--package", package];
        run(&mut command(root, "cargo", &build))?;
    }
    let programs = root.join("target/release");
    let mut bench = command(root, programs.join("debitor-bench"), &["run"]);
    bench.arg("--server").arg(programs.join("debitor-server"));
    bench
        .arg("--limits")
        .arg(programs.join("debitor-bench-limits"));
    bench.arg("--folder").arg(root.join("target/bench/run"));
    run(bench.args(&options.passed_on))
}
