//! The connection that writes: puts writes into transactions, commits them, and tells what became
//! of a transaction that did not succeed.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Instant;

use rusqlite::{Connection, ErrorCode};

use super::super::metrics::Observed;
use super::super::{Error, Result};
use super::checkpoint::Checkpoints;
use super::edit::Edit;
use super::points::Points;
use super::space::Space;
use super::words;
use crate::failpoint;

/// A write on its way through a transaction that it may share.
pub(super) trait Job: Send {
    /// Does the work.
    fn run(&mut self, edit: &Edit<'_>) -> Outcome;
    /// Answers: the work's own outcome if the transaction was committed, else why it was not.
    fn answer(self: Box<Self>, committed: std::result::Result<(), Refusal>);
}

/// What becomes of the changes of a work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Outcome {
    Keep,
    Undo,
    /// The storage failed under it: nothing of the transaction can be kept.
    Abandon(Refusal),
}

impl Outcome {
    pub(super) fn of<T>(result: &Result<T>) -> Self {
        match result {
            Ok(_) => Self::Keep,
            Err(Error::Full(why)) => Self::Abandon(Refusal::Full(why.clone())),
            Err(Error::Broken(why)) => Self::Abandon(Refusal::Broken(why.clone())),
            Err(_) => Self::Undo,
        }
    }
}

/// Why a transaction was not committed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Refusal {
    /// Nothing was written; it may be tried again.
    RolledBack(String),
    /// Nothing was written, for want of room.
    Full(String),
    /// Nothing was written, and nothing more will be.
    Broken(String),
    /// It may have been written; opening the file anew will tell.
    Unknown(String),
}

impl Refusal {
    /// Whether the connection is not to be used again.
    pub(super) fn is_fatal(&self) -> bool {
        matches!(self, Self::Broken(_) | Self::Unknown(_))
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::RolledBack(why) => Self::Unavailable(why),
            Refusal::Full(why) => Self::Full(why),
            Refusal::Broken(why) => Self::Broken(why),
            Refusal::Unknown(why) => Self::OutcomeUnknown(why),
        }
    }
}

/// Why a transaction was refused by an error from before its COMMIT.
impl From<rusqlite::Error> for Refusal {
    fn from(error: rusqlite::Error) -> Self {
        Error::from(error).into()
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        match error {
            Error::Full(why) => Self::Full(why),
            Error::Broken(why) => Self::Broken(why),
            other => Self::RolledBack(other.to_string()),
        }
    }
}

/// The connection that writes.
pub(super) struct Committer {
    connection: Connection,
    checkpoints: Checkpoints,
    points: Arc<Points>,
    space: Space,
    observed: Observed,
}

impl Committer {
    pub(super) fn new(
        connection: Connection,
        checkpoints: Checkpoints,
        points: Arc<Points>,
        space: Space,
        observed: Observed,
    ) -> Self {
        Self {
            connection,
            checkpoints,
            points,
            space,
            observed,
        }
    }

    /// Does one work in a transaction of its own.
    pub(super) fn one<T>(&mut self, work: impl FnOnce(&Edit<'_>) -> Result<T>) -> Result<T> {
        self.begin()?;
        let edit = Edit::new(&self.connection);
        let worked = guarded(work, &edit).and_then(|value| edit.finish().map(|()| value));
        let value = match worked {
            Ok(value) => value,
            Err(error) => {
                self.roll_back()?;
                return Err(error);
            }
        };
        failpoint::hit("writer.inline.commit.before");
        self.commit(1)?;
        failpoint::hit("writer.inline.commit.after");
        Ok(value)
    }

    /// Does works in one transaction, each isolated from the others; returns those that were begun.
    pub(super) fn group(&mut self, works: impl Iterator<Item = Box<dyn Job>>) -> Group {
        let mut jobs = Vec::new();
        let committed = self.group_of(works, &mut jobs);
        Group { jobs, committed }
    }

    fn group_of(
        &mut self,
        mut works: impl Iterator<Item = Box<dyn Job>>,
        begun: &mut Vec<Box<dyn Job>>,
    ) -> std::result::Result<(), Refusal> {
        begun.extend(works.next());
        self.begin()?;
        if let Err(refusal) = self.do_all(works, begun) {
            self.roll_back()?;
            return Err(refusal);
        }
        failpoint::hit("writer.commit.before");
        self.commit(begun.len())?;
        failpoint::hit("writer.commit.after");
        Ok(())
    }

    /// Does the work that was begun, and then the others.
    fn do_all(
        &self,
        mut works: impl Iterator<Item = Box<dyn Job>>,
        begun: &mut Vec<Box<dyn Job>>,
    ) -> std::result::Result<(), Refusal> {
        let edit = Edit::new(&self.connection);
        let mut next = begun.pop();
        while let Some(mut job) = next {
            failpoint::hit("writer.job.before");
            let isolated = self.isolated(job.as_mut(), &edit);
            begun.push(job);
            isolated?;
            failpoint::hit("writer.job.after");
            next = works.next();
        }
        Ok(edit.finish()?)
    }

    fn isolated(&self, job: &mut dyn Job, edit: &Edit<'_>) -> std::result::Result<(), Refusal> {
        self.execute("SAVEPOINT job")?;
        let noted = edit.noted();
        match job.run(edit) {
            Outcome::Keep => {}
            Outcome::Undo => {
                edit.forget(noted);
                self.execute("ROLLBACK TO job")?;
            }
            Outcome::Abandon(refusal) => return Err(refusal),
        }
        Ok(self.execute("RELEASE job")?)
    }

    fn begin(&mut self) -> std::result::Result<(), Refusal> {
        self.space.check().map_err(Refusal::Full)?;
        self.execute("BEGIN IMMEDIATE")?;
        failpoint::hit("writer.begin");
        Ok(())
    }

    /// Commits so many writes. A full disk is told before the end of the transaction is written, so
    /// that nothing of it counts; any other failure leaves in doubt what is on the disk.
    fn commit(&mut self, writes: usize) -> std::result::Result<(), Refusal> {
        let started = Instant::now();
        let _change = self.points.change();
        let Err(error) = self.execute("COMMIT") else {
            self.observed.commit(writes, started.elapsed());
            return Ok(());
        };
        let is_full = error.sqlite_error_code() == Some(ErrorCode::DiskFull);
        if is_full && self.roll_back().is_ok() {
            return Err(Refusal::Full(error.to_string()));
        }
        Err(Refusal::Unknown(error.to_string()))
    }

    /// Undoes the transaction, which SQLite may have done by itself. One that stays would take in
    /// whatever is written next.
    fn roll_back(&self) -> std::result::Result<(), Refusal> {
        if self.connection.is_autocommit() {
            return Ok(());
        }
        self.execute("ROLLBACK")
            .map_err(|error| Refusal::Broken(format!("a transaction cannot be undone: {error}")))
    }

    fn execute(&self, sql: &str) -> rusqlite::Result<()> {
        self.connection.prepare_cached(sql)?.execute([]).map(drop)
    }

    /// Whether the log has grown enough to be moved into the database.
    pub(super) fn is_checkpoint_due(&self) -> bool {
        self.checkpoints.is_due(&self.connection)
    }

    /// Moves the log into the database; an error other than want of room is fatal.
    pub(super) fn checkpoint(&mut self) -> std::result::Result<(), Refusal> {
        let started = Instant::now();
        let _released = self.points.release()?;
        self.checkpoints.run(&self.connection)?;
        self.observed.checkpoint(started.elapsed());
        Ok(())
    }

    /// Moves all of the log into the database and lets go of the files.
    pub(super) fn close(mut self) {
        failpoint::hit("close.before");
        if let Err(refusal) = self.finish() {
            // Opening the store again reads the log.
            tracing::warn!(?refusal, "the log was not moved into the database");
        }
    }

    fn finish(&mut self) -> std::result::Result<(), Refusal> {
        let _released = self.points.release()?;
        self.checkpoints.finish(&self.connection).map(drop)
    }

    /// Makes the files anew, so that they have nothing of what was deleted, and says whether the log, which
    /// had it too, is empty. Pages that are split keep copies of rows in their gaps, which are not
    /// overwritten when the rows are.
    pub(super) fn renew(&mut self) -> std::result::Result<bool, Refusal> {
        let _released = self.points.release()?;
        self.execute("BEGIN IMMEDIATE")?;
        if let Err(error) = words::renew(&self.connection) {
            self.roll_back()?;
            return Err(error.into());
        }
        self.execute("COMMIT")?;
        self.connection.execute_batch("VACUUM")?;
        self.checkpoints.finish(&self.connection)
    }
}

/// The works of a transaction and what became of it.
pub(super) struct Group {
    pub(super) jobs: Vec<Box<dyn Job>>,
    pub(super) committed: std::result::Result<(), Refusal>,
}

/// A work that panics is a fault of ours, and of that work alone.
pub(super) fn guarded<T>(work: impl FnOnce(&Edit<'_>) -> Result<T>, edit: &Edit<'_>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(|| work(edit)))
        .unwrap_or_else(|_| Err(Error::Internal("a write panicked".into())))
}
