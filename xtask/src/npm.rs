//! Programs of npm, installed below `target`.

use std::path::Path;

use anyhow::{Result, ensure};

use crate::install;
use crate::process::{command, need, output, run};

/// The oldest Node.js that they run on.
const NODE: (u32, u32) = (20, 19);

/// Installs the packages that a folder's lock file pins, beside copies of these files of it.
pub(crate) fn install(source: &Path, folder: &Path, files: &[&str]) -> Result<()> {
    need(&["node", "--version"], &["nodejs"])?;
    let version = output("node", &["--version"]).unwrap_or_default();
    let (major, minor) = NODE;
    ensure!(
        numbers(&version) >= vec![major, minor],
        "Node.js is {version}; install {major}.{minor} or newer"
    );
    let files = [&["package.json", "package-lock.json"], files].concat();
    install::install(source, folder, &files, || packages(folder))
}

/// Installs the packages that the folder's own lock file pins. None may run code of its own meanwhile.
pub(crate) fn packages(folder: &Path) -> Result<()> {
    need(&["npm", "--version"], &["npm"])?;
    let arguments = [
        "ci",
        "--ignore-scripts",
        "--no-audit",
        "--no-fund",
        "--loglevel=error",
    ];
    run(&mut command(folder, "npm", &arguments))
}

/// The first two numbers of a version such as `v20.19.2`.
fn numbers(version: &str) -> Vec<u32> {
    let parts = version.trim_start_matches('v').split('.');
    parts.take(2).filter_map(|part| part.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_as_numbers() {
        assert!(numbers("v20.19.2") >= vec![20, 19]);
        assert!(numbers("v22.1.0") >= vec![20, 19]);
        assert!(numbers("v20.9.0") < vec![20, 19]);
        assert!(numbers("") < vec![20, 19]);
    }
}
