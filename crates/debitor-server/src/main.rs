//! The program `debitor-server`.

mod cli;
mod commands;

use std::process::ExitCode;

use clap::Parser;

use cli::Cli;
use debitor_server::{config, store};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    match commands::run(Cli::parse()) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            exit_code(&error)
        }
    }
}

/// Whether the settings have to change, or the database's schema or roles.
fn is_configuration(error: &anyhow::Error) -> bool {
    error.is::<config::Faults>() || error.is::<store::NewerSchema>() || error.is::<store::Unfit>()
}

/// Tells whoever runs the program what kind of help it needs, as `sysexits.h` has it.
fn exit_code(error: &anyhow::Error) -> ExitCode {
    const STORAGE: u8 = 74;
    const CONFIGURATION: u8 = 78;
    let failed = error.is::<store::Failed>() || error.chain().any(store::sqlite::is_io);
    if failed {
        ExitCode::from(STORAGE)
    } else if is_configuration(error) {
        ExitCode::from(CONFIGURATION)
    } else {
        ExitCode::FAILURE
    }
}
