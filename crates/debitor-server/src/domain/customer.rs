//! A customer: what a create makes, and what a change changes.

use chrono::{DateTime, Utc};
use debitor_api::Field;
use debitor_api::types::{
    Customer, CustomerBlocked, CustomerBlockedInput, CustomerCreate, CustomerType,
    CustomerTypeInput, CustomerUpdate, PostalAddressType, PostalAddressTypeInput,
};
use uuid::Uuid;

use super::blank::{change, guid, or_null, text};
use super::version::Version;
use crate::odata::value::fold;

/// What the service gives to a new customer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    pub id: Uuid,
    pub number: String,
    pub version: Version,
    pub now: DateTime<Utc>,
}

/// The form in which numbers are compared: without regard to letter case.
pub fn fold_number(number: &str) -> String {
    fold(number)
}

/// The `n`th number that the service gives: `C00010`, `C00020`, …
pub fn series_number(n: i64) -> String {
    format!("C{:05}", n * 10)
}

/// The customer that a create makes; read-only properties of the body are ignored.
pub fn create(body: CustomerCreate, identity: Identity) -> Customer {
    let mut customer = Customer {
        odata_context: None,
        odata_etag: identity.version.etag(),
        id: identity.id,
        number: Some(identity.number),
        display_name: Some(body.display_name),
        type_: Some(kind(body.type_)),
        address: Field::Null,
        phone_number: or_null(text(body.phone_number)),
        email: or_null(text(body.email)),
        website: or_null(text(body.website)),
        tax_liable: Some(flag(body.tax_liable)),
        tax_area_id: or_null(guid(body.tax_area_id)),
        tax_area_display_name: Field::Null,
        tax_registration_number: or_null(text(body.tax_registration_number)),
        currency_id: or_null(guid(body.currency_id)),
        currency_code: or_null(text(body.currency_code)),
        payment_terms_id: or_null(guid(body.payment_terms_id)),
        shipment_method_id: or_null(guid(body.shipment_method_id)),
        payment_method_id: or_null(guid(body.payment_method_id)),
        blocked: or_null(blocked(body.blocked)),
        last_modified_date_time: Some(identity.now),
    };
    change_address(&mut customer.address, body.address);
    customer
}

/// Changes a customer; the version and the time are the write's.
pub fn update(customer: &mut Customer, body: CustomerUpdate, version: Version, now: DateTime<Utc>) {
    customer.number = body.number.or(customer.number.take());
    customer.display_name = body.display_name.or(customer.display_name.take());
    if !body.type_.is_absent() {
        customer.type_ = Some(kind(body.type_));
    }
    if !body.tax_liable.is_absent() {
        customer.tax_liable = Some(flag(body.tax_liable));
    }
    change_address(&mut customer.address, body.address);
    change(&mut customer.phone_number, text(body.phone_number));
    change(&mut customer.email, text(body.email));
    change(&mut customer.website, text(body.website));
    change(&mut customer.tax_area_id, guid(body.tax_area_id));
    change(
        &mut customer.tax_registration_number,
        text(body.tax_registration_number),
    );
    change(&mut customer.currency_id, guid(body.currency_id));
    change(&mut customer.currency_code, text(body.currency_code));
    change(&mut customer.payment_terms_id, guid(body.payment_terms_id));
    change(
        &mut customer.shipment_method_id,
        guid(body.shipment_method_id),
    );
    change(
        &mut customer.payment_method_id,
        guid(body.payment_method_id),
    );
    change(&mut customer.blocked, blocked(body.blocked));
    customer.odata_etag = version.etag();
    customer.last_modified_date_time = Some(now);
}

/// A customer is a company unless it says otherwise.
fn kind(field: Field<CustomerTypeInput>) -> CustomerType {
    match field {
        Field::Value(CustomerTypeInput::Person) => CustomerType::Person,
        _ => CustomerType::Company,
    }
}

/// The blank spellings are no kind of transaction, and so none is blocked.
fn blocked(field: Field<CustomerBlockedInput>) -> Field<CustomerBlocked> {
    field.and_then(|input| {
        let kinds = CustomerBlocked::ALL.iter();
        kinds
            .copied()
            .find(|(name, _)| *name == input.as_str())
            .map(|(_, kind)| kind)
            .into()
    })
}

fn flag(field: Field<bool>) -> bool {
    matches!(field, Field::Value(true))
}

/// Merges an address member by member; one without any member left is none.
fn change_address(address: &mut Field<PostalAddressType>, body: Field<PostalAddressTypeInput>) {
    let body = match body {
        Field::Absent => return,
        Field::Null => {
            *address = Field::Null;
            return;
        }
        Field::Value(body) => body,
    };
    let mut merged = match std::mem::replace(address, Field::Null) {
        Field::Value(address) => address,
        Field::Absent | Field::Null => EMPTY_ADDRESS,
    };
    change(&mut merged.street, text(body.street));
    change(&mut merged.city, text(body.city));
    change(&mut merged.state, text(body.state));
    change(
        &mut merged.country_letter_code,
        text(body.country_letter_code),
    );
    change(&mut merged.postal_code, text(body.postal_code));
    if merged != EMPTY_ADDRESS {
        *address = Field::Value(merged);
    }
}

const EMPTY_ADDRESS: PostalAddressType = PostalAddressType {
    street: Field::Null,
    city: Field::Null,
    state: Field::Null,
    country_letter_code: Field::Null,
    postal_code: Field::Null,
};
