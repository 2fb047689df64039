//! Creates that leave id and number to the service, made in one round trip: the database gives the
//! numbers itself, in the hope that none was given by hand and that no request was sent before. The
//! unique keys tell if that is wrong; then nothing was made. Nor is it in a company that is not open to
//! everyone, whose callers would have to be asked for.

use debitor_api::properties::CustomerProperty;
use debitor_api::types::CustomerCreate;
use uuid::Uuid;

use super::super::audit::{Action, Subject};
use super::super::query::postgres::fold;
use super::super::writing::Writing;
use super::super::{Error, Result, Stored, Written};
use super::audit;
use super::create::Create;
use super::failure::Failure;
use super::gather::Asked;
use super::idempotency::{self, Outcome};
use super::transaction::Transaction;
use super::words::{self, Words};
use super::work::Once;
use crate::domain::blank;
use crate::domain::customer::{self, series_number};
use crate::domain::version::Version;

/// Makes customers of one company, and ends the transaction.
pub(super) async fn commit(
    mut transaction: Transaction,
    asked: &[Asked<'_, Once<Create>>],
) -> Result<Vec<Option<Result<Written>>>, Failure> {
    let Some((first, _)) = asked.first() else {
        return Ok(Vec::new());
    };
    transaction.see_open_companies();
    let customers: Option<Vec<_>> = asked.iter().map(|(_, work)| work.0.unnumbered()).collect();
    let unfit = || Error::Internal("a create asks for an id or a number".to_owned());
    let customers = customers.ok_or_else(unfit)?;
    let count = i64::try_from(customers.len()).unwrap_or(i64::MAX);
    transaction.write(
        "UPDATE company
         SET last_customer_number = last_customer_number + $3, customers = customers + $3
         WHERE id = $1 AND tenant_id = $2 RETURNING last_customer_number",
        vec![
            Box::new(first.scope.company),
            Box::new(first.scope.tenant),
            Box::new(count),
        ],
    );
    insert(&mut transaction, first, count, &customers);
    let mut rows = audit::Rows::default();
    for ((write, _), customer) in asked.iter().zip(&customers) {
        let subject = Subject::customer(customer.id, customer.version);
        rows.push_told(write, customer.told.clone(), subject);
    }
    rows.write(&mut transaction, first);
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

/// Adds the rows of the customers to what the transaction writes. Numbers look like those of
/// `series_number`.
fn insert(transaction: &mut Transaction, write: &Writing, count: i64, customers: &[&Unnumbered]) {
    let column = |of: fn(&Unnumbered) -> i64| {
        let numbers = customers.iter().map(|one| of(one));
        numbers.collect::<Vec<_>>()
    };
    let text = |of: fn(&Unnumbered) -> &str| {
        let texts = customers.iter().map(|one| of(one).to_owned());
        texts.collect::<Vec<_>>()
    };
    let ids: Vec<Uuid> = customers.iter().map(|one| one.id).collect();
    let folds: Vec<_> = customers.iter().map(|one| one.fold.clone()).collect();
    let mut words = words::Changes::default();
    for one in customers {
        words.create(one.id, one.words.clone());
    }
    transaction.write(
        "INSERT INTO customer
           (company_id, tenant_id, id, version, incarnation, number_fold, body, fold)
         SELECT c.id, c.tenant_id, r.id, r.version, r.incarnation, 'c' || n.digits,
           r.head || 'C' || n.digits || r.tail, r.fold::jsonb
         FROM company AS c
         CROSS JOIN unnest($4::uuid[], $5::bigint[], $6::bigint[], $7::text[], $8::text[],
           $9::text[])
           WITH ORDINALITY AS r (id, version, incarnation, head, tail, fold, place)
         CROSS JOIN LATERAL
           (SELECT ((c.last_customer_number - $3 + r.place) * 10)::text AS plain) AS p
         CROSS JOIN LATERAL
           (SELECT lpad(p.plain, greatest(length(p.plain), 5), '0') AS digits) AS n
         WHERE c.id = $1 AND c.tenant_id = $2",
        vec![
            Box::new(write.scope.company),
            Box::new(write.scope.tenant),
            Box::new(count),
            Box::new(ids),
            Box::new(column(|one| one.version.number)),
            Box::new(column(|one| one.version.incarnation.into())),
            Box::new(text(|one| &one.json[..one.place])),
            Box::new(text(|one| &one.json[one.place..])),
            Box::new(folds),
        ],
    );
    words.write(transaction, write.scope);
}

/// Adds the outcomes of requests with keys to what the transaction writes.
fn remember(
    transaction: &mut Transaction,
    asked: &[Asked<'_, Once<Create>>],
    customers: &[&Unnumbered],
) {
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
