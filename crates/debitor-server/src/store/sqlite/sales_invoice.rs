//! Statements on sales invoices.

use bytes::Bytes;
use debitor_api::Field;
use debitor_api::types::{Customer, SalesInvoice, SalesInvoiceCreate, SalesInvoiceUpdate};
use rusqlite::{Connection, OptionalExtension, params};
use uuid::Uuid;

use super::super::audit::{Action, Subject};
use super::super::sales_invoice::{chosen, not_draft};
use super::super::writing::Writing;
use super::super::{CompanyKey, Conflict, Error, Noun, Result, Stored};
use super::{audit, body, customer, grant, id_taken, version};
use crate::domain::sales_invoice::{self, CustomerChoice};
use crate::domain::version::{Precondition, Version};

/// A sales invoice with its version, to be changed.
pub(super) struct Versioned {
    version: Version,
    json: String,
    invoice: SalesInvoice,
}

/// The sales invoice of a company that the tenant has.
pub(super) fn get(db: &Connection, scope: CompanyKey, id: Uuid) -> Result<Stored> {
    db.prepare_cached(
        "SELECT version, incarnation, body FROM sales_invoice WHERE company_id = ?1 AND id = ?2",
    )?
    .query_row(params![scope.company.as_bytes(), id.as_bytes()], |row| {
        Ok(Stored {
            id,
            etag: version(row, 0)?.etag(),
            json: body(row, 2)?,
        })
    })
    .optional()?
    .ok_or(Error::NotFound(Noun::SalesInvoice))
}

pub(super) fn create(
    db: &Connection,
    write: &Writing,
    create: SalesInvoiceCreate,
) -> Result<Stored> {
    grant::writable(db, write)?;
    let choice = sales_invoice::choice(create.customer_id, create.customer_number.clone());
    let customer = choose(db, write.scope, choice)?.into_option();
    let identity = write.identity(create.id, next_number(db, write.scope)?);
    let version = identity.version;
    let mut invoice = sales_invoice::create(create, identity);
    sales_invoice::show_customer(&mut invoice, customer.as_ref());
    insert(db, write, &invoice, version)
}

pub(super) fn update(
    db: &Connection,
    write: &Writing,
    id: Uuid,
    precondition: &Precondition,
    change: SalesInvoiceUpdate,
) -> Result<Stored> {
    grant::writable(db, write)?;
    let Versioned {
        version,
        json,
        invoice: before,
    } = require(db, write.scope, id)?;
    if !precondition.names(&version.etag()) {
        return Err(Error::Stale(Noun::SalesInvoice));
    }
    let choice = sales_invoice::choice(change.customer_id, change.customer_number.clone());
    let customer = choose(db, write.scope, choice)?;
    let invoice =
        sales_invoice::changed(&before, change, customer).ok_or_else(|| not_draft(&before))?;
    let changed = Versioned {
        version,
        json,
        invoice,
    };
    replace(db, write, changed)
}

pub(super) fn delete(
    db: &Connection,
    write: &Writing,
    id: Uuid,
    precondition: &Precondition,
) -> Result<()> {
    grant::writable(db, write)?;
    let Versioned {
        version, invoice, ..
    } = require(db, write.scope, id)?;
    if !precondition.names(&version.etag()) {
        return Err(Error::Stale(Noun::SalesInvoice));
    }
    if !sales_invoice::is_draft(&invoice) {
        return Err(not_draft(&invoice));
    }
    db.prepare_cached("DELETE FROM sales_invoice WHERE company_id = ?1 AND id = ?2")?
        .execute(params![write.scope.company.as_bytes(), id.as_bytes()])?;
    audit::record(
        db,
        write,
        Action::Delete,
        Subject::sales_invoice(id, version.next()),
    )
}

/// The draft with this id; another status forbids what is to be done with it.
pub(super) fn require_draft(db: &Connection, scope: CompanyKey, id: Uuid) -> Result<Versioned> {
    let found = require(db, scope, id)?;
    if sales_invoice::is_draft(&found.invoice) {
        Ok(found)
    } else {
        Err(not_draft(&found.invoice))
    }
}

/// Makes this customer, or none, the customer of the sales invoice.
pub(super) fn set_customer(
    db: &Connection,
    write: &Writing,
    mut draft: Versioned,
    customer: Option<&Customer>,
) -> Result<()> {
    sales_invoice::show_customer(&mut draft.invoice, customer);
    replace(db, write, draft).map(drop)
}

/// Shows a customer's new number and name on the drafts that name it; other documents stay as they
/// were issued.
pub(super) fn show_customer_on_drafts(
    db: &Connection,
    write: &Writing,
    customer: &Customer,
) -> Result<()> {
    for id in naming(db, write.scope, customer.id)? {
        let found = require(db, write.scope, id)?;
        if sales_invoice::is_draft(&found.invoice) {
            set_customer(db, write, found, Some(customer))?;
        }
    }
    Ok(())
}

/// Takes the customer out of the sales invoices that name it. One that was issued forbids it unless those
/// are meant too.
pub(super) fn take_customer_out(
    db: &Connection,
    write: &Writing,
    customer: Uuid,
    issued: bool,
) -> Result<()> {
    for id in naming(db, write.scope, customer)? {
        let found = require(db, write.scope, id)?;
        if !issued && !sales_invoice::is_draft(&found.invoice) {
            let number = found.invoice.number.unwrap_or_default();
            return Err(Error::Conflict(Conflict::NamedBySalesInvoice(number)));
        }
        set_customer(db, write, found, None)?;
    }
    Ok(())
}

/// The JSON of the sales invoices that name the customer.
pub(super) fn all_naming(db: &Connection, scope: CompanyKey, customer: Uuid) -> Result<Vec<Bytes>> {
    let naming = naming(db, scope, customer)?.into_iter();
    naming.map(|id| Ok(get(db, scope, id)?.json)).collect()
}

/// The number of a sales invoice that names the customer, if there is one.
pub(super) fn one_naming(
    db: &Connection,
    scope: CompanyKey,
    customer: Uuid,
) -> Result<Option<String>> {
    let Some(id) = naming(db, scope, customer)?.into_iter().next() else {
        return Ok(None);
    };
    let found = require(db, scope, id)?;
    Ok(Some(found.invoice.number.unwrap_or_default()))
}

/// The id of the sales invoice's customer, if it has one.
pub(super) fn customer_id(
    db: &Connection,
    scope: CompanyKey,
    invoice: Uuid,
) -> Result<Option<Uuid>> {
    let id: Option<[u8; 16]> = db
        .prepare_cached("SELECT customer_id FROM sales_invoice WHERE company_id = ?1 AND id = ?2")?
        .query_row(
            params![scope.company.as_bytes(), invoice.as_bytes()],
            |row| row.get(0),
        )
        .optional()?
        .ok_or(Error::NotFound(Noun::SalesInvoice))?;
    Ok(id.map(Uuid::from_bytes))
}

fn naming(db: &Connection, scope: CompanyKey, customer: Uuid) -> rusqlite::Result<Vec<Uuid>> {
    db.prepare_cached("SELECT id FROM sales_invoice WHERE company_id = ?1 AND customer_id = ?2")?
        .query_map(
            params![scope.company.as_bytes(), customer.as_bytes()],
            |row| Ok(Uuid::from_bytes(row.get(0)?)),
        )?
        .collect()
}

fn require(db: &Connection, scope: CompanyKey, id: Uuid) -> Result<Versioned> {
    db.prepare_cached(
        "SELECT version, incarnation, body FROM sales_invoice WHERE company_id = ?1 AND id = ?2",
    )?
    .query_row(params![scope.company.as_bytes(), id.as_bytes()], |row| {
        Ok((version(row, 0)?, row.get(2)?))
    })
    .optional()?
    .ok_or(Error::NotFound(Noun::SalesInvoice))
    .and_then(|(version, json): (Version, String)| {
        Ok(Versioned {
            version,
            invoice: serde_json::from_str(&json)?,
            json,
        })
    })
}

/// The customer that was chosen: absent keeps the one there is, null is none.
fn choose(db: &Connection, scope: CompanyKey, choice: CustomerChoice) -> Result<Field<Customer>> {
    let found = match &choice {
        CustomerChoice::Keep | CustomerChoice::None => None,
        CustomerChoice::Number(number) => customer::by_number(db, scope, number)?,
        CustomerChoice::Id { id, .. } => customer::by_id(db, scope, *id)?,
    };
    chosen(choice, found)
}

fn next_number(db: &Connection, scope: CompanyKey) -> rusqlite::Result<String> {
    db.prepare_cached(
        "UPDATE company SET last_sales_invoice_number = last_sales_invoice_number + 1
         WHERE id = ?1 RETURNING last_sales_invoice_number",
    )?
    .query_row([scope.company.as_bytes()], |row| row.get(0))
    .map(sales_invoice::series_number)
}

fn insert(
    db: &Connection,
    write: &Writing,
    invoice: &SalesInvoice,
    version: Version,
) -> Result<Stored> {
    let sql = "INSERT INTO sales_invoice (company_id, id, version, incarnation, customer_id, body)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    let json = save(db, sql, write.scope, invoice, version)?;
    let action = Action::Create(&json);
    audit::record(
        db,
        write,
        action,
        Subject::sales_invoice(invoice.id, version),
    )?;
    Ok(Stored::new(invoice.id, version, json))
}

/// Writes the sales invoice in its next version.
fn replace(db: &Connection, write: &Writing, changed: Versioned) -> Result<Stored> {
    let Versioned {
        version,
        json: before,
        mut invoice,
    } = changed;
    let version = version.next();
    sales_invoice::touch(&mut invoice, version, write.clock.now());
    let sql = "UPDATE sales_invoice SET version = ?3, incarnation = ?4, customer_id = ?5, body = ?6
               WHERE company_id = ?1 AND id = ?2";
    let json = save(db, sql, write.scope, &invoice, version)?;
    let action = Action::Update(&before, &json);
    audit::record(
        db,
        write,
        action,
        Subject::sales_invoice(invoice.id, version),
    )?;
    Ok(Stored::new(invoice.id, version, json))
}

/// Writes a row and returns its JSON.
fn save(
    db: &Connection,
    sql: &str,
    scope: CompanyKey,
    invoice: &SalesInvoice,
    version: Version,
) -> Result<String> {
    let json = serde_json::to_string(invoice)?;
    let customer = invoice.customer_id.into_option();
    db.prepare_cached(sql)?
        .execute(params![
            scope.company.as_bytes(),
            invoice.id.as_bytes(),
            version.number,
            version.incarnation,
            customer.as_ref().map(Uuid::as_bytes),
            json,
        ])
        .map_err(|error| id_taken(error, "sales_invoice.id", invoice.id))?;
    Ok(json)
}
