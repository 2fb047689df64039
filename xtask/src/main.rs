//! The repository's commands: `cargo xtask codegen`, `spec`, `deps`, `test`, `bench`.
#![allow(clippy::print_stdout, reason = "a program for people at a terminal")]

mod bench;
mod browser;
mod codegen;
mod coverage;
mod crash;
mod deps;
mod fuzz;
mod identity;
mod install;
mod npm;
mod peers;
mod postgres;
mod process;
mod spec;
mod sync;
mod test;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crash::Length;

/// The repository's commands.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Write everything that is generated from `openapi/debitor.yaml`.
    Codegen {
        /// Only compare; exit 1 if anything is stale.
        #[arg(long)]
        check: bool,
    },
    /// Check the document with other people's linters: Spectral, Redocly, openapi-spec-validator.
    Spec,
    /// Check licences, sources, duplicates and bans of dependencies.
    Deps,
    /// Set up all that is needed and run every check and every test.
    Test {
        /// Run the crash tests in their long form, an hour instead of a few minutes, and the fuzz
        /// targets, a minute each.
        #[arg(long)]
        nightly: bool,
    },
    /// Measure the server against the machine's limits and peers.
    Bench(bench::Options),
}

fn main() -> ExitCode {
    let root = root();
    let result = match Cli::parse().command {
        Command::Codegen { check: false } => codegen::write(&root),
        Command::Codegen { check: true } => codegen::check(&root),
        Command::Spec => spec::check(&root),
        Command::Deps => deps::check(&root),
        Command::Test { nightly: false } => test::run_all(&root, Length::Short),
        Command::Test { nightly: true } => test::run_all(&root, Length::Long),
        Command::Bench(options) => bench::run_all(&root, &options),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// The repository: the folder above this crate's.
fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_path_buf()
}
