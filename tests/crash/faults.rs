//! `faults`: the Nth write, sync or opening of a database file fails, for one N after the other
//! until a whole run needs fewer calls. The first sync of a start fails, too, on a log that was left.
//!
//! Whatever fails, nothing is answered that is not there; after an input or output error the
//! process says that it does not know, and ends; want of space is told as such, and is over when it
//! is over.

use std::path::Path;
use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use fastrand::Rng;
use rusqlite::Connection;

use crate::Run;
use crate::arena::Arena;
use crate::disk;
use crate::figures::Figures;
use crate::server::Server;
use crate::workload::{Plan, Workload};

/// A call, its error, and how many more writes there are than such calls.
const MODES: [(&str, &str, usize); 5] = [
    ("write", "EIO", 1),
    ("write", "ENOSPC", 1),
    ("write", "SHORT", 1),
    ("sync", "EIO", 6),
    ("open", "EIO", 6),
];
/// How long the process may live on after an input or output error.
const LAST_WORDS: Duration = Duration::from_secs(1);
const STORAGE_FAILED: i32 = 74;
const INSUFFICIENT_STORAGE: u16 = 507;
const WRITES: Plan = Plan {
    writes: 4,
    ..Plan::endless(3)
};

pub(crate) async fn run(run: &Run, stride: usize) -> Result<Figures> {
    let shim = run.folder.join("fault_shim.so");
    let shim = disk::compile(include_str!("fault_shim.c"), &shim, &["-shared", "-fPIC"]).await?;
    let mut rng = Rng::with_seed(run.seed);
    let mut figures = Figures::default();
    for (call, error, rarity) in MODES {
        let stride = stride.div_ceil(rarity);
        let mut nth = rng.usize(1..=stride);
        while one(run, &shim, (call, error, nth), &mut rng, &mut figures)
            .await
            .with_context(|| format!("{call} {nth} fails with {error}"))?
        {
            figures.add("failed calls", 1);
            figures.add(&format!("{call} {error}"), 1);
            nth += stride;
        }
    }
    for reads in [false, true] {
        let folder = run.folder.join(format!("left-{reads}"));
        unsynced(run, &folder, &shim, reads)
            .await
            .with_context(|| format!("a log that was left; a reader holds it: {reads}"))?;
        figures.add("logs synced before they are read", 1);
    }
    for outcome in [REFUSED, ENDED] {
        ensure!(figures.count(outcome) > 0, "no run came to this: {outcome}");
    }
    Ok(figures)
}

const REFUSED: &str = "told as want of space";
const ENDED: &str = "ended with 74";
const UNSTARTED: &str = "not started";

/// One run with one failing call; `false` if it needed fewer calls than that.
async fn one(
    run: &Run,
    shim: &Path,
    (call, error, nth): (&str, &str, usize),
    rng: &mut Rng,
    figures: &mut Figures,
) -> Result<bool> {
    let folder = run.folder.join(format!("{call}-{error}-{nth}"));
    let mut arena = Arena::new(&run.server, &folder)?;
    let mark = folder.join("mark");
    let launch = arena
        .launch
        .with("LD_PRELOAD", shim)
        .with("CRASH_CALL", call)
        .with("CRASH_NTH", nth.to_string())
        .with("CRASH_ERROR", error)
        .with("CRASH_MARK", &mark);
    match launch.try_start().await? {
        Err(status) => {
            ensure!(
                mark.exists(),
                "the server ended with {status} and nothing had failed"
            );
            // A file that cannot be opened may be the fault of whoever set up the machine.
            let told = status.code() == Some(STORAGE_FAILED) || error != "EIO" || call == "open";
            ensure!(told, "a server that was not ready ended with {status}");
            figures.add(UNSTARTED, 1);
        }
        Ok(server) => suffer(&arena, server, &mark, (call, error), rng, figures).await?,
    }
    let (verdict, mut server) = arena.check_and_restart().await?;
    server.kill().await?;
    figures.verdict(&verdict);
    figures.slowest("slowest start", arena.slowest);
    let happened = mark.exists();
    arena.remove()?;
    Ok(happened)
}

/// Writes until the call has failed and seen what follows, or all is written.
async fn suffer(
    arena: &Arena,
    mut server: Server,
    mark: &Path,
    (call, error): (&str, &str),
    rng: &mut Rng,
    figures: &mut Figures,
) -> Result<()> {
    let client = arena.client(&server)?;
    let workload = Workload::start(&client, &arena.oracle, WRITES, rng);
    let tally = workload.ended().await?;
    if !mark.exists() {
        tally.none_refused()?;
        return server.kill().await;
    }
    let is_over = error == "EIO" || tally.unknown.load(Ordering::SeqCst) > 0;
    let patience = if is_over { LAST_WORDS } else { Duration::ZERO };
    if let Some(status) = server.ended(patience).await? {
        ensure!(
            status.code() == Some(STORAGE_FAILED),
            "the server ended with {status}"
        );
        figures.add(ENDED, 1);
        return Ok(());
    }
    // A reader whose file cannot be opened for writing opens it for reading: all it needs.
    let may_live = error != "EIO" || call == "open";
    ensure!(
        may_live,
        "the server lives on after an input or output error"
    );
    let refused = tally.refused();
    let other = refused
        .keys()
        .find(|status| **status != INSUFFICIENT_STORAGE);
    ensure!(other.is_none(), "want of space was told as {refused:?}");
    figures.add(REFUSED, u64::from(!refused.is_empty()));
    let again = Workload::start(&client, &arena.oracle, WRITES, rng)
        .ended()
        .await?;
    again.none_refused().context("there is space again")?;
    server.kill().await
}

/// A start that cannot sync the log which a killed server left must not answer from it. A backup or
/// `verify` may still read the store, so that the log cannot be moved.
async fn unsynced(run: &Run, folder: &Path, shim: &Path, reads: bool) -> Result<()> {
    let mut arena = Arena::new(&run.server, folder)?;
    // The second start finds its data there and an empty log: of that no reader lets a page be moved.
    arena.launch.start().await?.terminate().await?;
    let mut server = arena.launch.start().await?;
    let database = arena.launch.store.join("debitor.db");
    let reader = Connection::open(&database)?;
    if reads {
        reader.execute_batch("PRAGMA wal_autocheckpoint = 0; BEGIN")?;
        let _: i64 = reader.query_row("SELECT count(*) FROM customer", [], |row| row.get(0))?;
    }
    let client = arena.client(&server)?;
    let mut rng = Rng::with_seed(run.seed);
    let workload = Workload::start(&client, &arena.oracle, WRITES, &mut rng);
    workload.ended().await?.none_refused()?;
    server.kill().await?;
    let launch = arena
        .launch
        .with("LD_PRELOAD", shim)
        .with("CRASH_CALL", "sync")
        .with("CRASH_NTH", "1")
        .with("CRASH_ERROR", "EIO")
        .with("CRASH_MARK", folder.join("mark"));
    match launch.try_start().await? {
        Ok(_) => bail!("the server is ready, and its log is not on the disk"),
        Err(status) => ensure!(
            status.code() == Some(STORAGE_FAILED),
            "it ended with {status}"
        ),
    }
    let (_, mut server) = arena.check_and_restart().await?;
    server.kill().await?;
    drop(reader);
    arena.remove()
}
