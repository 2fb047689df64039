//! The crash tests: programs that break the server's world, in a short and in a long form.

use std::path::Path;

use anyhow::{Context, Result, ensure};

use crate::process::{command, need, output, run};

/// How much the programs do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Length {
    /// For every change: a few minutes.
    Short,
    /// For every night: about an hour.
    Long,
}

/// A program with the arguments of its long form; the short one is what it does without.
type Program = (&'static str, &'static [&'static str]);

const PROGRAMS: [Program; 16] = [
    ("kill", &["--kills", "500"]),
    ("failpoints", &["--times", "10"]),
    ("faults", &["--stride", "1"]),
    ("wal", &["--cuts", "810"]),
    ("second", &["--copies", "100"]),
    ("storm", &["--keys", "2000"]),
    ("migrate", &[]),
    ("drill", &["--drills", "20"]),
    ("history", &["--seconds", "60"]),
    ("overload", &["--seconds", "20"]),
    ("cancel", &["--requests", "20000"]),
    ("commit", &["--cuts", "1000"]),
    ("rolling", &["--restarts", "10"]),
    ("replicas", &["--seconds", "60"]),
    ("failover", &["--failovers", "20"]),
    ("slow", &["--sockets", "500", "--usual-limits"]),
];

/// Those that mount disks, which only root may.
const ROOT_PROGRAMS: [Program; 2] = [("power", &["--cuts", "100"]), ("full", &[])];

/// Runs all of them; the server stands beside them already, built with every feature.
pub(crate) fn test(root: &Path, length: Length) -> Result<()> {
    need(&["cc", "--version"], &["gcc", "libc6-dev"])?;
    for program in PROGRAMS {
        one(root, program, length)?;
    }
    if output("id", &["-u"]).as_deref() == Some("0") {
        need(&["mkfs.ext4", "-V"], &["e2fsprogs"])?;
        for program in ROOT_PROGRAMS {
            one(root, program, length)?;
        }
    } else {
        for (name, _) in ROOT_PROGRAMS {
            println!("NOT RUN: `debitor-crash {name}` mounts a disk, and this is not root");
        }
    }
    Ok(())
}

fn one(root: &Path, (name, long): Program, length: Length) -> Result<()> {
    let arguments = if length == Length::Long { long } else { &[] };
    let program = root.join("target/debug/debitor-crash");
    run(command(root, program, &[name]).args(arguments))
}

/// What is given to people must not hold a place at which it ends itself.
pub(crate) fn released_without_failpoints(root: &Path) -> Result<()> {
    let build = [
        "build",
        "--release",
        "--package",
        "debitor-server",
        "--locked",
    ];
    run(&mut command(root, "cargo", &build))?;
    for (profile, has_them) in [("release", false), ("debug", true)] {
        let program = root.join("target").join(profile).join("debitor-server");
        let bytes = std::fs::read(&program).with_context(|| program.display().to_string())?;
        let name = b"DEBITOR_FAILPOINT";
        let found = bytes.windows(name.len()).any(|window| window == name);
        // The other way round shows that the search finds what is there.
        ensure!(
            found == has_them,
            "failpoints in {}: {found}",
            program.display()
        );
    }
    Ok(())
}
