//! Looking words up in their index: what it finds is what has the words, as the evaluator says.
//!
//! Of words that a customer must all have, the one that is thought to be the rarest is looked up first,
//! and the others only if it is not rare.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use tokio_postgres::Row;
use uuid::Uuid;

use super::super::Result;
use super::super::query::seek::Words;
use super::failure::Failure;
use super::segment::groups;
use super::session::{Call, Parameter};
use super::transaction::Transaction;

/// Customers up to which all that have a word are looked at, rather than the company's list in its
/// order.
const FEW: usize = 10_000;
/// Customers that are sooner read than made fewer by looking up other words.
const RARE: usize = 50;
/// Chunks in which they are, at most.
const CHUNKS: i64 = 1000;
/// Numbers that are asked for: one more than few, which tells that there are more.
const NUMBERS: i64 = 10_001;

/// Behind every text that begins with the text before it, as bytes, and as text.
const END: u8 = 0xff;
const LAST: char = char::MAX;

/// Of each segment the chunk that begins last before the third value, if it has what the second says: no
/// other has, unless this one begins with it.
const FIND_LAST: &str = "SELECT c.postings
     FROM (SELECT segment FROM customer_words WHERE company_id = $1 AND place = 0) AS s
     CROSS JOIN LATERAL (
       SELECT postings FROM customer_words
       WHERE company_id = $1 AND segment = s.segment AND first < $3
       ORDER BY first DESC, place DESC LIMIT 1
     ) AS c WHERE position($2::bytea IN c.postings) > 0 LIMIT $4";

/// The chunks that have words from the second value on and before the third: of each segment the one
/// that begins last before them, and those that begin among them.
const FIND_ALL: &str = "SELECT c.postings
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Wanted<'a> {
    is_whole: bool,
    word: &'a str,
}

impl<'a> Wanted<'a> {
    /// What is wanted by words that are no more than one.
    fn of(words: &'a Words) -> Option<Self> {
        let (is_whole, word) = match words {
            Words::All(_) | Words::Any(_) => return None,
            Words::Whole(word) => (true, word),
            Words::Start(word) => (false, word),
        };
        Some(Self { is_whole, word })
    }

    /// What is behind all that is wanted, in the index.
    fn high(self) -> Vec<u8> {
        let end = if self.is_whole { 0 } else { END };
        [self.word.as_bytes(), &[end]].concat()
    }

    /// The last number that is wanted.
    fn last_number(self) -> String {
        let mut last = self.word.to_owned();
        if !self.is_whole {
            last.push(LAST);
        }
        last
    }

    /// Whether it can be a number that is one word.
    fn can_be_number(self) -> bool {
        self.word.chars().all(char::is_alphanumeric)
    }

    fn is(self, word: &[u8]) -> bool {
        if self.is_whole {
            word == self.word.as_bytes()
        } else {
            word.starts_with(self.word.as_bytes())
        }
    }

    /// Whether one of these chunks begins with it, so that those before may have it too.
    fn begins(self, chunks: &[Row]) -> Result<bool, Failure> {
        for row in chunks {
            let first = groups(row.try_get(0)?).next().transpose()?;
            if first.is_some_and(|first| self.is(first.word)) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The customers that these chunks say have it.
    fn among(self, chunks: &[Row]) -> Result<HashSet<Uuid>, Failure> {
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

/// What customers have each word that was looked up; nothing if they are not few.
type Found<'a> = BTreeMap<Wanted<'a>, Option<HashSet<Uuid>>>;

/// The customers of the company that have the words, if they are few.
pub(super) async fn few(
    transaction: &mut Transaction,
    company: Uuid,
    words: &Words,
) -> Result<Option<Vec<Uuid>>, Failure> {
    let (mut first, mut others) = (BTreeSet::new(), BTreeSet::new());
    collect(words, &mut first, |parts| Vec::from_iter(rarest(parts)));
    collect(words, &mut others, |parts| parts.iter().collect());
    others.retain(|wanted| !first.contains(wanted));
    let mut found = look_up(transaction, company, first).await?;
    let mut having_them = having(words, &found);
    let is_rare = |ids: &HashSet<_>| ids.len() <= RARE;
    if !others.is_empty() && !having_them.as_ref().is_some_and(is_rare) {
        found.append(&mut look_up(transaction, company, others).await?);
        having_them = having(words, &found);
    }
    let few = having_them.filter(|ids| ids.len() <= FEW);
    Ok(few.map(|few| few.into_iter().collect()))
}

fn rarest(parts: &[Words]) -> Option<&Words> {
    parts.iter().max_by_key(|part| part.rarity())
}

/// Adds what is wanted by the words; where all of several are, by those that are chosen of them.
fn collect<'a>(
    words: &'a Words,
    wanted: &mut BTreeSet<Wanted<'a>>,
    choose: fn(&'a [Words]) -> Vec<&'a Words>,
) {
    let parts = match words {
        Words::All(parts) => choose(parts),
        Words::Any(parts) => parts.iter().collect(),
        Words::Whole(_) | Words::Start(_) => Vec::new(),
    };
    for part in parts {
        collect(part, wanted, choose);
    }
    wanted.extend(Wanted::of(words));
}

/// What is wanted, and what has it.
struct Sought<'a> {
    wanted: Wanted<'a>,
    word: &'a [u8],
    high: Vec<u8>,
    last_number: String,
    chunks: Vec<Row>,
    numbers: Vec<Row>,
}

impl<'a> Sought<'a> {
    fn new(wanted: Wanted<'a>) -> Self {
        Self {
            word: wanted.word.as_bytes(),
            high: wanted.high(),
            last_number: wanted.last_number(),
            wanted,
            chunks: Vec::new(),
            numbers: Vec::new(),
        }
    }

    fn among_words<'b>(&'b self, company: &'b Uuid) -> [Parameter<'b>; 4] {
        [company, &self.word, &self.high, &CHUNKS]
    }

    fn among_numbers<'b>(&'b self, company: &'b Uuid) -> [Parameter<'b>; 4] {
        [company, &self.wanted.word, &self.last_number, &NUMBERS]
    }

    /// The customers that have it, if they are few.
    fn having(&self) -> Result<Option<HashSet<Uuid>>, Failure> {
        let is_all = i64::try_from(self.chunks.len()).is_ok_and(|count| count < CHUNKS);
        if !is_all || self.numbers.len() > FEW {
            return Ok(None);
        }
        let mut having = self.wanted.among(&self.chunks)?;
        for row in &self.numbers {
            having.insert(row.try_get(0)?);
        }
        Ok(Some(having))
    }
}

async fn look_up<'a>(
    transaction: &mut Transaction,
    company: Uuid,
    wanted: BTreeSet<Wanted<'a>>,
) -> Result<Found<'a>, Failure> {
    let mut sought: Vec<_> = wanted.into_iter().map(Sought::new).collect();
    find(transaction, company, &mut sought).await?;
    find_more(transaction, company, &mut sought).await?;
    let found = sought.iter().map(|one| Ok((one.wanted, one.having()?)));
    found.collect()
}

/// Finds the chunks that have the words, if no others have them, and the customers with such numbers.
async fn find(
    transaction: &mut Transaction,
    company: Uuid,
    sought: &mut [Sought<'_>],
) -> Result<(), Failure> {
    let can_be_number = |one: &&Sought<'_>| one.wanted.can_be_number();
    let words: Vec<_> = sought.iter().map(|one| one.among_words(&company)).collect();
    let numbers = sought.iter().filter(can_be_number);
    let numbers: Vec<_> = numbers.map(|one| one.among_numbers(&company)).collect();
    let words = words.iter().map(|values| Call::new(FIND_LAST, values));
    let numbers = numbers.iter().map(|values| Call::new(FIND_NUMBERS, values));
    let calls: Vec<_> = words.chain(numbers).collect();
    let mut rows = transaction.all(&calls).await?.into_iter();
    for (one, chunks) in sought.iter_mut().zip(&mut rows) {
        one.chunks = chunks;
    }
    let sought = sought.iter_mut();
    for (one, numbers) in sought.filter(|one| one.wanted.can_be_number()).zip(rows) {
        one.numbers = numbers;
    }
    Ok(())
}

/// Finds the chunks of words that several chunks of a segment have.
async fn find_more(
    transaction: &mut Transaction,
    company: Uuid,
    sought: &mut [Sought<'_>],
) -> Result<(), Failure> {
    let mut common = Vec::new();
    for one in sought {
        if one.wanted.begins(&one.chunks)? {
            common.push(one);
        }
    }
    if common.is_empty() {
        return Ok(());
    }
    let words: Vec<_> = common.iter().map(|one| one.among_words(&company)).collect();
    let calls: Vec<_> = words
        .iter()
        .map(|values| Call::new(FIND_ALL, values))
        .collect();
    let rows = transaction.all(&calls).await?;
    for (one, chunks) in common.into_iter().zip(rows) {
        one.chunks = chunks;
    }
    Ok(())
}

/// The customers that have the words, and some that may not, if they are few.
fn having(words: &Words, found: &Found<'_>) -> Option<HashSet<Uuid>> {
    match words {
        Words::All(parts) => {
            let parts = parts.iter().filter_map(|one| having(one, found));
            parts.reduce(|one, other| &one & &other)
        }
        Words::Any(parts) => {
            let parts = parts.iter().map(|one| having(one, found));
            parts.reduce(|one, other| Some(&one? | &other?)).flatten()
        }
        Words::Whole(_) | Words::Start(_) => found.get(&Wanted::of(words)?).cloned().flatten(),
    }
}
