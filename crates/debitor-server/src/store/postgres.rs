//! The store on PostgreSQL, for any number of servers on one database.
//!
//! Reads by key are gathered (`points`), and so are writes of a company's customers (`gather`,
//! `optimistic`, `create`, `change`); every other write is a transaction of its own (`work`, `transaction`). Whatever an error of the
//! database means is in one table (`failure`). Which of several hosts is the one that writes go to is in
//! `primary`, whether there is one at all is seen by a `heartbeat` (`reach`). The statements are in the
//! file of their noun.

mod address;
mod audit;
mod change;
mod company;
mod create;
mod customer;
mod failure;
mod fill;
mod forget;
mod gather;
mod gauges;
mod grant;
mod heartbeat;
mod idempotency;
mod import;
mod judged;
mod list;
mod look_up;
mod merge;
mod migrate;
mod optimistic;
mod points;
mod pool;
#[cfg(test)]
mod portable;
mod primary;
mod privacy;
mod reach;
mod sales_invoice;
mod segment;
mod session;
mod transaction;
mod upkeep;
mod words;
mod work;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use debitor_api::properties::{CompanyProperty, CustomerProperty, SalesInvoiceProperty};
use debitor_api::types::{CustomerCreate, CustomerUpdate, SalesInvoiceCreate, SalesInvoiceUpdate};
use futures::FutureExt as _;
use futures::future::BoxFuture;
use prometheus_client::registry::Registry;
use tokio::time::timeout;
use tokio_postgres::Row;
use tokio_util::task::{AbortOnDropHandle, TaskTracker};
use uuid::Uuid;

use super::idempotency::{Claim, Running};
use super::privacy::{Erase, Erased, Files, Held, Sought};
use super::writing::Writing;
use super::{
    CompanyKey, Condition, CustomerKey, Error, ListQuery, NewerSchema, Noun, Options, Page, Result,
    Scope, Store, Stored, Timeouts, Unfit, Write, Written,
};
use crate::auth::{Administrator, Caller};
use crate::clock::Clock;
use crate::domain::company::NewCompany;
use crate::domain::right::{Granted, Grantee, Right};
use crate::domain::version::{Precondition, Version};
use address::Address;
use create::Create;
use failure::Failure;
use gather::Gather;
use gauges::Gauges;
use heartbeat::beat;
pub(super) use import::Import;
use list::Owner;
use merge::Merges;
pub use migrate::{Migrated, ROLE, migrate};
use points::{Kind, Points};
use pool::{Connector, Pools};
use transaction::Transaction;
use work::{Once, Work, Writes};

/// How long a server that starts waits for its database before it goes on without.
const FIRST: Duration = Duration::from_secs(2);
/// How long the last writes are waited for.
const CLOSE: Duration = Duration::from_secs(15);

/// A store in a database that other servers may use too.
pub struct PostgresStore {
    pools: Arc<Pools>,
    points: Points,
    writes: Writes,
    creates: Gather<Once<Create>>,
    changes: Gather<change::Change>,
    clock: Arc<dyn Clock>,
    running: Running,
    _background: [AbortOnDropHandle<()>; 3],
}

impl PostgresStore {
    /// Opens the store. A database that cannot be reached is no reason not to start: requests are
    /// refused until it can be.
    pub async fn open(url: &str, options: Options, clock: Arc<dyn Clock>) -> anyhow::Result<Self> {
        let settings = settings(options.timeouts);
        let connector = Connector::new(&Address::parse(url, &settings)?);
        match timeout(FIRST, connector.open()).await {
            Ok(Ok(_)) => {}
            Ok(Err(error)) if is_away(&error) => connector.reach.lose(&format!("{error:#}")),
            Ok(Err(error)) if error.is::<NewerSchema>() => return Err(error),
            Ok(Err(error)) => return Err(Unfit(format!("{error:#}")).into()),
            Err(_) => connector.reach.lose("it does not answer"),
        }
        let heartbeat = tokio::spawn(beat(connector.clone(), options.timeouts.silence));
        let (points, reads, writes) = shares(options.connections);
        let (merges, told) = Merges::new();
        let pools = Arc::new(Pools::new(connector, writes, reads, merges, &options)?);
        let upkeep = upkeep::keep(Arc::clone(&pools), Arc::clone(&clock), options.upkeep);
        let upkeep = tokio::spawn(upkeep);
        let merging = tokio::spawn(merge::keep(Arc::clone(&pools), told));
        let writes = Writes {
            pools: Arc::clone(&pools),
            tasks: TaskTracker::new(),
        };
        Ok(Self {
            points: Points::start(&pools.connector, points),
            creates: Gather::new(writes.clone()),
            changes: Gather::new(writes.clone()),
            writes,
            pools,
            clock,
            running: Running::default(),
            _background: [heartbeat, upkeep, merging].map(AbortOnDropHandle::new),
        })
    }

    /// Does the work once for the request's key, if it has one.
    async fn write(&self, write: Write, work: impl Work<Stored>) -> Result<Written> {
        let (write, claim) = self.claimed(write)?;
        self.writes.run(write, claim, Once(work)).await
    }

    async fn delete(&self, write: Write, work: impl Work<()>) -> Result<()> {
        let write = Writing::new(write, &self.clock);
        self.writes.run(write, None, work).await
    }

    /// Takes the request's key, if it has one.
    fn claimed(&self, write: Write) -> Result<(Writing, Option<Claim>)> {
        let claim = self.running.claim(write.idempotency)?;
        Ok((Writing::new(write, &self.clock), claim))
    }

    /// Reads by key. A company that is not found may be one that is not open to everyone.
    async fn point(&self, kind: Kind, scope: &Scope, id: Uuid) -> Result<Stored> {
        let key = CompanyKey::from(scope);
        match self.points.get(kind, key, id).await {
            Err(Error::NotFound(Noun::Company)) => {
                let alone = move |db, _| points::alone(db, kind, key, id).boxed();
                self.scan(Owner::Company(scope.clone()), alone).await
            }
            found => found,
        }
    }

    /// Reads what may be much, again on a new connection if the one that was kept is lost.
    async fn scan<T>(
        &self,
        owner: Owner,
        work: impl Fn(Transaction, Owner) -> BoxFuture<'static, Result<T, Failure>> + Send + Sync,
    ) -> Result<T> {
        let transaction = Transaction::listing(&self.pools, &owner).await?;
        match work(transaction, owner.clone()).await {
            Err(Failure::Lost(_)) => {
                let transaction = Transaction::listing(&self.pools, &owner).await?;
                Ok(work(transaction, owner).await?)
            }
            first => Ok(first?),
        }
    }
}

/// The settings of PostgreSQL for every connection of a server. A statement is planned once, maybe
/// while the tables are empty: only plans that stay good when they grow are allowed. A transaction
/// whose connection was cut while packets were dropped may never hear so: it holds its locks only for
/// so long that what comes after the network is back can wait for them.
fn settings(timeouts: Timeouts) -> [(&'static str, String); 11] {
    let milliseconds = |time: Duration| time.as_millis().to_string();
    [
        ("role", migrate::ROLE.to_owned()),
        ("statement_timeout", milliseconds(timeouts.statement)),
        ("lock_timeout", milliseconds(timeouts.lock)),
        (
            "idle_in_transaction_session_timeout",
            milliseconds(2 * timeouts.silence),
        ),
        ("plan_cache_mode", "force_generic_plan".to_owned()),
        ("enable_seqscan", "off".to_owned()),
        ("enable_hashjoin", "off".to_owned()),
        ("enable_mergejoin", "off".to_owned()),
        // A join looks up row by row: the rows of a company are not read once for all of them.
        ("enable_material", "off".to_owned()),
        // The size of a table alone has plans compiled and processes started, even for what then does
        // not run: with a million customers a list took 300 ms, and a second.
        ("jit", "off".to_owned()),
        ("max_parallel_workers_per_gather", "0".to_owned()),
    ]
}

/// How the connections are shared out: reads by key, other reads, writes.
fn shares(connections: usize) -> (usize, usize, usize) {
    let points = if connections < 8 { 1 } else { 2 };
    let reads = (connections / 4).max(1);
    (
        points,
        reads,
        connections.saturating_sub(points + reads).max(1),
    )
}

/// Whether the database could not be reached, or takes no connections just now: not so whatever the
/// settings are to blame for.
fn is_away(error: &anyhow::Error) -> bool {
    let Some(error) = error.downcast_ref::<tokio_postgres::Error>() else {
        return error.is::<primary::Replaced>();
    };
    matches!(
        Failure::of(error, ""),
        Failure::Lost(_) | Failure::Refused(Error::Unavailable(_))
    )
}

#[async_trait]
impl Store for PostgresStore {
    async fn company_create(&self, by: Administrator, company: NewCompany) -> Result<Uuid> {
        let id = company.id.unwrap_or_else(|| self.clock.new_id());
        let write = Writing::of_operator(by, id, Arc::clone(&self.clock));
        self.writes.run(write, None, company::Create(company)).await
    }

    async fn company_grant(
        &self,
        by: Administrator,
        company: Uuid,
        to: Grantee,
        right: Right,
    ) -> Result<()> {
        let write = Writing::of_operator(by, company, Arc::clone(&self.clock));
        self.writes.run(write, None, grant::Set { to, right }).await
    }

    async fn company_grants(&self, by: Administrator) -> Result<Vec<Granted>> {
        self.scan(Owner::Caller(by.caller()), move |db, _| {
            grant::all(db, by).boxed()
        })
        .await
    }

    async fn customer_export(
        &self,
        by: Administrator,
        company: Uuid,
        customer: Sought,
    ) -> Result<Held> {
        self.scan(Owner::Company(by.scope(company)), move |db, owner| {
            privacy::held(db, owner, customer.clone()).boxed()
        })
        .await
    }

    async fn customer_erase(
        &self,
        by: Administrator,
        company: Uuid,
        erase: Erase,
    ) -> Result<Erased> {
        let write = Writing::of_operator(by, company, Arc::clone(&self.clock));
        let renews = erase.files;
        let customers = self.writes.run(write, None, erase).await?;
        let files = if renews {
            privacy::renew(&self.pools.connector).await
        } else {
            Files::Left
        };
        Ok(Erased { customers, files })
    }

    async fn company_list(
        &self,
        caller: &Arc<Caller>,
        query: ListQuery<CompanyProperty>,
    ) -> Result<Page> {
        self.scan(Owner::Caller(Arc::clone(caller)), move |db, owner| {
            list::page(db, owner, query.clone()).boxed()
        })
        .await
    }

    async fn company_count(
        &self,
        caller: &Arc<Caller>,
        condition: Condition<CompanyProperty>,
    ) -> Result<i32> {
        self.scan(Owner::Caller(Arc::clone(caller)), move |db, owner| {
            list::count(db, owner, condition.clone()).boxed()
        })
        .await
    }

    async fn company_get(&self, scope: &Scope) -> Result<Bytes> {
        let found = self.point(Kind::Company, scope, scope.company()).await?;
        Ok(found.json)
    }

    async fn customer_list(
        &self,
        scope: &Scope,
        query: ListQuery<CustomerProperty>,
    ) -> Result<Page> {
        self.scan(Owner::Company(scope.clone()), move |db, owner| {
            list::page(db, owner, query.clone()).boxed()
        })
        .await
    }

    async fn customer_count(
        &self,
        scope: &Scope,
        condition: Condition<CustomerProperty>,
    ) -> Result<i32> {
        self.scan(Owner::Company(scope.clone()), move |db, owner| {
            list::count(db, owner, condition.clone()).boxed()
        })
        .await
    }

    async fn customer_get(&self, scope: &Scope, key: CustomerKey) -> Result<Stored> {
        let (kind, id) = match key {
            CustomerKey::Id(id) => (Kind::Customer, id),
            CustomerKey::OfSalesInvoice(id) => (Kind::CustomerOfSalesInvoice, id),
        };
        self.point(kind, scope, id).await
    }

    async fn customer_create(
        &self,
        write: Write,
        sales_invoice: Option<Uuid>,
        customer: CustomerCreate,
    ) -> Result<Written> {
        if let Some(draft) = sales_invoice {
            let create = Create::of_sales_invoice(draft, customer);
            return self.write(write, create).await;
        }
        let (write, claim) = self.claimed(write)?;
        let create = Create::of_company(&write, customer)?;
        self.creates.run(write, claim, Once(create)).await
    }

    async fn customer_update(
        &self,
        write: Write,
        key: CustomerKey,
        precondition: Precondition,
        change: CustomerUpdate,
    ) -> Result<Written> {
        let work = customer::Update {
            key,
            precondition,
            change,
        };
        let (write, claim) = self.claimed(write)?;
        let work = change::Change::Update(Box::new(Once(work)));
        let written = self.changes.run(write, claim, work).await?;
        written.ok_or_else(|| Error::Internal("an update without an outcome".to_owned()))
    }

    async fn customer_delete(
        &self,
        write: Write,
        key: CustomerKey,
        precondition: Precondition,
    ) -> Result<()> {
        let work = customer::Delete { key, precondition };
        let write = Writing::new(write, &self.clock);
        let work = change::Change::Delete(work);
        self.changes.run(write, None, work).await.map(drop)
    }

    async fn sales_invoice_list(
        &self,
        scope: &Scope,
        query: ListQuery<SalesInvoiceProperty>,
    ) -> Result<Page> {
        self.scan(Owner::Company(scope.clone()), move |db, owner| {
            list::page(db, owner, query.clone()).boxed()
        })
        .await
    }

    async fn sales_invoice_count(
        &self,
        scope: &Scope,
        condition: Condition<SalesInvoiceProperty>,
    ) -> Result<i32> {
        self.scan(Owner::Company(scope.clone()), move |db, owner| {
            list::count(db, owner, condition.clone()).boxed()
        })
        .await
    }

    async fn sales_invoice_get(&self, scope: &Scope, id: Uuid) -> Result<Stored> {
        self.point(Kind::SalesInvoice, scope, id).await
    }

    async fn sales_invoice_create(
        &self,
        write: Write,
        invoice: SalesInvoiceCreate,
    ) -> Result<Written> {
        self.write(write, sales_invoice::Create(invoice)).await
    }

    async fn sales_invoice_update(
        &self,
        write: Write,
        id: Uuid,
        precondition: Precondition,
        change: SalesInvoiceUpdate,
    ) -> Result<Written> {
        let work = sales_invoice::Update {
            id,
            precondition,
            change,
        };
        self.write(write, work).await
    }

    async fn sales_invoice_delete(
        &self,
        write: Write,
        id: Uuid,
        precondition: Precondition,
    ) -> Result<()> {
        self.delete(write, sales_invoice::Delete { id, precondition })
            .await
    }

    async fn secret(&self) -> Result<Vec<u8>> {
        let session = self.pools.for_reads().await?;
        let rows = session.query("SELECT bytes FROM secret", &[]).await;
        let rows = rows.map_err(Failure::from)?;
        let row = rows
            .first()
            .ok_or_else(|| Error::Internal("no secret".to_owned()))?;
        Ok(row.try_get(0).map_err(Failure::from)?)
    }

    /// The database's storage is looked after by whoever runs the database.
    async fn failed(&self) {
        std::future::pending::<()>().await;
    }

    async fn ping(&self) -> Result<()> {
        let session = self.pools.for_reads().await?;
        session
            .query("SELECT 1", &[])
            .await
            .map_err(Failure::from)?;
        Ok(())
    }

    fn register(&self, registry: &mut Registry) {
        self.pools.observed.register(registry);
        registry.register_collector(Box::new(Gauges(Arc::clone(&self.pools))));
    }

    async fn close(&self) {
        self.writes.tasks.close();
        let ended = timeout(CLOSE, self.writes.tasks.wait());
        if ended.await.is_err() {
            tracing::warn!("writes were left to the database: they took too long");
        }
        self.pools.close();
    }
}

/// Reads the columns `version, incarnation` from `column` on.
fn version(row: &Row, column: usize) -> Result<Version, Failure> {
    let incarnation: i64 = row.try_get(column + 1)?;
    Ok(Version {
        number: row.try_get(column)?,
        incarnation: u32::try_from(incarnation)
            .map_err(|error| Error::Internal(format!("an entity's incarnation: {error}")))?,
    })
}
