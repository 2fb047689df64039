//! A company: the unit that customers and sales invoices belong to, itself a tenant's.

use debitor_api::Field;
use debitor_api::types::Company;
use uuid::Uuid;

use super::right::Right;

/// A company to make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewCompany {
    /// The id to give; `None`, one is made.
    pub id: Option<Uuid>,
    pub name: String,
    /// What everyone of the tenant may do with it.
    pub everyone: Right,
}

/// The longest `name` of a company, in characters; `displayName` holds all of it.
const NAME_LENGTH: usize = 30;

/// The company as it is kept.
pub fn create(company: &NewCompany, id: Uuid) -> Company {
    Company {
        odata_context: None,
        id,
        name: Some(company.name.chars().take(NAME_LENGTH).collect()),
        display_name: Some(company.name.clone()),
        system_version: Field::Null,
        business_profile_id: Field::Null,
    }
}
