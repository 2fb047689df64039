//! `kill`: SIGKILL at random moments, with eight clients in the same group commits.

use std::path::Path;
use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::Result;
use fastrand::Rng;

use crate::Run;
use crate::arena::Arena;
use crate::figures::Figures;
use crate::workload::{Plan, Workload};

const CLIENTS: usize = 8;
/// Kills that one store must survive.
const LIVES: usize = 10;

pub(crate) async fn run(run: &Run, kills: usize) -> Result<Figures> {
    let mut rng = Rng::with_seed(run.seed);
    let mut figures = Figures::default();
    for begun in (0..kills).step_by(LIVES) {
        let folder = run.folder.join(format!("store-{begun}"));
        one_store(
            &run.server,
            &folder,
            LIVES.min(kills - begun),
            &mut rng,
            &mut figures,
        )
        .await?;
    }
    Ok(figures)
}

async fn one_store(
    program: &Path,
    folder: &Path,
    kills: usize,
    rng: &mut Rng,
    figures: &mut Figures,
) -> Result<()> {
    let mut arena = Arena::new(program, folder)?;
    let mut server = arena.launch.start().await?;
    for _ in 0..kills {
        let client = arena.client(&server)?;
        let workload = Workload::start(&client, &arena.oracle, Plan::endless(CLIENTS), rng);
        workload.acknowledged(1).await?;
        tokio::time::sleep(Duration::from_millis(rng.u64(5..=250))).await;
        let in_flight = workload.tally.in_flight.load(Ordering::SeqCst);
        server.kill().await?;
        workload.ended().await?.none_refused()?;
        let verdict;
        (verdict, server) = arena.check_and_restart().await?;
        figures.add("kills", 1);
        figures.add(
            "kills with two or more writes under way",
            u64::from(in_flight > 1),
        );
        figures.verdict(&verdict);
    }
    figures.slowest("slowest start", arena.slowest);
    server.kill().await?;
    arena.remove()
}
