//! Each row's JSON against its columns, and invoices against the customers that they name.

use debitor_api::types::{Company, Customer, SalesInvoice};
use rusqlite::{Connection, Row};
use serde::de::DeserializeOwned;
use uuid::Uuid;

use super::{Report, each};
use crate::domain::version::Version;
use crate::domain::{customer, sales_invoice};

pub(super) fn companies(db: &Connection, report: &mut Report<'_>) -> rusqlite::Result<()> {
    each(db, "SELECT id, body FROM company", |row| {
        report.counts.companies += 1;
        let fault = id(row, 0).and_then(|id| {
            let company: Company = json(row, 1)?;
            (company.id != id)
                .then_some("its JSON has another id")
                .map_or(Ok(()), |fault| Err(of("company", id, fault)))
        });
        tell(report, fault);
        Ok(())
    })
}

pub(super) fn customers(db: &Connection, report: &mut Report<'_>) -> rusqlite::Result<()> {
    let sql = "SELECT id, version, incarnation, number_fold, body FROM customer";
    each(db, sql, |row| {
        report.counts.customers += 1;
        tell(report, check_customer(row));
        Ok(())
    })
}

pub(super) fn sales_invoices(db: &Connection, report: &mut Report<'_>) -> rusqlite::Result<()> {
    let sql = "SELECT i.id, i.version, i.incarnation, i.customer_id, i.body, c.body
               FROM sales_invoice i
               LEFT JOIN customer c ON c.company_id = i.company_id AND c.id = i.customer_id";
    each(db, sql, |row| {
        report.counts.sales_invoices += 1;
        tell(report, check_sales_invoice(row));
        Ok(())
    })
}

/// Numbers that two have. The index that keeps them apart is not asked: it may be what is damaged.
pub(super) fn numbers(db: &Connection, report: &mut Report<'_>) -> rusqlite::Result<()> {
    let invoice_number = "CASE WHEN json_valid(body) THEN body ->> '$.number' END";
    for (table, number) in [
        ("customer", "number_fold"),
        ("sales_invoice", invoice_number),
    ] {
        let sql = format!(
            "SELECT {number} FROM {table} NOT INDEXED GROUP BY company_id, 1
             HAVING count(*) > 1 AND {number} IS NOT NULL"
        );
        each(db, &sql, |row| {
            let number: String = row.get(0)?;
            report.fault(format!(
                "{table}: several of one company have the number {number}"
            ));
            Ok(())
        })?;
    }
    Ok(())
}

fn check_customer(row: &Row<'_>) -> Result<(), String> {
    let (id, version) = (id(row, 0)?, version(row)?);
    let found: Customer = json(row, 4).map_err(|fault| of("customer", id, &fault))?;
    let number = found.number.as_deref().map(customer::fold_number);
    let faults = [
        (found.id != id, "its JSON has another id"),
        (
            found.odata_etag != version.etag(),
            "its JSON has another ETag",
        ),
        (number != text(row, 3)?, "its JSON has another number"),
    ];
    first(faults).map_err(|fault| of("customer", id, fault))
}

fn check_sales_invoice(row: &Row<'_>) -> Result<(), String> {
    let (id, version) = (id(row, 0)?, version(row)?);
    let name = |fault: &str| of("sales invoice", id, fault);
    let found: SalesInvoice = json(row, 4).map_err(|fault| name(&fault))?;
    let named = optional(row, 3, self::id)?;
    let customer: Option<Customer> = optional(row, 5, json)?;
    let faults = [
        (found.id != id, "its JSON has another id"),
        (
            found.odata_etag != version.etag(),
            "its JSON has another ETag",
        ),
        (
            found.customer_id.into_option() != named,
            "its JSON has another customer",
        ),
        (
            shows_another(&found, customer.as_ref()),
            "it shows its customer in an older form",
        ),
    ];
    first(faults).map_err(name)
}

/// Whether a draft does not show its customer as it is; an issued invoice keeps what was on it.
fn shows_another(invoice: &SalesInvoice, customer: Option<&Customer>) -> bool {
    let mut expected = invoice.clone();
    sales_invoice::show_customer(&mut expected, customer);
    sales_invoice::is_draft(invoice) && expected != *invoice
}

pub(super) fn tell(report: &mut Report<'_>, checked: Result<(), String>) {
    if let Err(fault) = checked {
        report.fault(fault);
    }
}

pub(super) fn first<const N: usize>(faults: [(bool, &'static str); N]) -> Result<(), &'static str> {
    let fault = faults.into_iter().find(|(is, _)| *is);
    fault.map_or(Ok(()), |(_, text)| Err(text))
}

pub(super) fn of(noun: &str, id: Uuid, fault: &str) -> String {
    format!("{noun} {id}: {fault}")
}

pub(super) fn id(row: &Row<'_>, column: usize) -> Result<Uuid, String> {
    let bytes = row.get(column).map_err(|error| error.to_string())?;
    Ok(Uuid::from_bytes(bytes))
}

fn version(row: &Row<'_>) -> Result<Version, String> {
    super::super::version(row, 1).map_err(|error| error.to_string())
}

pub(super) fn text(row: &Row<'_>, column: usize) -> Result<Option<String>, String> {
    row.get(column).map_err(|error| error.to_string())
}

/// The entity in a column; bytes that are no text are no JSON either.
pub(super) fn json<T: DeserializeOwned>(row: &Row<'_>, column: usize) -> Result<T, String> {
    let value = row.get_ref(column).map_err(|error| error.to_string())?;
    let bytes = value.as_bytes().map_err(|error| error.to_string())?;
    // What serde says could hold a value, which is nobody's business here.
    serde_json::from_slice(bytes).map_err(|_| "its JSON cannot be read".to_owned())
}

fn optional<T>(
    row: &Row<'_>,
    column: usize,
    read: impl FnOnce(&Row<'_>, usize) -> Result<T, String>,
) -> Result<Option<T>, String> {
    let value = row.get_ref(column).map_err(|error| error.to_string())?;
    let is_null = value == rusqlite::types::ValueRef::Null;
    (!is_null).then(|| read(row, column)).transpose()
}
