//! Instructions of an operation, counted by callgrind: the same on a busy machine as on an idle one.
//!
//! The example `instructions` does an operation so many times, then twice as many; the difference
//! leaves out what starting costs.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result, bail, ensure};
use clap::Args;

const OPERATIONS: [&str; 3] = ["create", "get", "list"];
/// So many that what differs from start to start, such as the gathering of entropy, is little to them.
const TIMES: u64 = 2000;
/// An operation that needs more instructions than the repository says, by more than so many
/// hundredths of them, fails the check.
const TOLERANCE: u64 = 10;
/// How much more than one without it a get may take by its authentication, in hundredths, when the token
/// is remembered.
const AUTHENTICATION: u64 = 15;

/// Instructions of each operation.
type Counts = BTreeMap<String, u64>;

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The example `instructions`, built for release.
    #[arg(long)]
    program: PathBuf,
    /// The counts of the repository.
    #[arg(long)]
    file: PathBuf,
    /// Write the counts instead.
    #[arg(long)]
    update: bool,
}

/// Counts, and compares or writes.
pub(crate) fn check(options: &Options) -> Result<()> {
    let counted = OPERATIONS
        .iter()
        .map(|&operation| Ok((operation.to_owned(), options.of_one(operation)?)));
    let counted: Counts = counted.collect::<Result<_>>()?;
    // So few that they differ from start to start by more than the tolerance.
    check_authentication(counted["get"], options.of_one("verify")?)?;
    if options.update {
        return crate::run::put(&options.file, &text(&counted));
    }
    let known = std::fs::read_to_string(&options.file).context("the known counts")?;
    let known: Counts = toml::from_str(&known)?;
    let grown = compare(&known, &counted)?;
    ensure!(
        grown.is_empty(),
        "more instructions than before: {}",
        grown.join(", ")
    );
    Ok(())
}

impl Options {
    /// Of one operation, without what starting takes.
    fn of_one(&self, operation: &str) -> Result<u64> {
        let [once, twice] = [TIMES, 2 * TIMES].map(|times| self.count(operation, times));
        Ok(twice?.saturating_sub(once?) / TIMES)
    }

    fn count(&self, operation: &str, times: u64) -> Result<u64> {
        let output = Command::new("valgrind")
            .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
            .arg(&self.program)
            .args([operation, &times.to_string()])
            .output()
            .context("valgrind cannot be started")?;
        let text = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "{operation}: {text}");
        let collected = text.lines().find_map(|line| line.split_once("Collected :"));
        let (_, count) = collected.with_context(|| format!("no count: {text}"))?;
        count
            .trim()
            .parse()
            .with_context(|| format!("the count {count}"))
    }
}

/// Verifying is part of a get. What the network and the kernel take of a request is left out of both, so
/// that the whole request's share is smaller still.
fn check_authentication(get: u64, verify: u64) -> Result<()> {
    let without = get.saturating_sub(verify);
    println!(
        "a get takes {:.3} of one without authentication",
        get as f64 / without as f64
    );
    ensure!(
        verify * 100 <= without * AUTHENTICATION,
        "authentication takes {verify} of the {get} instructions of a get"
    );
    Ok(())
}

fn text(counts: &Counts) -> String {
    let mut text = "# Instructions of one operation without network and kernel, counted by \
                    `cargo xtask bench --instructions --update`.\n"
        .to_owned();
    for (operation, count) in counts {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{operation} = {count}");
    }
    text
}

/// The operations that have grown beyond the tolerance; each is printed.
fn compare(known: &Counts, counted: &Counts) -> Result<Vec<String>> {
    let mut grown = Vec::new();
    for (operation, &count) in counted {
        let Some(&before) = known.get(operation) else {
            bail!("the repository has no count of {operation}: add it with --update");
        };
        let change = count as f64 / before as f64 - 1.0;
        println!(
            "{operation:<8} {before:>9} -> {count:>9} {:+.1} %",
            100.0 * change
        );
        if count * 100 > before * (100 + TOLERANCE) {
            grown.push(operation.clone());
        }
    }
    Ok(grown)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(get: u64) -> Counts {
        BTreeMap::from([("get".to_owned(), get)])
    }

    #[test]
    fn authentication_may_add_little() {
        assert!(check_authentication(1150, 150).is_ok());
        assert!(check_authentication(1150, 151).is_err());
        assert!(check_authentication(1150, 2000).is_err());
    }

    #[test]
    fn growth_beyond_a_tenth_is_told() {
        let known: Counts = toml::from_str(&text(&counts(1000))).unwrap();
        assert!(compare(&known, &counts(1100)).unwrap().is_empty());
        assert!(compare(&known, &counts(500)).unwrap().is_empty());
        assert_eq!(compare(&known, &counts(1101)).unwrap(), ["get"]);
        assert!(compare(&Counts::new(), &counts(1)).is_err());
    }
}
