//! Connections that are kept, and checked before they are used.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use deadpool::managed::{
    Manager, Metrics, Object, Pool, PoolConfig, PoolError, QueueMode, RecycleError, RecycleResult,
    TimeoutType, Timeouts,
};
use deadpool::{Runtime, managed::BuildError};

use super::super::Options;
use super::super::metrics::Observed;
use super::address::Address;
use super::failure::Failure;
use super::merge::Merges;
use super::migrate;
use super::primary::Primary;
use super::reach::Reach;
use super::session::Session;

/// How long making one may take, and looking whether one that was idle is still good.
const CREATE: Duration = Duration::from_secs(2);
const RECYCLE: Duration = Duration::from_secs(1);
/// A connection that was idle for longer is asked for a sign of life.
const IDLE: Duration = Duration::from_secs(5);

/// A connection of a pool, which goes back to it.
pub(super) type Pooled = Object<Connector>;

/// Makes connections that are fit for servers.
#[derive(Clone)]
pub(super) struct Connector {
    primary: Arc<Primary>,
    /// Connections of earlier generations are to a database that no longer takes writes.
    generation: Arc<AtomicU64>,
    pub(super) reach: Arc<Reach>,
}

impl Connector {
    pub(super) fn new(address: &Address) -> Self {
        Self {
            primary: Primary::of(address),
            generation: Arc::default(),
            reach: Arc::default(),
        }
    }

    /// Makes a connection that is fit for requests, unless the database is away.
    pub(super) async fn open(&self) -> anyhow::Result<Session> {
        // Apart, as it is large and seldom there.
        self.reach.unless_away(Box::pin(self.checked())).await
    }

    /// Makes a connection.
    pub(super) async fn connect(&self) -> anyhow::Result<Session> {
        let generation = self.generation.load(Ordering::Acquire);
        self.primary.open(generation).await
    }

    /// Makes a connection, and checks that it is one of a service that owns nothing to a schema that
    /// this program knows.
    async fn checked(&self) -> anyhow::Result<Session> {
        let mut session = self.connect().await?;
        self.reach.admit(&mut session);
        // All are sent before the first is answered: a database may be far away.
        tokio::try_join!(
            migrate::check(&session),
            check_role(&session),
            check_durability(&session),
        )?;
        Ok(session)
    }

    /// Whether the connection can be used again.
    pub(super) fn is_good(&self, session: &Session) -> bool {
        self.is_current(session) && !session.in_transaction()
    }

    /// Whether the connection can be used, behind what is under way there.
    pub(super) fn is_current(&self, session: &Session) -> bool {
        let current = session.generation == self.generation.load(Ordering::Acquire);
        current && !session.is_closed()
    }

    /// Has every connection made anew: the database behind them no longer takes writes.
    pub(super) fn renew(&self, session: &Session) {
        let next = session.generation + 1;
        self.generation.fetch_max(next, Ordering::AcqRel);
    }
}

/// Refuses a role for which the policies of the tables would not hold.
async fn check_role(session: &Session) -> anyhow::Result<()> {
    let sql = "SELECT rolsuper OR rolbypassrls,
               EXISTS (SELECT 1 FROM pg_tables
                       WHERE schemaname = current_schema() AND tableowner = current_user)
               FROM pg_roles WHERE rolname = current_user";
    let rows = session.query(sql, &[]).await?;
    let row = rows.first().context("the role is not among the roles")?;
    let (bypasses, owns): (bool, bool) = (row.try_get(0)?, row.try_get(1)?);
    ensure!(
        !bypasses && !owns,
        "the role {} must own no table, be no superuser and not have BYPASSRLS",
        migrate::ROLE
    );
    Ok(())
}

/// Refuses a database that answers COMMIT before the transaction is on its disk.
async fn check_durability(session: &Session) -> anyhow::Result<()> {
    let sql = "SELECT current_setting('synchronous_commit') = 'off'";
    let rows = session.query(sql, &[]).await?;
    let row = rows.first().context("a setting has no value")?;
    ensure!(
        !row.try_get::<_, bool>(0)?,
        "synchronous_commit is off, so that answered writes could be lost; it must be on"
    );
    Ok(())
}

impl Manager for Connector {
    type Type = Session;
    type Error = anyhow::Error;

    async fn create(&self) -> Result<Session, anyhow::Error> {
        self.open().await
    }

    async fn recycle(
        &self,
        session: &mut Session,
        metrics: &Metrics,
    ) -> RecycleResult<anyhow::Error> {
        if !self.is_good(session) {
            return Err(RecycleError::message("the connection is of no more use"));
        }
        if metrics.last_used() > IDLE {
            let alive = session.query("SELECT 1", &[]).await;
            alive.map_err(|error| RecycleError::Backend(error.into()))?;
        }
        Ok(())
    }
}

/// The connections of a store.
pub(super) struct Pools {
    pub(super) connector: Connector,
    writes: Pool<Connector>,
    /// Apart, so that commits that wait for a standby leave reads theirs.
    reads: Pool<Connector>,
    pub(super) observed: Observed,
    pub(super) merges: Merges,
    /// How long a request waits for its write, which goes on all the same: statements and locks have
    /// shorter limits, so that what is waited for then is COMMIT.
    pub(super) patience: Duration,
    /// How long each statement of a list may take.
    pub(super) list_limit: Duration,
}

impl Pools {
    /// Pools of so many connections each.
    pub(super) fn new(
        connector: Connector,
        writes: usize,
        reads: usize,
        merges: Merges,
        options: &Options,
    ) -> Result<Self, BuildError> {
        let timeouts = options.timeouts;
        Ok(Self {
            writes: pool(connector.clone(), writes, timeouts.wait)?,
            reads: pool(connector.clone(), reads, timeouts.wait)?,
            connector,
            observed: Observed::default(),
            merges,
            patience: timeouts.wait + 2 * timeouts.statement,
            list_limit: timeouts.statement.min(options.list),
        })
    }

    pub(super) async fn for_writes(&self) -> Result<Pooled, Failure> {
        take(&self.writes).await
    }

    pub(super) async fn for_reads(&self) -> Result<Pooled, Failure> {
        take(&self.reads).await
    }

    /// How many connections there can be to write with.
    pub(super) fn write_connections(&self) -> usize {
        self.writes.status().max_size
    }

    /// How many connections there are, how many of them are idle, and how many requests wait for one.
    pub(super) fn counts(&self) -> [usize; 3] {
        let [a, b] = [self.writes.status(), self.reads.status()];
        [
            a.size + b.size,
            a.available + b.available,
            a.waiting + b.waiting,
        ]
    }

    pub(super) fn close(&self) {
        self.writes.close();
        self.reads.close();
    }
}

fn pool(
    connector: Connector,
    connections: usize,
    wait: Duration,
) -> Result<Pool<Connector>, BuildError> {
    let config = PoolConfig {
        max_size: connections,
        timeouts: Timeouts {
            wait: Some(wait),
            create: Some(CREATE),
            recycle: Some(RECYCLE),
        },
        // The connection that was used last: the rest can be closed by whoever closes idle ones.
        queue_mode: QueueMode::Lifo,
    };
    Pool::builder(connector)
        .config(config)
        .runtime(Runtime::Tokio1)
        .build()
}

/// A connection, once there is one.
async fn take(pool: &Pool<Connector>) -> Result<Pooled, Failure> {
    pool.get().await.map_err(|error| match error {
        PoolError::Timeout(TimeoutType::Wait) => {
            Failure::unavailable("all connections to the database are in use")
        }
        PoolError::Timeout(_) => Failure::unavailable("the database does not answer"),
        PoolError::Backend(error) => Failure::unavailable(format!("{error:#}")),
        other => Failure::unavailable(other.to_string()),
    })
}
