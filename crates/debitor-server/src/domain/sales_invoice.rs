//! A sales invoice: what a create makes, what a change changes, and what its status allows.

use chrono::{DateTime, Utc};
use debitor_api::Field;
use debitor_api::types::{
    Customer, SalesInvoice, SalesInvoiceCreate, SalesInvoiceStatus, SalesInvoiceUpdate,
};
use uuid::Uuid;

use super::blank::{change, guid, or_null, text};
use super::customer::{Identity, fold_number};
use super::version::Version;

/// Which customer a request chooses for a sales invoice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CustomerChoice {
    /// The one there is.
    Keep,
    None,
    Number(String),
    /// The number, where there is one, must be that of the same customer.
    Id {
        id: Uuid,
        number: Option<String>,
    },
}

/// Reads the choice from the two properties that can make it.
pub fn choice(id: Field<Uuid>, number: Field<String>) -> CustomerChoice {
    if id.is_absent() && number.is_absent() {
        return CustomerChoice::Keep;
    }
    match (guid(id).into_option(), text(number).into_option()) {
        (Some(id), number) => CustomerChoice::Id { id, number },
        (None, Some(number)) => CustomerChoice::Number(number),
        (None, None) => CustomerChoice::None,
    }
}

/// Whether the customer has this number, in any letter case.
pub fn has_number(customer: &Customer, number: &str) -> bool {
    customer.number.as_deref().map(fold_number) == Some(fold_number(number))
}

/// The `n`th number that the service gives: `S00010`, `S00020`, …
pub fn series_number(n: i64) -> String {
    format!("S{:05}", n * 10)
}

/// The sales invoice that a create makes; its customer is set by [`show_customer`].
pub fn create(body: SalesInvoiceCreate, identity: Identity) -> SalesInvoice {
    SalesInvoice {
        odata_context: None,
        odata_etag: identity.version.etag(),
        id: identity.id,
        number: Some(identity.number),
        invoice_date: or_null(body.invoice_date),
        due_date: or_null(body.due_date),
        customer_id: Field::Null,
        customer_number: Field::Null,
        customer_name: Field::Null,
        status: Some(match body.status {
            Field::Value(status) => status,
            Field::Absent | Field::Null => SalesInvoiceStatus::Draft,
        }),
        currency_code: or_null(text(body.currency_code)),
        last_modified_date_time: Some(identity.now),
    }
}

/// The sales invoice after a change, with the customer that the change chose; none if its status
/// forbids the change.
pub fn changed(
    before: &SalesInvoice,
    body: SalesInvoiceUpdate,
    customer: Field<Customer>,
) -> Option<SalesInvoice> {
    let mut invoice = before.clone();
    update(&mut invoice, body);
    // An issued invoice that is sent back whole keeps the name that was on it.
    if !customer.is_absent() && customer.as_ref().map(|c| c.id) != before.customer_id {
        show_customer(&mut invoice, customer.into_option().as_ref());
    }
    allows(before, &invoice).then_some(invoice)
}

/// Changes a sales invoice's own properties; its customer is set by [`show_customer`].
fn update(invoice: &mut SalesInvoice, body: SalesInvoiceUpdate) {
    change(&mut invoice.invoice_date, body.invoice_date);
    change(&mut invoice.due_date, body.due_date);
    change(&mut invoice.currency_code, text(body.currency_code));
    if let Field::Value(status) = body.status {
        invoice.status = Some(status);
    }
}

/// Marks a write of the sales invoice.
pub fn touch(invoice: &mut SalesInvoice, version: Version, now: DateTime<Utc>) {
    invoice.odata_etag = version.etag();
    invoice.last_modified_date_time = Some(now);
}

/// Shows the customer, or that there is none.
pub fn show_customer(invoice: &mut SalesInvoice, customer: Option<&Customer>) {
    let field = |text: &Option<String>| text.clone().map_or(Field::Null, Field::Value);
    invoice.customer_id = customer.map_or(Field::Null, |c| Field::Value(c.id));
    invoice.customer_number = customer.map_or(Field::Null, |c| field(&c.number));
    invoice.customer_name = customer.map_or(Field::Null, |c| field(&c.display_name));
}

/// Whether the sales invoice is a draft.
pub fn is_draft(invoice: &SalesInvoice) -> bool {
    invoice.status == Some(SalesInvoiceStatus::Draft)
}

/// Whether a sales invoice that is no longer a draft allows the change: `before` and `after` may
/// differ in the status alone, and it cannot be a draft again.
fn allows(before: &SalesInvoice, after: &SalesInvoice) -> bool {
    let mut expected = before.clone();
    expected.status.clone_from(&after.status);
    is_draft(before) || (expected == *after && !is_draft(after))
}
