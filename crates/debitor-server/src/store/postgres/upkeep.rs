//! What the store does without being asked: the outcomes of requests that may no longer be sent again
//! are forgotten, tenant by tenant, also where nobody sends requests any more.
//!
//! All servers look, and one of them takes a tenant that is due. The policies let it see which tenants
//! there are; it looks through each in a transaction of that tenant.

use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use tokio_postgres::Row;
use uuid::Uuid;

use super::super::idempotency::Pruning;
use super::failure::Failure;
use super::idempotency;
use super::pool::Pools;
use super::session::{Call, Parameter};
use super::transaction::Transaction;
use crate::clock::Clock;

/// How often a tenant is looked through.
const EVERY: TimeDelta = TimeDelta::hours(1);
/// Tenants that are taken together at most, and companies that are looked through with a statement.
const TENANTS: i64 = 1000;
const COMPANIES: usize = 1000;

/// Adds a tenant to those that are looked through.
pub(super) const NOTE: &str = "INSERT INTO tenant (tenant_id) VALUES ($1) ON CONFLICT DO NOTHING";

/// Looks for ever, this often.
pub(super) async fn keep(pools: Arc<Pools>, clock: Arc<dyn Clock>, often: Duration) {
    let pruning = Pruning::new(often);
    loop {
        let now = clock.now();
        if let Some(cutoff) = pruning.due(now, Instant::now())
            && let Err(failure) = prune(&pools, now, cutoff).await
        {
            tracing::warn!(?failure, "old outcomes could not be forgotten");
        }
        tokio::time::sleep(often).await;
    }
}

async fn prune(
    pools: &Arc<Pools>,
    now: DateTime<Utc>,
    cutoff: DateTime<Utc>,
) -> Result<(), Failure> {
    for row in due(pools, now).await? {
        let tenant = row.try_get(0)?;
        if take(pools, tenant, row.try_get(1)?, now).await? {
            look_through(pools, tenant, cutoff).await?;
        }
    }
    Ok(())
}

/// The tenants that nobody looked through for long, or that somebody with a wrong clock did.
async fn due(pools: &Arc<Pools>, now: DateTime<Utc>) -> Result<Vec<Row>, Failure> {
    let (before, after) = (now - EVERY, now + EVERY);
    let mut answers = Transaction::reading(pools, Uuid::nil())
        .await?
        .read(&[
            Call::new("SELECT set_config('app.upkeep', 'on', true)", &[]),
            Call::new(
                "SELECT tenant_id, looked_at FROM tenant WHERE looked_at < $1 OR looked_at > $2
                 ORDER BY looked_at LIMIT $3",
                &[
                    &before.timestamp_millis(),
                    &after.timestamp_millis(),
                    &TENANTS,
                ],
            ),
        ])
        .await?;
    Ok(answers.pop().unwrap_or_default())
}

/// Takes the tenant, unless another server was faster.
async fn take(
    pools: &Arc<Pools>,
    tenant: Uuid,
    looked_at: i64,
    now: DateTime<Utc>,
) -> Result<bool, Failure> {
    let mut transaction = Transaction::writing(pools, tenant).await?;
    let taken = transaction
        .query(
            "UPDATE tenant SET looked_at = $3 WHERE tenant_id = $1 AND looked_at = $2 RETURNING 1",
            &[&tenant, &looked_at, &now.timestamp_millis()],
        )
        .await?;
    transaction.commit().await?;
    Ok(!taken.is_empty())
}

async fn look_through(
    pools: &Arc<Pools>,
    tenant: Uuid,
    cutoff: DateTime<Utc>,
) -> Result<(), Failure> {
    let mut after = Uuid::nil();
    loop {
        let companies = companies(pools, tenant, after).await?;
        idempotency::prune(pools, tenant, &companies, cutoff).await?;
        match companies.last() {
            Some(last) if companies.len() == COMPANIES => after = *last,
            _ => return Ok(()),
        }
    }
}

/// The tenant's next companies after this one.
async fn companies(pools: &Arc<Pools>, tenant: Uuid, after: Uuid) -> Result<Vec<Uuid>, Failure> {
    let limit = i64::try_from(COMPANIES).unwrap_or(i64::MAX);
    let sql = "SELECT id FROM company WHERE tenant_id = $1 AND id > $2 ORDER BY id LIMIT $3";
    let transaction = Transaction::reading(pools, tenant).await?;
    let parameters: [Parameter<'_>; 3] = [&tenant, &after, &limit];
    let answers = transaction.read(&[Call::new(sql, &parameters)]).await?;
    let ids = answers.iter().flatten().map(|row| row.try_get(0));
    Ok(ids.collect::<Result<_, _>>()?)
}
