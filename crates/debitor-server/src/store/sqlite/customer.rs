//! Statements on customers.

use debitor_api::types::{Customer, CustomerCreate, CustomerUpdate};
use rusqlite::{Connection, OptionalExtension, params};
use uuid::Uuid;

use super::super::{Conflict, CustomerKey, Error, Noun, Page, PageQuery, Result, Scope, Stored};
use super::{Write, body, company, entity, is_taken, page, sales_invoice, version};
use crate::domain::blank;
use crate::domain::customer::{self, Identity};
use crate::domain::version::{Precondition, Version};

pub(super) fn list(db: &Connection, scope: Scope, query: PageQuery) -> Result<Page> {
    company::require(db, scope)?;
    let after = query.after.unwrap_or(Uuid::nil());
    let rows = db
        .prepare_cached(
            "SELECT id, body FROM customer WHERE company_id = ?1 AND id > ?2 ORDER BY id LIMIT ?3",
        )?
        .query_map(
            params![scope.company.as_bytes(), after.as_bytes(), query.top + 1],
            entity,
        )?
        .collect::<rusqlite::Result<_>>()?;
    let count = query.count.then(|| count(db, scope)).transpose()?;
    Ok(page(rows, query, count))
}

pub(super) fn count(db: &Connection, scope: Scope) -> Result<i32> {
    company::require(db, scope)?;
    Ok(db
        .prepare_cached("SELECT count(*) FROM customer WHERE company_id = ?1")?
        .query_row([scope.company.as_bytes()], |row| row.get(0))?)
}

pub(super) fn get(db: &Connection, scope: Scope, key: CustomerKey) -> Result<Stored> {
    company::require(db, scope)?;
    let id = id_of(db, scope, key)?;
    let (version, json) = find(db, scope, id)?.ok_or(Error::NotFound(Noun::Customer))?;
    Ok(Stored {
        id,
        etag: version.etag(),
        json,
    })
}

pub(super) fn create(
    db: &Connection,
    write: &Write,
    invoice: Option<Uuid>,
    create: CustomerCreate,
) -> Result<Stored> {
    let scope = write.scope;
    company::require(db, scope)?;
    let draft = invoice
        .map(|id| sales_invoice::require_draft(db, scope, id))
        .transpose()?;
    let identity = identity(db, write, &create)?;
    let version = identity.version;
    let customer = customer::create(create, identity);
    let stored = insert(db, scope, &customer, version)?;
    if let Some(draft) = draft {
        sales_invoice::set_customer(db, write, draft, Some(&customer))?;
    }
    Ok(stored)
}

pub(super) fn update(
    db: &Connection,
    write: &Write,
    key: CustomerKey,
    precondition: &Precondition,
    change: CustomerUpdate,
) -> Result<Stored> {
    let (version, before) = require(db, write.scope, key, precondition)?;
    let version = version.next();
    let mut customer = before.clone();
    customer::update(&mut customer, change, version, write.clock.now());
    let stored = replace(db, write.scope, &customer, version)?;
    if (&customer.number, &customer.display_name) != (&before.number, &before.display_name) {
        sales_invoice::show_customer_on_drafts(db, write, &customer)?;
    }
    Ok(stored)
}

pub(super) fn delete(
    db: &Connection,
    write: &Write,
    key: CustomerKey,
    precondition: &Precondition,
) -> Result<()> {
    let scope = write.scope;
    let (_, customer) = require(db, scope, key, precondition)?;
    if let CustomerKey::OfSalesInvoice(invoice) = key {
        let draft = sales_invoice::require_draft(db, scope, invoice)?;
        sales_invoice::set_customer(db, write, draft, None)?;
    }
    if let Some(number) = sales_invoice::one_naming(db, scope, customer.id)? {
        return Err(Error::Conflict(Conflict::NamedBySalesInvoice(number)));
    }
    db.prepare_cached("DELETE FROM customer WHERE company_id = ?1 AND id = ?2")?
        .execute(params![scope.company.as_bytes(), customer.id.as_bytes()])?;
    Ok(())
}

/// The customer with this id, if there is one.
pub(super) fn by_id(db: &Connection, scope: Scope, id: Uuid) -> Result<Option<Customer>> {
    let Some((_, json)) = find(db, scope, id)? else {
        return Ok(None);
    };
    Ok(Some(serde_json::from_slice(&json)?))
}

/// The customer with this number in any letter case, if there is one.
pub(super) fn by_number(db: &Connection, scope: Scope, number: &str) -> Result<Option<Customer>> {
    let json = db
        .prepare_cached("SELECT body FROM customer WHERE company_id = ?1 AND number_fold = ?2")?
        .query_row(
            params![scope.company.as_bytes(), customer::fold_number(number)],
            |row| body(row, 0),
        )
        .optional()?;
    Ok(json.map(|json| serde_json::from_slice(&json)).transpose()?)
}

fn id_of(db: &Connection, scope: Scope, key: CustomerKey) -> Result<Uuid> {
    match key {
        CustomerKey::Id(id) => Ok(id),
        CustomerKey::OfSalesInvoice(invoice) => sales_invoice::customer_id(db, scope, invoice)?
            .ok_or(Error::NotFound(Noun::SalesInvoiceCustomer)),
    }
}

fn find(
    db: &Connection,
    scope: Scope,
    id: Uuid,
) -> rusqlite::Result<Option<(Version, bytes::Bytes)>> {
    db.prepare_cached(
        "SELECT version, incarnation, body FROM customer WHERE company_id = ?1 AND id = ?2",
    )?
    .query_row(params![scope.company.as_bytes(), id.as_bytes()], |row| {
        Ok((version(row, 0)?, body(row, 2)?))
    })
    .optional()
}

/// The customer to change, in a version that the precondition names.
fn require(
    db: &Connection,
    scope: Scope,
    key: CustomerKey,
    precondition: &Precondition,
) -> Result<(Version, Customer)> {
    company::require(db, scope)?;
    let id = id_of(db, scope, key)?;
    let (version, json) = find(db, scope, id)?.ok_or(Error::NotFound(Noun::Customer))?;
    if !precondition.names(&version.etag()) {
        return Err(Error::Stale(Noun::Customer));
    }
    Ok((version, serde_json::from_slice(&json)?))
}

fn identity(db: &Connection, write: &Write, create: &CustomerCreate) -> Result<Identity> {
    let number = match blank::text(create.number.clone()).into_option() {
        Some(number) => number,
        None => next_number(db, write.scope)?,
    };
    Ok(Identity {
        id: blank::guid(create.id)
            .into_option()
            .unwrap_or_else(|| write.clock.new_id()),
        number,
        version: write.first_version(),
        now: write.clock.now(),
    })
}

/// The company's next number that no customer has.
fn next_number(db: &Connection, scope: Scope) -> Result<String> {
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

fn insert(db: &Connection, scope: Scope, customer: &Customer, version: Version) -> Result<Stored> {
    save(
        db,
        "INSERT INTO customer (company_id, id, version, incarnation, number_fold, body)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        scope,
        customer,
        version,
    )
}

fn replace(db: &Connection, scope: Scope, customer: &Customer, version: Version) -> Result<Stored> {
    save(
        db,
        "UPDATE customer SET version = ?3, incarnation = ?4, number_fold = ?5, body = ?6
         WHERE company_id = ?1 AND id = ?2",
        scope,
        customer,
        version,
    )
}

fn save(
    db: &Connection,
    sql: &str,
    scope: Scope,
    customer: &Customer,
    version: Version,
) -> Result<Stored> {
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
    Ok(Stored {
        id: customer.id,
        etag: version.etag(),
        json: json.into(),
    })
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
