//! Reads of single rows by their keys, done where they are asked for: a hop to another thread would
//! cost more than the read. Each thread of the runtime has a connection of its own.
//!
//! A snapshot is kept from one read to the next for as long as nothing is committed: taking one takes
//! two calls of the system, and more time than finding a row. This process alone writes, so that it
//! knows. While the log is moved into the database no snapshot is kept, as it would hold back a part
//! of the log.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rusqlite::Connection;
use uuid::Uuid;

use super::super::{Result, Scope};
use super::company;
use crate::per_thread::PerThread;

/// Memory in which each connection keeps pages, in KiB.
const CACHE: i32 = 8 * 1024;
/// Companies that each remembers at most; with one more, all are forgotten.
const COMPANIES: usize = 10_000;

/// The connections for reads of single rows, and what they need to know of the writer.
pub(super) struct Points {
    connections: PerThread<Mutex<Point>>,
    /// Counts the beginnings and the ends of changes: odd while one is under way.
    changes: AtomicU64,
}

impl Points {
    /// With connections that `open` makes.
    pub(super) fn start(open: impl Fn() -> anyhow::Result<Connection>) -> anyhow::Result<Self> {
        Ok(Self {
            connections: PerThread::try_new(|| Ok(Mutex::new(Point::new(open()?)?)))?,
            changes: AtomicU64::new(0),
        })
    }

    /// Reads in a snapshot that has every change that anyone has heard of or seen.
    pub(super) fn read<T>(&self, work: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
        work(&self.point()?.connection)
    }

    /// The same in a company of the tenant's; another does not exist.
    pub(super) fn read_in<T>(
        &self,
        scope: Scope,
        work: impl FnOnce(&Connection) -> Result<T>,
    ) -> Result<T> {
        let mut point = self.point()?;
        point.require(scope)?;
        work(&point.connection)
    }

    fn point(&self) -> Result<MutexGuard<'_, Point>> {
        let mut point = lock(self.connections.own());
        point.turn_to(self.changes.load(Ordering::SeqCst))?;
        Ok(point)
    }

    /// To be held while the database changes: from before the change can be seen by a read until
    /// before anyone hears of it. Each read takes a snapshot of its own meanwhile.
    pub(super) fn change(&self) -> Change<'_> {
        self.changes.fetch_add(1, Ordering::SeqCst);
        Change(&self.changes)
    }

    /// Lets go of every snapshot; none is kept while the returned value lives.
    pub(super) fn release(&self) -> Result<Change<'_>> {
        let change = self.change();
        for point in self.connections.all() {
            lock(point).let_go()?;
        }
        Ok(change)
    }
}

/// A read that panicked left nothing half done.
fn lock(point: &Mutex<Point>) -> MutexGuard<'_, Point> {
    point.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A change that is under way. Only the writer makes them, one after the other.
#[must_use]
pub(super) struct Change<'a>(&'a AtomicU64);

impl Drop for Change<'_> {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// A connection that cannot write.
struct Point {
    connection: Connection,
    /// The count of changes at the last read.
    seen: u64,
    /// Whether a snapshot is kept, which has at least what those changes made.
    is_kept: bool,
    /// Companies that were found, with their tenants. A company neither goes away nor changes its
    /// tenant, so that what was true once is true.
    companies: HashMap<Uuid, Uuid>,
}

impl Point {
    fn new(connection: Connection) -> rusqlite::Result<Self> {
        connection.pragma_update(None, "cache_size", -CACHE)?;
        Ok(Self {
            connection,
            seen: u64::MAX,
            is_kept: false,
            companies: HashMap::new(),
        })
    }

    /// Sees to it that the next read has what these changes made. A snapshot is kept from the second
    /// read without a change between: for a single read, keeping it would cost more.
    fn turn_to(&mut self, changes: u64) -> Result<()> {
        let is_changing = changes % 2 == 1;
        if self.seen != changes {
            self.let_go()?;
            self.seen = changes;
        } else if !is_changing && !self.is_kept {
            self.execute("BEGIN")?;
            self.is_kept = true;
        }
        Ok(())
    }

    fn require(&mut self, scope: Scope) -> Result<()> {
        if self.companies.get(&scope.company) == Some(&scope.tenant) {
            return Ok(());
        }
        company::require(&self.connection, scope)?;
        if self.companies.len() >= COMPANIES {
            self.companies.clear();
        }
        self.companies.insert(scope.company, scope.tenant);
        Ok(())
    }

    fn let_go(&mut self) -> Result<()> {
        if self.is_kept {
            self.execute("COMMIT")?;
            self.is_kept = false;
        }
        Ok(())
    }

    fn execute(&self, sql: &str) -> Result<()> {
        self.connection.prepare_cached(sql)?.execute([])?;
        Ok(())
    }
}
