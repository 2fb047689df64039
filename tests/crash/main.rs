//! `debitor-crash`: programs that break the server's world and hold what is left against what its
//! clients were promised.
//!
//! Each prints its figures. One that fails keeps its folder, with the journal of what the clients
//! sent and were answered, and prints the command that repeats it.

#![allow(clippy::print_stdout, reason = "a program for people at a terminal")]

mod arena;
mod audit;
mod balancer;
mod cancel;
mod client;
mod commit;
mod contents;
mod database;
mod disk;
mod drill;
mod failover;
mod failpoints;
mod faults;
mod figures;
mod full;
mod history;
mod journal;
mod kill;
mod memory;
mod migrate;
mod oracle;
mod overload;
mod power;
mod register;
mod replicas;
mod rolling;
mod second;
mod server;
mod slow;
mod state;
mod storm;
mod tool;
mod wal;
mod workload;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use clap::{Parser, Subcommand};

use figures::Figures;

/// Breaks the server's world, and checks that no promise to a client is broken with it.
#[derive(Debug, Parser)]
#[command(name = "debitor-crash")]
struct Cli {
    #[command(subcommand)]
    program: Program,
    /// What decides all random choices; one is drawn unless it is given.
    #[arg(long, global = true)]
    seed: Option<u64>,
    /// The server [default: `debitor-server` beside this program].
    #[arg(long, global = true, value_name = "FILE")]
    server: Option<PathBuf>,
    /// Where the files stand meanwhile [default: `crash` in cargo's target folder].
    #[arg(long, global = true, value_name = "DIR")]
    folder: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum Program {
    /// SIGKILL at random moments, with eight clients in the same group commits.
    Kill {
        #[arg(long, default_value_t = 60)]
        kills: usize,
    },
    /// An abort at each named place of the server, built with the feature `failpoints`.
    Failpoints {
        #[arg(long, default_value_t = 1)]
        times: usize,
    },
    /// The Nth write, sync or opening of a file fails. Needs `cc`.
    Faults {
        /// The step from one N to the next; with 1 every call fails once.
        #[arg(long, default_value_t = 12)]
        stride: usize,
    },
    /// Requests with idempotency keys, each sent three times, with cuts and kills.
    Storm {
        #[arg(long, default_value_t = 300)]
        keys: usize,
    },
    /// A store of the first schema, whose migration is killed anywhere.
    Migrate,
    /// Backup under load, kill, restore.
    Drill {
        #[arg(long, default_value_t = 2)]
        drills: usize,
    },
    /// Power cuts of a disk, and the control that must lose something. Needs root and `cc`.
    Power {
        #[arg(long, default_value_t = 10)]
        cuts: usize,
    },
    /// A write-ahead log cut at every frame's end, a byte before and a byte after.
    Wal {
        #[arg(long, default_value_t = 200)]
        cuts: usize,
    },
    /// A disk without space. Needs root.
    Full {
        #[arg(long, default_value_t = 24)]
        mebibytes: u32,
    },
    /// A second process on the same store, and stores copied while they are written.
    Second {
        #[arg(long, default_value_t = 10)]
        copies: usize,
    },
    /// Sixteen clients on the same customers, whose history must have no anomaly.
    History {
        #[arg(long, default_value_t = 10)]
        seconds: u64,
    },
    /// Clients of a server on PostgreSQL that hang up in the middle of their requests.
    Cancel {
        #[arg(long, default_value_t = 5000)]
        requests: u64,
    },
    /// Three servers on one database behind a balancer, restarted and killed in turn.
    Rolling {
        #[arg(long, default_value_t = 1)]
        restarts: usize,
    },
    /// The clients of `history`, spread over three servers on one database.
    Replicas {
        #[arg(long, default_value_t = 10)]
        seconds: u64,
    },
    /// A primary killed and its standby promoted, a standby that hangs, and waits for it that are
    /// cancelled.
    Failover {
        #[arg(long, default_value_t = 3)]
        failovers: usize,
    },
    /// Five times as many requests as the server can answer.
    Overload {
        #[arg(long, default_value_t = 5)]
        seconds: u64,
    },
    /// Crowds of slow clients, and ten thousand idle ones.
    Slow {
        /// Of each kind.
        #[arg(long, default_value_t = 100)]
        sockets: usize,
        #[arg(long, default_value_t = 10_000)]
        idle: usize,
        /// With the limits that a server has by itself, in place of a tenth of them.
        #[arg(long)]
        usual_limits: bool,
    },
    /// Replies to COMMIT that never come back from PostgreSQL.
    Commit {
        #[arg(long, default_value_t = 200)]
        cuts: usize,
    },
}

/// What every program needs to know.
struct Run {
    seed: u64,
    server: PathBuf,
    /// A folder of the run's own.
    folder: PathBuf,
}

impl Run {
    /// A part of the run, with a folder of its own.
    fn case(&self, name: impl AsRef<Path>) -> Self {
        Self {
            seed: self.seed,
            server: self.server.clone(),
            folder: self.folder.join(name),
        }
    }
}

impl Program {
    fn name(&self) -> &'static str {
        match self {
            Self::Kill { .. } => "kill",
            Self::Failpoints { .. } => "failpoints",
            Self::Faults { .. } => "faults",
            Self::Storm { .. } => "storm",
            Self::Migrate => "migrate",
            Self::Drill { .. } => "drill",
            Self::Power { .. } => "power",
            Self::Wal { .. } => "wal",
            Self::Full { .. } => "full",
            Self::Second { .. } => "second",
            Self::History { .. } => "history",
            Self::Cancel { .. } => "cancel",
            Self::Failover { .. } => "failover",
            Self::Commit { .. } => "commit",
            Self::Overload { .. } => "overload",
            Self::Rolling { .. } => "rolling",
            Self::Slow { .. } => "slow",
            Self::Replicas { .. } => "replicas",
        }
    }

    async fn run(&self, run: &Run) -> Result<Figures> {
        match self {
            Self::Kill { kills } => kill::run(run, *kills).await,
            Self::Failpoints { times } => failpoints::run(run, *times).await,
            Self::Faults { stride } => faults::run(run, *stride).await,
            Self::Storm { keys } => storm::run(run, *keys).await,
            Self::Migrate => migrate::run(run).await,
            Self::Drill { drills } => drill::run(run, *drills).await,
            Self::Power { cuts } => power::run(run, *cuts).await,
            Self::Wal { cuts } => wal::run(run, *cuts).await,
            Self::Full { mebibytes } => full::run(run, *mebibytes).await,
            Self::Second { copies } => second::run(run, *copies).await,
            Self::History { seconds } => history::run(run, *seconds).await,
            Self::Cancel { requests } => cancel::run(run, *requests).await,
            Self::Failover { failovers } => failover::run(run, *failovers).await,
            Self::Commit { cuts } => commit::run(run, *cuts).await,
            Self::Overload { seconds } => overload::run(run, *seconds).await,
            Self::Rolling { restarts } => rolling::run(run, *restarts).await,
            Self::Replicas { seconds } => replicas::run(run, *seconds).await,
            Self::Slow {
                sockets,
                idle,
                usual_limits,
            } => {
                let plan = slow::Plan {
                    sockets: *sockets,
                    idle: *idle,
                    usual: *usual_limits,
                };
                slow::run(run, &plan).await
            }
        }
    }
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let done = prepare(&cli).and_then(|run| {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()?;
        runtime.block_on(report(&cli.program, &run))
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Finds the server, and makes an empty folder for the run.
fn prepare(cli: &Cli) -> Result<Run> {
    let own = std::env::current_exe()?;
    let server = cli
        .server
        .clone()
        .unwrap_or_else(|| own.with_file_name("debitor-server"));
    ensure!(
        server.is_file(),
        "there is no {}: `cargo build --workspace --bins --all-features` makes it",
        server.display()
    );
    let target = own.ancestors().nth(2).context("this program's folder")?;
    let seed = cli.seed.unwrap_or_else(|| fastrand::u64(..1_000_000));
    let folder = cli.folder.clone().unwrap_or_else(|| target.join("crash"));
    let folder = folder.join(format!("{}-{seed}", cli.program.name()));
    if folder.exists() {
        std::fs::remove_dir_all(&folder)?;
    }
    std::fs::create_dir_all(&folder)?;
    Ok(Run {
        seed,
        server,
        folder: folder.canonicalize()?,
    })
}

/// Runs the program and prints its figures; a failure keeps everything.
async fn report(program: &Program, run: &Run) -> Result<()> {
    let begun = Instant::now();
    let (name, seed) = (program.name(), run.seed);
    let figures = until_interrupted(program.run(run)).await.with_context(|| {
        let arguments: Vec<_> = std::env::args().skip(1).collect();
        let own = arguments.join(" ");
        let seed = if own.contains("--seed") {
            String::new()
        } else {
            format!(" --seed {seed}")
        };
        format!(
            "{name} failed; its journal and files are in {}\nrepeat it with: cargo run -p \
             debitor-tests --bin debitor-crash -- {own}{seed}\n",
            run.folder.display()
        )
    })?;
    std::fs::remove_dir_all(&run.folder)?;
    println!(
        "{name}: {figures}; {:.0} s, seed {seed}",
        begun.elapsed().as_secs_f64()
    );
    Ok(())
}

/// Carries on until Ctrl-C, after which servers and mounts go as after a failure.
async fn until_interrupted<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    tokio::select! {
        done = work => done,
        _ = tokio::signal::ctrl_c() => Err(anyhow::anyhow!("interrupted")),
    }
}
