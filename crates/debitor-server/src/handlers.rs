//! The operations: arguments, one decision, one call of the store, one answer.

mod company;
mod customer;
mod lists;
mod sales_invoice;
mod sales_invoice_customer;
mod writes;

use debitor_api::Body;
use uuid::Uuid;

use crate::domain::version::Precondition;
use crate::links::Collection;
use crate::odata::list;
use crate::store::Stored;

/// The body of an answer with one entity.
fn entity<T>(collection: Collection, base_url: &str, company: Uuid, stored: &Stored) -> Body<T> {
    let metadata = collection.entity_context(base_url, company);
    Body::rendered(list::entity(&stored.json, &metadata))
}

/// Whether the caller has this version already.
fn is_known(if_none_match: Option<&str>, stored: &Stored) -> bool {
    if_none_match.is_some_and(|header| Precondition::parse(header).names(&stored.etag))
}
