//! Reads of single rows by their keys, and of what else is soon found, done where they are asked for: a
//! hop to another thread would cost more than the read. Each thread of the runtime has a connection of
//! its own.
//!
//! A snapshot is kept from one read to the next for as long as nothing is committed: taking one takes
//! two calls of the system, and more time than finding a row. This process alone writes, so that it
//! knows. While the log is moved into the database no snapshot is kept, as it would hold back a part
//! of the log.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rusqlite::Connection;
use uuid::Uuid;

use super::super::{Result, Scope};
use super::effort::Deadline;
use super::grant;
use crate::domain::right::Right;
use crate::per_thread::{PerThread, processors};

/// Memory in which all connections together keep pages, and each at least, in KiB.
const CACHE: i64 = 32 * 1024;
const LEAST_CACHE: i64 = 2 * 1024;
/// Companies that each remembers at most; with one more, all are forgotten.
const COMPANIES: usize = 10_000;

/// As long may hold up whatever else the thread has to do.
const SOON: Duration = Duration::from_micros(500);

/// The connections for reads of single rows, and what they need to know of the writer.
pub(super) struct Points {
    connections: PerThread<Mutex<Point>>,
    /// Counts the beginnings and the ends of changes: odd while one is under way.
    changes: AtomicU64,
    /// Counts the changes of what is granted.
    grants: AtomicU64,
}

impl Points {
    /// With connections that `open` makes.
    pub(super) fn start(open: impl Fn() -> anyhow::Result<Connection>) -> anyhow::Result<Self> {
        Ok(Self {
            connections: PerThread::try_new(|| Ok(Mutex::new(Point::new(open()?)?)))?,
            changes: AtomicU64::new(0),
            grants: AtomicU64::new(0),
        })
    }

    /// Reads in a snapshot that has every change that anyone has heard of or seen.
    pub(super) fn read<T>(&self, work: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
        work(&self.point()?.connection)
    }

    /// The same in a company that is there for the caller; another does not exist.
    pub(super) fn read_in<T>(
        &self,
        scope: &Scope,
        work: impl FnOnce(&Connection) -> Result<T>,
    ) -> Result<T> {
        let mut point = self.point()?;
        point.require(scope)?;
        work(&point.connection)
    }

    /// Reads what several statements find, in one snapshot and a short time: what takes longer is
    /// [`Error::QueryTimeout`](super::super::Error::QueryTimeout), and is for
    /// [`Readers`](super::readers::Readers).
    pub(super) fn read_soon<T>(&self, work: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
        let point = self.point()?;
        let _snapshot = point.snapshot()?;
        let work = || work(&point.connection);
        point.deadline.within(SOON, work)
    }

    fn point(&self) -> Result<MutexGuard<'_, Point>> {
        let mut point = lock(self.connections.own());
        point.turn_to(self.changes.load(Ordering::SeqCst))?;
        point.forget(self.grants.load(Ordering::SeqCst));
        Ok(point)
    }

    /// To be called once a change of what is granted is committed, and before anyone hears of it.
    pub(super) fn granted(&self) {
        self.grants.fetch_add(1, Ordering::SeqCst);
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
    deadline: Deadline,
    /// The count of changes at the last read.
    seen: u64,
    /// Companies that everyone of their tenants may read, with these. A company neither goes away nor
    /// changes its tenant, so that what was true once is true until something is granted.
    companies: HashMap<Uuid, Uuid>,
    /// The count of such changes at the last read.
    grants: u64,
}

impl Point {
    fn new(mut connection: Connection) -> rusqlite::Result<Self> {
        let each = i64::try_from(processors()).map_or(0, |processors| CACHE / processors);
        // Less than zero: KiB, not pages.
        connection.pragma_update(None, "cache_size", -each.max(LEAST_CACHE))?;
        let deadline = Deadline::of(&mut connection)?;
        Ok(Self {
            connection,
            deadline,
            seen: u64::MAX,
            companies: HashMap::new(),
            grants: 0,
        })
    }

    /// Sees to it that the next read has what these changes made. A snapshot is kept from the second
    /// read without a change between: for a single read, keeping it would cost more.
    fn turn_to(&mut self, changes: u64) -> Result<()> {
        let is_changing = changes % 2 == 1;
        if self.seen != changes {
            self.let_go()?;
            self.seen = changes;
        } else if !is_changing && !self.keeps() {
            self.execute("BEGIN")?;
        }
        Ok(())
    }

    /// Whether a snapshot is kept, which has at least what the changes that were seen made.
    fn keeps(&self) -> bool {
        !self.connection.is_autocommit()
    }

    fn forget(&mut self, grants: u64) {
        if self.grants != grants {
            self.companies.clear();
            self.grants = grants;
        }
    }

    fn require(&mut self, scope: &Scope) -> Result<()> {
        if self.companies.get(&scope.company()) == Some(&scope.tenant()) {
            return Ok(());
        }
        if grant::readable(&self.connection, scope)?.everyone >= Right::Read {
            if self.companies.len() >= COMPANIES {
                self.companies.clear();
            }
            self.companies.insert(scope.company(), scope.tenant());
        }
        Ok(())
    }

    /// The snapshot that is kept, or else one that ends with the returned value.
    fn snapshot(&self) -> Result<Option<Snapshot<'_>>> {
        if self.keeps() {
            return Ok(None);
        }
        self.execute("BEGIN")?;
        Ok(Some(Snapshot(self)))
    }

    fn let_go(&self) -> Result<()> {
        if self.keeps() {
            self.execute("COMMIT")?;
        }
        Ok(())
    }

    fn execute(&self, sql: &str) -> Result<()> {
        self.connection.prepare_cached(sql)?.execute([])?;
        Ok(())
    }
}

/// A snapshot for a single read, whatever becomes of it.
struct Snapshot<'a>(&'a Point);

impl Drop for Snapshot<'_> {
    fn drop(&mut self) {
        // An error would come again with the connection's next statement, which tells it.
        let _ = self.0.let_go();
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::Error;
    use super::*;
    use crate::auth::Administrator;

    /// A connection that writes, and those for reads beside it.
    fn store(directory: &tempfile::TempDir) -> (Connection, Points) {
        let path = directory.path().join("db");
        let writer = Connection::open(&path).unwrap();
        writer
            .execute_batch("PRAGMA journal_mode = WAL; CREATE TABLE t (n);")
            .unwrap();
        let points = Points::start(|| Ok(Connection::open(&path)?)).unwrap();
        (writer, points)
    }

    fn add(writer: &Connection) {
        writer.execute("INSERT INTO t VALUES (1)", []).unwrap();
    }

    fn rows(points: &Points) -> i64 {
        let count = |db: &Connection| Ok(db.query_row("SELECT count(*) FROM t", [], |r| r.get(0))?);
        points.read(count).unwrap()
    }

    #[test]
    fn a_snapshot_is_kept_until_a_change_begins() {
        let directory = tempfile::tempdir().unwrap();
        let (writer, points) = store(&directory);
        assert_eq!((rows(&points), rows(&points)), (0, 0));
        // Of this change it was not told, so that the snapshot shows.
        add(&writer);
        assert_eq!(rows(&points), 0);
        let change = points.change();
        assert_eq!(rows(&points), 1);
        add(&writer);
        assert_eq!((rows(&points), rows(&points)), (2, 2));
        add(&writer);
        drop(change);
        assert_eq!((rows(&points), rows(&points)), (3, 3));
    }

    #[test]
    fn the_log_can_be_moved_while_no_snapshot_is_kept() {
        let directory = tempfile::tempdir().unwrap();
        let (writer, points) = store(&directory);
        add(&writer);
        let is_held = || {
            let pragma = "PRAGMA wal_checkpoint(TRUNCATE)";
            writer.query_row(pragma, [], |row| row.get::<_, bool>(0))
        };
        writer.busy_timeout(std::time::Duration::ZERO).unwrap();
        assert_eq!((rows(&points), rows(&points)), (1, 1));
        assert!(is_held().unwrap());
        let released = points.release().unwrap();
        assert_eq!((rows(&points), rows(&points)), (1, 1));
        assert!(!is_held().unwrap());
        drop(released);
    }

    #[test]
    fn what_is_not_soon_done_ends_and_keeps_no_snapshot() {
        let directory = tempfile::tempdir().unwrap();
        let (writer, points) = store(&directory);
        let endless = "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n)
                       SELECT count(*) FROM n";
        let count = |sql: &'static str| {
            points.read_soon(|db| Ok(db.query_row(sql, [], |row| row.get::<_, i64>(0))?))
        };
        assert!(matches!(count(endless), Err(Error::QueryTimeout)));
        // Of this change it was not told: a snapshot of before would not show it.
        add(&writer);
        let change = points.change();
        assert_eq!(count("SELECT count(*) FROM t").unwrap(), 1);
        add(&writer);
        assert_eq!(count("SELECT count(*) FROM t").unwrap(), 2);
        drop(change);
    }

    #[test]
    fn another_tenants_company_does_not_exist_however_often_it_is_asked_for() {
        let directory = tempfile::tempdir().unwrap();
        let (writer, points) = store(&directory);
        writer
            .execute_batch(
                "CREATE TABLE company (id, tenant_id, row DEFAULT 1, everyone_may DEFAULT 2)",
            )
            .unwrap();
        let [tenant, other, company] = [1, 2, 3].map(Uuid::from_u128);
        let ids = [company.as_bytes(), tenant.as_bytes()];
        writer
            .execute("INSERT INTO company (id, tenant_id) VALUES (?1, ?2)", ids)
            .unwrap();
        let found = |tenant| {
            points
                .read_in(&Administrator::of(tenant).scope(company), |_| Ok(()))
                .is_ok()
        };
        assert_eq!(
            [other, tenant, other, tenant].map(found),
            [false, true, false, true]
        );
    }
}
