//! Merging the segments of the index of words, so that a search looks through few, whatever was
//! written. Any server does so for any company, behind its back: nothing that is asked changes by it.

use std::sync::Arc;

use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::task::spawn_blocking;
use tokio_postgres::Row;
use uuid::Uuid;

use super::super::{CompanyKey, Error};
use super::failure::Failure;
use super::pool::Pools;
use super::segment::{self, Chunk};
use super::transaction::Transaction;
use super::words;

/// One write in so many has its company's segments looked at. Whichever servers write, and however often
/// they are started anew, every company comes up after as many writes as add so many segments.
const ONE_IN: u32 = 16;
/// Companies that wait for it at most. For more than that a later write will do.
const WAITING: usize = 64;

/// Where writes tell that they added a segment.
#[derive(Debug, Clone)]
pub(super) struct Merges(Sender<CompanyKey>);

impl Merges {
    /// What writes tell, and what is told, for [`keep`].
    pub(super) fn new() -> (Self, Receiver<CompanyKey>) {
        let (sender, receiver) = channel(WAITING);
        (Self(sender), receiver)
    }

    /// A write added a segment to the company.
    pub(super) fn added(&self, scope: CompanyKey) {
        if fastrand::u32(..ONE_IN) == 0 {
            // There are enough already, or the store is closed.
            let _ = self.0.try_send(scope);
        }
    }
}

/// Merges for ever, what it is told of.
pub(super) async fn keep(pools: Arc<Pools>, mut told: Receiver<CompanyKey>) {
    while let Some(scope) = told.recv().await {
        while match merge(&pools, scope).await {
            Ok(merged) => merged,
            Err(failure) => {
                tracing::warn!(?failure, "the index of words could not be merged");
                false
            }
        } {}
    }
}

/// Merges segments of the company, if there are many.
async fn merge(pools: &Arc<Pools>, scope: CompanyKey) -> Result<bool, Failure> {
    let mut transaction = Transaction::writing(pools, scope.tenant).await?;
    transaction.requests = 0;
    let merged = merged(&mut transaction, scope).await;
    transaction.end(merged).await
}

async fn merged(transaction: &mut Transaction, scope: CompanyKey) -> Result<bool, Failure> {
    let segments = segments(transaction, scope).await?;
    if segments.is_empty() {
        return Ok(false);
    }
    let rows = transaction
        .query(
            "SELECT c.postings FROM unnest($2::uuid[]) AS sought (one) CROSS JOIN LATERAL
               (SELECT postings FROM customer_words
                WHERE company_id = $1 AND segment = one OFFSET 0) AS c",
            &[&scope.company, &segments],
        )
        .await?;
    let merging = spawn_blocking(move || together(&rows)).await;
    let chunks = merging.map_err(|error| Error::Internal(format!("merging: {error}")))??;
    transaction.write(
        "DELETE FROM customer_words USING unnest($2::uuid[]) AS r (segment)
         WHERE customer_words.company_id = $1 AND customer_words.segment = r.segment",
        vec![Box::new(scope.company), Box::new(segments)],
    );
    if !chunks.is_empty() {
        transaction.write(words::INSERT, words::values(scope, chunks));
    }
    Ok(true)
}

/// The segments that are to be merged, locked, but for those that somebody else merges.
async fn segments(transaction: &mut Transaction, scope: CompanyKey) -> Result<Vec<Uuid>, Failure> {
    let rows = transaction
        .query(
            "SELECT size, segment FROM customer_words WHERE company_id = $1 AND place = 0
             FOR UPDATE SKIP LOCKED",
            &[&scope.company],
        )
        .await?;
    let segments = rows
        .iter()
        .map(|row| Ok((row.try_get(0)?, row.try_get(1)?)));
    Ok(segment::choose(segments.collect::<Result<_, Failure>>()?))
}

fn together(rows: &[Row]) -> Result<Vec<Chunk>, Failure> {
    let chunks = rows.iter().map(|row| row.try_get(0));
    let chunks: Vec<&[u8]> = chunks.collect::<Result<_, _>>()?;
    Ok(segment::merge(chunks.into_iter())?)
}
