//! The index of the words of customers: what writes add to it. A number that is one word is not in it: it
//! is looked up by its own index.
//!
//! Every write adds a segment of what changes with it ([`super::segment`]), which costs it a few rows,
//! however many words there are. `merge` makes few segments of many, and `look_up` finds customers by it.

use std::borrow::Cow;
use std::collections::BTreeSet;

use debitor_api::properties::CustomerProperty;
use uuid::Uuid;

use super::super::CompanyKey;
use super::segment::{Change, Chunk, Encoder};
use super::session::{Parameter, Session};
use super::transaction::{Owned, Transaction};
use crate::odata::search::Searched as _;
use crate::odata::value::{Value, value};

/// Changes that make a segment of some megabytes.
const MANY: usize = 300_000;

/// Words of a customer, each once.
pub(super) type Words = BTreeSet<Vec<u8>>;

/// The words that a customer with this JSON has in the index.
pub(super) fn of(json: &str) -> Words {
    let mut words = Words::new();
    if cfg!(debitor_bare) {
        return words;
    }
    for (property, cut) in CustomerProperty::SEARCHED {
        let Some(Value::Text(text)) = value(*property, json.as_bytes()) else {
            continue;
        };
        let own = cut.words(&text);
        let is_looked_up = *property == CustomerProperty::Number && own == [text];
        if !is_looked_up {
            words.extend(own.into_iter().map(String::into_bytes));
        }
    }
    words
}

/// What changes in the index of a company with a write.
#[derive(Default)]
pub(super) struct Changes<'a>(Vec<(Cow<'a, [u8]>, Change, Uuid)>);

impl<'a> Changes<'a> {
    /// Adds the words of a new customer.
    pub(super) fn create(&mut self, customer: Uuid, words: Words) {
        self.add(words, Change::Got, customer);
    }

    /// Adds the words of a new customer that outlive this.
    pub(super) fn borrow(&mut self, customer: Uuid, words: &'a Words) {
        let words = words.iter().map(|word| Cow::Borrowed(&word[..]));
        self.0
            .extend(words.map(|word| (word, Change::Got, customer)));
    }

    /// Adds what a customer with this JSON before, and that one after, loses and gets.
    pub(super) fn change(&mut self, customer: Uuid, before: &str, after: Option<&str>) {
        let (before, after) = (of(before), after.map_or(Words::new(), of));
        self.add(&before - &after, Change::Lost, customer);
        self.add(&after - &before, Change::Got, customer);
    }

    fn add(&mut self, words: Words, change: Change, customer: Uuid) {
        let words = words.into_iter().map(Cow::Owned);
        let changes = words.map(|word| (word, change, customer));
        self.0.extend(changes);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether they are enough for a segment.
    pub(super) fn are_many(&self) -> bool {
        self.0.len() > MANY
    }

    /// A segment of them.
    fn into_chunks(mut self) -> Vec<Chunk> {
        self.0.sort_unstable();
        let mut encoder = Encoder::default();
        let is_same = |one: &(_, _, _), other: &(_, _, _)| one.0 == other.0 && one.1 == other.1;
        for group in self.0.chunk_by(is_same) {
            let ids: Vec<_> = group.iter().map(|(_, _, customer)| *customer).collect();
            encoder.push(&group[0].0, group[0].1, &ids);
        }
        encoder.finish()
    }

    /// The values of [`INSERT`] for a segment of them.
    pub(super) fn into_values(self, scope: CompanyKey) -> Vec<Owned> {
        segment(scope, self.into_chunks())
    }

    /// Adds them to what the transaction writes.
    pub(super) fn write(self, transaction: &mut Transaction, scope: CompanyKey) {
        if !self.is_empty() {
            transaction.write(INSERT, self.into_values(scope));
            transaction.indexed = Some(scope);
        }
    }

    /// Writes them in the session's own transaction.
    pub(super) async fn write_in(self, session: &Session, scope: CompanyKey) -> anyhow::Result<()> {
        if !self.is_empty() {
            let values = self.into_values(scope);
            let values: Vec<_> = values.iter().map(|one| &**one as Parameter<'_>).collect();
            session.query(INSERT, &values).await?;
        }
        Ok(())
    }
}

/// Adds chunks of a segment to the index of a company, if there is the company.
pub(super) const INSERT: &str = "INSERT INTO customer_words
       (company_id, tenant_id, segment, place, size, first, postings)
     SELECT c.id, c.tenant_id, $3, $4 + r.nth - 1, CASE $4 + r.nth - 1 WHEN 0 THEN $5::bigint END,
       r.first, r.postings
     FROM company AS c, unnest($6::bytea[], $7::bytea[]) WITH ORDINALITY AS r (first, postings, nth)
     WHERE c.id = $1 AND c.tenant_id = $2";

/// The values of that statement, for all chunks of a new segment.
fn segment(scope: CompanyKey, chunks: Vec<Chunk>) -> Vec<Owned> {
    let size = chunks.iter().map(|chunk| chunk.postings.len()).sum();
    values(scope, Uuid::new_v4(), 0, size, chunks)
}

/// The values of that statement, for the chunks of a segment from this place on. The size is the whole
/// segment's.
pub(super) fn values(
    scope: CompanyKey,
    segment: Uuid,
    place: i64,
    size: usize,
    chunks: Vec<Chunk>,
) -> Vec<Owned> {
    let chunks = chunks
        .into_iter()
        .map(|chunk| (chunk.first, chunk.postings));
    let (firsts, postings): (Vec<_>, Vec<_>) = chunks.unzip();
    vec![
        Box::new(scope.company),
        Box::new(scope.tenant),
        Box::new(segment),
        Box::new(place),
        Box::new(i64::try_from(size).unwrap_or(i64::MAX)),
        Box::new(firsts),
        Box::new(postings),
    ]
}
