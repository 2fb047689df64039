//! Statements on customers.

use debitor_api::types::{Customer, CustomerCreate, CustomerUpdate};
use rusqlite::{Connection, OptionalExtension, params};
use uuid::Uuid;

use super::super::audit::{Action, Subject};
use super::super::writing::Writing;
use super::super::{CompanyKey, Conflict, CustomerKey, Error, Noun, Result, Stored};
use super::edit::Edit;
use super::words::Change;
use super::{audit, body, grant, is_taken, sales_invoice, version};
use crate::domain::blank;
use crate::domain::customer::{self, Identity};
use crate::domain::version::{Precondition, Version};
use crate::failpoint;

/// A customer with its version and its JSON, to be changed.
struct Versioned {
    row: i64,
    version: Version,
    json: String,
    customer: Customer,
}

/// The customer of a company that the tenant has.
pub(super) fn get(db: &Connection, scope: CompanyKey, key: CustomerKey) -> Result<Stored> {
    let id = id_of(db, scope, key)?;
    db.prepare_cached(
        "SELECT version, incarnation, body FROM customer WHERE company_id = ?1 AND id = ?2",
    )?
    .query_row(params![scope.company.as_bytes(), id.as_bytes()], |row| {
        Ok(Stored {
            id,
            etag: version(row, 0)?.etag(),
            json: body(row, 2)?,
        })
    })
    .optional()?
    .ok_or(Error::NotFound(Noun::Customer))
}

pub(super) fn create(
    db: &Edit<'_>,
    write: &Writing,
    invoice: Option<Uuid>,
    create: CustomerCreate,
) -> Result<Stored> {
    let scope = write.scope;
    let company = grant::writable(db, write)?.row;
    let draft = invoice
        .map(|id| sales_invoice::require_draft(db, scope, id))
        .transpose()?;
    let identity = identity(db, write, &create)?;
    let version = identity.version;
    let customer = customer::create(create, identity);
    let stored = insert(db, write, company, &customer, version)?;
    failpoint::hit("customer.row");
    if let Some(draft) = draft {
        sales_invoice::set_customer(db, write, draft, Some(&customer))?;
        failpoint::hit("customer.sales_invoice");
    }
    Ok(stored)
}

pub(super) fn update(
    db: &Edit<'_>,
    write: &Writing,
    key: CustomerKey,
    precondition: &Precondition,
    change: CustomerUpdate,
) -> Result<Stored> {
    let (company, found) = require(db, write, key, precondition)?;
    let version = found.version.next();
    let before = &found.customer;
    let mut customer = before.clone();
    customer::update(&mut customer, change, version, write.clock.now());
    let stored = replace(db, write, &customer, version, &found.json)?;
    let after = std::str::from_utf8(&stored.json).ok();
    db.note(Change::new(company, found.row, Some(&found.json), after));
    if (&customer.number, &customer.display_name) != (&before.number, &before.display_name) {
        sales_invoice::show_customer_on_drafts(db, write, &customer)?;
    }
    Ok(stored)
}

pub(super) fn delete(
    db: &Edit<'_>,
    write: &Writing,
    key: CustomerKey,
    precondition: &Precondition,
) -> Result<()> {
    let scope = write.scope;
    let (company, found) = require(db, write, key, precondition)?;
    let customer = &found.customer;
    if let CustomerKey::OfSalesInvoice(invoice) = key {
        let draft = sales_invoice::require_draft(db, scope, invoice)?;
        sales_invoice::set_customer(db, write, draft, None)?;
    }
    if let Some(number) = sales_invoice::one_naming(db, scope, customer.id)? {
        return Err(Error::Conflict(Conflict::NamedBySalesInvoice(number)));
    }
    let subject = Subject::customer(customer.id, found.version.next());
    remove(db, scope, company, &found)?;
    audit::record(db, write, Action::Delete, subject)
}

/// Takes the customer out, if it is there, and says which version would have followed. No sales invoice
/// may name it.
pub(super) fn take_out(
    db: &Edit<'_>,
    scope: CompanyKey,
    company: i64,
    id: Uuid,
) -> Result<Option<Version>> {
    let Some(found) = find(db, scope, id)? else {
        return Ok(None);
    };
    remove(db, scope, company, &found)?;
    Ok(Some(found.version.next()))
}

fn remove(db: &Edit<'_>, scope: CompanyKey, company: i64, found: &Versioned) -> Result<()> {
    let id = found.customer.id;
    db.prepare_cached("DELETE FROM customer WHERE company_id = ?1 AND id = ?2")?
        .execute(params![scope.company.as_bytes(), id.as_bytes()])?;
    db.note(Change::new(company, found.row, Some(&found.json), None));
    Ok(())
}

/// The customer with this id, if there is one.
pub(super) fn by_id(db: &Connection, scope: CompanyKey, id: Uuid) -> Result<Option<Customer>> {
    Ok(find(db, scope, id)?.map(|found| found.customer))
}

/// The id of the customer with this number in any letter case, if there is one.
pub(super) fn id_by_number(
    db: &Connection,
    scope: CompanyKey,
    number: &str,
) -> Result<Option<Uuid>> {
    let id = db
        .prepare_cached("SELECT id FROM customer WHERE company_id = ?1 AND number_fold = ?2")?
        .query_row(
            params![scope.company.as_bytes(), customer::fold_number(number)],
            |row| row.get(0),
        )
        .optional()?;
    Ok(id.map(Uuid::from_bytes))
}

/// The customer with this number in any letter case, if there is one.
pub(super) fn by_number(
    db: &Connection,
    scope: CompanyKey,
    number: &str,
) -> Result<Option<Customer>> {
    let json = db
        .prepare_cached("SELECT body FROM customer WHERE company_id = ?1 AND number_fold = ?2")?
        .query_row(
            params![scope.company.as_bytes(), customer::fold_number(number)],
            |row| body(row, 0),
        )
        .optional()?;
    Ok(json.map(|json| serde_json::from_slice(&json)).transpose()?)
}

fn id_of(db: &Connection, scope: CompanyKey, key: CustomerKey) -> Result<Uuid> {
    match key {
        CustomerKey::Id(id) => Ok(id),
        CustomerKey::OfSalesInvoice(invoice) => sales_invoice::customer_id(db, scope, invoice)?
            .ok_or(Error::NotFound(Noun::SalesInvoiceCustomer)),
    }
}

fn find(db: &Connection, scope: CompanyKey, id: Uuid) -> Result<Option<Versioned>> {
    let found = db
        .prepare_cached(
            "SELECT version, incarnation, body, row FROM customer
             WHERE company_id = ?1 AND id = ?2",
        )?
        .query_row(params![scope.company.as_bytes(), id.as_bytes()], |row| {
            Ok((version(row, 0)?, row.get(2)?, row.get(3)?))
        })
        .optional()?;
    let read = |(version, json, row): (_, String, _)| {
        Ok(Versioned {
            row,
            version,
            customer: serde_json::from_str(&json)?,
            json,
        })
    };
    found.map(read).transpose()
}

/// The customer to change, in a version that the precondition names, with its company's number.
fn require(
    db: &Connection,
    write: &Writing,
    key: CustomerKey,
    precondition: &Precondition,
) -> Result<(i64, Versioned)> {
    let (company, scope) = (grant::writable(db, write)?.row, write.scope);
    let id = id_of(db, scope, key)?;
    let found = find(db, scope, id)?.ok_or(Error::NotFound(Noun::Customer))?;
    if !precondition.names(&found.version.etag()) {
        return Err(Error::Stale(Noun::Customer));
    }
    Ok((company, found))
}

fn identity(db: &Connection, write: &Writing, create: &CustomerCreate) -> Result<Identity> {
    let number = match blank::text(create.number.clone()).into_option() {
        Some(number) => number,
        None => next_number(db, write.scope)?,
    };
    failpoint::hit("customer.number");
    Ok(write.identity(create.id, number))
}

/// The company's next number that no customer has.
fn next_number(db: &Connection, scope: CompanyKey) -> Result<String> {
    let mut advance = db.prepare_cached(
        "UPDATE company SET last_customer_number = last_customer_number + 1 WHERE id = ?1
         RETURNING last_customer_number",
    )?;
    loop {
        let n: i64 = advance.query_row([scope.company.as_bytes()], |row| row.get(0))?;
        let number = customer::series_number(n);
        let used = db
            .prepare_cached("SELECT 1 FROM customer WHERE company_id = ?1 AND number_fold = ?2")?
            .exists(params![
                scope.company.as_bytes(),
                customer::fold_number(&number)
            ])?;
        if !used {
            return Ok(number);
        }
    }
}

fn insert(
    db: &Edit<'_>,
    write: &Writing,
    company: i64,
    customer: &Customer,
    version: Version,
) -> Result<Stored> {
    let json = save(
        db,
        "INSERT INTO customer (company_id, id, version, incarnation, number_fold, body)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        write.scope,
        customer,
        version,
    )?;
    let row = db.last_insert_rowid();
    db.note(Change::new(company, row, None, Some(&json)));
    let action = Action::Create(&json);
    audit::record(db, write, action, Subject::customer(customer.id, version))?;
    Ok(Stored::new(customer.id, version, json))
}

/// Writes the customer in its next version, in the place of `before`.
fn replace(
    db: &Connection,
    write: &Writing,
    customer: &Customer,
    version: Version,
    before: &str,
) -> Result<Stored> {
    let json = save(
        db,
        "UPDATE customer SET version = ?3, incarnation = ?4, number_fold = ?5, body = ?6
         WHERE company_id = ?1 AND id = ?2",
        write.scope,
        customer,
        version,
    )?;
    let action = Action::Update(before, &json);
    audit::record(db, write, action, Subject::customer(customer.id, version))?;
    Ok(Stored::new(customer.id, version, json))
}

/// Writes a row and returns its JSON.
fn save(
    db: &Connection,
    sql: &str,
    scope: CompanyKey,
    customer: &Customer,
    version: Version,
) -> Result<String> {
    let json = serde_json::to_string(customer)?;
    let number = customer.number.as_deref().unwrap_or_default();
    db.prepare_cached(sql)?
        .execute(params![
            scope.company.as_bytes(),
            customer.id.as_bytes(),
            version.number,
            version.incarnation,
            customer::fold_number(number),
            json,
        ])
        .map_err(|error| taken(error, customer.id, number))?;
    Ok(json)
}

fn taken(error: rusqlite::Error, id: Uuid, number: &str) -> Error {
    if is_taken(&error, "customer.id") {
        Error::Conflict(Conflict::IdTaken(id))
    } else if is_taken(&error, "customer.number_fold") {
        Error::Conflict(Conflict::NumberTaken(number.to_owned()))
    } else {
        error.into()
    }
}
