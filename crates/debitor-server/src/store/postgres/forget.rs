//! Taking customers out of the index of words, in whatever segments they are: it also has the words that
//! they had before, and those of customers that were deleted, until merges drop them.
//!
//! Chunks are changed where they stand, under the lock that merges take.

use std::collections::{BTreeMap, HashSet};

use uuid::Uuid;

use super::super::CompanyKey;
use super::failure::Failure;
use super::segment::{Chunk, without};
use super::transaction::Transaction;

/// A chunk as it stands, and what is left of it.
struct Found {
    segment: Uuid,
    place: i32,
    first: Vec<u8>,
    bytes: usize,
    left: Chunk,
}

/// Adds to what the transaction writes that the index of the company knows nothing of these customers.
/// Their rows are locked, or not there, so that nobody adds to it meanwhile.
pub(super) async fn forget(
    transaction: &mut Transaction,
    scope: CompanyKey,
    customers: &[Uuid],
) -> Result<(), Failure> {
    let gone: HashSet<Uuid> = customers.iter().copied().collect();
    loop {
        let locked = lock(transaction, scope.company).await?;
        let found = find(transaction, scope.company, customers, &gone).await?;
        // A merge that was waited for has put them into a segment of its own.
        if found.iter().all(|one| locked.contains(&one.segment)) {
            shrink(transaction, scope, &found);
            replace(transaction, scope, found);
            return Ok(());
        }
    }
}

/// Locks the segments that there are, so that none is merged.
async fn lock(transaction: &mut Transaction, company: Uuid) -> Result<HashSet<Uuid>, Failure> {
    let sql = "SELECT segment FROM customer_words WHERE company_id = $1 AND place = 0
               ORDER BY segment FOR UPDATE";
    let rows = transaction.query(sql, &[&company]).await?;
    rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
}

/// The chunks that have any of the customers.
async fn find(
    transaction: &mut Transaction,
    company: Uuid,
    customers: &[Uuid],
    gone: &HashSet<Uuid>,
) -> Result<Vec<Found>, Failure> {
    let sql = "SELECT segment, place, first, postings FROM customer_words
         WHERE company_id = $1 AND EXISTS (
           SELECT 1 FROM unnest($2::bytea[]) AS gone (id) WHERE position(gone.id IN postings) > 0)";
    let ids: Vec<&[u8]> = customers.iter().map(|id| &id.as_bytes()[..]).collect();
    let rows = transaction.query(sql, &[&company, &ids]).await?;
    let found = rows.iter().map(|row| {
        let postings: &[u8] = row.try_get(3)?;
        Ok(Found {
            segment: row.try_get(0)?,
            place: row.try_get(1)?,
            first: row.try_get(2)?,
            bytes: postings.len(),
            left: without(postings, gone)?,
        })
    });
    found.collect()
}

/// Each segment says how large it is.
fn shrink(transaction: &mut Transaction, scope: CompanyKey, found: &[Found]) {
    let mut less = BTreeMap::new();
    for one in found {
        *less.entry(one.segment).or_insert(0) += one.bytes - one.left.postings.len();
    }
    let less = less
        .into_iter()
        .map(|(segment, bytes)| (segment, i64::try_from(bytes).unwrap_or(i64::MAX)));
    let (segments, less): (Vec<Uuid>, Vec<i64>) = less.unzip();
    transaction.write(
        "UPDATE customer_words AS w SET size = w.size - r.less
         FROM unnest($2::uuid[], $3::bigint[]) AS r (segment, less)
         WHERE w.company_id = $1 AND w.segment = r.segment AND w.place = 0",
        vec![Box::new(scope.company), Box::new(segments), Box::new(less)],
    );
}

/// Writes what is left of chunks. The first of a segment stays, as it stands for the segment.
fn replace(transaction: &mut Transaction, scope: CompanyKey, found: Vec<Found>) {
    let (kept, empty): (Vec<_>, Vec<_>) = found
        .into_iter()
        .partition(|one| one.place == 0 || !one.left.postings.is_empty());
    let (segments, places, firsts) = keys(&empty);
    transaction.write(
        "DELETE FROM customer_words AS w
         USING unnest($2::uuid[], $3::integer[], $4::bytea[]) AS r (segment, place, first)
         WHERE w.company_id = $1 AND w.segment = r.segment AND w.place = r.place
           AND w.first = r.first",
        vec![
            Box::new(scope.company),
            Box::new(segments),
            Box::new(places),
            Box::new(firsts),
        ],
    );
    let (segments, places, firsts) = keys(&kept);
    let left = kept
        .into_iter()
        .map(|one| (one.left.first, one.left.postings));
    let (new_firsts, postings): (Vec<_>, Vec<_>) = left.unzip();
    transaction.write(
        "UPDATE customer_words AS w SET first = r.new_first, postings = r.postings
         FROM unnest($2::uuid[], $3::integer[], $4::bytea[], $5::bytea[], $6::bytea[])
           AS r (segment, place, first, new_first, postings)
         WHERE w.company_id = $1 AND w.segment = r.segment AND w.place = r.place
           AND w.first = r.first",
        vec![
            Box::new(scope.company),
            Box::new(segments),
            Box::new(places),
            Box::new(firsts),
            Box::new(new_firsts),
            Box::new(postings),
        ],
    );
}

fn keys(chunks: &[Found]) -> (Vec<Uuid>, Vec<i32>, Vec<Vec<u8>>) {
    let segments = chunks.iter().map(|one| one.segment).collect();
    let places = chunks.iter().map(|one| one.place).collect();
    let firsts = chunks.iter().map(|one| one.first.clone()).collect();
    (segments, places, firsts)
}
