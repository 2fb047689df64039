//! Absolute addresses: of entities, of lists, and of their contexts in the metadata.

use debitor_api::Context;
use uuid::Uuid;

/// A collection of a company, as it stands in addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Collection {
    Customers,
    SalesInvoices,
}

impl Collection {
    fn name(self) -> &'static str {
        match self {
            Self::Customers => "customers",
            Self::SalesInvoices => "salesInvoices",
        }
    }

    /// The address of the collection.
    pub fn address(self, context: &Context, company: Uuid) -> String {
        format!("{}/{}", company_address(context, company), self.name())
    }

    /// The canonical address of one of its entities.
    pub fn entity_address(self, context: &Context, company: Uuid, id: Uuid) -> String {
        format!("{}/{id}", self.address(context, company))
    }

    /// The context of a page of the collection.
    pub fn context(self, context: &Context, company: Uuid) -> String {
        metadata(context, &format!("companies({company})/{}", self.name()))
    }

    /// The context of one entity.
    pub fn entity_context(self, context: &Context, company: Uuid) -> String {
        format!("{}/$entity", self.context(context, company))
    }
}

/// The address of the companies.
pub fn companies_address(context: &Context) -> String {
    format!("{}/financials/companies", context.base_url)
}

/// The context of a page of companies.
pub fn companies_context(context: &Context) -> String {
    metadata(context, "companies")
}

/// The context of one company.
pub fn company_context(context: &Context) -> String {
    metadata(context, "companies/$entity")
}

fn company_address(context: &Context, company: Uuid) -> String {
    format!("{}/{company}", companies_address(context))
}

fn metadata(context: &Context, what: &str) -> String {
    format!("{}/$metadata#financials/{what}", context.base_url)
}
