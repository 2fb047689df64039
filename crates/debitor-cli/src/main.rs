//! The program `debitor`: every operation of the service as a command.
//!
//! The commands and their flags are generated from `openapi/debitor.yaml`. Written by hand are how
//! they nest, where the answer goes, and what the exit code says.

mod all;
mod body;
mod commands;
mod failure;
mod output;
mod table;

#[rustfmt::skip]
#[allow(
    clippy::all, clippy::pedantic, clippy::allow_attributes_without_reason,
    clippy::unwrap_used, clippy::todo,
    unreachable_pub, unused_lifetimes, unused_variables, unused_imports, dead_code,
    reason = "generated"
)]
#[path = "generated/cli.rs"]
mod generated;

use std::cell::Cell;
use std::process::ExitCode;

use clap::ArgMatches;
use clap::error::{Error, ErrorKind};
use debitor_client::Client;
use tokio::runtime;

use crate::failure::USAGE;
use crate::generated::{Cli, CliCommand};
use crate::output::{Format, Printer};

fn main() -> ExitCode {
    run().unwrap_or_else(|error| {
        // Help goes to standard output and ends well. A reader that is gone is nobody's fault.
        let _ = error.print();
        if error.use_stderr() {
            ExitCode::from(USAGE)
        } else {
            ExitCode::SUCCESS
        }
    })
}

fn run() -> Result<ExitCode, Error> {
    let matches = commands::command().try_get_matches()?;
    let (command, matches) = commands::chosen(&matches).ok_or_else(|| usage("no command"))?;
    let client = client(matches)?;
    Ok(execute(client, command, matches))
}

fn client(matches: &ArgMatches) -> Result<Client, Error> {
    let setting = |name: &str, variable: &str| {
        let value = matches
            .get_one::<String>(name)
            .filter(|value| !value.is_empty());
        value.ok_or_else(|| usage(&format!("`--{name}` or {variable} is required")))
    };
    let (url, token) = (
        setting("url", "DEBITOR_URL")?,
        setting("token", "DEBITOR_TOKEN")?,
    );
    Client::authorized(url, token).map_err(|error| usage(&error.to_string()))
}

fn usage(problem: &str) -> Error {
    commands::command().error(ErrorKind::InvalidValue, problem)
}

fn execute(client: Client, command: CliCommand, matches: &ArgMatches) -> ExitCode {
    let failure = Cell::new(None);
    let printer = Printer {
        format: Format::of(matches),
        failure: &failure,
    };
    let result = runtime::Builder::new_current_thread().enable_all().build();
    let result = result
        .map_err(anyhow::Error::new)
        .and_then(|runtime| runtime.block_on(Cli::new(client, printer).execute(command, matches)))
        .and_then(|()| failure.take().map_or(Ok(()), Err));
    result.map_or_else(|error| failure::report(&error), |()| ExitCode::SUCCESS)
}
