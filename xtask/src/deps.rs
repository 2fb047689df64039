//! `cargo xtask deps`: licences, sources, duplicates and bans of dependencies, as `deny.toml` says.

use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::process::{command, output, run};

const VERSION: &str = "0.20.2";

/// Checks everything that needs no network. Advisories come from a git repository elsewhere; see
/// `deny.toml`.
pub(crate) fn check(root: &Path) -> Result<()> {
    let program = cargo_deny(root)?;
    let arguments = [
        "--workspace",
        "--all-features",
        "check",
        "bans",
        "licenses",
        "sources",
    ];
    run(&mut command(root, program, &arguments))
}

/// The pinned cargo-deny, built once below `target/tools`.
fn cargo_deny(root: &Path) -> Result<PathBuf> {
    let folder = root.join("target/tools/cargo-deny");
    let program = folder.join("bin/cargo-deny");
    let wanted = format!("cargo-deny {VERSION}");
    for found in [PathBuf::from("cargo-deny"), program.clone()] {
        if output(&found, &["--version"]).as_deref() == Some(&wanted) {
            return Ok(found);
        }
    }
    // Unoptimised: it runs for a second and would take minutes longer to build.
    let folder = folder.to_string_lossy();
    let version = format!("={VERSION}");
    let install = [
        "install",
        "cargo-deny",
        "--version",
        &version,
        "--locked",
        "--debug",
    ];
    let mut install = command(root, "cargo", &install);
    run(install.args(["--config", "profile.dev.debug=false", "--root", &folder]))?;
    Ok(program)
}
