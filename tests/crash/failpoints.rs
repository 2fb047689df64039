//! `failpoints`: the process aborts at each named place; what its clients were told must hold.
//!
//! A place that is not reached is a failure: what brings the server there is written down here.

use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use fastrand::Rng;
use tokio::process::Command;
use tokio::task::JoinSet;

use crate::Run;
use crate::arena::Arena;
use crate::figures::Figures;
use crate::server::Server;
use crate::workload::{Plan, Workload};
use crate::{drill, migrate};

const SIGABRT: i32 = 6;
/// The longest way to a place: records are pruned once a minute.
const PATIENCE: Duration = Duration::from_secs(100);
/// Cases at a time. Most of a long case is waiting.
const AT_ONCE: usize = 4;

/// What brings the server to a place.
enum Way {
    /// Clients who write; the place is hit again and again.
    Writes(Plan),
    /// Clients who write, for long.
    Patience(Plan),
    /// The orderly end.
    Stop,
}

pub(crate) async fn run(run: &Run, times: usize) -> Result<Figures> {
    let names = names(run).await?;
    let mut rng = Rng::with_seed(run.seed);
    let mut figures = Figures::default();
    figures.add("failpoints", u64::try_from(names.len())?);
    // The long ones first, so that the others run beside them.
    let (long, short): (Vec<_>, Vec<_>) = names
        .iter()
        .partition(|name| matches!(way(name), Way::Patience(_)));
    let mut cases = JoinSet::new();
    for name in long.into_iter().chain(short) {
        for time in 0..times {
            if cases.len() == AT_ONCE
                && let Some(done) = cases.join_next().await
            {
                figures.merge(done??);
            }
            let case = one(run.case(format!("{name}-{time}")), name.clone(), rng.fork());
            cases.spawn(case);
        }
    }
    while let Some(done) = cases.join_next().await {
        figures.merge(done??);
    }
    Ok(figures)
}

/// The names of all places, as the server tells them.
pub(crate) async fn names(run: &Run) -> Result<Vec<String>> {
    let output = Command::new(&run.server).arg("failpoints").output().await?;
    ensure!(
        output.status.success(),
        "the server has no failpoints: build it with `--features failpoints`"
    );
    let names = String::from_utf8(output.stdout)?;
    Ok(names.lines().map(str::to_owned).collect())
}

fn way(name: &str) -> Way {
    if name.starts_with("writer.inline.") {
        return Way::Writes(Plan::endless(1));
    }
    match name {
        "close.before" => Way::Stop,
        "idempotency.prune" => {
            let pause = Duration::from_millis(50);
            Way::Patience(Plan {
                pause,
                ..Plan::endless(2)
            })
        }
        _ => Way::Writes(Plan::endless(8)),
    }
}

async fn one(run: Run, name: String, mut rng: Rng) -> Result<Figures> {
    let done = match name.split('.').next() {
        Some("migrate") => migrate::at_failpoint(&run, &name).await,
        Some("backup" | "restore" | "archive") => drill::at_failpoint(&run, &name, &mut rng).await,
        _ => in_server(&run, &name, &mut rng).await,
    };
    done.with_context(|| format!("failpoint {name}"))
}

/// Brings a server to the place, and checks what is left.
async fn in_server(run: &Run, name: &str, rng: &mut Rng) -> Result<Figures> {
    let mut arena = Arena::new(&run.server, &run.folder)?;
    let way = way(name);
    let often = matches!(way, Way::Writes(_)) && !name.starts_with("checkpoint.");
    let nth = if often { rng.usize(1..=20) } else { 1 };
    let launch = arena
        .launch
        .with("DEBITOR_FAILPOINT", format!("{name}:{nth}"));
    match launch.try_start().await? {
        Err(status) => aborted(status)?,
        Ok(mut server) => {
            let status = lead(&arena, &mut server, &way, rng).await?;
            aborted(status)?;
        }
    }
    let log = std::fs::read_to_string(arena.launch.log())?;
    ensure!(
        log.contains(&format!("failpoint {name}")),
        "the server aborted elsewhere"
    );
    let (verdict, mut server) = arena.check_and_restart().await?;
    server.kill().await?;
    let mut figures = Figures::default();
    figures.add("reached", 1);
    figures.verdict(&verdict);
    arena.remove()?;
    Ok(figures)
}

/// Leads a server to its end.
async fn lead(arena: &Arena, server: &mut Server, way: &Way, rng: &mut Rng) -> Result<ExitStatus> {
    let client = arena.client(server)?;
    match way {
        Way::Writes(plan) | Way::Patience(plan) => {
            let workload = Workload::start(&client, &arena.oracle, *plan, rng);
            let begun = Instant::now();
            let ended = server.ended(PATIENCE).await?;
            let Some(status) = ended else {
                let tally = workload.stop().await?;
                bail!(
                    "not reached in {:?}, {} writes",
                    begun.elapsed(),
                    tally.acknowledged()
                );
            };
            workload.ended().await?.none_refused()?;
            Ok(status)
        }
        Way::Stop => {
            let workload = Workload::start(&client, &arena.oracle, Plan::endless(2), rng);
            workload.acknowledged(10).await?;
            workload.stop().await?.none_refused()?;
            server.terminate().await
        }
    }
}

pub(crate) fn aborted(status: ExitStatus) -> Result<()> {
    ensure!(
        status.signal() == Some(SIGABRT),
        "the process ended with {status}"
    );
    Ok(())
}
