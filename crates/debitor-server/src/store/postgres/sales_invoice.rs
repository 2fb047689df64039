//! Statements on sales invoices.
//!
//! Locks are taken in one order everywhere, customers before sales invoices before companies, so that
//! two transactions seldom wait for each other.

use async_trait::async_trait;
use debitor_api::properties::SalesInvoiceProperty;
use debitor_api::types::{Customer, SalesInvoice, SalesInvoiceCreate, SalesInvoiceUpdate};
use tokio_postgres::Row;
use uuid::Uuid;

use super::super::audit::{Action, Subject};
use super::super::query::postgres::fold;
use super::super::sales_invoice::{chosen, not_draft};
use super::super::writing::Writing;
use super::super::{CompanyKey, Conflict, Error, Noun, Result, Stored};
use super::failure::Failure;
use super::session::Call;
use super::transaction::Transaction;
use super::work::Work;
use super::{audit, company, customer, version};
use crate::domain::blank;
use crate::domain::customer::fold_number;
use crate::domain::sales_invoice::{self, CustomerChoice};
use crate::domain::version::{Precondition, Version};

/// A sales invoice with its version, locked to be changed.
pub(super) struct Versioned {
    version: Version,
    json: String,
    invoice: SalesInvoice,
}

/// The making of a sales invoice.
pub(super) struct Create(pub(super) SalesInvoiceCreate);

#[async_trait]
impl Work<Stored> for Create {
    async fn run(&self, transaction: &mut Transaction, write: &Writing) -> Result<Stored, Failure> {
        let (create, scope) = (self.0.clone(), write.scope);
        let choice = sales_invoice::choice(create.customer_id, create.customer_number.clone());
        let (by_id, by_number) = wanted(&choice);
        let id = blank::guid(create.id).into_option();
        let [found, company, taken] = transaction
            .queries([
                Call::new(FIND_CUSTOMER, &[&scope.company, &by_id, &by_number]),
                Call::new(
                    "SELECT last_sales_invoice_number FROM company
                     WHERE id = $1 AND tenant_id = $2 FOR NO KEY UPDATE",
                    &[&scope.company, &scope.tenant],
                ),
                Call::new(
                    "SELECT 1 FROM sales_invoice WHERE company_id = $1 AND id = $2",
                    &[&scope.company, &id],
                ),
            ])
            .await?;
        let last: i64 = company::found(&company)?.try_get(0)?;
        let customer = chosen(choice, customer::one(&found)?)?.into_option();
        if let (Some(id), false) = (id, taken.is_empty()) {
            return Err(Error::Conflict(Conflict::IdTaken(id)).into());
        }
        transaction.write(
            "UPDATE company SET last_sales_invoice_number = $2 WHERE id = $1",
            vec![Box::new(scope.company), Box::new(last + 1)],
        );
        let number = sales_invoice::series_number(last + 1);
        let identity = write.identity(create.id, number);
        let version = identity.version;
        let mut invoice = sales_invoice::create(create, identity);
        sales_invoice::show_customer(&mut invoice, customer.as_ref());
        insert(transaction, write, &invoice, version)
    }
}

/// A change of a sales invoice.
pub(super) struct Update {
    pub(super) id: Uuid,
    pub(super) precondition: Precondition,
    pub(super) change: SalesInvoiceUpdate,
}

#[async_trait]
impl Work<Stored> for Update {
    async fn run(&self, transaction: &mut Transaction, write: &Writing) -> Result<Stored, Failure> {
        let (change, scope) = (self.change.clone(), write.scope);
        let choice = sales_invoice::choice(change.customer_id, change.customer_number.clone());
        let (by_id, by_number) = wanted(&choice);
        let [customer, rows] = transaction
            .queries([
                Call::new(FIND_CUSTOMER, &[&scope.company, &by_id, &by_number]),
                Call::new(LOCK, &[&scope.company, &self.id]),
            ])
            .await?;
        let found = versioned(&rows)?;
        if !self.precondition.names(&found.version.etag()) {
            return Err(Error::Stale(Noun::SalesInvoice).into());
        }
        let before = &found.invoice;
        let customer = chosen(choice, customer::one(&customer)?)?;
        let invoice =
            sales_invoice::changed(before, change, customer).ok_or_else(|| not_draft(before))?;
        let mut rows = audit::Rows::default();
        let changed = Versioned { invoice, ..found };
        let stored = replace(transaction, write, changed, &mut rows)?;
        rows.write(transaction, write);
        Ok(stored)
    }
}

/// The deletion of a draft.
pub(super) struct Delete {
    pub(super) id: Uuid,
    pub(super) precondition: Precondition,
}

#[async_trait]
impl Work<()> for Delete {
    async fn run(&self, transaction: &mut Transaction, write: &Writing) -> Result<(), Failure> {
        let found = require(transaction, write.scope, self.id).await?;
        if !self.precondition.names(&found.version.etag()) {
            return Err(Error::Stale(Noun::SalesInvoice).into());
        }
        if !sales_invoice::is_draft(&found.invoice) {
            return Err(not_draft(&found.invoice).into());
        }
        transaction.write(
            "DELETE FROM sales_invoice WHERE company_id = $1 AND id = $2",
            vec![Box::new(write.scope.company), Box::new(self.id)],
        );
        let subject = Subject::sales_invoice(self.id, found.version.next());
        audit::record(transaction, write, Action::Delete, subject);
        Ok(())
    }
}

/// The draft with this id, locked; another status forbids what is to be done with it.
pub(super) async fn require_draft(
    transaction: &mut Transaction,
    scope: CompanyKey,
    id: Uuid,
) -> Result<Versioned, Failure> {
    let found = require(transaction, scope, id).await?;
    if sales_invoice::is_draft(&found.invoice) {
        Ok(found)
    } else {
        Err(not_draft(&found.invoice).into())
    }
}

/// Makes this customer, or none, the customer of the draft.
pub(super) fn name(
    transaction: &mut Transaction,
    write: &Writing,
    mut draft: Versioned,
    customer: Option<&Customer>,
    rows: &mut audit::Rows,
) -> Result<(), Failure> {
    sales_invoice::show_customer(&mut draft.invoice, customer);
    replace(transaction, write, draft, rows).map(drop)
}

/// Has the draft name no customer any more, which must still be the one that was found through it.
pub(super) async fn release(
    transaction: &mut Transaction,
    write: &Writing,
    id: Uuid,
    customer: Uuid,
    rows: &mut audit::Rows,
) -> Result<(), Failure> {
    let draft = require_draft(transaction, write.scope, id).await?;
    if draft.invoice.customer_id.into_option() != Some(customer) {
        let why = "the sales invoice names another customer meanwhile";
        return Err(Failure::Again(why.to_owned()));
    }
    name(transaction, write, draft, None, rows)
}

/// Shows a customer's new number and name on the drafts that name it; other documents stay as they
/// were issued.
pub(super) async fn show_on_drafts(
    transaction: &mut Transaction,
    write: &Writing,
    customer: &Customer,
    rows: &mut audit::Rows,
) -> Result<(), Failure> {
    let naming = transaction
        .query(
            "SELECT version, incarnation, body FROM sales_invoice
             WHERE company_id = $1 AND customer_id = $2 ORDER BY id FOR UPDATE",
            &[&write.scope.company, &customer.id],
        )
        .await?;
    for row in &naming {
        let found = read(row)?;
        if sales_invoice::is_draft(&found.invoice) {
            name(transaction, write, found, Some(customer), rows)?;
        }
    }
    Ok(())
}

/// Takes customers out of the sales invoices that name them. One that was issued forbids it unless those are
/// meant too.
pub(super) async fn take_customers_out(
    transaction: &mut Transaction,
    write: &Writing,
    customers: &[Uuid],
    issued: bool,
    rows: &mut audit::Rows,
) -> Result<(), Failure> {
    let naming = transaction
        .query(
            "SELECT version, incarnation, body FROM sales_invoice
             WHERE company_id = $1 AND customer_id = ANY($2) ORDER BY id FOR UPDATE",
            &[&write.scope.company, &customers],
        )
        .await?;
    for row in &naming {
        let found = read(row)?;
        if !issued && !sales_invoice::is_draft(&found.invoice) {
            let number = found.invoice.number.unwrap_or_default();
            return Err(Error::Conflict(Conflict::NamedBySalesInvoice(number)).into());
        }
        name(transaction, write, found, None, rows)?;
    }
    Ok(())
}

/// The number of a sales invoice that names the customer, beside the one that was released.
pub(super) async fn one_naming(
    transaction: &mut Transaction,
    scope: CompanyKey,
    customer: Uuid,
    released: Option<Uuid>,
) -> Result<Option<String>, Failure> {
    let released = released.unwrap_or(Uuid::nil());
    let rows = transaction
        .query(
            "SELECT version, incarnation, body FROM sales_invoice
             WHERE company_id = $1 AND customer_id = $2 AND id <> $3 LIMIT 1",
            &[&scope.company, &customer, &released],
        )
        .await?;
    let Some(row) = rows.first() else {
        return Ok(None);
    };
    Ok(Some(read(row)?.invoice.number.unwrap_or_default()))
}

/// The id of the sales invoice's customer.
pub(super) async fn customer_id(
    transaction: &mut Transaction,
    scope: CompanyKey,
    invoice: Uuid,
) -> Result<Uuid, Failure> {
    let rows = transaction
        .query(
            "SELECT customer_id FROM sales_invoice WHERE company_id = $1 AND id = $2",
            &[&scope.company, &invoice],
        )
        .await?;
    let row = rows.first().ok_or(Error::NotFound(Noun::SalesInvoice))?;
    let id: Option<Uuid> = row.try_get(0)?;
    Ok(id.ok_or(Error::NotFound(Noun::SalesInvoiceCustomer))?)
}

const LOCK: &str = "SELECT version, incarnation, body FROM sales_invoice
     WHERE company_id = $1 AND id = $2 FOR UPDATE";

async fn require(
    transaction: &mut Transaction,
    scope: CompanyKey,
    id: Uuid,
) -> Result<Versioned, Failure> {
    let rows = transaction.query(LOCK, &[&scope.company, &id]).await?;
    versioned(&rows)
}

fn versioned(rows: &[Row]) -> Result<Versioned, Failure> {
    read(rows.first().ok_or(Error::NotFound(Noun::SalesInvoice))?)
}

/// Reads the columns `version, incarnation, body`.
fn read(row: &Row) -> Result<Versioned, Failure> {
    let json: String = row.try_get(2)?;
    Ok(Versioned {
        version: version(row, 0)?,
        invoice: serde_json::from_str(&json)?,
        json,
    })
}

/// The customer with an id or a number, which nobody changes until the transaction's end: what shows
/// on the sales invoice would not be true.
const FIND_CUSTOMER: &str = "SELECT body FROM customer
     WHERE company_id = $1 AND (id = $2 OR number_fold = $3) FOR SHARE";

/// The id or the number by which the chosen customer is found.
fn wanted(choice: &CustomerChoice) -> (Option<Uuid>, Option<String>) {
    match choice {
        CustomerChoice::Keep | CustomerChoice::None => (None, None),
        CustomerChoice::Number(number) => (None, Some(fold_number(number))),
        CustomerChoice::Id { id, .. } => (Some(*id), None),
    }
}

fn insert(
    transaction: &mut Transaction,
    write: &Writing,
    invoice: &SalesInvoice,
    version: Version,
) -> Result<Stored, Failure> {
    let json = serde_json::to_string(invoice)?;
    transaction.write(
        "INSERT INTO sales_invoice
           (company_id, tenant_id, id, version, incarnation, customer_id, body, fold)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8::text::jsonb)",
        vec![
            Box::new(write.scope.company),
            Box::new(write.scope.tenant),
            Box::new(invoice.id),
            Box::new(version.number),
            Box::new(i64::from(version.incarnation)),
            Box::new(invoice.customer_id.into_option()),
            Box::new(json.clone()),
            Box::new(fold::<SalesInvoiceProperty>(&json)),
        ],
    );
    let subject = Subject::sales_invoice(invoice.id, version);
    audit::record(transaction, write, Action::Create(&json), subject);
    Ok(Stored::new(invoice.id, version, json))
}

/// Writes the sales invoice in its next version.
fn replace(
    transaction: &mut Transaction,
    write: &Writing,
    changed: Versioned,
    rows: &mut audit::Rows,
) -> Result<Stored, Failure> {
    let Versioned {
        version,
        json: before,
        mut invoice,
    } = changed;
    let version = version.next();
    sales_invoice::touch(&mut invoice, version, write.clock.now());
    let json = serde_json::to_string(&invoice)?;
    transaction.write(
        "UPDATE sales_invoice SET version = $3, incarnation = $4, customer_id = $5, body = $6,
           fold = $7::text::jsonb
         WHERE company_id = $1 AND id = $2",
        vec![
            Box::new(write.scope.company),
            Box::new(invoice.id),
            Box::new(version.number),
            Box::new(i64::from(version.incarnation)),
            Box::new(invoice.customer_id.into_option()),
            Box::new(json.clone()),
            Box::new(fold::<SalesInvoiceProperty>(&json)),
        ],
    );
    let action = Action::Update(&before, &json);
    rows.push(write, action, Subject::sales_invoice(invoice.id, version));
    Ok(Stored::new(invoice.id, version, json))
}
