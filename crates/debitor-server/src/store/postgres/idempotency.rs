//! Requests that are sent again: the first outcome is kept in the transaction that made it, and
//! answers every repetition until it is pruned.
//!
//! A repetition is itself a write that is committed before it answers, so that what it repeats is
//! wherever commits have to be, the standby too. Of two that come at the same time the unique key
//! lets one pass; the other waits for it, and finds its outcome when it looks again.

use std::collections::HashMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use tokio_postgres::Row;
use uuid::Uuid;

use super::super::idempotency::{Key, PRUNE_ROWS, unerased};
use super::super::writing::Writing;
use super::super::{CompanyKey, Error, Form, Idempotency, Result, Stored, Written};
use super::failure::Failure;
use super::pool::Pools;
use super::transaction::{Owned, Transaction, Whole};

/// The first outcomes of those writes, all of one company, that were made before, noting that they were
/// repeated. One whose key belongs to another request is refused.
pub(super) async fn repeated(
    transaction: &mut Transaction,
    writes: impl Iterator<Item = &Writing>,
) -> Result<HashMap<Key, Result<Written>>, Failure> {
    let with_keys = writes.filter_map(|write| Some((write, write.idempotency?)));
    let (writes, requests): (Vec<_>, Vec<_>) = with_keys.unzip();
    let Some(Writing { scope, clock, .. }) = writes.first() else {
        return Ok(HashMap::new());
    };
    let keys: Vec<&[u8]> = requests.iter().map(|one| &one.key[..]).collect();
    let prints: Vec<&[u8]> = requests.iter().map(|one| &one.fingerprint[..]).collect();
    let rows = transaction
        .query(
            "UPDATE idempotency AS i SET replayed_at =
               CASE WHEN i.fingerprint = r.fingerprint THEN $4 ELSE i.replayed_at END
             FROM unnest($2::bytea[], $3::bytea[]) AS r (key, fingerprint)
             WHERE i.company_id = $1 AND i.key = r.key
             RETURNING i.key, i.fingerprint = r.fingerprint, id, etag, body, base_url, minimal",
            &[
                &scope.company,
                &keys,
                &prints,
                &clock.now().timestamp_millis(),
            ],
        )
        .await?;
    rows.iter().map(record).collect()
}

fn record(row: &Row) -> Result<(Key, Result<Written>), Failure> {
    let key: &[u8] = row.try_get(0)?;
    let key = Key::try_from(key)
        .map_err(|error| Error::Internal(format!("the key of a record: {error}")))?;
    let same: bool = row.try_get(1)?;
    let written = Written {
        stored: Stored {
            id: row.try_get(2)?,
            etag: row.try_get(3)?,
            json: row.try_get::<_, String>(4)?.into(),
        },
        form: Form {
            base_url: row.try_get::<_, &str>(5)?.into(),
            minimal: row.try_get(6)?,
        },
    };
    Ok((
        key,
        if same {
            unerased(written)
        } else {
            Err(Error::KeyReused)
        },
    ))
}

/// A request and what was made of it, but for the entity itself.
pub(super) struct Outcome<'a> {
    pub(super) request: Idempotency,
    pub(super) id: Uuid,
    pub(super) etag: String,
    pub(super) form: &'a Form,
}

/// Another request with one of the keys is waited for, but not as long as for other rows; and hardly
/// by many requests together, each of which can still wait by itself.
const WAIT: &str = "SET LOCAL lock_timeout = '1s'";
const WAIT_TOGETHER: &str = "SET LOCAL lock_timeout = '50ms'";

/// Keeps the outcomes of writes of one company, as far as their requests have keys.
pub(super) fn remember(
    transaction: &mut Transaction,
    written: &[(&Writing, Written)],
) -> Result<(), Failure> {
    let (mut outcomes, mut bodies) = (Vec::new(), Vec::new());
    for (write, Written { stored, form }) in written {
        let Some(request) = write.idempotency else {
            continue;
        };
        let body = std::str::from_utf8(&stored.json)
            .map_err(|error| Error::Internal(format!("an entity's JSON: {error}")))?;
        bodies.push(body.to_owned());
        outcomes.push(Outcome {
            request,
            id: stored.id,
            etag: stored.etag.clone(),
            form,
        });
    }
    let Some((Writing { scope, clock, .. }, _)) = written.first() else {
        return Ok(());
    };
    if outcomes.is_empty() {
        return Ok(());
    }
    transaction.write(WAIT, Vec::new());
    let mut parameters = parameters(*scope, clock.now(), &outcomes);
    parameters.push(Box::new(bodies));
    transaction.write(
        "INSERT INTO idempotency
           (company_id, tenant_id, at, key, fingerprint, id, etag, base_url, minimal, body)
         SELECT $1, $2, $3, * FROM unnest($4::bytea[], $5::bytea[], $6::uuid[], $7::text[],
           $8::text[], $9::boolean[], $10::text[])",
        parameters,
    );
    Ok(())
}

/// Keeps the outcomes of requests whose customers the transaction has just made.
pub(super) fn remember_customers(
    transaction: &mut Whole,
    scope: CompanyKey,
    now: DateTime<Utc>,
    outcomes: &[Outcome<'_>],
) {
    transaction.write(WAIT_TOGETHER, Vec::new());
    transaction.write(
        "INSERT INTO idempotency
           (company_id, tenant_id, at, key, fingerprint, id, etag, base_url, minimal, body)
         SELECT c.company_id, c.tenant_id, $3, r.*, c.body
         FROM unnest($4::bytea[], $5::bytea[], $6::uuid[], $7::text[], $8::text[], $9::boolean[])
           AS r (key, fingerprint, id, etag, base_url, minimal)
         JOIN customer AS c ON c.company_id = $1 AND c.tenant_id = $2 AND c.id = r.id",
        parameters(scope, now, outcomes),
    );
}

fn parameters(scope: CompanyKey, now: DateTime<Utc>, outcomes: &[Outcome<'_>]) -> Vec<Owned> {
    vec![
        Box::new(scope.company),
        Box::new(scope.tenant),
        Box::new(now.timestamp_millis()),
        Box::new(column(outcomes, |one| one.request.key.to_vec())),
        Box::new(column(outcomes, |one| one.request.fingerprint.to_vec())),
        Box::new(column(outcomes, |one| one.id)),
        Box::new(column(outcomes, |one| one.etag.clone())),
        Box::new(column(outcomes, |one| one.form.base_url.to_string())),
        Box::new(column(outcomes, |one| one.form.minimal)),
    ]
}

fn column<T>(outcomes: &[Outcome<'_>], of: impl Fn(&Outcome<'_>) -> T) -> Vec<T> {
    outcomes.iter().map(of).collect()
}

/// Adds to what the transaction writes that the outcomes which show these customers are empty. The records
/// stay: without them a repetition would make an erased customer anew.
pub(super) fn erase(transaction: &mut Transaction, scope: CompanyKey, customers: &[Uuid]) {
    let texts: Vec<_> = customers.iter().map(Uuid::to_string).collect();
    transaction.write(
        "UPDATE idempotency SET body = '' WHERE company_id = $1 AND (id = ANY($2)
           OR CASE body WHEN '' THEN NULL ELSE body::jsonb ->> 'customerId' END = ANY($3))",
        vec![
            Box::new(scope.company),
            Box::new(customers.to_vec()),
            Box::new(texts),
        ],
    );
}

/// Forgets the companies' outcomes from before `cutoff`, some at a time.
pub(super) async fn prune(
    pools: &Arc<Pools>,
    tenant: Uuid,
    companies: &[Uuid],
    cutoff: DateTime<Utc>,
) -> Result<(), Failure> {
    let rows = i64::try_from(PRUNE_ROWS).unwrap_or(i64::MAX);
    loop {
        let mut transaction = Transaction::writing(pools, tenant).await?;
        let pruned = transaction
            .query(
                "DELETE FROM idempotency WHERE (company_id, key) IN
                   (SELECT i.company_id, i.key FROM unnest($1::uuid[]) AS c (id)
                    JOIN idempotency AS i ON i.company_id = c.id AND i.at < $2 LIMIT $3)
                 RETURNING 1",
                &[&companies, &cutoff.timestamp_millis(), &rows],
            )
            .await?;
        transaction.commit().await?;
        if pruned.len() < PRUNE_ROWS {
            return Ok(());
        }
    }
}
