//! A whole run: admission, rounds, growth, the open loop, the soak.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use clap::Args;
use tokio::runtime::Runtime;

use crate::admission::Admission;
use crate::machine::Machine;
use crate::open_loop::{Latency, Schedule};
use crate::operation::Operation::{self, Count, Create, Delete, Get, List, Mixed, NextPage, Patch};
use crate::postgres::Postgres;
use crate::results::{Results, Settings, Soak};
use crate::round::{Entrant, Plan};
use crate::server::{OURS, Server};
use crate::storage::Storage;
use crate::summary::MANY;
use crate::wrk::Load;
use crate::{plot, process, report, summary};

const GROWTH: [Operation; 5] = [Get, List, NextPage, Count, Create];

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The program `debitor-server`.
    #[arg(long)]
    server: PathBuf,
    /// The program `debitor-bench-limits`.
    #[arg(long)]
    limits: PathBuf,
    /// Where the data are kept while it runs; emptied before.
    #[arg(long)]
    folder: PathBuf,
    /// Where the results are written.
    #[arg(long)]
    output: PathBuf,
    /// Another build of `debitor-server`, to compare with.
    #[arg(long)]
    against: Option<PathBuf>,
    /// Keep every server's data in PostgreSQL, whose programs are in this folder.
    #[arg(long)]
    postgres: Option<PathBuf>,
    /// The folder of an installed peer; can be given several times.
    #[arg(long = "peer")]
    peers: Vec<PathBuf>,
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// The time of each operation.
    #[arg(long, default_value_t = 5)]
    seconds: u64,
    /// Customers in the company at the beginning.
    #[arg(long, default_value_t = 10_000)]
    customers: u64,
    /// Customers in greater companies, for the table of growth; 0 leaves it out.
    #[arg(long, value_delimiter = ',', default_value = "100000,1000000")]
    growth: Vec<u64>,
    /// Closed-loop clients; patch, mixed and delete have only 1 and 64 of these.
    #[arg(long, value_delimiter = ',', default_value = "1,4,16,64,256")]
    clients: Vec<usize>,
    #[arg(
        long,
        value_delimiter = ',',
        default_value = "get,list,patch,mixed,create,delete"
    )]
    operations: Vec<Operation>,
    /// The time of the open loop; 0 leaves it out.
    #[arg(long, default_value_t = 30)]
    open_loop: u64,
    /// The time of the soak; 0 leaves it out.
    #[arg(long, default_value_t = 600)]
    soak: u64,
}

/// Measures everything that the options name, and writes the results.
pub(crate) fn run(mut options: Options) -> Result<()> {
    let _ = std::fs::remove_dir_all(&options.folder);
    std::fs::create_dir_all(&options.folder)?;
    // Servers and scripts have working directories of their own.
    options.folder = options.folder.canonicalize()?;
    let runtime = Runtime::new()?;
    let database = options.database()?;
    let servers = options.servers(database.as_ref())?;
    let mut results = Results {
        machine: Machine::describe(&options.folder),
        settings: options.settings(database.as_deref())?,
        admissions: options.admit(&servers, &runtime)?,
        rounds: Vec::new(),
        growth: Vec::new(),
        latency: Vec::new(),
        soak: None,
        storage: None,
    };
    if let (Some(database), Some(server)) = (&database, servers.first()) {
        let folder = options.folder.join("storage");
        let storage = Storage::measure(server, database, &folder, &runtime)?;
        results.storage = Some(storage);
    }
    let plan = options.plan(&servers);
    plan.prepare(&runtime)?;
    for number in 0..options.rounds {
        println!("round {} of {}", number + 1, options.rounds);
        results.rounds.push(plan.round(number, &runtime)?);
    }
    results.latency = options.latency(&servers, &results)?;
    results.soak = options.soak(&plan)?;
    if options.greater().next().is_some() {
        let plan = options.growth_plan(database.as_ref(), &results.settings.sizes);
        plan.prepare(&runtime)?;
        for number in 0..options.rounds {
            println!("round {} of {}, growth", number + 1, options.rounds);
            results.growth.push(plan.round(number, &runtime)?);
        }
    }
    write(&results, &options.output)?;
    println!("\n{}", report::markdown(&results));
    let kept = summary::kept(&results.rounds).len();
    ensure!(
        kept > 0,
        "every round was disturbed: the machine was too busy to say anything"
    );
    Ok(())
}

/// Writes the text and the plots of results that were written before.
pub(crate) fn redraw(folder: &Path) -> Result<()> {
    let file = File::open(folder.join("latest.json")).context("latest.json")?;
    let results: Results = serde_json::from_reader(file)?;
    put(&folder.join("latest.md"), &report::markdown(&results))?;
    plot::draw(&results, folder)
}

fn write(results: &Results, folder: &Path) -> Result<()> {
    std::fs::create_dir_all(folder)?;
    let json = serde_json::to_string_pretty(results)?;
    put(&folder.join("latest.json"), &(json + "\n"))?;
    redraw(folder)
}

/// Writes beside the file and renames, so that an interrupted run leaves the old results.
pub(crate) fn put(path: &Path, text: &str) -> Result<()> {
    let new = path.with_extension("new");
    File::create(&new)?.write_all(text.as_bytes())?;
    Ok(std::fs::rename(new, path)?)
}

impl Options {
    fn database(&self) -> Result<Option<Rc<Postgres>>> {
        let start = |programs: &PathBuf| Postgres::start(programs, &self.folder).map(Rc::new);
        self.postgres.as_ref().map(start).transpose()
    }

    fn settings(&self, database: Option<&Postgres>) -> Result<Settings> {
        Ok(Settings {
            seconds: self.seconds,
            sizes: [self.customers].into_iter().chain(self.greater()).collect(),
            real_time_priority: process::real_time(),
            log_filter: "warn".to_owned(),
            database: database.map(Postgres::describe).transpose()?,
        })
    }

    fn greater(&self) -> impl Iterator<Item = u64> {
        self.growth
            .iter()
            .copied()
            .filter(|customers| *customers > 0)
    }

    fn servers(&self, database: Option<&Rc<Postgres>>) -> Result<Vec<Server>> {
        let mut servers = vec![Server::ours(&self.server)];
        servers.extend(self.against.as_deref().map(Server::before));
        for folder in &self.peers {
            let name = folder.file_name().and_then(|name| name.to_str());
            servers.push(Server::peer(
                name.context("a peer's folder has a name")?,
                folder,
            ));
        }
        let with_data = servers.into_iter().map(|server| server.on(database));
        Ok(with_data.collect())
    }

    fn admit(&self, servers: &[Server], runtime: &Runtime) -> Result<Vec<Admission>> {
        let folder = self.folder.join("admission");
        std::fs::create_dir_all(&folder)?;
        let mut admissions = Vec::new();
        for server in servers {
            let admission = runtime.block_on(Admission::of(server, &folder));
            let admission = admission.with_context(|| server.name.clone())?;
            println!(
                "{}: {:.2} fsyncs a create",
                admission.title, admission.syncs_per_create
            );
            admissions.push(admission);
        }
        Ok(admissions)
    }

    fn plan(&self, servers: &[Server]) -> Plan {
        let servers = servers.iter().cloned();
        let servers = servers.chain([Server::limits(&self.limits)]);
        let entrant = |server| Entrant {
            server,
            customers: self.customers,
        };
        let cell = |operation| {
            self.clients
                .iter()
                .map(move |&clients| (operation, clients))
        };
        let few = |(operation, clients): &(Operation, usize)| {
            !matches!(operation, Patch | Mixed | Delete) || [1, MANY].contains(clients)
        };
        Plan {
            entrants: servers.map(entrant).collect(),
            cells: self
                .operations
                .iter()
                .copied()
                .flat_map(cell)
                .filter(few)
                .collect(),
            seconds: self.seconds,
            folder: self.folder.clone(),
            limits: self.limits.clone(),
        }
    }

    fn growth_plan(&self, database: Option<&Rc<Postgres>>, sizes: &[u64]) -> Plan {
        let ours = |&customers: &u64| Entrant {
            server: Server::ours(&self.server).on(database),
            customers,
        };
        let limits = Entrant {
            server: Server::limits(&self.limits),
            customers: 0,
        };
        Plan {
            entrants: sizes.iter().map(ours).chain([limits]).collect(),
            cells: GROWTH.map(|operation| (operation, MANY)).to_vec(),
            seconds: self.seconds,
            folder: self.folder.join("growth"),
            limits: self.limits.clone(),
        }
    }

    /// Creates at half the rate that each durable server reached in the closed loop.
    fn latency(&self, servers: &[Server], results: &Results) -> Result<Vec<Latency>> {
        let mut all = Vec::new();
        for server in servers.iter().filter(|_| self.open_loop > 0) {
            let durable = results
                .admissions
                .iter()
                .any(|own| own.server == server.name && own.is_durable());
            let capacity = results.spread((&server.name, Create, MANY), |sample| sample.rate);
            if let (Some(capacity), true) = (capacity, durable) {
                all.push(self.open_loop(server, capacity.median / 2.0)?);
            }
        }
        Ok(all)
    }

    fn open_loop(&self, server: &Server, rate: f64) -> Result<Latency> {
        println!("open loop: {} creates at {rate:.0}/s", server.name);
        let server = server.start(&self.folder.join("open-loop").join(&server.name))?;
        let schedule = Schedule {
            server: server.server.name.clone(),
            request: server.dialect.create().text(&server.host),
            host: server.host.clone(),
            rate,
            seconds: self.open_loop as f64,
        };
        schedule.run()
    }

    fn soak(&self, plan: &Plan) -> Result<Option<Soak>> {
        if self.soak == 0 {
            return Ok(None);
        }
        println!("soak: {} s", self.soak);
        let server = plan.start_one(OURS, &self.folder.join("soak"))?;
        let customers = server.folder.join("customers.txt");
        let load = Load {
            host: &server.host,
            request: Mixed.lua(&server.dialect, &server.host),
            customers: Some(&customers),
            clients: MANY,
            seconds: self.soak,
            seed: 1,
            folder: &self.folder,
        };
        let ended = AtomicBool::new(false);
        let mut memory_mib = Vec::new();
        let outcome = thread::scope(|scope| {
            let load = scope.spawn(|| {
                let outcome = load.run();
                ended.store(true, Ordering::Release);
                outcome
            });
            while !ended.load(Ordering::Acquire) {
                memory_mib.push(server.process.usage().memory_mib);
                thread::sleep(Duration::from_secs(1));
            }
            match load.join() {
                Ok(outcome) => outcome,
                Err(_) => bail!("the load panicked"),
            }
        })?;
        let rate = outcome.requests as f64 / outcome.seconds;
        Ok(Some(Soak { rate, memory_mib }))
    }
}
