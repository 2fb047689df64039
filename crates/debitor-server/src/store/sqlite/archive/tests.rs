//! States of all instants, and archives with each kind of damage.

use std::fs;
use std::os::unix::fs::FileExt;

use chrono::{DateTime, TimeDelta, Utc};
use rusqlite::Connection;
use tempfile::TempDir;

use super::super::checkpoint::Checkpoints;
use super::super::connection::Database;
use super::super::{FILE, restore};
use super::*;
use crate::clock::FixedClock;

/// A store with its archive, in which nothing happens by itself.
struct Fixture {
    directory: TempDir,
    clock: Arc<FixedClock>,
    archive: Archive,
    checkpoints: Checkpoints,
    writer: Connection,
    rows: i64,
}

impl Fixture {
    fn new() -> Self {
        let directory = TempDir::new().unwrap();
        let (store, to) = (
            directory.path().join("store"),
            directory.path().join("archive"),
        );
        let start = DateTime::UNIX_EPOCH + TimeDelta::days(20_000);
        let clock = Arc::new(FixedClock::at(start));
        let mut writer = Database::lock(&store).unwrap().open_writer().unwrap();
        let archive = Archive::open(to, &store, Arc::clone(&clock) as Arc<dyn Clock>).unwrap();
        let before = Some(archive.before_checkpoint().unwrap());
        let checkpoints = Checkpoints::start(&mut writer, &store, before).unwrap();
        writer.execute_batch("CREATE TABLE t (filler)").unwrap();
        Self {
            directory,
            clock,
            archive,
            checkpoints,
            writer,
            rows: 0,
        }
    }

    /// With a generation that has its base.
    fn begun() -> Self {
        let fixture = Self::new();
        fixture.archive.shared.tick().unwrap();
        fixture
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// A file of the only generation.
    fn file(&self, name: &str) -> PathBuf {
        self.generations().remove(0).join(name)
    }

    fn generations(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.path("archive")).unwrap();
        let paths = entries.map(|entry| entry.unwrap().path());
        let mut paths: Vec<_> = paths.filter(|path| path.is_dir()).collect();
        paths.sort();
        paths
    }

    /// Writes a row a second later; the instant.
    fn write(&mut self) -> DateTime<Utc> {
        self.clock.advance(TimeDelta::seconds(1));
        self.writer
            .execute("INSERT INTO t VALUES (randomblob(3000))", [])
            .unwrap();
        self.rows += 1;
        self.clock.now()
    }

    fn ship(&self) {
        self.archive.shared.ship().unwrap();
    }

    /// Ends this life of the log.
    fn checkpoint(&mut self) {
        self.checkpoints.finish(&self.writer).unwrap();
    }

    fn restore(&self, at: Option<DateTime<Utc>>) -> Result<i64, String> {
        let target = self.path("restored");
        let restored = restore(&self.path("archive"), at, &target, &mut |_, _| Ok(()));
        restored.map_err(|error| format!("{error:#}"))?;
        let database = Connection::open(target.join(FILE)).unwrap();
        let rows = database
            .query_row("SELECT count(*) FROM t", [], |row| row.get(0))
            .unwrap();
        drop(database);
        fs::remove_dir_all(&target).unwrap();
        Ok(rows)
    }
}

#[test]
fn the_state_of_every_instant_can_be_restored() {
    let mut fixture = Fixture::begun();
    let start = fixture.clock.now();
    let mut states = Vec::new();
    for row in 1..=14 {
        let at = fixture.write();
        fixture.ship();
        states.push((at, row));
        if row % 3 == 0 {
            fixture.checkpoint();
        }
        if row % 5 == 0 {
            let path = fixture.archive.shared.begin().unwrap();
            // The generation before goes on until the new one has its base.
            states.push((fixture.write(), row + 1));
            fixture.ship();
            fixture.archive.shared.make_base(&path).unwrap();
            fixture.rows -= 1;
            fixture
                .writer
                .execute("DELETE FROM t WHERE rowid = (SELECT max(rowid) FROM t)", [])
                .unwrap();
        }
    }
    fixture.ship();
    assert_eq!(fixture.generations().len(), 3);
    for (at, rows) in states {
        assert_eq!(fixture.restore(Some(at)), Ok(rows), "{at}");
        let later = at + TimeDelta::milliseconds(999);
        assert!(fixture.restore(Some(later)).is_ok(), "{later}");
    }
    assert_eq!(fixture.restore(Some(start)), Ok(0));
    assert_eq!(fixture.restore(None), Ok(14));
    let too_early = fixture.restore(Some(start - TimeDelta::milliseconds(1)));
    assert!(too_early.unwrap_err().contains("has no state of"));
}

#[test]
fn a_base_that_took_longer_than_a_life_of_the_log_is_sound() {
    let mut fixture = Fixture::new();
    fixture.write();
    let path = fixture.archive.shared.begin().unwrap();
    let early = fixture.write();
    fixture.checkpoint();
    fixture.write();
    fixture.checkpoint();
    fixture.write();
    fixture.archive.shared.make_base(&path).unwrap();
    let at = fixture.write();
    fixture.ship();
    assert_eq!(fixture.restore(Some(at)), Ok(5));
    assert!(
        fixture
            .restore(Some(early))
            .unwrap_err()
            .contains("the next one is of")
    );
}

#[test]
fn what_is_committed_between_two_copies_is_there_at_the_latest_with_the_next() {
    let mut fixture = Fixture::begun();
    fixture.write();
    let before = fixture.clock.now();
    fixture.write();
    fixture.ship();
    assert_eq!(
        fixture.restore(Some(before)),
        Ok(0),
        "nothing was copied by then"
    );
    assert_eq!(fixture.restore(Some(fixture.clock.now())), Ok(2));
}

/// An archive of three lives with a row each.
fn three_lives() -> Fixture {
    let mut fixture = Fixture::begun();
    for _ in 0..3 {
        fixture.write();
        fixture.checkpoint();
    }
    assert_eq!(fixture.restore(None), Ok(3));
    fixture
}

/// Changes one bit, whatever is there: a digit becomes a sign, and stays a character.
fn flip(path: &Path, at: u64) {
    let file = File::options().read(true).write(true).open(path).unwrap();
    let mut byte = [0];
    file.read_exact_at(&mut byte, at).unwrap();
    file.write_all_at(&[byte[0] ^ 0x10], at).unwrap();
}

fn cut(path: &Path, length: u64) {
    let file = File::options().write(true).open(path).unwrap();
    file.set_len(length).unwrap();
}

#[test]
fn a_damaged_archive_is_refused() {
    type Damage = fn(&Fixture);
    let damages: [(&str, Damage); 9] = [
        ("edited", |f| flip(&f.file("00000002.wal"), 3000)),
        ("truncated", |f| cut(&f.file("00000003.wal"), 4000)),
        ("begin as a log", |f| flip(&f.file("00000001.wal"), 9)),
        ("does not follow", |f| {
            fs::copy(f.file("00000003.wal"), f.file("00000002.wal")).unwrap();
            fs::copy(f.file("00000003.times"), f.file("00000002.times")).unwrap();
        }),
        ("00000002.wal", |f| {
            fs::remove_file(f.file("00000002.wal")).unwrap();
        }),
        ("00000002.times", |f| {
            fs::remove_file(f.file("00000002.wal")).unwrap();
            fs::remove_file(f.file("00000002.times")).unwrap();
        }),
        ("is damaged", |f| cut(&f.file("00000002.times"), 0)),
        ("is damaged", |f| flip(&f.file("00000003.times"), 0)),
        ("edited", |f| flip(&f.file("base/debitor.db"), 5000)),
    ];
    for (fault, damage) in damages {
        let fixture = three_lives();
        damage(&fixture);
        let refusal = fixture.restore(None).unwrap_err();
        assert!(refusal.contains(fault), "{fault}: {refusal}");
        assert!(!fixture.path("restored").exists());
    }
}

#[test]
fn a_part_of_the_log_that_was_missed_begins_a_generation() {
    let mut fixture = Fixture::begun();
    fixture.write();
    fixture.ship();
    fixture.write();
    // Nobody asked the archive before.
    let other = Connection::open(fixture.path("store").join(FILE)).unwrap();
    other
        .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
        .unwrap();
    fixture.write();
    assert!(fixture.archive.shared.ship().is_err());
    assert_eq!(fixture.restore(None), Ok(1));
    fixture.archive.shared.state().begun = None;
    fixture.archive.shared.tick().unwrap();
    assert_eq!(fixture.restore(None), Ok(3));
}

#[test]
fn an_archive_that_is_gone_holds_nothing_up() {
    let mut fixture = Fixture::begun();
    fs::rename(fixture.path("archive"), fixture.path("elsewhere")).unwrap();
    fixture.write();
    fixture.checkpoint();
    fixture.archive.shared.state().begun = None;
    assert!(fixture.archive.shared.tick().is_err());
    fs::rename(fixture.path("elsewhere"), fixture.path("archive")).unwrap();
    fixture.write();
    fixture.archive.shared.state().begun = None;
    fixture.archive.shared.tick().unwrap();
    assert_eq!(fixture.restore(None), Ok(2));
}

#[test]
fn an_archive_that_hangs_holds_nothing_up_and_misses_nothing_in_silence() {
    let mut fixture = Fixture::begun();
    fixture.write();
    // A reader keeps the log from beginning anew, so that its copy is not its end.
    let reader = Connection::open(fixture.path("store").join(FILE)).unwrap();
    reader
        .execute_batch("BEGIN; SELECT count(*) FROM t")
        .unwrap();
    fixture.checkpoints.run(&fixture.writer).unwrap();
    fixture.write();
    reader.execute_batch("COMMIT").unwrap();
    let shared = Arc::clone(&fixture.archive.shared);
    let mut before = settling::before(&shared, Duration::ZERO).unwrap();
    let hanging = shared.state();
    before().unwrap();
    assert!(fixture.archive.lag() < Duration::from_hours(1));
    fixture
        .writer
        .query_row("PRAGMA wal_checkpoint", [], |_| Ok(()))
        .unwrap();
    fixture.write();
    drop(hanging);
    // The generation ends, whichever thread is the first to find out.
    let _ = shared.ship();
    assert!(shared.state().generations.is_empty());
    assert_eq!(fixture.restore(None), Ok(1));
    shared.state().begun = None;
    shared.tick().unwrap();
    assert_eq!(fixture.restore(None), Ok(3));
}

#[test]
fn a_second_server_and_what_is_no_archive_are_refused() {
    let fixture = Fixture::begun();
    let second = Archive::open(
        fixture.path("archive"),
        &fixture.path("store"),
        Arc::clone(&fixture.clock) as Arc<dyn Clock>,
    );
    let refusal = format!("{:#}", second.err().unwrap());
    assert!(refusal.contains("another server"), "{refusal}");
    let neither = restore(
        &fixture.path("store"),
        None,
        &fixture.path("x"),
        &mut |_, _| Ok(()),
    );
    assert!(
        neither
            .unwrap_err()
            .to_string()
            .contains("neither a backup")
    );
}
