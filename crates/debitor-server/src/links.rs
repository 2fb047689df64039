//! Absolute addresses: of entities, of lists, and of their contexts in the metadata. All start with
//! the base URL of the request, or of the first request if this one repeats it.

use uuid::Uuid;

/// A collection of a company, as it stands in addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Collection {
    Customers,
    SalesInvoices,
}

impl Collection {
    pub fn name(self) -> &'static str {
        match self {
            Self::Customers => "customers",
            Self::SalesInvoices => "salesInvoices",
        }
    }

    /// The address of the collection.
    pub fn address(self, base_url: &str, company: Uuid) -> String {
        format!("{base_url}{COMPANIES}/{company}/{}", self.name())
    }

    /// The canonical address of one of its entities.
    pub fn entity_address(self, base_url: &str, company: Uuid, id: Uuid) -> String {
        format!("{}/{id}", self.address(base_url, company))
    }

    /// The context of a page of the collection.
    pub fn context(self, base_url: &str, company: Uuid) -> String {
        self.metadata(base_url, company, "")
    }

    /// The context of one entity.
    pub fn entity_context(self, base_url: &str, company: Uuid) -> String {
        self.metadata(base_url, company, "/$entity")
    }

    /// Put together without formatting: every answer has one.
    fn metadata(self, base_url: &str, company: Uuid, what: &str) -> String {
        let mut buffer = Uuid::encode_buffer();
        let company = &*company.hyphenated().encode_lower(&mut buffer);
        let name = self.name();
        [base_url, METADATA, COMPANY, company, ")/", name, what].concat()
    }
}

const COMPANIES: &str = "/financials/companies";
const COMPANY: &str = "#financials/companies(";

/// Where the metadata is, below the base.
pub const METADATA: &str = "/$metadata";

/// The address of the metadata.
pub fn metadata(base_url: &str) -> String {
    [base_url, METADATA].concat()
}

/// The address of the companies.
pub fn companies_address(base_url: &str) -> String {
    [base_url, COMPANIES].concat()
}

/// The context of a page of companies.
pub fn companies_context(base_url: &str) -> String {
    [base_url, METADATA, "#financials/companies"].concat()
}

/// The context of one company.
pub fn company_context(base_url: &str) -> String {
    [base_url, METADATA, "#financials/companies/$entity"].concat()
}
