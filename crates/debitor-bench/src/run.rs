//! A whole run: admission, rounds, growth, the open loop, the soak.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use clap::{Args, ValueEnum};
use tokio::runtime::Runtime;

use crate::admission::Admission;
use crate::machine::Machine;
use crate::open_loop::{Latency, Schedule};
use crate::operation::Operation::{self, Count, Create, Delete, Get, List, Mixed, NextPage, Patch};
use crate::postgres::Postgres;
use crate::results::{Results, Round, Settings, Soak};
use crate::round::{Entrant, Plan};
use crate::server::{BARE, OURS, Server};
use crate::storage::Storage;
use crate::summary::MANY;
use crate::wrk::Load;
use crate::{lists, plot, process, report, summary};

/// What is measured with companies of several sizes.
const GROWTH: [Operation; 5] = [Get, List, NextPage, Count, Create];

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// Every operation and server; the open loop and the soak.
    Operations,
    /// Operations in greater companies.
    Growth,
    /// What lists are asked for, in the least and the greatest company.
    Lists,
    /// Creates without what only lists need, and gets without authentication; needs `--bare`.
    Bare,
}

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
    /// A build of `debitor-server` that leaves out what is to be known the cost of: its creates write
    /// nothing that only lists need, and it lets in who has no credentials.
    #[arg(long)]
    bare: Option<PathBuf>,
    /// What is measured, if not everything.
    #[arg(long, value_delimiter = ',')]
    only: Vec<Part>,
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
    let mut results = Results::new(
        Machine::describe(&options.folder),
        options.settings(database.as_deref())?,
        options.admit(&servers, &runtime)?,
    );
    if options.has(Part::Operations) {
        options.operations(&servers, database.as_deref(), &mut results, &runtime)?;
    }
    if options.greater().next().is_some() {
        options.sizes(database.as_ref(), &mut results, &runtime)?;
    }
    if options.has(Part::Bare) {
        results.bare = options.bare(database.as_ref(), &runtime)?;
    }
    write(&results, &options.output)?;
    println!("\n{}", report::markdown(&results));
    results.ensure_kept()
}

impl Results {
    fn ensure_kept(&self) -> Result<()> {
        let all = [&self.rounds, &self.growth, &self.lists, &self.bare];
        let mut measured = all.into_iter().filter(|rounds| !rounds.is_empty());
        ensure!(
            measured.all(|rounds| !summary::kept(rounds).is_empty()),
            "every round was disturbed: the machine was too busy to say anything"
        );
        Ok(())
    }
}

/// Writes the text and the plots of results that were written before.
pub(crate) fn redraw(folder: &Path) -> Result<()> {
    let file = File::open(folder.join("latest.json")).context("latest.json")?;
    let results: Results = serde_json::from_reader(file)?;
    put(&folder.join("latest.md"), &report::markdown(&results))?;
    plot::draw(&results, folder)
}

/// The least and the greatest company of the plan, asked as lists are. Counts of many clients at once
/// would only wait for each other.
fn lists_plan(plan: Plan, ends: [u64; 2]) -> Plan {
    let is_asked =
        |entrant: &Entrant| !entrant.server.stores() || ends.contains(&entrant.customers);
    let cell = |operation| [1, MANY].map(|clients| (operation, clients));
    let cells = lists::KINDS.into_iter().flat_map(cell);
    Plan {
        cells: cells.filter(|cell| *cell != (Count, MANY)).collect(),
        entrants: plan.entrants.into_iter().filter(is_asked).collect(),
        ..plan
    }
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

    fn has(&self, part: Part) -> bool {
        if self.only.is_empty() {
            // Nobody has to build a server for what was not asked for.
            return part != Part::Bare || self.bare.is_some();
        }
        self.only.contains(&part)
    }

    /// Every operation of every server.
    fn operations(
        &self,
        servers: &[Server],
        database: Option<&Postgres>,
        results: &mut Results,
        runtime: &Runtime,
    ) -> Result<()> {
        if let (Some(database), Some(server)) = (database, servers.first()) {
            let folder = self.folder.join("storage");
            results.storage = Some(Storage::measure(server, database, &folder, runtime)?);
        }
        let plan = self.plan(servers);
        plan.prepare(runtime)?;
        results.rounds = self.rounds(&plan, "operations", runtime)?;
        results.latency = self.latency(servers, results)?;
        results.soak = self.soak(&plan)?;
        Ok(())
    }

    /// Our own server in companies of every size.
    fn sizes(
        &self,
        database: Option<&Rc<Postgres>>,
        results: &mut Results,
        runtime: &Runtime,
    ) -> Result<()> {
        let sizes = &results.settings.sizes;
        let plan = self.growth_plan(database, sizes);
        if self.has(Part::Growth) {
            plan.prepare(runtime)?;
            results.growth = self.rounds(&plan, "growth", runtime)?;
        }
        if self.has(Part::Lists) {
            let plan = lists_plan(plan, results.ends().unwrap_or_default());
            if !self.has(Part::Growth) {
                plan.prepare(runtime)?;
            }
            results.lists = self.lists(plan, runtime)?;
        }
        Ok(())
    }

    fn rounds(&self, plan: &Plan, what: &str, runtime: &Runtime) -> Result<Vec<Round>> {
        let round = |number| {
            println!("round {} of {}, {what}", number + 1, self.rounds);
            plan.round(number, runtime)
        };
        (0..self.rounds).map(round).collect()
    }

    /// The servers run on from round to round, as nothing changes; each begins with another kind.
    fn lists(&self, mut plan: Plan, runtime: &Runtime) -> Result<Vec<Round>> {
        let mut running = plan.start_filled()?;
        for server in running.iter().filter(|server| server.server.stores()) {
            println!("looking at every answer of {}", server.folder.display());
            runtime.block_on(lists::prepare(server))?;
        }
        let mut rounds = Vec::new();
        for number in 0..self.rounds {
            println!("round {} of {}, lists", number + 1, self.rounds);
            rounds.push(plan.round_of(number, &running, runtime)?);
            plan.cells.rotate_left(1);
        }
        for server in &mut running {
            server.process.stop()?;
        }
        Ok(rounds)
    }

    /// Our own server, and the same without what only lists need and without authentication.
    fn bare(&self, database: Option<&Rc<Postgres>>, runtime: &Runtime) -> Result<Vec<Round>> {
        let bare = self
            .bare
            .as_deref()
            .context("a comparison with a bare server needs --bare")?;
        let ours = [Server::ours(&self.server), Server::bare(bare)];
        let servers = ours.map(|server| server.on(database));
        let servers = servers.into_iter().chain([Server::limits(&self.limits)]);
        let entrant = |server| Entrant {
            server,
            customers: self.customers,
        };
        let plan = Plan {
            entrants: servers.map(entrant).collect(),
            cells: vec![(Get, MANY), (Create, 1), (Create, MANY)],
            seconds: self.seconds,
            folder: self.folder.join("bare"),
            limits: self.limits.clone(),
        };
        plan.prepare(runtime)?;
        for (name, expected) in [(OURS, true), (BARE, false)] {
            let server = plan.start_one(name, &plan.folder.join("proof").join(name))?;
            let finds = runtime.block_on(lists::finds(&server))?;
            ensure!(finds == expected, "{name} has another kind of build");
        }
        self.rounds(&plan, "bare", runtime)
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
