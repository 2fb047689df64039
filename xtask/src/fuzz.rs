//! The fuzz targets: all inputs of the query options' parsers that libFuzzer thinks of in a minute.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::crash::Length;
use crate::process::{command, need, output, run};

/// The version of cargo-fuzz.
const VERSION: &str = "0.13.2";

const TARGETS: [&str; 5] = ["filter", "orderby", "select", "search", "skiptoken"];

/// Every target for a minute, in the long form only: the tests of each change try random inputs too.
pub(crate) fn test(root: &Path, length: Length) -> Result<()> {
    if length == Length::Short {
        println!("the fuzz targets run in `cargo xtask test --nightly`");
        return Ok(());
    }
    need(&["c++", "--version"], &["g++"])?;
    let program = cargo_fuzz(root)?;
    for target in TARGETS {
        one(root, &program, target)?;
    }
    Ok(())
}

/// What a target finds stands below `target/fuzz` with the input that made it fail.
fn one(root: &Path, program: &Path, target: &str) -> Result<()> {
    let folder = root.join("target/fuzz");
    let corpus = folder.join("corpus").join(target);
    fs::create_dir_all(&corpus).with_context(|| corpus.display().to_string())?;
    let found = format!("-artifact_prefix={}/{target}-", folder.display());
    let dictionary = format!("-dict={}", root.join("fuzz/words.dict").display());
    // There is no unsafe code in the parsers, for which sanitizers would look. Slow inputs are
    // told by the target, but for those that have no end.
    let mut fuzz = command(root, program, &["run", "--sanitizer", "none"]);
    fuzz.arg("--target-dir")
        .arg(&folder)
        .arg(target)
        .arg(corpus);
    fuzz.args([
        "--",
        "-max_total_time=60",
        "-max_len=4096",
        "-timeout=10",
        &found,
        &dictionary,
    ]);
    // The compiler of the repository's toolchain has no coverage for libFuzzer.
    run(fuzz.env("RUSTUP_TOOLCHAIN", "nightly").env_remove("CARGO"))
}

/// The pinned cargo-fuzz, built once below `target/tools`, and the compiler that it needs.
fn cargo_fuzz(root: &Path) -> Result<PathBuf> {
    if output("cargo", &["+nightly", "--version"]).is_none() {
        let install = ["toolchain", "install", "nightly", "--profile", "minimal"];
        run(&mut command(root, "rustup", &install))?;
    }
    let folder = root.join("target/tools/cargo-fuzz");
    let program = folder.join("bin/cargo-fuzz");
    let wanted = format!("cargo-fuzz {VERSION}");
    if output(&program, &["--version"]).as_deref() == Some(&wanted) {
        return Ok(program);
    }
    let folder = folder.to_string_lossy();
    let version = format!("={VERSION}");
    let install = [
        "install",
        "cargo-fuzz",
        "--version",
        &version,
        "--locked",
        "--debug",
    ];
    let mut install = command(root, "cargo", &install);
    run(install.args(["--config", "profile.dev.debug=false", "--root", &folder]))?;
    Ok(program)
}
