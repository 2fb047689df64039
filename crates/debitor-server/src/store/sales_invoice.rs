//! What engines decide about sales invoices once they have read what it takes.

use debitor_api::Field;
use debitor_api::types::{Customer, SalesInvoice};

use super::{Conflict, Error, Result};
use crate::domain::sales_invoice::{CustomerChoice, has_number};

/// The customer that was chosen, which is the one that was found: absent keeps the one there is, null
/// is none.
pub(crate) fn chosen(choice: CustomerChoice, found: Option<Customer>) -> Result<Field<Customer>> {
    let unknown = |property| Error::Reference {
        property,
        message: "names no customer of the company",
    };
    let customer = match choice {
        CustomerChoice::Keep => return Ok(Field::Absent),
        CustomerChoice::None => return Ok(Field::Null),
        CustomerChoice::Number(_) => found.ok_or(unknown("customerNumber"))?,
        CustomerChoice::Id { number, .. } => {
            let customer = found.ok_or(unknown("customerId"))?;
            if number.is_some_and(|number| !has_number(&customer, &number)) {
                let message = "is not the number of the customer in `customerId`";
                return Err(Error::Reference {
                    property: "customerNumber",
                    message,
                });
            }
            customer
        }
    };
    Ok(Field::Value(customer))
}

/// The refusal of a change that the invoice's status forbids.
pub(crate) fn not_draft(invoice: &SalesInvoice) -> Error {
    Error::Conflict(Conflict::NotDraft(
        invoice.number.clone().unwrap_or_default(),
    ))
}
