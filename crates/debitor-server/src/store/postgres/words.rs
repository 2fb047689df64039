//! The index of the words of customers: what it finds is what has the words, as the evaluator says. A
//! number that is one word is not in it: it is looked up by its own index.
//!
//! Every write adds a segment of what changes with it ([`super::segment`]), which costs it a few rows,
//! however many words there are. `merge` makes few segments of many.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use debitor_api::properties::CustomerProperty;
use tokio_postgres::Row;
use uuid::Uuid;

use super::super::query::seek::Words;
use super::super::{CompanyKey, Result};
use super::failure::Failure;
use super::segment::{Change, Chunk, Encoder, groups};
use super::session::{Call, Parameter, Session};
use super::transaction::{Owned, Transaction};
use crate::odata::search::Searched as _;
use crate::odata::value::{Value, value};

/// Customers up to which all that have a word are looked at, rather than the company's list in its
/// order.
const FEW: usize = 10_000;
/// Chunks in which they are, at most.
const CHUNKS: i64 = 1000;

/// Changes that make a segment of some megabytes.
const MANY: usize = 300_000;

/// Behind every text that begins with the text before it, as bytes, and as text.
const END: u8 = 0xff;
const LAST: char = char::MAX;

/// The words that a customer with this JSON has in the index, each once.
fn of(json: &str) -> BTreeSet<Vec<u8>> {
    let mut words = BTreeSet::new();
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
pub(super) struct Changes(Vec<(Vec<u8>, Change, Uuid)>);

impl Changes {
    /// Adds the words of a new customer.
    pub(super) fn create(&mut self, customer: Uuid, json: &str) {
        self.add(of(json), Change::Got, customer);
    }

    /// Adds what a customer with this JSON before, and that one after, loses and gets.
    pub(super) fn change(&mut self, customer: Uuid, before: &str, after: Option<&str>) {
        let (before, after) = (of(before), after.map_or(BTreeSet::new(), of));
        self.add(&before - &after, Change::Lost, customer);
        self.add(&after - &before, Change::Got, customer);
    }

    fn add(&mut self, words: BTreeSet<Vec<u8>>, change: Change, customer: Uuid) {
        let changes = words.into_iter().map(|word| (word, change, customer));
        self.0.extend(changes);
    }

    /// Whether they are enough for a segment that is not merged any more.
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

    /// Adds them to what the transaction writes.
    pub(super) fn write(self, transaction: &mut Transaction, scope: CompanyKey) {
        if !self.0.is_empty() {
            transaction.write(INSERT, values(scope, self.into_chunks()));
            transaction.indexed = Some(scope);
        }
    }

    /// Writes them in the session's own transaction.
    pub(super) async fn write_in(self, session: &Session, scope: CompanyKey) -> anyhow::Result<()> {
        if !self.0.is_empty() {
            let values = values(scope, self.into_chunks());
            let values: Vec<_> = values.iter().map(|one| &**one as Parameter<'_>).collect();
            session.query(INSERT, &values).await?;
        }
        Ok(())
    }
}

/// Adds a segment to the index of a company, if there is the company.
pub(super) const INSERT: &str = "INSERT INTO customer_words
       (company_id, tenant_id, segment, place, size, first, postings)
     SELECT c.id, c.tenant_id, $3, r.place - 1, CASE r.place WHEN 1 THEN $4::bigint END,
       r.first, r.postings
     FROM company AS c, unnest($5::bytea[], $6::bytea[]) WITH ORDINALITY AS r (first, postings, place)
     WHERE c.id = $1 AND c.tenant_id = $2";

/// The values of that statement.
pub(super) fn values(scope: CompanyKey, chunks: Vec<Chunk>) -> Vec<Owned> {
    let size: usize = chunks.iter().map(|chunk| chunk.postings.len()).sum();
    let chunks = chunks
        .into_iter()
        .map(|chunk| (chunk.first, chunk.postings));
    let (firsts, postings): (Vec<_>, Vec<_>) = chunks.unzip();
    vec![
        Box::new(scope.company),
        Box::new(scope.tenant),
        Box::new(Uuid::new_v4()),
        Box::new(i64::try_from(size).unwrap_or(i64::MAX)),
        Box::new(firsts),
        Box::new(postings),
    ]
}

/// The chunks that have words from the second value on and before the third: of each segment the one
/// that begins last before them, and those that begin among them.
const FIND: &str = "SELECT c.postings
     FROM (SELECT segment FROM customer_words WHERE company_id = $1 AND place = 0) AS s
     CROSS JOIN LATERAL (
       (SELECT postings FROM customer_words
        WHERE company_id = $1 AND segment = s.segment AND first < $2
        ORDER BY first DESC, place DESC LIMIT 1)
       UNION ALL
       (SELECT postings FROM customer_words
        WHERE company_id = $1 AND segment = s.segment AND first >= $2 AND first < $3)
     ) AS c LIMIT $4";

/// The customers with numbers from the second value to the third.
const FIND_NUMBERS: &str = "SELECT id FROM customer
     WHERE company_id = $1 AND number_fold ~>=~ $2 AND number_fold ~<=~ $3 LIMIT $4";

/// A word that is looked up, or the start of words.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Wanted<'a> {
    is_whole: bool,
    word: &'a str,
}

impl Wanted<'_> {
    /// What is behind all that is wanted, in the index and among the numbers.
    fn ends(&self) -> (Vec<u8>, String) {
        let (mut high, mut last) = (self.word.as_bytes().to_vec(), self.word.to_owned());
        if self.is_whole {
            high.push(0);
        } else {
            high.push(END);
            last.push(LAST);
        }
        (high, last)
    }

    fn is(&self, word: &[u8]) -> bool {
        if self.is_whole {
            word == self.word.as_bytes()
        } else {
            word.starts_with(self.word.as_bytes())
        }
    }

    /// The customers that these chunks say have it.
    fn among(&self, chunks: &[Row]) -> Result<HashSet<Uuid>, Failure> {
        let mut sums = HashMap::new();
        for row in chunks {
            for group in groups(row.try_get(0)?) {
                let group = group?;
                if self.is(group.word) {
                    for (customer, sum) in group.sums() {
                        *sums.entry((group.word, customer)).or_insert(0) += sum;
                    }
                }
            }
        }
        let has = sums.into_iter().filter(|(_, sum)| *sum > 0);
        Ok(has.map(|((_, customer), _)| customer).collect())
    }
}

/// What customers have each word; nothing if they are not few.
type Found<'a> = BTreeMap<Wanted<'a>, Option<HashSet<Uuid>>>;

/// The customers of the company that have the words, if they are few.
pub(super) async fn few(
    transaction: &mut Transaction,
    company: Uuid,
    words: &Words,
) -> Result<Option<Vec<Uuid>>, Failure> {
    let mut found = Found::new();
    collect(words, &mut found);
    look_up(transaction, company, &mut found).await?;
    let having = having(words, &found).filter(|having| having.len() <= FEW);
    Ok(having.map(|having| having.into_iter().collect()))
}

fn collect<'a>(words: &'a Words, found: &mut Found<'a>) {
    let (is_whole, word) = match words {
        Words::All(parts) | Words::Any(parts) => {
            return parts.iter().for_each(|one| collect(one, found));
        }
        Words::Whole(word) => (true, word),
        Words::Start(word) => (false, word),
    };
    found.insert(Wanted { is_whole, word }, None);
}

async fn look_up(
    transaction: &mut Transaction,
    company: Uuid,
    found: &mut Found<'_>,
) -> Result<(), Failure> {
    let many = i64::try_from(FEW + 1).unwrap_or(i64::MAX);
    let ends: Vec<_> = found.keys().map(Wanted::ends).collect();
    let starts: Vec<_> = found.keys().map(|wanted| wanted.word.as_bytes()).collect();
    let of_words = starts.iter().zip(&ends);
    let of_words: Vec<[Parameter<'_>; 4]> = of_words
        .map(|(start, (high, _))| [&company as Parameter<'_>, start, high, &CHUNKS])
        .collect();
    let of_numbers = found.keys().zip(&ends);
    let of_numbers: Vec<[Parameter<'_>; 4]> = of_numbers
        .map(|(wanted, (_, last))| [&company as Parameter<'_>, &wanted.word, last, &many])
        .collect();
    let of_words = of_words.iter().map(|values| Call::new(FIND, values));
    let of_numbers = of_numbers
        .iter()
        .map(|values| Call::new(FIND_NUMBERS, values));
    let calls: Vec<_> = of_words.chain(of_numbers).collect();
    let mut words = transaction.all(&calls).await?;
    let numbers = words.split_off(starts.len());
    for ((wanted, few), (chunks, numbers)) in found.iter_mut().zip(words.iter().zip(&numbers)) {
        let is_all = i64::try_from(chunks.len()).is_ok_and(|count| count < CHUNKS);
        if !is_all || numbers.len() > FEW {
            continue;
        }
        let mut having = wanted.among(chunks)?;
        for row in numbers {
            having.insert(row.try_get(0)?);
        }
        *few = Some(having);
    }
    Ok(())
}

/// The customers that have the words, and some that may not, if they are few.
fn having(words: &Words, found: &Found<'_>) -> Option<HashSet<Uuid>> {
    let (is_whole, word) = match words {
        Words::All(parts) => {
            let parts = parts.iter().filter_map(|one| having(one, found));
            return parts.reduce(|one, other| &one & &other);
        }
        Words::Any(parts) => {
            let parts = parts.iter().map(|one| having(one, found));
            return parts.reduce(|one, other| Some(&one? | &other?)).flatten();
        }
        Words::Whole(word) => (true, word),
        Words::Start(word) => (false, word),
    };
    found.get(&Wanted { is_whole, word }).cloned().flatten()
}
