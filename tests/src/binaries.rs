//! The programs under test, built before they are used.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The repository's root.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the package stands in the repository")
}

/// The program `debitor-server`.
pub fn server() -> PathBuf {
    built().join("debitor-server")
}

/// The program `debitor`.
pub fn client() -> PathBuf {
    built().join("debitor")
}

/// The folder of the programs, which are built once a run so that none is out of date.
fn built() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let status = Command::new(env!("CARGO"))
            // The same selection as `cargo xtask test`, so that nothing is built twice.
            .args([
                "build",
                "--quiet",
                "--workspace",
                "--bins",
                "--all-features",
            ])
            .current_dir(root())
            .status()
            .expect("cargo runs");
        assert!(status.success(), "the programs do not build");
        target().join("debug")
    })
}

/// The folder that cargo builds into: this test program stands in its `debug/deps`.
pub fn target() -> PathBuf {
    let own = std::env::current_exe().expect("this program has a path");
    own.ancestors()
        .nth(3)
        .expect("three folders above")
        .to_owned()
}
