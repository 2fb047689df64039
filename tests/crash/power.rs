//! `power`: power cuts, told to an ext4 on a loop device.
//!
//! The process is frozen before the cut: under a running one the cut itself could let an answer out
//! that the disk never saw. The control runs with `synchronous=NORMAL`, which gives answers before
//! the disk has the writes; a harness that sees no loss there is blind.

use std::time::Duration;

use anyhow::{Result, ensure};
use fastrand::Rng;

use crate::Run;
use crate::arena::Arena;
use crate::disk::{self, LoopDisk};
use crate::figures::Figures;
use crate::journal;
use crate::oracle::Verdict;
use crate::workload::{Plan, Workload};

const CLIENTS: usize = 8;
/// Acknowledged writes before each cut.
const ACKNOWLEDGED: u64 = 20;
/// Cuts of the control at most, one of which must lose something.
const CONTROL_CUTS: usize = 16;

pub(crate) async fn run(run: &Run, cuts: usize) -> Result<Figures> {
    ensure!(
        disk::is_root().await?,
        "a power cut needs root: a disk is mounted and shut down"
    );
    let mut rng = Rng::with_seed(run.seed);
    let mut figures = Figures::default();
    for cut in 0..cuts {
        let (arena, verdict) = cut_once(run, &format!("cut-{cut}"), "FULL", &mut rng).await?;
        ensure!(
            verdict.violations.is_empty(),
            crate::arena::list(&verdict.violations)
        );
        figures.add("power cuts", 1);
        figures.verdict(&verdict);
        figures.slowest("slowest start", arena.slowest);
        arena.remove()?;
    }
    control(run, &mut rng, &mut figures).await?;
    Ok(figures)
}

/// Cuts the power of a server that does not sync, until it has lost something.
async fn control(run: &Run, rng: &mut Rng, figures: &mut Figures) -> Result<()> {
    for cut in 1..=CONTROL_CUTS {
        let (arena, verdict) = cut_once(run, &format!("control-{cut}"), "NORMAL", rng).await?;
        arena.remove()?;
        figures.add("cuts of the control (synchronous=NORMAL)", 1);
        if verdict.lost > 0 {
            figures.add("of its slots lost", u64::try_from(verdict.lost)?);
            return Ok(());
        }
    }
    anyhow::bail!("the control lost nothing in {CONTROL_CUTS} cuts: this harness sees no loss")
}

/// One cut on a new disk, and what the oracle says of what was on it.
async fn cut_once(
    run: &Run,
    name: &str,
    synchronous: &str,
    rng: &mut Rng,
) -> Result<(Arena, Verdict)> {
    let folder = run.folder.join(name);
    std::fs::create_dir_all(&folder)?;
    let disk = LoopDisk::new(&folder).await?;
    let mut arena = Arena::with_store(&run.server, &folder, &disk.mount.folder.join("store"))?;
    let launch = arena.launch.with("DEBITOR_UNSAFE_SYNCHRONOUS", synchronous);
    let mut server = launch.start().await?;
    let client = arena.client(&server)?;
    let workload = Workload::start(&client, &arena.oracle, Plan::endless(CLIENTS), rng);
    workload.acknowledged(ACKNOWLEDGED).await?;
    tokio::time::sleep(Duration::from_millis(rng.u64(..100))).await;
    server.freeze().await?;
    disk.cut().await?;
    server.kill().await?;
    workload.ended().await?.none_refused()?;
    disk.mount_again().await?;
    let contents = arena.contents()?;
    let lines = journal::read(&folder.join("journal"))?;
    let verdict = arena.oracle.check(&lines, &contents);
    if verdict.violations.is_empty() {
        let mut server = arena.launch.start().await?;
        arena.shows(&server, &contents).await?;
        server.kill().await?;
    }
    Ok((arena, verdict))
}
