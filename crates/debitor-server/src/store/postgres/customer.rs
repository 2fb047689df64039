//! Statements on customers.

use async_trait::async_trait;
use debitor_api::properties::CustomerProperty;
use debitor_api::types::{Customer, CustomerUpdate};
use tokio_postgres::Row;
use uuid::Uuid;

use super::super::audit::{Action, Subject};
use super::super::query::postgres::fold;
use super::super::writing::Writing;
use super::super::{CompanyKey, Conflict, CustomerKey, Error, Noun, Result, Stored};
use super::failure::Failure;
use super::transaction::Transaction;
use super::work::Work;
use super::{audit, company, sales_invoice, version, words};
use crate::domain::customer::{self, fold_number};
use crate::domain::version::{Precondition, Version};

/// A customer with its version and its JSON, locked to be changed.
#[derive(Clone)]
pub(super) struct Versioned {
    pub(super) version: Version,
    pub(super) json: String,
    pub(super) customer: Customer,
}

impl Versioned {
    /// Reads the columns `version, incarnation, body`.
    pub(super) fn read(row: &Row) -> Result<Self, Failure> {
        let json: String = row.try_get(2)?;
        Ok(Self {
            version: version(row, 0)?,
            customer: serde_json::from_str(&json)?,
            json,
        })
    }

    /// It must be in a version that the precondition names.
    pub(super) fn require(&self, precondition: &Precondition) -> Result<()> {
        if precondition.names(&self.version.etag()) {
            Ok(())
        } else {
            Err(Error::Stale(Noun::Customer))
        }
    }

    /// The next version.
    pub(super) fn updated(&self, change: &CustomerUpdate, write: &Writing) -> Result<Self> {
        let version = self.version.next();
        let mut customer = self.customer.clone();
        customer::update(&mut customer, change.clone(), version, write.clock.now());
        Ok(Self {
            version,
            json: serde_json::to_string(&customer)?,
            customer,
        })
    }

    pub(super) fn stored(&self) -> Stored {
        Stored::new(self.customer.id, self.version, self.json.clone())
    }

    pub(super) fn subject(&self) -> Subject {
        Subject::customer(self.customer.id, self.version)
    }
}

/// A change of a customer.
pub(super) struct Update {
    pub(super) key: CustomerKey,
    pub(super) precondition: Precondition,
    pub(super) change: CustomerUpdate,
}

#[async_trait]
impl Work<Stored> for Update {
    async fn run(&self, transaction: &mut Transaction, write: &Writing) -> Result<Stored, Failure> {
        let before = require(transaction, write.scope, self.key, &self.precondition).await?;
        let after = before.updated(&self.change, write)?;
        if after.customer.number != before.customer.number {
            require_free(transaction, write.scope, &after.customer).await?;
        }
        let mut rows = audit::Rows::default();
        if shows_otherwise(&before.customer, &after.customer) {
            sales_invoice::show_on_drafts(transaction, write, &after.customer, &mut rows).await?;
        }
        replace(transaction, write.scope, &[&after]);
        let mut words = words::Changes::default();
        words.change(after.customer.id, &before.json, Some(&after.json));
        words.write(transaction, write.scope);
        let action = Action::Update(&before.json, &after.json);
        rows.push(write, action, after.subject());
        rows.write(transaction, write);
        Ok(after.stored())
    }
}

/// The deletion of a customer that no sales invoice names, but for the draft invoice of the key.
pub(super) struct Delete {
    pub(super) key: CustomerKey,
    pub(super) precondition: Precondition,
}

#[async_trait]
impl Work<()> for Delete {
    async fn run(&self, transaction: &mut Transaction, write: &Writing) -> Result<(), Failure> {
        let scope = write.scope;
        let found = require(transaction, scope, self.key, &self.precondition).await?;
        let id = found.customer.id;
        let mut rows = audit::Rows::default();
        let released = match self.key {
            CustomerKey::Id(_) => None,
            CustomerKey::OfSalesInvoice(invoice) => {
                sales_invoice::release(transaction, write, invoice, id, &mut rows).await?;
                Some(invoice)
            }
        };
        if let Some(number) = sales_invoice::one_naming(transaction, scope, id, released).await? {
            return Err(Error::Conflict(Conflict::NamedBySalesInvoice(number)).into());
        }
        remove(transaction, scope, vec![id]);
        let mut words = words::Changes::default();
        words.change(id, &found.json, None);
        words.write(transaction, scope);
        let subject = Subject::customer(id, found.version.next());
        rows.push(write, Action::Delete, subject);
        rows.write(transaction, write);
        Ok(())
    }
}

/// The customer to change, locked, in a version that the precondition names.
async fn require(
    transaction: &mut Transaction,
    scope: CompanyKey,
    key: CustomerKey,
    precondition: &Precondition,
) -> Result<Versioned, Failure> {
    let id = match key {
        CustomerKey::Id(id) => id,
        CustomerKey::OfSalesInvoice(invoice) => {
            sales_invoice::customer_id(transaction, scope, invoice).await?
        }
    };
    let rows = transaction
        .query(
            "SELECT version, incarnation, body FROM customer
             WHERE company_id = $1 AND id = $2 FOR UPDATE",
            &[&scope.company, &id],
        )
        .await?;
    let row = rows.first().ok_or(Error::NotFound(Noun::Customer))?;
    let found = Versioned::read(row)?;
    found.require(precondition)?;
    Ok(found)
}

/// Whether sales invoices that name the customer show something else after the change.
pub(super) fn shows_otherwise(before: &Customer, after: &Customer) -> bool {
    (&before.number, &before.display_name) != (&after.number, &after.display_name)
}

/// Refuses a number that another customer has.
async fn require_free(
    transaction: &mut Transaction,
    scope: CompanyKey,
    customer: &Customer,
) -> Result<(), Failure> {
    let number = customer.number.clone().unwrap_or_default();
    let rows = transaction
        .query(
            "SELECT 1 FROM customer WHERE company_id = $1 AND number_fold = $2 AND id <> $3",
            &[&scope.company, &fold_number(&number), &customer.id],
        )
        .await?;
    if rows.is_empty() {
        Ok(())
    } else {
        Err(Error::Conflict(Conflict::NumberTaken(number)).into())
    }
}

/// Adds to what the transaction writes that the customers are as they are here.
pub(super) fn replace(transaction: &mut Transaction, scope: CompanyKey, customers: &[&Versioned]) {
    fn column<T>(customers: &[&Versioned], of: impl Fn(&Versioned) -> T) -> Vec<T> {
        customers.iter().map(|one| of(one)).collect()
    }
    let number = |one: &Versioned| fold_number(one.customer.number.as_deref().unwrap_or_default());
    transaction.write(
        "UPDATE customer SET version = r.version, incarnation = r.incarnation,
           number_fold = r.number, body = r.body, fold = r.fold::jsonb
         FROM unnest($2::uuid[], $3::bigint[], $4::bigint[], $5::text[], $6::text[], $7::text[])
           AS r (id, version, incarnation, number, body, fold)
         WHERE customer.company_id = $1 AND customer.id = r.id",
        vec![
            Box::new(scope.company),
            Box::new(column(customers, |one| one.customer.id)),
            Box::new(column(customers, |one| one.version.number)),
            Box::new(column(customers, |one| i64::from(one.version.incarnation))),
            Box::new(column(customers, number)),
            Box::new(column(customers, |one| one.json.clone())),
            Box::new(column(customers, |one| fold::<CustomerProperty>(&one.json))),
        ],
    );
}

/// Adds to what the transaction writes that the customers, which are there, are no more.
pub(super) fn remove(transaction: &mut Transaction, scope: CompanyKey, ids: Vec<Uuid>) {
    let count = i64::try_from(ids.len()).unwrap_or(i64::MAX);
    transaction.write(
        "DELETE FROM customer USING unnest($2::uuid[]) AS r (id)
         WHERE customer.company_id = $1 AND customer.id = r.id",
        vec![Box::new(scope.company), Box::new(ids)],
    );
    company::add_customers(transaction, scope, -count, 0);
}

/// The customer that a statement found, if it found one.
pub(super) fn one(rows: &[Row]) -> Result<Option<Customer>, Failure> {
    let Some(row) = rows.first() else {
        return Ok(None);
    };
    Ok(Some(serde_json::from_str(row.try_get(0)?)?))
}
