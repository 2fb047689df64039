//! Merging the segments of the index of words, so that a search looks through few, whatever was
//! written. Any server does so for any company, behind its back: nothing that is asked changes by it.
//!
//! A merge is one transaction, which locks the segments that it takes, and nothing that writes or
//! searches need. It reads, merges and writes some chunks at a time, so that neither its statements nor
//! what it has in memory grow with the segments.

mod choose;
mod output;
mod sources;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use futures::stream::{FuturesUnordered, StreamExt as _};
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::task::spawn_blocking;
use tokio::time::sleep;
use tokio_postgres::Row;
use uuid::Uuid;

use super::super::{CompanyKey, Error};
use super::failure::Failure;
use super::pool::Pools;
use super::segment::Encoder;
use super::session::Parameter;
use super::transaction::Transaction;
use choose::choose;
use output::Output;
use sources::{Position, Sources};

/// One write in so many has its company's segments looked at. Whichever servers write, and however often
/// they are started anew, every company comes up after as many writes as add so many segments.
const ONE_IN: u32 = 8;
/// Companies that wait for it at most. For more than that a later write will do.
const WAITING: usize = 1024;
/// How long they wait. What is written meanwhile is merged at once: where much is written, changes would
/// otherwise be written again for every sixteen writes, which took a sixth of the processor time of creates.
const REST: Duration = Duration::from_millis(500);

/// Bytes of a segment that is made at once, at most, and of one that is made apart: some seconds' work, for
/// which a connection is taken from the writes, and before which the database cleans up nothing.
const SMALL: usize = 6 << 20;
const LARGEST: usize = 128 << 20;
/// Chunks that are read at once, of all segments of a merge.
const TOGETHER: usize = 512;

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
            self.tell(scope);
        }
    }

    fn tell(&self, scope: CompanyKey) {
        // There are enough already, or the store is closed.
        let _ = self.0.try_send(scope);
    }
}

/// Merges for ever, what it is told of. Small segments do not wait for large ones, which need a connection
/// for long: a server that would have none left for its requests leaves them to others.
pub(super) async fn keep(pools: Arc<Pools>, told: Receiver<CompanyKey>) {
    let (merges, told_of_large) = Merges::new();
    let has_spare = pools.write_connections() > 2;
    let small = Merger {
        pools: Arc::clone(&pools),
        largest: SMALL,
        larger: has_spare.then_some(merges),
    };
    let large = Merger {
        pools,
        largest: LARGEST,
        larger: None,
    };
    tokio::join!(small.follow(told), large.follow(told_of_large));
}

/// Merges into segments of some size.
struct Merger {
    pools: Arc<Pools>,
    largest: usize,
    /// Who is told of a company with larger segments to be merged.
    larger: Option<Merges>,
}

impl Merger {
    async fn follow(&self, mut told: Receiver<CompanyKey>) {
        let (mut resting, mut rests) = (HashSet::new(), FuturesUnordered::new());
        let rest = async |scope| {
            sleep(REST).await;
            scope
        };
        loop {
            tokio::select! {
                Some(scope) = told.recv() => {
                    if resting.len() < WAITING && resting.insert(scope) {
                        rests.push(rest(scope));
                    }
                }
                Some(scope) = rests.next() => {
                    resting.remove(&scope);
                    while self.merge(scope).await.unwrap_or_else(|failure| {
                        tracing::warn!(?failure, "the index of words could not be merged");
                        false
                    }) {}
                }
                else => return,
            }
        }
    }

    /// Merges segments of the company, if there are many.
    async fn merge(&self, scope: CompanyKey) -> Result<bool, Failure> {
        let mut transaction = Transaction::writing(&self.pools, scope.tenant).await?;
        transaction.requests = 0;
        let merged = self.merge_in(&mut transaction, scope).await;
        transaction.end(merged).await
    }

    async fn merge_in(
        &self,
        transaction: &mut Transaction,
        scope: CompanyKey,
    ) -> Result<bool, Failure> {
        let all = segments(transaction, scope.company).await?;
        if let Some(larger) = &self.larger
            && choose(&all, LARGEST).len() > choose(&all, SMALL).len()
        {
            larger.tell(scope);
        }
        let segments = take(transaction, scope.company, all, self.largest).await?;
        let is_merged = !segments.is_empty();
        if is_merged {
            unite(transaction, scope, segments).await?;
        }
        Ok(is_merged)
    }
}

/// Makes one segment of several.
async fn unite(
    transaction: &mut Transaction,
    scope: CompanyKey,
    segments: Vec<Uuid>,
) -> Result<(), Failure> {
    let mut merging = Merging {
        sources: Sources::new(&segments),
        merged: Encoder::default(),
        batch: (TOGETHER / segments.len()).max(1),
    };
    let mut output = Output::new(scope);
    loop {
        let wanting = merging.sources.wanting();
        if wanting.is_empty() {
            break;
        }
        let rows = read(transaction, scope.company, &wanting, merging.batch).await?;
        merging = merging.read(wanting, rows).await?;
        output.write(transaction, merging.merged.full()).await?;
    }
    output.end(transaction, merging.merged.finish());
    delete(transaction, scope.company, &segments, output.size());
    Ok(())
}

/// The segments that are to be merged, locked. What somebody else merges is left out.
async fn take(
    transaction: &mut Transaction,
    company: Uuid,
    mut all: Vec<(i64, Uuid)>,
    largest: usize,
) -> Result<Vec<Uuid>, Failure> {
    loop {
        let chosen = choose(&all, largest);
        let locked = lock(transaction, company, &chosen).await?;
        if locked.len() == chosen.len() {
            return Ok(chosen);
        }
        all.retain(|(_, one)| !chosen.contains(one) || locked.contains(one));
    }
}

/// The segments of the company, with their sizes.
async fn segments(
    transaction: &mut Transaction,
    company: Uuid,
) -> Result<Vec<(i64, Uuid)>, Failure> {
    let sql = "SELECT size, segment FROM customer_words WHERE company_id = $1 AND place = 0";
    let rows = transaction.query(sql, &[&company]).await?;
    let segments = rows
        .iter()
        .map(|row| Ok((row.try_get(0)?, row.try_get(1)?)));
    segments.collect()
}

/// Locks segments, but for those that somebody else has.
async fn lock(
    transaction: &mut Transaction,
    company: Uuid,
    segments: &Vec<Uuid>,
) -> Result<Vec<Uuid>, Failure> {
    if segments.is_empty() {
        return Ok(Vec::new());
    }
    let sql = "SELECT segment FROM customer_words
         WHERE company_id = $1 AND segment = ANY($2) AND place = 0 FOR UPDATE SKIP LOCKED";
    let rows = transaction.query(sql, &[&company, segments]).await?;
    let locked = rows.iter().map(|row| Ok(row.try_get(0)?));
    locked.collect()
}

/// The next chunks of some segments, so many of each.
async fn read(
    transaction: &mut Transaction,
    company: Uuid,
    wanting: &[(Uuid, Position)],
    batch: usize,
) -> Result<Vec<Row>, Failure> {
    let (segments, positions): (Vec<_>, Vec<_>) = wanting.iter().cloned().unzip();
    let (firsts, places): (Vec<_>, Vec<_>) = positions.into_iter().unzip();
    let batch = i64::try_from(batch).unwrap_or(i64::MAX);
    let sql = "SELECT r.segment, c.first, c.place, c.postings
         FROM unnest($2::uuid[], $3::bytea[], $4::integer[]) AS r (segment, first, place)
         CROSS JOIN LATERAL (
           SELECT first, place, postings FROM customer_words
           WHERE company_id = $1 AND segment = r.segment AND (first, place) > (r.first, r.place)
           ORDER BY first, place LIMIT $5
         ) AS c";
    let values: [Parameter<'_>; 5] = [&company, &segments, &firsts, &places, &batch];
    transaction.query(sql, &values).await
}

/// Adds the end of the segments to what the transaction writes. Large ones have a statement each, so that
/// none takes long. They are no table to join: the planner, which does not know how many chunks a company
/// has, would look through all of them, and for each of those through the segments.
fn delete(transaction: &mut Transaction, company: Uuid, segments: &[Uuid], size: usize) {
    let together = if size > SMALL { 1 } else { segments.len() };
    for segments in segments.chunks(together) {
        transaction.write(
            "DELETE FROM customer_words WHERE company_id = $1 AND segment = ANY($2)",
            vec![Box::new(company), Box::new(segments.to_vec())],
        );
    }
}

/// What a merge has in memory.
struct Merging {
    sources: Sources,
    merged: Encoder,
    /// Chunks that are read of a segment at once.
    batch: usize,
}

impl Merging {
    /// Merges what was read of these segments, on a thread where requests do not wait for it.
    async fn read(self, wanting: Vec<(Uuid, Position)>, rows: Vec<Row>) -> Result<Self, Failure> {
        let merging = spawn_blocking(move || self.add(&wanting, &rows)).await;
        merging.map_err(|error| Error::Internal(format!("merging: {error}")))?
    }

    fn add(mut self, wanting: &[(Uuid, Position)], rows: &[Row]) -> Result<Self, Failure> {
        let mut counts = HashMap::new();
        for row in rows {
            let segment: Uuid = row.try_get(0)?;
            let position = (row.try_get(1)?, row.try_get(2)?);
            self.sources.add(segment, position, row.try_get(3)?)?;
            *counts.entry(segment).or_insert(0) += 1;
        }
        for (segment, _) in wanting {
            if counts.get(segment).is_none_or(|count| *count < self.batch) {
                self.sources.end(*segment);
            }
        }
        self.sources.merge(&mut self.merged);
        Ok(self)
    }
}
