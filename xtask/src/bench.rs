//! `cargo xtask bench`: builds what is measured and what measures, and runs it.

use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::Args;

use crate::process::{command, need, run};
use crate::{peers, postgres};

/// Where the results of a whole run are kept, on SQLite and on PostgreSQL.
const RESULTS: &str = "crates/debitor-bench/results";
const RESULTS_ON_POSTGRES: &str = "crates/debitor-bench/results/postgres";
/// A look at everything, in minutes.
const QUICK: [&str; 6] = [
    "--rounds=3",
    "--seconds=1",
    "--clients=1,64",
    "--growth=100000",
    "--open-loop=5",
    "--soak=0",
];

/// What is measured, and how long.
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "flags of a command line")]
pub(crate) struct Options {
    /// Measure peers too.
    #[arg(long)]
    peers: bool,
    /// Measure on a PostgreSQL of the run's own, against the peer that uses it too.
    #[arg(long, conflicts_with_all = ["peers", "instructions"])]
    postgres: bool,
    /// Measure only what lists take, in a small and a great company, what they cost creates, and what
    /// authentication costs gets; the results go to `target/bench/results`.
    #[arg(long, conflicts_with_all = ["peers", "instructions"])]
    lists: bool,
    /// Short rounds; the results go to `target/bench/results`.
    #[arg(long)]
    quick: bool,
    /// Count the instructions of operations instead; more than the repository says fail.
    #[arg(long)]
    instructions: bool,
    /// Write the counted instructions into the repository.
    #[arg(long, requires = "instructions")]
    update: bool,
    /// Passed on to `debitor-bench run`, such as `-- --rounds 2 --seconds 2 --clients 1,64`; the
    /// results go to `target/bench/results` then.
    #[arg(last = true)]
    passed_on: Vec<String>,
}

impl Options {
    /// Only a whole run is kept in the repository.
    fn results(&self) -> &'static str {
        match (self.postgres, self.peers) {
            (true, _) if self.is_whole() => RESULTS_ON_POSTGRES,
            (_, true) if self.is_whole() => RESULTS,
            _ => "target/bench/results",
        }
    }

    fn is_whole(&self) -> bool {
        let is_kept = self.postgres || self.peers;
        is_kept && self.passed_on.is_empty() && !self.quick && !self.lists
    }
}

/// Measures what the options name.
pub(crate) fn run_all(root: &Path, options: &Options) -> Result<()> {
    if options.instructions {
        instructions(root, options.update)
    } else {
        measure(root, options)
    }
}

/// Compares the instructions of operations with those that the repository knows, or writes them.
pub(crate) fn instructions(root: &Path, update: bool) -> Result<()> {
    need(&["valgrind", "--version"], &["valgrind"])?;
    let package = [
        "build",
        "--release",
        "--locked",
        "--package",
        "debitor-bench",
    ];
    run(command(root, "cargo", &package).args(["--bins", "--example", "instructions"]))?;
    let programs = root.join("target/release");
    let mut bench = command(root, programs.join("debitor-bench"), &["instructions"]);
    bench
        .arg("--program")
        .arg(programs.join("examples/instructions"));
    bench
        .arg("--file")
        .arg(root.join("crates/debitor-bench/instructions.toml"));
    run(bench.args(update.then_some("--update")))
}

/// Measures our server against the machine's limits and, if they are wanted, peers, all of them
/// with their own files or all of them on one PostgreSQL.
fn measure(root: &Path, options: &Options) -> Result<()> {
    // wrk itself never exits with 0 unless it loads a server.
    need(&["sh", "-c", "command -v wrk"], &["wrk"])?;
    need(&["strace", "--version"], &["strace"])?;
    // One by one: built together they would share features that the released server has not.
    for package in ["debitor-server", "debitor-bench"] {
        let build = ["build", "--release", "--locked", "--package", package];
        run(&mut command(root, "cargo", &build))?;
    }
    let peers = match (options.peers, options.postgres) {
        (_, true) => vec![peers::install_on_postgres(root)?],
        (true, false) => peers::install_all(root)?,
        (false, false) => Vec::new(),
    };
    let programs = root.join("target/release");
    let mut bench = command(root, programs.join("debitor-bench"), &["run"]);
    bench.arg("--server").arg(programs.join("debitor-server"));
    bench
        .arg("--limits")
        .arg(programs.join("debitor-bench-limits"));
    bench.arg("--folder").arg(root.join("target/bench/run"));
    bench.arg("--output").arg(root.join(options.results()));
    if options.postgres {
        bench.arg("--postgres").arg(postgres::programs()?);
    }
    for peer in peers {
        bench.arg("--peer").arg(peer);
    }
    if options.lists || options.is_whole() {
        bench.arg("--bare").arg(bare_server(root)?);
    }
    if options.lists {
        bench.args(["--only", "lists,bare"]);
    }
    let quick: &[&str] = if options.quick { &QUICK } else { &[] };
    run(bench.args(quick).args(&options.passed_on))
}

/// Builds the server once more, so that its creates write nothing that only lists need and that it lets
/// in who has no credentials. What it is built from differs from what is released, and so has a folder of
/// its own.
fn bare_server(root: &Path) -> Result<PathBuf> {
    let target = root.join("target/bench/bare");
    let build = [
        "build",
        "--release",
        "--locked",
        "--package",
        "debitor-server",
    ];
    let mut build = command(root, "cargo", &build);
    build.arg("--target-dir").arg(&target);
    build.env_remove("CARGO_ENCODED_RUSTFLAGS");
    run(build.env("RUSTFLAGS", "--cfg debitor_bare"))?;
    Ok(target.join("release/debitor-server"))
}
