//! PostgreSQL for the tests and the benchmark, and the end-to-end suite on it.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use crate::process::{command, need, output, run};

/// Succeeds if the tests have been given a server, or find the programs to start their own: on the
/// PATH, or where Debian has them.
const PROBE: &str = "[ -n \"$DEBITOR_TEST_POSTGRES_URL\" ] || \
    for folder in '' /usr/lib/postgresql/*/bin/; do ${folder}initdb --version && exit; done";
/// Prints the folder where all programs of the newest version are: its own, where Debian has it,
/// or another one on the PATH.
const PROGRAMS: &str = "for folder in $(ls -rvd /usr/lib/postgresql/*/bin 2>/dev/null) \
    $(dirname \"$(command -v initdb)\"); do \
    [ -x $folder/initdb ] && [ -x $folder/postgres ] && [ -x $folder/psql ] && \
    echo $folder && exit; done; exit 1";

/// Parts of the end-to-end suite that the run on PostgreSQL leaves out: they name the engine that
/// they are about, and have been run, or they need none.
const ONCE: [&str; 5] = ["contract::", "judge::", "postgres::", "sqlite::", "store::"];

/// Makes sure that the tests can have a PostgreSQL, and certificates for it.
pub(crate) fn prepare() -> Result<()> {
    need(&["sh", "-c", PROBE], &["postgresql"])?;
    need(&["openssl", "version"], &["openssl"])
}

/// The folder of PostgreSQL's programs, which are installed if they are missing.
pub(crate) fn programs() -> Result<PathBuf> {
    need(&["sh", "-c", PROGRAMS], &["postgresql"])?;
    let folder = output("sh", &["-c", PROGRAMS]).context("PostgreSQL's programs")?;
    Ok(folder.into())
}

/// Runs the end-to-end suite once more, with every server on PostgreSQL.
pub(crate) fn tests(root: &Path) -> Result<()> {
    println!("not on PostgreSQL, as they name their engine or need none: {ONCE:?}");
    let suite = [
        "test",
        "--workspace",
        "--all-features",
        "--locked",
        "--test",
        "end-to-end",
        "--",
    ];
    let skipped = ONCE.iter().flat_map(|part| ["--skip", part]);
    let mut tests = command(root, "cargo", &suite);
    run(tests.args(skipped).env("DEBITOR_TEST_STORE", "postgres"))
}
