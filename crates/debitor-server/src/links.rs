//! Absolute addresses: of entities, of lists, and of their contexts in the metadata. All start with
//! the base URL of the request, or of the first request if this one repeats it.

use std::fmt;

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
    pub fn address(self, base_url: &str, company: Uuid) -> String {
        format!("{}/{}", company_address(base_url, company), self.name())
    }

    /// The canonical address of one of its entities.
    pub fn entity_address(self, base_url: &str, company: Uuid, id: Uuid) -> String {
        format!("{}/{id}", self.address(base_url, company))
    }

    /// The context of a page of the collection.
    pub fn context(self, base_url: &str, company: Uuid) -> String {
        metadata(
            base_url,
            format_args!("companies({company})/{}", self.name()),
        )
    }

    /// The context of one entity.
    pub fn entity_context(self, base_url: &str, company: Uuid) -> String {
        let name = self.name();
        metadata(
            base_url,
            format_args!("companies({company})/{name}/$entity"),
        )
    }
}

/// The address of the companies.
pub fn companies_address(base_url: &str) -> String {
    format!("{base_url}/financials/companies")
}

/// The context of a page of companies.
pub fn companies_context(base_url: &str) -> String {
    metadata(base_url, format_args!("companies"))
}

/// The context of one company.
pub fn company_context(base_url: &str) -> String {
    metadata(base_url, format_args!("companies/$entity"))
}

fn company_address(base_url: &str, company: Uuid) -> String {
    format!("{}/{company}", companies_address(base_url))
}

fn metadata(base_url: &str, what: fmt::Arguments<'_>) -> String {
    format!("{base_url}/$metadata#financials/{what}")
}
