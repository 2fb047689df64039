//! `full`: a disk without space. Writes are refused as such, reads go on, and once there is space
//! again writes do, too; nothing answered is missing afterwards.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use fastrand::Rng;

use crate::Run;
use crate::arena::Arena;
use crate::disk::{self, Mount};
use crate::figures::Figures;
use crate::workload::{Plan, Tally, Workload};

const CLIENTS: usize = 4;
/// What the filler leaves to the store beyond its reserve.
const LEFT_BYTES: u64 = 2 * 1024 * 1024;
/// Without a reserve writes themselves run out of space; with one they are refused before.
const RESERVES: [u64; 2] = [0, 4 * 1024 * 1024];
/// How many writes must be refused, one after another in the same process.
const REFUSALS: u64 = 50;
const INSUFFICIENT_STORAGE: u16 = 507;
/// Within this time after there is space again writes must go on.
const RECOVERY: Duration = Duration::from_secs(10);
const PATIENCE: Duration = Duration::from_mins(2);

pub(crate) async fn run(run: &Run, mebibytes: u32) -> Result<Figures> {
    ensure!(
        disk::is_root().await?,
        "a small disk needs root: it is mounted"
    );
    let mut figures = Figures::default();
    for reserve in RESERVES {
        let done = one(&run.case(format!("reserve-{reserve}")), mebibytes, reserve).await;
        figures.merge(done.with_context(|| format!("with {reserve} bytes in reserve"))?);
    }
    Ok(figures)
}

async fn one(run: &Run, mebibytes: u32, reserve: u64) -> Result<Figures> {
    let disk = Mount::tmpfs(&run.folder.join("disk"), mebibytes).await?;
    let store = disk.folder.join("store");
    let mut arena = Arena::with_store(&run.server, &run.folder.join("arena"), &store)?;
    arena.launch = arena
        .launch
        .with("DEBITOR_STORE_RESERVE_BYTES", reserve.to_string());
    let mut server = arena.launch.start().await?;
    let client = arena.client(&server)?;
    let filler = disk.folder.join("filler");
    fill(
        &filler,
        u64::from(mebibytes) * 1024 * 1024 - reserve - LEFT_BYTES,
    )?;

    let mut rng = Rng::with_seed(run.seed);
    let mut figures = Figures::default();
    figures.add("disks", 1);
    let plan = Plan::endless(CLIENTS);
    let workload = Workload::start(&client, &arena.oracle, plan, &mut rng);
    until_refused(&workload.tally).await?;
    let shown = client.list("customers").await?.len();
    ensure!(shown > 0, "nothing can be read on a full disk");
    figures.add("customers read on the full disk", u64::try_from(shown)?);

    let acknowledged = workload.tally.acknowledged();
    std::fs::remove_file(&filler)?;
    let begun = Instant::now();
    while workload.tally.acknowledged() == acknowledged {
        ensure!(
            begun.elapsed() < RECOVERY,
            "writes do not go on within {RECOVERY:?}"
        );
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    figures.slowest("writes again after", begun.elapsed());
    let tally = workload.stop().await?;
    figures.add("refused for lack of space", refused(&tally));
    let other = tally
        .refused()
        .into_keys()
        .find(|status| *status != INSUFFICIENT_STORAGE);
    ensure!(
        other.is_none(),
        "writes were refused with another status: {other:?}"
    );
    server.kill().await?;
    let (verdict, mut server) = arena.check_and_restart().await?;
    ensure!(
        verdict.unknown == 0,
        "{} writes got no answer",
        verdict.unknown
    );
    figures.verdict(&verdict);
    server.kill().await?;
    Ok(figures)
}

/// Waits until the clients were told often enough that there is no space.
async fn until_refused(tally: &Tally) -> Result<()> {
    let begun = Instant::now();
    while refused(tally) < REFUSALS {
        ensure!(
            begun.elapsed() < PATIENCE,
            "the disk does not fill up: {} answers, refusals {:?}",
            tally.acknowledged(),
            tally.refused()
        );
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    Ok(())
}

fn refused(tally: &Tally) -> u64 {
    tally
        .refused()
        .get(&INSUFFICIENT_STORAGE)
        .copied()
        .unwrap_or(0)
}

/// Takes so many bytes of the disk, less if there are not so many.
fn fill(path: &Path, bytes: u64) -> Result<()> {
    let mut file = File::create(path)?;
    let block = vec![0; 64 * 1024];
    let store = path.with_file_name("store");
    let taken: u64 = std::fs::read_dir(store)?
        .map(|entry| Ok(entry?.metadata()?.len()))
        .sum::<Result<u64>>()?;
    for _ in 0..bytes.saturating_sub(taken) / (64 * 1024) {
        file.write_all(&block)?;
    }
    Ok(())
}
