//! The program `debitor-bench`: our server, the machine's limits and peers, measured in turns.
#![allow(clippy::print_stdout, reason = "a program for people at a terminal")]
#![allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "figures with three digits that tell"
)]

mod admission;
mod customer;
mod dialect;
mod fill;
mod http;
mod instructions;
mod lists;
mod machine;
mod open_loop;
mod operation;
mod plot;
mod postgres;
mod process;
mod report;
mod request;
mod results;
mod round;
mod run;
mod scale;
mod server;
mod storage;
mod summary;
mod targets;
mod wrk;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::Parser;

use open_loop::Schedule;

#[derive(Parser)]
enum Command {
    /// Measures.
    Run(Box<run::Options>),
    /// Writes the text and the plots anew from the JSON in a folder.
    Plot { folder: PathBuf },
    /// Says what a great number of customers needs, from the results of a run on PostgreSQL.
    Scale(scale::Options),
    /// Counts the instructions of operations, and compares them with those of the repository.
    Instructions(instructions::Options),
    /// Sends requests at a fixed rate, as the schedule in JSON says.
    #[command(hide = true)]
    OpenLoop { schedule: String },
}

fn main() -> ExitCode {
    let result = match Command::parse() {
        Command::Run(options) => run::run(*options),
        Command::Plot { folder } => run::redraw(&folder),
        Command::Scale(options) => scale::tell(&options),
        Command::Instructions(options) => instructions::check(&options),
        Command::OpenLoop { schedule } => open_loop(&schedule),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn open_loop(schedule: &str) -> Result<()> {
    let schedule: Schedule = serde_json::from_str(schedule)?;
    println!("{}", serde_json::to_string(&schedule.measure()?)?);
    Ok(())
}
