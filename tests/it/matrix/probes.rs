//! The ways in which a request can name what is not its caller's.

use debitor_tests::document::Operation;
use url::form_urlencoded::byte_serialize;
use uuid::Uuid;

use super::Row;

/// A way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Carrier {
    /// The path of `/v1.0`.
    Path,
    /// That of `/beta`.
    Beta,
    /// Keys in parentheses.
    Parentheses,
    /// An id in `$filter`.
    Filter,
    /// The link to the next page that the owner was answered.
    NextLink,
    /// The version that there is, in `If-Match` or `If-None-Match`.
    Version,
    /// The key of a request that the owner has made.
    Key,
    /// Ids of the owner's entities in a company of the caller's own, in the path or in the body.
    Elsewhere,
}

impl Carrier {
    pub(super) const ALL: [Self; 8] = [
        Self::Path,
        Self::Beta,
        Self::Parentheses,
        Self::Filter,
        Self::NextLink,
        Self::Version,
        Self::Key,
        Self::Elsewhere,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Path => "path",
            Self::Beta => "path of /beta",
            Self::Parentheses => "key in parentheses",
            Self::Filter => "$filter",
            Self::NextLink => "link to the next page",
            Self::Version => "ETag",
            Self::Key => "Idempotency-Key",
            Self::Elsewhere => "another company's id in one's own",
        }
    }
}

/// What requests name.
#[derive(Debug, Clone)]
pub(super) struct Ids {
    pub(super) company: Uuid,
    pub(super) customer: Uuid,
    /// The customer that the sales invoice names.
    pub(super) named: Uuid,
    pub(super) invoice: Uuid,
    pub(super) etag: String,
    /// The key with which the operation was done.
    pub(super) key: String,
    /// The query of the owner's next page.
    pub(super) next: Option<String>,
    /// A company of the caller's own.
    pub(super) home: Uuid,
}

impl Ids {
    /// The text with the ids of `other` in the place of these.
    pub(super) fn renamed(&self, text: &str, other: &Self) -> String {
        let ids = |one: &Self| [one.company, one.customer, one.named, one.invoice];
        let pairs = ids(self).into_iter().zip(ids(other));
        pairs.fold(text.to_owned(), |text, (own, other)| {
            text.replace(&own.to_string(), &other.to_string())
        })
    }
}

/// A request but for its caller.
#[derive(Debug)]
pub(super) struct Probe {
    pub(super) method: String,
    pub(super) path: String,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: Option<String>,
}

impl Probe {
    /// The operation's request that names these by this way, if it has the way.
    pub(super) fn of(row: &Row, carrier: Carrier, named: &Ids) -> Option<Self> {
        let operation = row.operation;
        let has = |name: &str| has(operation, name);
        let mut headers = Vec::new();
        let (mut base, mut template, mut query) = ("/v1.0", operation.path.clone(), String::new());
        let mut company = named.company;
        let mut etag = "*".to_owned();
        match carrier {
            Carrier::Path => {}
            Carrier::Beta => base = "/beta",
            Carrier::Parentheses if template.contains('{') => {
                template = template.replace("/{", "({").replace('}', "})");
            }
            Carrier::Filter if has("$filter") => {
                query = format!("?$filter={}", encoded(&filter(operation, named)));
            }
            Carrier::NextLink if has("$skiptoken") => query.clone_from(named.next.as_ref()?),
            Carrier::Version if has("If-Match") => etag.clone_from(&named.etag),
            Carrier::Version if has("If-None-Match") => {
                headers.push(("If-None-Match", named.etag.clone()));
            }
            Carrier::Key if has("Idempotency-Key") => {
                headers.push(("Idempotency-Key", named.key.clone()));
            }
            Carrier::Elsewhere if names_an_entity(row) => company = named.home,
            _ => return None,
        }
        if has("If-Match") {
            headers.push(("If-Match", etag));
        }
        let path = template.replace("{companyId}", &company.to_string());
        let path = path.replace("{customerId}", &named.customer.to_string());
        let path = path.replace("{salesInvoiceId}", &named.invoice.to_string());
        Some(Self {
            method: operation.method.clone(),
            path: format!("{base}{path}{query}"),
            headers,
            body: body(row, named),
        })
    }
}

fn has(operation: &Operation, name: &str) -> bool {
    operation.parameters.iter().any(|one| one["name"] == name)
}

/// Whether the path or the body names an entity of a company.
fn names_an_entity(row: &Row) -> bool {
    let path = &row.operation.path;
    path.contains("{customerId}")
        || path.contains("{salesInvoiceId}")
        || row.body.contains("{named}")
}

fn filter(operation: &Operation, named: &Ids) -> String {
    let id = match &*operation.id {
        "company_list" | "company_count" => named.company,
        "customer_list" | "customer_count" => named.customer,
        _ => named.invoice,
    };
    format!("id eq {id}")
}

fn body(row: &Row, named: &Ids) -> Option<String> {
    let body = row.body.replace("{named}", &named.named.to_string());
    let body = body.replace("{customer}", &named.customer.to_string());
    (!body.is_empty()).then_some(body)
}

fn encoded(text: &str) -> String {
    byte_serialize(text.as_bytes()).collect()
}
