//! The program `debitor-bench`: our server, the machine's limits and peers, measured in turns.
#![allow(clippy::print_stdout, reason = "a program for people at a terminal")]

mod customer;
mod dialect;
mod fill;
mod http;
mod machine;
mod operation;
mod process;
mod report;
mod request;
mod results;
mod round;
mod server;
mod wrk;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, Parser};

use operation::Operation;
use round::{Entrant, Plan};
use server::Server;

#[derive(Parser)]
enum Command {
    /// Measures.
    Run(Run),
}

#[derive(Args)]
struct Run {
    /// The program `debitor-server`.
    #[arg(long)]
    server: PathBuf,
    /// The program `debitor-bench-limits`.
    #[arg(long)]
    limits: PathBuf,
    /// Where the data are kept while it runs; emptied before.
    #[arg(long)]
    folder: PathBuf,
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// The time of each operation.
    #[arg(long, default_value_t = 5)]
    seconds: u64,
    /// Customers in the company at the beginning.
    #[arg(long, default_value_t = 10_000)]
    customers: u64,
    #[arg(long, value_delimiter = ',', default_value = "1,4,16,64,256")]
    clients: Vec<usize>,
    #[arg(
        long,
        value_delimiter = ',',
        default_value = "get,list,patch,mixed,create,delete"
    )]
    operations: Vec<Operation>,
}

fn main() -> ExitCode {
    match run(Command::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<()> {
    let Command::Run(run) = command;
    let _ = std::fs::remove_dir_all(&run.folder);
    std::fs::create_dir_all(&run.folder)?;
    let runtime = tokio::runtime::Runtime::new()?;
    let entrant = |server| Entrant {
        server,
        customers: run.customers,
    };
    let clients = |operation| run.clients.iter().map(move |clients| (operation, *clients));
    let plan = Plan {
        entrants: vec![
            entrant(Server::ours(&run.server)),
            entrant(Server::limits(&run.limits)),
        ],
        cells: run.operations.iter().copied().flat_map(clients).collect(),
        seconds: run.seconds,
        limits: run.limits,
        folder: run.folder,
    };
    plan.prepare(&runtime)?;
    for number in 0..run.rounds {
        plan.round(number, &runtime)?;
    }
    Ok(())
}
