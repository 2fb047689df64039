//! Reading an archive: which base and which parts of the log make the state of an instant.

use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};
use chrono::{DateTime, Utc};
use rusqlite::Connection;

use super::super::manifest::{Manifest, Position};
use super::super::wal;
use super::generation::{About, BASE, NAME};
use super::life;

/// The state of a store at an instant.
#[derive(Debug)]
pub(in super::super) struct Point {
    /// The instant; nothing in the archive is between it and the one that was asked for.
    pub(in super::super) at: DateTime<Utc>,
    pub(in super::super) base: PathBuf,
    pub(in super::super) manifest: Manifest,
    /// The lives of the log that follow the base, and how many bytes of each.
    lives: Vec<(PathBuf, u64)>,
}

/// Whether there is an archive in the directory.
pub(in super::super) fn is_archive(directory: &Path) -> anyhow::Result<bool> {
    Ok(!generations(directory)?.is_empty())
}

impl Point {
    /// The newest state that is not younger than `at`, or the newest of all.
    pub(in super::super) fn find(
        archive: &Path,
        at: Option<DateTime<Utc>>,
    ) -> anyhow::Result<Self> {
        let generations = generations(archive)?;
        let (path, manifest) = match at {
            Some(at) => serving(&generations, at)?,
            None => newest(&generations)?,
        };
        let needed = manifest.log.unwrap_or(Position::START);
        let (lives, noted) = lives(&path, at)?;
        let (end, noted_at) = noted.unwrap_or((Position::START, manifest.at));
        ensure!(
            end >= needed,
            "the log in {} lacks what its base needs: it is damaged",
            path.display()
        );
        Ok(Self {
            at: noted_at.max(manifest.at),
            base: path.join(BASE),
            manifest,
            lives,
        })
    }

    /// Applies the log to the copy of the base.
    pub(in super::super) fn replay(&self, database: &Path) -> anyhow::Result<()> {
        let mut log = database.as_os_str().to_owned();
        log.push("-wal");
        let mut before = None;
        for (life, end) in &self.lives {
            let start = copy(life, *end, log.as_ref())
                .with_context(|| format!("cannot restore from {}", life.display()))?;
            ensure!(
                before.is_none_or(|before| start.is_next_life(&before)),
                "{} does not follow the log before it",
                life.display()
            );
            before = Some(start);
            apply(
                database,
                (end - wal::HEADER as u64) / start.frame_bytes() as u64,
            )?;
        }
        // Nothing was synced until here, which is faster by far.
        File::open(database)?.sync_all()?;
        Ok(())
    }
}

/// The generations in order, with what they say of themselves.
fn generations(archive: &Path) -> anyhow::Result<Vec<(PathBuf, About)>> {
    let mut found = Vec::new();
    let entries =
        fs::read_dir(archive).with_context(|| format!("cannot read {}", archive.display()))?;
    for entry in entries {
        let path = entry?.path();
        match File::open(path.join(NAME)) {
            Ok(about) => {
                let about = serde_json::from_reader(BufReader::new(about))
                    .with_context(|| format!("{} is damaged", path.display()))?;
                found.push((path, about));
            }
            Err(error) if is_missing(&error) => {}
            Err(error) => {
                return Err(error).with_context(|| format!("cannot read {}", path.display()));
            }
        }
    }
    found.sort_by_key(|(_, about): &(_, About)| about.at);
    Ok(found)
}

/// The generation that has the state of the instant: the last one that was begun before, if it had
/// its base, or the one that went on meanwhile.
fn serving(
    generations: &[(PathBuf, About)],
    at: DateTime<Utc>,
) -> anyhow::Result<(PathBuf, Manifest)> {
    let mut candidate = generations.iter().rfind(|(_, about)| about.at <= at);
    while let Some((path, about)) = candidate {
        let manifest = base(path)?;
        if let Some(manifest) = manifest.filter(|manifest| manifest.at <= at) {
            return Ok((path.clone(), manifest));
        }
        let during = about.during.as_deref();
        candidate = generations
            .iter()
            .find(|(path, _)| during.is_some_and(|name| path.ends_with(name)));
    }
    let bases = generations.iter().map(|(path, _)| base(path));
    let starts = bases.collect::<anyhow::Result<Vec<_>>>()?;
    match starts
        .into_iter()
        .flatten()
        .find(|manifest| manifest.at > at)
    {
        Some(next) => bail!(
            "the archive has no state of {at}; the next one is of {}",
            next.at
        ),
        None => bail!("the archive has no state of {at}"),
    }
}

fn newest(generations: &[(PathBuf, About)]) -> anyhow::Result<(PathBuf, Manifest)> {
    for (path, _) in generations.iter().rev() {
        if let Some(manifest) = base(path)? {
            return Ok((path.clone(), manifest));
        }
    }
    bail!("the archive has no base yet")
}

/// What the base of the generation says of itself, if it was finished.
fn base(generation: &Path) -> anyhow::Result<Option<Manifest>> {
    let directory = generation.join(BASE);
    directory
        .exists()
        .then(|| Manifest::read(&directory))
        .transpose()
}

/// Whether there is no such file, or what should be its directory is a file.
fn is_missing(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}

/// Parts of lives of the log, and the place and instant at which the last of them ends.
type Parts = (Vec<(PathBuf, u64)>, Option<(Position, DateTime<Utc>)>);

/// The lives of a generation up to `at`, none of which may be missing.
fn lives(generation: &Path, at: Option<DateTime<Utc>>) -> anyhow::Result<Parts> {
    let (mut lives, mut last) = (Vec::new(), None);
    let count = count(generation)?;
    for number in 1..=count {
        let times = life::file(generation, number, "times");
        let noted = fs::read_to_string(&times)
            .with_context(|| format!("cannot read {}", times.display()))?;
        ensure!(
            number == count || !noted.is_empty(),
            "{} is damaged",
            times.display()
        );
        let noted =
            last_before(&noted, at).with_context(|| format!("{} is damaged", times.display()))?;
        let Some((instant, end)) = noted else {
            // Nothing of this life was there yet, and so nothing of later ones.
            break;
        };
        lives.push((life::file(generation, number, "wal"), end));
        last = Some((Position { life: number, end }, instant));
    }
    Ok((lives, last))
}

/// The number of the last life.
fn count(generation: &Path) -> io::Result<u64> {
    let mut last = 0;
    for entry in fs::read_dir(generation)? {
        let name = entry?.file_name();
        let number = Path::new(&name).file_stem().and_then(|stem| stem.to_str());
        last = last.max(number.and_then(|number| number.parse().ok()).unwrap_or(0));
    }
    Ok(last)
}

/// The last line of `instant end` that is not younger than `at`. The last line of all may be cut.
fn last_before(
    text: &str,
    at: Option<DateTime<Utc>>,
) -> anyhow::Result<Option<(DateTime<Utc>, u64)>> {
    let mut last = None;
    for line in text
        .split_inclusive('\n')
        .filter(|line| line.ends_with('\n'))
    {
        let (instant, end) = line
            .trim_end()
            .split_once(' ')
            .context("a line has no end")?;
        let instant = DateTime::from_timestamp_millis(instant.parse()?).context("no instant")?;
        if at.is_some_and(|at| instant > at) {
            break;
        }
        last = Some((instant, end.parse()?));
    }
    Ok(last)
}

/// Copies the first bytes of a life, if they are whole transactions as SQLite wrote them; returns
/// the place of the first frame.
fn copy(life: &Path, end: u64, to: &Path) -> anyhow::Result<wal::Place> {
    let mut source = BufReader::with_capacity(1 << 18, File::open(life)?);
    let (header, start) = wal::header(&mut source)?.context("it does not begin as a log does")?;
    let mut target = BufWriter::with_capacity(1 << 18, File::create(to)?);
    target.write_all(&header)?;
    let whole = wal::walk(&mut source, start, end, |frame| target.write_all(frame))?;
    target.flush()?;
    ensure!(
        whole.offset == end,
        "it is whole for {} of {end} bytes: it is truncated or was edited",
        whole.offset
    );
    Ok(start)
}

/// Has SQLite move the log beside the database into it; all of its frames must be found.
fn apply(database: &Path, frames: u64) -> anyhow::Result<()> {
    let connection = Connection::open(database)?;
    connection.execute_batch("PRAGMA synchronous = OFF;")?;
    let moved: i64 = connection.query_row("PRAGMA wal_checkpoint(FULL)", [], |row| row.get(2))?;
    ensure!(
        u64::try_from(moved) == Ok(frames),
        "SQLite found {moved} of {frames} frames in the log"
    );
    Ok(())
}
