//! `second`: a second process on the same store is refused and harms nothing; a store copied while
//! it is written either is seen to be no whole store, or holds what was answered before the copy.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use fastrand::Rng;

use crate::Run;
use crate::arena::{Arena, list};
use crate::contents::{self, Contents};
use crate::figures::Figures;
use crate::journal;
use crate::oracle::Oracle;
use crate::tool::Tool;
use crate::workload::{Plan, Workload};

const CLIENTS: usize = 4;
/// Acknowledged writes before each copy.
const BETWEEN: u64 = 40;

pub(crate) async fn run(run: &Run, copies: usize) -> Result<Figures> {
    let mut arena = Arena::new(&run.server, &run.folder)?;
    let mut server = arena.launch.start().await?;
    let client = arena.client(&server)?;
    let mut rng = Rng::with_seed(run.seed);
    let plan = Plan::endless(CLIENTS);
    refused(&arena).await?;
    let mut figures = Figures::default();
    figures.add("second processes refused", 1);
    for _ in 0..copies {
        let workload = Workload::start(&client, &arena.oracle, plan, &mut rng);
        workload.acknowledged(BETWEEN).await?;
        let copy = arena.folder.join("copied");
        let before = journal::read(&arena.folder.join("journal"))?.len();
        copy_in_any_order(&arena.launch.store, &copy, &mut rng)?;
        workload.stop().await?.none_refused()?;
        let lines = journal::read(&arena.folder.join("journal"))?;
        let usable = is_whole(&run.server, &copy, &arena.folder.join("verified")).await?;
        let name = if usable {
            "copies found whole"
        } else {
            "copies seen to be no whole store"
        };
        figures.add(name, 1);
        if usable {
            let contents = Contents::of_copy(&copy, &arena.folder.join("copy"))?;
            let violations = Oracle::default()
                .check_during(&lines, before, &contents)
                .violations;
            ensure!(
                violations.is_empty(),
                "a copy is silently wrong: {}",
                list(&violations)
            );
        }
    }
    server.kill().await?;
    let (verdict, mut server) = arena.check_and_restart().await?;
    figures.verdict(&verdict);
    server.kill().await?;
    // Without this a `verify` that refuses everything would look just as well.
    let scratch = arena.folder.join("verified");
    let is_whole = is_whole(&run.server, &arena.launch.store, &scratch).await?;
    ensure!(is_whole, "`verify` finds faults in a store that has none");
    Ok(figures)
}

/// Fails unless a second server on the store ends with the reason.
async fn refused(arena: &Arena) -> Result<()> {
    let status = match arena.launch.try_start().await? {
        Ok(mut server) => {
            server.kill().await?;
            anyhow::bail!("a second process was let in");
        }
        Err(status) => status,
    };
    ensure!(
        status.code() == Some(1),
        "a second process ended with {status}"
    );
    let log = std::fs::read_to_string(arena.launch.log())?;
    ensure!(
        log.contains("in use by another process"),
        "a second process is not told why: {log}"
    );
    Ok(())
}

/// Copies the files one after another, as a careless backup would.
fn copy_in_any_order(store: &Path, to: &Path, rng: &mut Rng) -> Result<()> {
    std::fs::create_dir_all(to)?;
    let mut names = ["debitor.db", "debitor.db-wal", "debitor.db-shm"];
    rng.shuffle(&mut names);
    for name in names {
        std::fs::copy(store.join(name), to.join(name)).with_context(|| format!("copy {name}"))?;
    }
    Ok(())
}

/// Whether `debitor-server verify` takes a copy of the store for whole.
async fn is_whole(program: &Path, store: &Path, scratch: &Path) -> Result<bool> {
    contents::copy(store, scratch)?;
    Ok(Tool::new(program).verify(scratch).await?.status.success())
}
