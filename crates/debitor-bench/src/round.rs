//! Rounds: in each, every server starts on a fresh copy of the same data, and they take turns at
//! every operation, so that a change of the machine's mood meets them all.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use tokio::runtime::Runtime;

use crate::fill::{self, Lists};
use crate::operation::Operation;
use crate::process;
use crate::results::{Cell, Round, Sample};
use crate::server::{Running, Server};
use crate::wrk::{Load, Outcome};

/// A server and the number of customers that it starts with.
#[derive(Debug, Clone)]
pub(crate) struct Entrant {
    pub(crate) server: Server,
    pub(crate) customers: u64,
}

/// What is measured in every round.
pub(crate) struct Plan {
    pub(crate) entrants: Vec<Entrant>,
    /// Operations and how many clients ask for them, in this order.
    pub(crate) cells: Vec<(Operation, usize)>,
    pub(crate) seconds: u64,
    pub(crate) folder: PathBuf,
    /// The program that measures the disk.
    pub(crate) limits: PathBuf,
}

impl Entrant {
    fn name(&self) -> String {
        format!("{}-{}", self.server.name, self.customers)
    }
}

impl Plan {
    /// Fills every server once; the rounds begin with copies of what they have then.
    pub(crate) fn prepare(&self, runtime: &Runtime) -> Result<()> {
        for entrant in self
            .entrants
            .iter()
            .filter(|entrant| entrant.server.stores())
        {
            let folder = self.folder.join("filled").join(entrant.name());
            println!(
                "filling {} with {} customers",
                entrant.server.name, entrant.customers
            );
            let mut running = entrant.server.start(&folder)?;
            runtime.block_on(fill::fill(&running, entrant.customers))?;
            runtime.block_on(Lists::read(&running))?;
            running.process.stop()?;
            entrant.server.tidy(&folder)?;
        }
        Ok(())
    }

    pub(crate) fn round(&self, number: usize, runtime: &Runtime) -> Result<Round> {
        let folder = self.folder.join("round");
        let _ = std::fs::remove_dir_all(&folder);
        let fdatasync = self.fdatasync()?;
        let mut running = self.start(&folder)?;
        let samples = self.turns(number, &running, runtime)?;
        for server in &mut running {
            server.process.stop()?;
        }
        Ok(Round { fdatasync, samples })
    }

    /// The same with servers that run already, for operations that change nothing.
    pub(crate) fn round_of(
        &self,
        number: usize,
        running: &[Running],
        runtime: &Runtime,
    ) -> Result<Round> {
        let fdatasync = self.fdatasync()?;
        let samples = self.turns(number, running, runtime)?;
        Ok(Round { fdatasync, samples })
    }

    fn turns(&self, number: usize, running: &[Running], runtime: &Runtime) -> Result<Vec<Sample>> {
        let mut samples = Vec::new();
        let turns = running.len();
        for (index, &(operation, clients)) in self.cells.iter().enumerate() {
            for turn in 0..turns {
                let which = (turn + number + index) % turns;
                let (entrant, server) = (&self.entrants[which], &running[which]);
                if !server.server.can(operation) {
                    continue;
                }
                let seed = (number * 1000 + index * 10 + which) as u64;
                let outcome = self.measure(server, operation, clients, seed, runtime);
                let what = || format!("{} {operation:?} with {clients} clients", entrant.name());
                let (outcome, used) = outcome.with_context(what)?;
                let cell = Cell {
                    server: entrant.server.name.clone(),
                    operation,
                    clients,
                    customers: entrant.customers,
                };
                samples.push(sample(cell, &outcome, &used));
            }
        }
        Ok(samples)
    }

    /// Starts every server on what it was filled with, which no round is to change then.
    pub(crate) fn start_filled(&self) -> Result<Vec<Running>> {
        let folder = self.folder.join("filled");
        let start = |entrant: &Entrant| entrant.server.start(&folder.join(entrant.name()));
        self.entrants.iter().map(start).collect()
    }

    fn start(&self, folder: &Path) -> Result<Vec<Running>> {
        let start = |entrant: &Entrant| self.start_copy(entrant, &folder.join(entrant.name()));
        self.entrants.iter().map(start).collect()
    }

    /// Starts the server of this name on a fresh copy of its data.
    pub(crate) fn start_one(&self, name: &str, folder: &Path) -> Result<Running> {
        let entrant = self
            .entrants
            .iter()
            .find(|entrant| entrant.server.name == name);
        self.start_copy(entrant.with_context(|| name.to_owned())?, folder)
    }

    fn start_copy(&self, entrant: &Entrant, folder: &Path) -> Result<Running> {
        if entrant.server.stores() {
            let filled = self.folder.join("filled").join(entrant.name());
            entrant.server.copy(&filled, folder)?;
        }
        entrant.server.start(folder)
    }

    fn measure(
        &self,
        server: &Running,
        operation: Operation,
        clients: usize,
        seed: u64,
        runtime: &Runtime,
    ) -> Result<(Outcome, Used)> {
        let stores = server.server.stores();
        if operation.needs_versions() {
            runtime.block_on(Lists::read(server))?;
        }
        let lists = Lists::of(&server.folder);
        let customers = match operation {
            operation if operation.is_look_up() => Some(lists.look_ups(operation)),
            Operation::NextPage => Some(lists.pages),
            Operation::List | Operation::Create | Operation::Count => None,
            _ => Some(lists.customers),
        };
        let rows = || {
            if stores {
                runtime.block_on(fill::count(server))
            } else {
                Ok(0)
            }
        };
        let (rows_before, before) = (rows()?, server.process.usage());
        let database_before = server.database_seconds();
        let outcome = Load {
            host: &server.host,
            request: operation.lua(&server.dialect, &server.host),
            customers: customers.as_deref(),
            clients,
            seconds: self.seconds,
            seed,
            folder: &self.folder,
        }
        .run()?;
        server.settle()?;
        let (after, database_after) = (server.process.usage(), server.database_seconds());
        if stores {
            operation.check(outcome.requests, clients, rows_before, rows()?)?;
        }
        let each = |before: f64, after: f64| (after - before) * 1e6 / outcome.requests as f64;
        let database = database_before.zip(database_after);
        let used = Used {
            cpu: each(before.cpu_seconds, after.cpu_seconds),
            database_cpu: database.map(|(before, after)| each(before, after)),
            memory_mib: after.memory_mib,
        };
        Ok((outcome, used))
    }

    fn fdatasync(&self) -> Result<f64> {
        let output = process::command(&self.limits)
            .arg("fdatasync")
            .arg(self.folder.join("block"))
            .arg(self.seconds.to_string())
            .output()?;
        ensure!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        Ok(String::from_utf8_lossy(&output.stdout).trim().parse()?)
    }
}

/// What a server and its database used for a request, and the server's memory.
struct Used {
    cpu: f64,
    database_cpu: Option<f64>,
    memory_mib: f64,
}

fn sample(cell: Cell, outcome: &Outcome, used: &Used) -> Sample {
    let sample = Sample {
        cell,
        rate: outcome.requests as f64 / outcome.seconds,
        cpu: used.cpu,
        database_cpu: used.database_cpu,
        memory_mib: used.memory_mib,
        p50: outcome.p50,
        p90: outcome.p90,
        p99: outcome.p99,
        p999: outcome.p999,
        max: outcome.max,
    };
    println!("{}", crate::report::line(&sample));
    sample
}
