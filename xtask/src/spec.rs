//! `cargo xtask spec`: second opinions on the document, from the linters that its readers use.
//!
//! Their versions are pinned in `xtask/tools`; they are installed below `target/tools`. Each must
//! pass the document with neither error nor warning, and each must refuse a copy with a flaw, or
//! else it would be passing everything.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Result, ensure};

use crate::codegen::DOCUMENT;
use crate::install::{install, replace};
use crate::npm;
use crate::process::{self, command, need};

/// Where the linters' versions are pinned.
const LISTS: &str = "xtask/tools";

/// A linter, installed.
struct Linter {
    program: PathBuf,
    arguments: Vec<String>,
    /// A text of the document and what to put in its place to earn a complaint, of the least
    /// severity that the linter knows.
    flaw: (&'static str, &'static str),
}

/// A component that nothing refers to is worth a warning.
const UNUSED: (&str, &str) = (
    "\n  schemas:\n",
    "\n  schemas:\n    Unused:\n      type: object\n      description: Nobody names it.\n",
);

/// openapi-spec-validator knows no warnings: here the flaw is an error.
const UNKNOWN: (&str, &str) = ("\npaths:\n", "\nnonsense: true\npaths:\n");

/// Installs the linters, then asks each of them.
pub(crate) fn check(root: &Path) -> Result<()> {
    let node = root.join("target/tools/npm");
    npm::install(&root.join(LISTS), &node, &[])?;
    let python = install_python_tools(root)?;
    let text = fs::read_to_string(root.join(DOCUMENT))?;
    for linter in linters(root, &node, &python) {
        process::run(&mut linter.command(root, DOCUMENT))?;
        linter.refuses_a_flaw(root, &text)?;
    }
    Ok(())
}

fn linters(root: &Path, node: &Path, python: &Path) -> [Linter; 3] {
    let rules = |file: &str| root.join(LISTS).join(file).to_string_lossy().into_owned();
    let words = |words: [&str; 3], file| {
        words
            .into_iter()
            .map(str::to_owned)
            .chain([rules(file)])
            .collect::<Vec<_>>()
    };
    [
        Linter {
            program: node.join("node_modules/.bin/spectral"),
            arguments: words(
                ["lint", "--fail-severity=warn", "--ruleset"],
                "spectral.yaml",
            ),
            flaw: UNUSED,
        },
        Linter {
            program: node.join("node_modules/.bin/redocly"),
            arguments: words(["lint", "--format=stylish", "--config"], "redocly.yaml"),
            flaw: UNUSED,
        },
        Linter {
            program: python.join("bin/openapi-spec-validator"),
            arguments: vec!["--subschema-errors=all".into()],
            flaw: UNKNOWN,
        },
    ]
}

impl Linter {
    fn command(&self, root: &Path, document: &str) -> Command {
        let mut command = command(root, &self.program, &[]);
        command
            .args(&self.arguments)
            .arg(document)
            .env("REDOCLY_TELEMETRY", "off");
        command.env("REDOCLY_SUPPRESS_UPDATE_NOTICE", "true");
        command
    }

    fn refuses_a_flaw(&self, root: &Path, text: &str) -> Result<()> {
        let (old, new) = self.flaw;
        ensure!(
            text.contains(old),
            "{DOCUMENT} has no {old:?} to put a flaw in"
        );
        let copy = "target/tools/flawed.yaml";
        replace(&root.join(copy), text.replacen(old, new, 1).as_bytes())?;
        let mut command = self.command(root, copy);
        let status = command
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()?;
        let name = self
            .program
            .file_name()
            .unwrap_or_default()
            .to_string_lossy();
        ensure!(
            !status.success(),
            "{name} passes a document with a flaw: {new:?}"
        );
        println!("{name} passes the document and refuses a copy with a flaw");
        Ok(())
    }
}

fn install_python_tools(root: &Path) -> Result<PathBuf> {
    need(
        &["python3", "-c", "import venv, ensurepip"],
        &["python3", "python3-venv"],
    )?;
    let folder = root.join("target/tools/python");
    install(&root.join(LISTS), &folder, &["requirements.txt"], || {
        process::run(&mut command(
            &folder,
            "python3",
            &["-m", "venv", "--clear", "venv"],
        ))?;
        let pip = folder.join("venv/bin/pip");
        let arguments = [
            "install",
            "--quiet",
            "--no-deps",
            "--requirement",
            "requirements.txt",
        ];
        process::run(command(&folder, pip, &arguments).env("PIP_DISABLE_PIP_VERSION_CHECK", "1"))
    })?;
    Ok(folder.join("venv"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_document_has_the_places_for_flaws() {
        let text = fs::read_to_string(crate::root().join(DOCUMENT)).unwrap();
        assert!(text.contains(UNUSED.0) && text.contains(UNKNOWN.0));
    }
}
