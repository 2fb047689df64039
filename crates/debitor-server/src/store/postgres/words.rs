//! The words of customers, in a table of their own: what it finds is what has the words, as the
//! evaluator says. A number that is one word is not among them: it is looked up by its own index.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use debitor_api::properties::CustomerProperty;
use uuid::Uuid;

use super::super::Scope;
use super::super::query::seek::Words;
use super::failure::Failure;
use super::transaction::{Owned, Transaction};
use crate::odata::search::Searched as _;
use crate::odata::value::{Value, value};

/// Customers up to which all that have a word are looked at, rather than the company's list in its
/// order.
const FEW: usize = 2000;

/// Behind every text that begins with the text before it, as bytes, and as text.
const END: u8 = 0xff;
const LAST: char = char::MAX;

/// The words that a customer with this JSON has in the table, each once.
pub(super) fn of(json: &str) -> BTreeSet<Vec<u8>> {
    let mut words = BTreeSet::new();
    if cfg!(debitor_bare) {
        return words;
    }
    for (property, cut) in CustomerProperty::SEARCHED {
        let Some(Value::Text(text)) = value(*property, json.as_bytes()) else {
            continue;
        };
        let own = cut.words(&text);
        let is_indexed = *property == CustomerProperty::Number && own == [text];
        if !is_indexed {
            words.extend(own.into_iter().map(String::into_bytes));
        }
    }
    words
}

/// Words of customers that are new in the table.
#[derive(Default)]
pub(super) struct Rows(Vec<(Vec<u8>, Uuid)>);

impl Rows {
    /// Adds those of a new customer.
    pub(super) fn push(&mut self, customer: Uuid, json: &str) {
        self.0
            .extend(of(json).into_iter().map(|word| (word, customer)));
    }

    /// The statement that writes them, in the order in which the index takes them best, and its
    /// values.
    pub(super) fn into_insert(mut self, scope: Scope) -> Option<(&'static str, Vec<Owned>)> {
        if self.0.is_empty() {
            return None;
        }
        self.0.sort_unstable();
        let (words, customers): (Vec<_>, Vec<_>) = self.0.into_iter().unzip();
        let values: Vec<Owned> = vec![
            Box::new(scope.company),
            Box::new(scope.tenant),
            Box::new(words),
            Box::new(customers),
        ];
        Some((INSERT, values))
    }

    /// Adds them to what the transaction writes.
    pub(super) fn write(self, transaction: &mut Transaction, scope: Scope) {
        if let Some((sql, values)) = self.into_insert(scope) {
            transaction.write(sql, values);
        }
    }
}

/// A company that is not there has no words.
const INSERT: &str = "INSERT INTO customer_word (company_id, tenant_id, word, customer_id)
     SELECT c.id, c.tenant_id, r.* FROM company AS c, unnest($3::bytea[], $4::uuid[]) AS r
     WHERE c.id = $1 AND c.tenant_id = $2";

/// Adds to what the transaction writes what changes for a customer, with its JSON before and after.
pub(super) fn change(
    transaction: &mut Transaction,
    scope: Scope,
    customer: Uuid,
    before: &str,
    after: Option<&str>,
) {
    let (before, after) = (of(before), after.map_or(BTreeSet::new(), of));
    let gone: Vec<_> = before.difference(&after).cloned().collect();
    if !gone.is_empty() {
        transaction.write(
            "DELETE FROM customer_word
             WHERE company_id = $1 AND word = ANY ($2) AND customer_id = $3",
            vec![Box::new(scope.company), Box::new(gone), Box::new(customer)],
        );
    }
    let new = after.difference(&before);
    Rows(new.map(|word| (word.clone(), customer)).collect()).write(transaction, scope);
}

/// What is looked up at first: for each word the customers that have it, as far as those are few.
const FIND: &str = "SELECT ARRAY(SELECT customer_id FROM customer_word
       WHERE company_id = $1 AND word >= w.low AND word < w.high LIMIT $6),
     ARRAY(SELECT id FROM customer
       WHERE company_id = $1 AND number_fold ~>=~ w.start AND number_fold ~<=~ w.last LIMIT $6)
     FROM unnest($2::bytea[], $3::bytea[], $4::text[], $5::text[]) WITH ORDINALITY
       AS w (low, high, start, last, place)
     ORDER BY w.place";

/// The customers of the company that have the words, if they are few.
pub(super) async fn few(
    transaction: &mut Transaction,
    company: Uuid,
    words: &Words,
) -> Result<Option<Vec<Uuid>>, Failure> {
    let mut all = BTreeMap::new();
    collect(words, &mut all);
    let (mut lows, mut highs, mut starts, mut lasts) = (vec![], vec![], vec![], vec![]);
    for (is_whole, word) in all.keys() {
        let (mut high, mut last) = (word.as_bytes().to_vec(), String::clone(word));
        if *is_whole {
            high.push(0);
        } else {
            high.push(END);
            last.push(LAST);
        }
        lows.push(word.as_bytes());
        highs.push(high);
        starts.push(word.as_str());
        lasts.push(last);
    }
    let most = i64::try_from(FEW + 1).unwrap_or(i64::MAX);
    let rows = transaction
        .query(FIND, &[&company, &lows, &highs, &starts, &lasts, &most])
        .await?;
    for (found, row) in all.values_mut().zip(&rows) {
        let mut ids: HashSet<Uuid> = row.try_get::<_, Vec<Uuid>>(0)?.into_iter().collect();
        let numbers: Vec<Uuid> = row.try_get(1)?;
        let is_much = ids.len().max(numbers.len()) > FEW;
        ids.extend(numbers);
        *found = (!is_much).then_some(ids);
    }
    let found = having(words, &all).filter(|found| found.len() <= FEW);
    Ok(found.map(|found| found.into_iter().collect()))
}

/// What customers have each word, or are not few.
type Found<'a> = BTreeMap<(bool, &'a String), Option<HashSet<Uuid>>>;

fn collect<'a>(words: &'a Words, all: &mut Found<'a>) {
    match words {
        Words::All(parts) | Words::Any(parts) => parts.iter().for_each(|one| collect(one, all)),
        Words::Whole(word) => drop(all.insert((true, word), None)),
        Words::Start(word) => drop(all.insert((false, word), None)),
    }
}

/// The customers that have the words, and some that may not, if they are few.
fn having(words: &Words, found: &Found<'_>) -> Option<HashSet<Uuid>> {
    match words {
        Words::All(parts) => parts
            .iter()
            .filter_map(|one| having(one, found))
            .reduce(|one, other| &one & &other),
        Words::Any(parts) => parts
            .iter()
            .map(|one| having(one, found))
            .reduce(|one, other| Some(&one? | &other?))
            .flatten(),
        Words::Whole(word) => found.get(&(true, word)).cloned().flatten(),
        Words::Start(word) => found.get(&(false, word)).cloned().flatten(),
    }
}
