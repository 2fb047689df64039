//! `drill`: a backup under load, a kill, a restore; the store is as it was while the backup was
//! taken. What is cut off is refused. From the archive the store comes back as it was at any
//! instant, within a second.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use fastrand::Rng;

use crate::Run;
use crate::arena::{Arena, list};
use crate::contents::Contents;
use crate::failpoints::aborted;
use crate::figures::Figures;
use crate::journal::{self, Event, Line};
use crate::oracle::Oracle;
use crate::server::{Launch, Server};
use crate::tool::{Tool, done, refused};
use crate::workload::{Plan, Workload};

const CLIENTS: usize = 4;
/// Acknowledged writes before a backup, and again before the end.
const WRITES: u64 = 100;
/// How far from the wanted instant a store from the archive may be, and what a kill may cost it.
const PRECISION: Duration = Duration::from_secs(1);
/// Long enough that there is a before and an after of the instant.
const ARCHIVED: Duration = Duration::from_millis(3500);

pub(crate) async fn run(run: &Run, drills: usize) -> Result<Figures> {
    let mut rng = Rng::with_seed(run.seed);
    let mut figures = Figures::default();
    for drill in 0..drills {
        one(&run.case(format!("drill-{drill}")), &mut rng, &mut figures).await?;
        figures.add("drills", 1);
    }
    Ok(figures)
}

async fn one(run: &Run, rng: &mut Rng, figures: &mut Figures) -> Result<()> {
    let field = Field::new(run, rng, true).await?;
    let backup = run.folder.join("backup");
    let window = field.backup(&backup).await?;
    tokio::time::sleep(ARCHIVED).await;
    let arena = field.killed().await?;
    let lines = journal::read(&arena.folder.join("journal"))?;

    let restored = run.folder.join("restored");
    let begun = Instant::now();
    done(&arena.tool().restore(&backup, None, &restored).await?).context("the restore")?;
    figures.slowest("slowest restore", begun.elapsed());
    let customers = holds(&arena, &restored, &lines[..window.end], window.start).await?;
    figures.add("customers restored", u64::try_from(customers)?);
    figures.add(
        "damaged backups refused",
        damaged_are_refused(&arena, &backup).await?,
    );

    let (instant, middle) = instant(&lines)?;
    let then = run.folder.join("then");
    let archive = run.folder.join("archive");
    done(
        &arena
            .tool()
            .restore(&archive, Some(&instant), &then)
            .await?,
    )
    .context(instant)?;
    let precision = u64::try_from(PRECISION.as_micros())?;
    let index = |at: u64| lines.partition_point(|line| line.at < at);
    let (from, to) = (
        index(middle.saturating_sub(precision)),
        index(middle + precision),
    );
    let customers = holds(&arena, &then, &lines[..to], from)
        .await
        .context("point in time")?;
    figures.add("customers at an instant", u64::try_from(customers)?);

    let last = run.folder.join("last");
    done(&arena.tool().restore(&archive, None, &last).await?).context("the archive's end")?;
    let end = lines
        .last()
        .map_or(0, |line| line.at)
        .saturating_sub(precision);
    holds(&arena, &last, &lines, index(end))
        .await
        .context("the archive's end")?;
    std::fs::remove_dir_all(&run.folder)?;
    Ok(())
}

/// A server with clients at work.
struct Field {
    arena: Arena,
    server: Server,
    workload: Workload,
}

/// The lines of the journal when something began and ended.
struct Window {
    start: usize,
    end: usize,
}

impl Field {
    async fn new(run: &Run, rng: &mut Rng, archived: bool) -> Result<Self> {
        let mut arena = Arena::new(&run.server, &run.folder)?;
        if archived {
            let archive = run.folder.join("archive").into_os_string();
            arena.launch.arguments = vec!["--archive".into(), archive];
        }
        let server = arena.launch.start().await?;
        let client = arena.client(&server)?;
        let plan = Plan::endless(CLIENTS);
        let workload = Workload::start(&client, &arena.oracle, plan, rng);
        workload.acknowledged(WRITES).await?;
        Ok(Self {
            arena,
            server,
            workload,
        })
    }

    fn lines(&self) -> Result<usize> {
        Ok(journal::read(&self.arena.folder.join("journal"))?.len())
    }

    async fn backup(&self, to: &Path) -> Result<Window> {
        let start = self.lines()?;
        done(
            &self
                .arena
                .tool()
                .backup(&self.arena.launch.store, to)
                .await?,
        )?;
        Ok(Window {
            start,
            end: self.lines()?,
        })
    }

    /// Kills the server after some more writes; the clients are done, too.
    async fn killed(self) -> Result<Arena> {
        let mut server = self.server;
        self.workload
            .acknowledged(self.workload.tally.acknowledged() + WRITES)
            .await?;
        server.kill().await?;
        self.workload.ended().await?.none_refused()?;
        Ok(self.arena)
    }
}

impl Arena {
    fn tool(&self) -> Tool {
        Tool::new(&self.launch.program)
    }
}

/// Fails unless a store is sound, holds what was answered in the first lines and nothing that is not
/// in any, and can be served; the number of its customers.
async fn holds(arena: &Arena, store: &Path, lines: &[Line], before: usize) -> Result<usize> {
    done(&arena.tool().verify(store).await?).context("`verify` finds faults")?;
    let contents = Contents::of_copy(store, &arena.folder.join("copy"))?;
    let violations = Oracle::default()
        .check_during(lines, before, &contents)
        .violations;
    ensure!(violations.is_empty(), list(&violations));
    let launch = Launch {
        store: store.to_owned(),
        arguments: vec![],
        ..arena.launch.clone()
    };
    let mut server = launch.start().await?;
    let client = arena.client(&server)?;
    ensure!(
        client.list("customers").await?.len() == contents.customers.len(),
        "the server shows another number of customers than the store has"
    );
    server.kill().await?;
    Ok(contents.customers.len())
}

/// Restores backups that lack something; each must be refused, without leaving a store.
async fn damaged_are_refused(arena: &Arena, backup: &Path) -> Result<u64> {
    let mut refusals = 0;
    for file in std::fs::read_dir(backup)? {
        let name = file?.file_name();
        let length = std::fs::metadata(backup.join(&name))?.len();
        // A manifest ends with a line's end, without which it is whole still.
        for left in [0, length / 2, length - 2] {
            let damaged = arena.folder.join("damaged");
            copy_folder(backup, &damaged)?;
            File::options()
                .write(true)
                .open(damaged.join(&name))?
                .set_len(left)?;
            let store = arena.folder.join("from-damaged");
            let output = arena.tool().restore(&damaged, None, &store).await?;
            let what = format!("{} with {left} of {length} bytes", name.display());
            refused(&output).with_context(|| what.clone())?;
            ensure!(!store.exists(), "a store was made from a backup of {what}");
            std::fs::remove_dir_all(damaged)?;
            refusals += 1;
        }
    }
    Ok(refusals)
}

fn copy_folder(from: &Path, to: &Path) -> Result<()> {
    std::fs::create_dir_all(to)?;
    for file in std::fs::read_dir(from)? {
        let file = file?;
        std::fs::copy(file.path(), to.join(file.file_name()))?;
    }
    Ok(())
}

/// An instant in the middle of the answers, by the server's clock and by the journal's.
fn instant(lines: &[Line]) -> Result<(String, u64)> {
    let told = |line: &Line| match &line.event {
        Event::Ok(answer) => {
            let instant = answer.body["lastModifiedDateTime"].as_str()?.to_owned();
            Some((instant, line.at))
        }
        _ => None,
    };
    let (first, last) = lines
        .first()
        .zip(lines.last())
        .context("an empty journal")?;
    let middle = first.at.midpoint(last.at);
    lines
        .iter()
        .filter_map(told)
        .find(|(_, at)| *at >= middle)
        .context("no write in the middle")
}

/// Kills a backup, a restore or the server that archives at a place.
pub(crate) async fn at_failpoint(run: &Run, name: &str, rng: &mut Rng) -> Result<Figures> {
    match name.split('.').next() {
        Some("archive") => in_archive(run, name, rng).await?,
        _ => in_command(run, name, rng).await?,
    }
    let mut figures = Figures::default();
    figures.add("reached", 1);
    std::fs::remove_dir_all(&run.folder)?;
    Ok(figures)
}

/// A backup or a restore that is killed leaves all or nothing, and can be made again.
async fn in_command(run: &Run, name: &str, rng: &mut Rng) -> Result<()> {
    let field = Field::new(run, rng, false).await?;
    let paths = ["backup", "restored"].map(|path| run.folder.join(path));
    let [backup, restored]: &[PathBuf; 2] = &paths;
    let tool = field.arena.tool();
    let store = field.arena.launch.store.clone();
    let start = field.lines()?;
    if name.starts_with("backup.") {
        aborted(tool.at(name).backup(&store, backup).await?.status)?;
    }
    if !backup.exists() {
        done(&tool.backup(&store, backup).await?).context("a second backup")?;
    }
    let window = Window {
        start,
        end: field.lines()?,
    };
    if name.starts_with("restore.") {
        aborted(tool.at(name).restore(backup, None, restored).await?.status)?;
    }
    if !restored.exists() {
        done(&tool.restore(backup, None, restored).await?).context("a second restore")?;
    }
    let mut arena = field.killed().await?;
    let lines = journal::read(&arena.folder.join("journal"))?;
    holds(&arena, restored, &lines[..window.end], window.start).await?;
    let (_, mut server) = arena.check_and_restart().await?;
    server.kill().await
}

/// A server that is killed while it archives loses nothing, and goes on with the archive.
async fn in_archive(run: &Run, name: &str, rng: &mut Rng) -> Result<()> {
    let mut arena = Arena::new(&run.server, &run.folder)?;
    let archive = run.folder.join("archive");
    arena.launch.arguments = vec!["--archive".into(), archive.clone().into_os_string()];
    // A base is made once a start, and once a day.
    let nth = if name == "archive.base" {
        1
    } else {
        rng.usize(1..=2)
    };
    let launch = arena
        .launch
        .with("DEBITOR_FAILPOINT", format!("{name}:{nth}"));
    match launch.try_start().await? {
        Err(status) => aborted(status)?,
        Ok(mut server) => {
            let client = arena.client(&server)?;
            let plan = Plan::endless(CLIENTS);
            let workload = Workload::start(&client, &arena.oracle, plan, rng);
            let status = server
                .ended(Duration::from_secs(20))
                .await?
                .context("not reached")?;
            workload.ended().await?.none_refused()?;
            aborted(status)?;
        }
    }
    let (_, mut server) = arena.check_and_restart().await?;
    let client = arena.client(&server)?;
    let workload = Workload::start(&client, &arena.oracle, Plan::endless(CLIENTS), rng);
    workload.acknowledged(WRITES).await?;
    workload.stop().await?.none_refused()?;
    tokio::time::sleep(PRECISION).await;
    server.kill().await?;
    let contents = arena.contents()?;
    arena.check(&contents)?;
    let last = run.folder.join("last");
    done(&arena.tool().restore(&archive, None, &last).await?).context("the archive's end")?;
    let restored = Contents::of_copy(&last, &arena.folder.join("copy"))?;
    ensure!(
        restored == contents,
        "the archive's end is not what the store holds"
    );
    Ok(())
}
