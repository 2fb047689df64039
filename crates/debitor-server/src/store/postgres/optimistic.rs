//! Creates that leave id and number to the service, made in one round trip: the database gives the
//! numbers itself, in the hope that none was given by hand and that no request was sent before. The
//! unique keys tell if that is wrong; then nothing was made. Nor is it in a company that is not open to
//! everyone, whose callers would have to be asked for.

use debitor_api::properties::CustomerProperty;
use debitor_api::types::CustomerCreate;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use super::super::audit::{Action, Subject};
use super::super::query::postgres::fold;
use super::super::writing::Writing;
use super::super::{Error, Result, Stored, Written};
use super::create::Create;
use super::failure::Failure;
use super::gather::Asked;
use super::idempotency::{self, Outcome};
use super::transaction::{Owned, Whole};
use super::words::{self, Words};
use super::work::Once;
use crate::domain::blank;
use crate::domain::customer::{self, series_number};
use crate::domain::version::Version;

/// Makes customers of one company, and ends the transaction.
pub(super) async fn commit(
    mut transaction: Whole,
    asked: &[Asked<'_, Once<Create>>],
) -> Result<Vec<Option<Result<Written>>>, Failure> {
    let customers: Option<Vec<_>> = asked.iter().map(|(_, work)| work.0.unnumbered()).collect();
    let unfit = || Error::Internal("a create asks for an id or a number".to_owned());
    let customers = customers.ok_or_else(unfit)?;
    let count = i64::try_from(customers.len()).unwrap_or(i64::MAX);
    insert(&mut transaction, asked, &customers, count);
    remember(&mut transaction, asked, &customers);
    let answers = transaction.commit().await?;
    let Some(row) = answers.first().and_then(|rows| rows.first()) else {
        // Nothing was made: there is no such company, or its callers have to be asked for.
        return Ok(asked.iter().map(|_| None).collect());
    };
    let last: i64 = row.try_get(0)?;
    let numbers = (last - count + 1..).map(series_number);
    let made = customers.into_iter().zip(numbers).zip(asked);
    Ok(made
        .map(|((customer, number), (write, _))| Some(Ok(write.written(customer.numbered(&number)))))
        .collect())
}

/// A customer whose number the database gives, and what is kept of it beside its JSON.
pub(super) struct Unnumbered {
    id: Uuid,
    version: Version,
    json: String,
    /// Where in the JSON the number belongs.
    place: usize,
    fold: Option<String>,
    words: Words,
    /// What the record of changes says of it.
    told: (&'static str, String),
}

impl Unnumbered {
    /// The customer, unless it asks for an id or a number, which can be another's.
    pub(super) fn of(write: &Writing, create: &CustomerCreate) -> Result<Option<Self>> {
        const NUMBER: &str = "\"number\":\"";
        let number = blank::text(create.number.clone());
        if blank::guid(create.id).into_option().is_some() || number.into_option().is_some() {
            return Ok(None);
        }
        let identity = write.identity(create.id, String::new());
        let (id, version) = (identity.id, identity.version);
        let json = serde_json::to_string(&customer::create(create.clone(), identity))?;
        // The first is the customer's own: what stands before it comes from the service.
        let place = json.find(NUMBER).map(|start| start + NUMBER.len());
        let lost = || Error::Internal("a customer has no place for its number".to_owned());
        Ok(Some(Self {
            id,
            version,
            place: place.ok_or_else(lost)?,
            fold: fold::<CustomerProperty>(&json),
            words: words::of(&json),
            told: Action::Create(&json).told(),
            json,
        }))
    }

    /// The customer with its number, which needs no escapes in JSON.
    fn numbered(&self, number: &str) -> Stored {
        let (head, tail) = self.json.split_at(self.place);
        Stored::new(self.id, self.version, [head, number, tail].concat())
    }
}

/// Counts the customers, and makes their rows, their words and the record of their making: one statement,
/// as each is answered, and read by the server, by itself. Numbers look like those of `series_number`. The
/// last of them is returned; nothing, and nothing is made, if there is no such company.
///
/// The first values are those of [`words::INSERT`].
const INSERT: &str = "WITH counted AS (
    UPDATE company
    SET last_customer_number = last_customer_number + $8, customers = customers + $8
    WHERE id = $1 AND tenant_id = $2 RETURNING id, tenant_id, last_customer_number AS last
  ), indexed AS (
    INSERT INTO customer_words
      (company_id, tenant_id, segment, place, size, first, postings)
    SELECT c.id, c.tenant_id, $3, $4 + r.nth - 1, CASE $4 + r.nth - 1 WHEN 0 THEN $5::bigint END,
      r.first, r.postings
    FROM counted AS c, unnest($6::bytea[], $7::bytea[]) WITH ORDINALITY AS r (first, postings, nth)
  ), made AS (
    INSERT INTO customer
      (company_id, tenant_id, id, version, incarnation, number_fold, body, fold)
    SELECT c.id, c.tenant_id, r.id, r.version, r.incarnation, 'c' || n.digits,
      r.head || 'C' || n.digits || r.tail, r.fold::jsonb
    FROM counted AS c
    CROSS JOIN unnest($9::uuid[], $10::bigint[], $11::bigint[], $12::text[], $13::text[], $14::text[])
      WITH ORDINALITY AS r (id, version, incarnation, head, tail, fold, place)
    CROSS JOIN LATERAL (SELECT ((c.last - $8 + r.place) * 10)::text AS plain) AS p
    CROSS JOIN LATERAL
      (SELECT lpad(p.plain, greatest(length(p.plain), 5), '0') AS digits) AS n
  ), recorded AS (
    INSERT INTO audit (company_id, tenant_id, at, actor, request_id, action, entity,
      entity_id, version, incarnation, properties)
    SELECT c.id, c.tenant_id, $15, r.actor, r.request_id, $16, $17, r.id, r.version, r.incarnation,
      r.properties
    FROM counted AS c, unnest($18::text[], $19::uuid[], $9::uuid[], $10::bigint[], $11::bigint[],
      $20::text[]) AS r (actor, request_id, id, version, incarnation, properties)
  )
  SELECT last FROM counted";

/// Adds that to what the transaction writes.
fn insert(
    transaction: &mut Whole,
    asked: &[Asked<'_, Once<Create>>],
    customers: &[&Unnumbered],
    count: i64,
) {
    let (Some((first, _)), Some(one)) = (asked.first(), customers.first()) else {
        return;
    };
    let ((action, _), subject) = (&one.told, Subject::customer(one.id, one.version));
    let writes = || asked.iter().map(|(write, _)| *write);
    let mut words = words::Changes::default();
    for one in customers {
        words.borrow(one.id, &one.words);
    }
    if !words.is_empty() {
        transaction.index(first.scope);
    }
    let mut parameters = words.into_values(first.scope);
    parameters.extend([
        Box::new(count) as Owned,
        column(customers.iter(), |one| one.id),
        column(customers.iter(), |one| one.version.number),
        column(customers.iter(), |one| i64::from(one.version.incarnation)),
        column(customers.iter(), |one| one.json[..one.place].to_owned()),
        column(customers.iter(), |one| one.json[one.place..].to_owned()),
        column(customers.iter(), |one| one.fold.clone()),
        Box::new(first.clock.now().timestamp_millis()),
        Box::new(*action),
        Box::new(subject.entity),
        column(writes(), |one| one.actor.clone()),
        column(writes(), |one| one.request_id),
        column(customers.iter(), |one| one.told.1.clone()),
    ]);
    transaction.write(INSERT, parameters);
}

/// The values of a column.
fn column<A, T: ToSql + Send + Sync + 'static>(
    rows: impl Iterator<Item = A>,
    of: impl Fn(A) -> T,
) -> Owned {
    Box::new(rows.map(of).collect::<Vec<_>>())
}

/// Adds the outcomes of requests with keys to what the transaction writes.
fn remember(transaction: &mut Whole, asked: &[Asked<'_, Once<Create>>], customers: &[&Unnumbered]) {
    let mut outcomes = Vec::new();
    for ((write, _), made) in asked.iter().zip(customers) {
        if let Some(request) = write.idempotency {
            outcomes.push(Outcome {
                request,
                id: made.id,
                etag: made.version.etag(),
                form: &write.form,
            });
        }
    }
    if let (Some((first, _)), false) = (asked.first(), outcomes.is_empty()) {
        let now = first.clock.now();
        idempotency::remember_customers(transaction, first.scope, now, &outcomes);
    }
}
