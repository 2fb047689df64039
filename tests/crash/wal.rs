//! `wal`: a write-ahead log that ends anywhere, as after a crash of the disk.
//!
//! One client writes, so that the store went through one order of states. Every cut must leave one
//! of them, later with more of the log, and with all of it nothing may be missing.

use std::fs::File;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use fastrand::Rng;

use crate::Run;
use crate::arena::{Arena, list};
use crate::contents::{self, Contents};
use crate::figures::Figures;
use crate::journal::{self, Event, Line};
use crate::oracle::Oracle;
use crate::server::Launch;
use crate::workload::{Plan, Workload};

const LOG_HEADER: u64 = 32;
const FRAME_HEADER: u64 = 24;
/// One case of so many is opened by the server, too.
const SERVED: usize = 50;

pub(crate) async fn run(run: &Run, cases: usize) -> Result<Figures> {
    let mut arena = Arena::new(&run.server, &run.folder)?;
    let mut rng = Rng::with_seed(run.seed);
    write_log(&mut arena, u64::try_from(cases.div_ceil(3))?, &mut rng).await?;
    let whole = arena.folder.join("whole");
    contents::copy(&arena.launch.store, &whole)?;
    let lines = journal::read(&arena.folder.join("journal"))?;
    let mut figures = Figures::default();
    let mut reached = 0;
    let cuts = cuts(&whole.join("debitor.db-wal"))?;
    for (case, length) in cuts.iter().enumerate() {
        let cut = arena.folder.join("cut");
        truncated(&whole, &cut, *length)?;
        if case % SERVED == 0 {
            serve(&mut arena, &cut)
                .await
                .with_context(|| format!("a log of {length} bytes"))?;
            truncated(&whole, &cut, *length)?;
            figures.add("of them opened by the server", 1);
        }
        let contents = Contents::read(&cut.join("debitor.db"))?;
        reached = prefix(&lines, reached, &contents)
            .with_context(|| format!("a log of {length} bytes"))?;
        figures.add("cuts of the log", 1);
    }
    control(&lines, &whole)?;
    let acknowledged = lines
        .iter()
        .filter(|line| matches!(line.event, Event::Ok(_)))
        .count();
    ensure!(
        reached >= acknowledged,
        "the whole log has {reached} of {acknowledged} writes"
    );
    figures.add("writes in the log", u64::try_from(acknowledged)?);
    Ok(figures)
}

/// A store that lacks its first customer is no state that there was: this must be seen.
fn control(lines: &[Line], whole: &Path) -> Result<()> {
    let mut contents = Contents::read(&whole.join("debitor.db"))?;
    contents
        .customers
        .pop_first()
        .context("the log has no customer")?;
    ensure!(
        prefix(lines, 0, &contents).is_err(),
        "a lost customer is not seen"
    );
    Ok(())
}

/// Lets one client write until the log has so many frames, then kills the server.
async fn write_log(arena: &mut Arena, frames: u64, rng: &mut Rng) -> Result<()> {
    let mut server = arena.launch.start().await?;
    let client = arena.client(&server)?;
    let workload = Workload::start(&client, &arena.oracle, Plan::endless(1), rng);
    let log = arena.launch.store.join("debitor.db-wal");
    while std::fs::metadata(&log)?.len() < LOG_HEADER + frames * (FRAME_HEADER + 4096) {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    workload.acknowledged(1).await?;
    server.kill().await?;
    workload.ended().await?.none_refused()
}

/// The lengths at which the log is cut: every frame's end, a byte less, and a byte more.
fn cuts(log: &Path) -> Result<Vec<u64>> {
    let bytes = std::fs::read(log)?;
    let page = bytes.get(8..12).context("the log has no header")?;
    let frame = FRAME_HEADER + u64::from(u32::from_be_bytes(page.try_into()?));
    let length = u64::try_from(bytes.len())?;
    let ends = (0..)
        .map(|n| LOG_HEADER + n * frame)
        .take_while(|end| *end <= length);
    let around = ends.flat_map(|end| [end - 1, end, end + 1]);
    Ok(around.filter(|cut| *cut <= length).collect())
}

/// A copy of the store with so much of its log.
fn truncated(whole: &Path, to: &Path, length: u64) -> Result<()> {
    contents::copy(whole, to)?;
    Ok(File::options()
        .write(true)
        .open(to.join("debitor.db-wal"))?
        .set_len(length)?)
}

/// Has the server open a cut store and show what SQLite alone finds in it.
async fn serve(arena: &mut Arena, cut: &Path) -> Result<()> {
    let launch = Launch {
        store: cut.to_owned(),
        ..arena.launch.clone()
    };
    let mut server = launch.start().await?;
    let contents = Contents::of_copy(cut, &arena.folder.join("copy"))?;
    arena.shows(&server, &contents).await?;
    server.kill().await
}

/// The number of writes, `from` at least, after which the store held just this.
fn prefix(lines: &[Line], from: usize, contents: &Contents) -> Result<usize> {
    // One client: a request, its outcome, the next request. The last may have no outcome.
    let mut violations = Vec::new();
    for writes in from..=lines.len().div_ceil(2) {
        let until = lines.len().min(2 * writes);
        violations = Oracle::default()
            .check(&lines[..until], contents)
            .violations;
        if violations.is_empty() {
            return Ok(writes);
        }
    }
    anyhow::bail!(
        "no state of the store after {from} writes or more; the last: {}",
        list(&violations)
    )
}
