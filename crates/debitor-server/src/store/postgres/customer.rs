//! Statements on customers.

use async_trait::async_trait;
use debitor_api::properties::CustomerProperty;
use debitor_api::types::{Customer, CustomerUpdate};
use tokio_postgres::Row;

use super::super::audit::{Action, Subject};
use super::super::query::postgres::fold;
use super::super::writing::Writing;
use super::super::{Conflict, CustomerKey, Error, Noun, Result, Scope, Stored};
use super::failure::Failure;
use super::session::Call;
use super::transaction::Transaction;
use super::work::Work;
use super::{audit, company, sales_invoice, version, words};
use crate::domain::customer::{self, fold_number};
use crate::domain::version::{Precondition, Version};

/// A customer with its version and its JSON, locked to be changed.
struct Versioned {
    version: Version,
    json: String,
    customer: Customer,
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
        let found = require(transaction, write.scope, self.key, &self.precondition).await?;
        let version = found.version.next();
        let before = found.customer;
        let mut customer = before.clone();
        let now = write.clock.now();
        customer::update(&mut customer, self.change.clone(), version, now);
        if customer.number != before.number {
            require_free(transaction, write.scope, &customer).await?;
        }
        let mut rows = audit::Rows::default();
        if (&customer.number, &customer.display_name) != (&before.number, &before.display_name) {
            sales_invoice::show_on_drafts(transaction, write, &customer, &mut rows).await?;
        }
        let json = replace(transaction, write.scope, &customer, version)?;
        let mut words = words::Changes::default();
        words.change(customer.id, &found.json, Some(&json));
        words.write(transaction, write.scope);
        let action = Action::Update(&found.json, &json);
        rows.push(write, action, Subject::customer(customer.id, version));
        rows.write(transaction, write);
        Ok(Stored::new(customer.id, version, json))
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
        transaction.write(
            "DELETE FROM customer WHERE company_id = $1 AND id = $2",
            vec![Box::new(scope.company), Box::new(id)],
        );
        let mut words = words::Changes::default();
        words.change(id, &found.json, None);
        words.write(transaction, scope);
        company::add_customers(transaction, scope, -1, 0);
        let subject = Subject::customer(id, found.version.next());
        rows.push(write, Action::Delete, subject);
        rows.write(transaction, write);
        Ok(())
    }
}

/// The customer to change, locked, in a version that the precondition names.
async fn require(
    transaction: &mut Transaction,
    scope: Scope,
    key: CustomerKey,
    precondition: &Precondition,
) -> Result<Versioned, Failure> {
    let id = match key {
        CustomerKey::Id(id) => id,
        CustomerKey::OfSalesInvoice(invoice) => {
            sales_invoice::customer_id(transaction, scope, invoice).await?
        }
    };
    let [company, rows] = transaction
        .queries([
            Call::new(company::FIND, &[&scope.company, &scope.tenant]),
            Call::new(
                "SELECT version, incarnation, body FROM customer
                 WHERE company_id = $1 AND id = $2 FOR UPDATE",
                &[&scope.company, &id],
            ),
        ])
        .await?;
    company::found(&company)?;
    let row = rows.first().ok_or(Error::NotFound(Noun::Customer))?;
    let version = version(row, 0)?;
    if !precondition.names(&version.etag()) {
        return Err(Error::Stale(Noun::Customer).into());
    }
    let json: String = row.try_get(2)?;
    Ok(Versioned {
        version,
        customer: serde_json::from_str(&json)?,
        json,
    })
}

/// Refuses a number that another customer has.
async fn require_free(
    transaction: &mut Transaction,
    scope: Scope,
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

/// Writes the customer in its next version, and returns its JSON.
fn replace(
    transaction: &mut Transaction,
    scope: Scope,
    customer: &Customer,
    version: Version,
) -> Result<String, Failure> {
    let json = serde_json::to_string(customer)?;
    let number = customer.number.as_deref().unwrap_or_default();
    transaction.write(
        "UPDATE customer SET version = $3, incarnation = $4, number_fold = $5, body = $6,
           fold = $7::text::jsonb
         WHERE company_id = $1 AND id = $2",
        vec![
            Box::new(scope.company),
            Box::new(customer.id),
            Box::new(version.number),
            Box::new(i64::from(version.incarnation)),
            Box::new(fold_number(number)),
            Box::new(json.clone()),
            Box::new(fold::<CustomerProperty>(&json)),
        ],
    );
    Ok(json)
}

/// The customer that a statement found, if it found one.
pub(super) fn one(rows: &[Row]) -> Result<Option<Customer>, Failure> {
    let Some(row) = rows.first() else {
        return Ok(None);
    };
    Ok(Some(serde_json::from_str(row.try_get(0)?)?))
}
