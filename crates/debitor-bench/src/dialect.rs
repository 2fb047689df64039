//! How a server is spoken to: the same operations, each server's own addresses.

use anyhow::{Context as _, Result};
use serde::Deserialize;
use serde_json::Value;

use crate::customer::{CREATE, UPDATE};
use crate::operation::Operation;
use crate::request::Request;

/// The length of a token of `debitor-server dev`.
const TOKEN_BYTES: usize = 592;

/// The addresses of one server's customers.
#[derive(Debug, Clone)]
pub(crate) struct Dialect {
    /// The path of the collection.
    customers: String,
    authorization: Option<String>,
    style: Style,
    /// Whether the number of customers is that of the rows, as the server keeps none.
    is_bare: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Style {
    OData,
    PocketBase,
}

/// A customer that exists, as requests name it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Customer {
    pub(crate) id: String,
    pub(crate) version: u64,
    /// What stands in the entity tag behind the version.
    pub(crate) tag: String,
}

/// A page of a list, and the path of the next one.
pub(crate) struct Page {
    pub(crate) customers: Vec<Customer>,
    pub(crate) next: Option<String>,
}

/// What is read of a page; the rest, which is most of it, is passed over.
#[derive(Deserialize)]
struct Body {
    #[serde(alias = "items")]
    value: Vec<Entity>,
    #[serde(rename = "@odata.nextLink")]
    next: Option<String>,
}

#[derive(Deserialize)]
struct Entity {
    id: String,
    #[serde(rename = "@odata.etag")]
    etag: Option<String>,
}

impl Dialect {
    /// Our own server, by the line that it prints.
    pub(crate) fn ours(ready: &Value) -> Result<Self> {
        let text = |key: &str| ready[key].as_str().with_context(|| format!("no {key}"));
        let company = text("companyId")?;
        Ok(Self {
            customers: format!("/v1.0/financials/companies/{company}/customers"),
            authorization: Some(format!("Bearer {}", text("token")?)),
            style: Style::OData,
            is_bare: false,
        })
    }

    /// The same where customers are made without what only lists need, and are read without credentials.
    pub(crate) fn bare(self) -> Self {
        Self {
            is_bare: true,
            ..self
        }
    }

    /// A peer of ours, written for the comparison.
    pub(crate) fn peer() -> Self {
        Self {
            customers: "/customers".to_owned(),
            authorization: None,
            style: Style::OData,
            is_bare: false,
        }
    }

    /// The server that keeps nothing. What it is sent is as long as what our own is sent: else the
    /// difference would also be wrk's, which shares the processors with it.
    pub(crate) fn limits() -> Self {
        Self {
            authorization: Some(format!("Bearer {}", "x".repeat(TOKEN_BYTES))),
            ..Self::peer()
        }
    }

    /// `PocketBase`, whose addresses are its own; it knows no entity tags.
    pub(crate) fn pocketbase() -> Self {
        Self {
            customers: "/api/collections/customers/records".to_owned(),
            authorization: None,
            style: Style::PocketBase,
            is_bare: false,
        }
    }

    /// What wrk sends in an operation.
    pub(crate) fn request(&self, operation: Operation) -> Request {
        match operation {
            Operation::Get if self.is_bare => Self::without_credentials(self.to("GET", "/{id}")),
            Operation::Get | Operation::Mixed => self.to("GET", "/{id}"),
            Operation::List => self.to("GET", self.options("?$top=20", "?perPage=20&skipTotal=1")),
            Operation::Count => self.count(),
            Operation::Create => self.create(),
            Operation::Patch => self.conditional(self.to("PATCH", "/{id}").json(UPDATE)),
            Operation::Delete => self.conditional(self.to("DELETE", "/{id}")),
            // All others have files of addresses.
            _ => self.at("GET", "{id}"),
        }
    }

    pub(crate) fn create(&self) -> Request {
        self.to("POST", "").json(CREATE)
    }

    /// The request without credentials, but as long as with them.
    fn without_credentials(mut request: Request) -> Request {
        for (name, _) in &mut request.headers {
            if *name == "Authorization" {
                *name = "X-Credentials";
            }
        }
        request
    }

    fn count(&self) -> Request {
        let all = "/$count?$filter=id%20ne%2000000000-0000-0000-0000-000000000000";
        let count = if self.is_bare { all } else { "/$count" };
        self.to("GET", self.options(count, "?perPage=1&fields=id"))
    }

    /// The path of the first page of the list of all. Ours has whole customers, as a link holds for the
    /// options that it was made with.
    pub(crate) fn first_page(&self) -> String {
        let options = "?$top=1000";
        let fields = "?perPage=1000&skipTotal=1&fields=id&page=1";
        format!("{}{}", self.customers, self.options(options, fields))
    }

    /// The path of a customer.
    pub(crate) fn by_id(&self, id: &str) -> String {
        format!("{}/{id}", self.customers)
    }

    /// The path of a list, by the options' names and values.
    pub(crate) fn list(&self, options: &[(&str, &str)]) -> String {
        let options = options.iter().map(|(name, value)| {
            let value: String = value.chars().map(in_address).collect();
            format!("{name}={value}")
        });
        let options: Vec<String> = options.collect();
        format!("{}?{}", self.customers, options.join("&"))
    }

    /// What asks for the path of a page, or of one customer.
    pub(crate) fn page(&self, path: &str) -> Request {
        self.at("GET", path)
    }

    /// Reads the page at `path`.
    pub(crate) fn read_page(&self, path: &str, body: &[u8]) -> Result<Page> {
        let body: Body = serde_json::from_slice(body)?;
        let next = match self.style {
            Style::OData => body.next.as_deref().map(path_of),
            Style::PocketBase if body.value.is_empty() => None,
            Style::PocketBase => next_number(path),
        };
        let customers = body.value.into_iter();
        let customers = customers.map(|entity| self.customer(entity));
        Ok(Page {
            customers: customers.collect::<Result<_>>()?,
            next,
        })
    }

    pub(crate) fn read_count(&self, body: &[u8]) -> Result<u64> {
        let body: Value = serde_json::from_slice(body)?;
        let number = match self.style {
            Style::OData => &body,
            Style::PocketBase => &body["totalItems"],
        };
        number.as_u64().with_context(|| format!("no count: {body}"))
    }

    fn customer(&self, Entity { id, etag }: Entity) -> Result<Customer> {
        let (version, tag) = match etag {
            Some(etag) => version(&etag).with_context(|| format!("the entity tag {etag}"))?,
            None if self.style == Style::PocketBase => (0, String::new()),
            None => anyhow::bail!("the customer {id} has no entity tag"),
        };
        Ok(Customer { id, version, tag })
    }

    fn conditional(&self, request: Request) -> Request {
        match self.style {
            Style::OData => request.header("If-Match", "W/\"{version}{tag}\""),
            Style::PocketBase => request,
        }
    }

    fn options<'a>(&self, odata: &'a str, pocketbase: &'a str) -> &'a str {
        match self.style {
            Style::OData => odata,
            Style::PocketBase => pocketbase,
        }
    }

    fn to(&self, method: &'static str, rest: &str) -> Request {
        self.at(method, format!("{}{rest}", self.customers))
    }

    fn at(&self, method: &'static str, path: impl Into<String>) -> Request {
        let request = Request::new(method, path);
        match &self.authorization {
            Some(authorization) => request.header("Authorization", authorization),
            None => request,
        }
    }
}

/// The version and the rest of a tag such as `W/"3-8c90aa01"`: every write counts the version up,
/// so that a client knows the tag that its own write made.
fn version(etag: &str) -> Option<(u64, String)> {
    let text = etag.strip_prefix("W/\"")?.strip_suffix('"')?;
    let end = text.find('-').unwrap_or(text.len());
    Some((text[..end].parse().ok()?, text[end..].to_owned()))
}

/// As it stands in an address; our texts are ASCII.
fn in_address(letter: char) -> String {
    match letter {
        'a'..='z' | 'A'..='Z' | '0'..='9' | '.' | '-' | '$' => letter.to_string(),
        _ => format!("%{:02X}", u32::from(letter)),
    }
}

fn path_of(link: &str) -> String {
    let behind_scheme = link.split_once("://").map_or(link, |(_, rest)| rest);
    let path = behind_scheme.find('/').map(|start| &behind_scheme[start..]);
    path.unwrap_or_default().to_owned()
}

fn next_number(path: &str) -> Option<String> {
    let (rest, number) = path.rsplit_once('=')?;
    Some(format!("{rest}={}", number.parse::<u32>().ok()? + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_have_a_version() {
        assert_eq!(version("W/\"3-8c90\""), Some((3, "-8c90".to_owned())));
        assert_eq!(version("W/\"12\""), Some((12, String::new())));
        assert_eq!(version("\"x\""), None);
    }

    #[test]
    fn pages_are_read_of_every_server() {
        let odata = br#"{"@odata.nextLink":"http://h/c?$top=1000&a=1","value":[
            {"@odata.etag":"W/\"2-ab\"","displayName":"x","id":"7"}]}"#;
        let page = Dialect::peer().read_page("/c", odata).unwrap();
        let own = |id: &str, version, tag: &str| Customer {
            id: id.to_owned(),
            version,
            tag: tag.to_owned(),
        };
        assert_eq!(page.customers, [own("7", 2, "-ab")]);
        assert_eq!(page.next.as_deref(), Some("/c?$top=1000&a=1"));
        let items = br#"{"items":[{"id":"8"}]}"#;
        let page = Dialect::pocketbase().read_page("/c?page=1", items).unwrap();
        assert_eq!(page.customers, [own("8", 0, "")]);
        assert_eq!(page.next.as_deref(), Some("/c?page=2"));
        assert!(Dialect::peer().read_page("/c", items).is_err());
    }

    #[test]
    fn texts_of_options_are_encoded() {
        let options = [("$filter", "email eq 'a.b@c'"), ("$top", "10")];
        let path = Dialect::peer().list(&options);
        assert_eq!(
            path,
            "/customers?$filter=email%20eq%20%27a.b%40c%27&$top=10"
        );
    }

    #[test]
    fn a_bare_server_is_asked_without_credentials_in_as_many_bytes() {
        let get = |dialect: Dialect| dialect.request(Operation::Get).text("h");
        let (usual, bare) = (get(Dialect::limits()), get(Dialect::limits().bare()));
        assert!(usual.contains("\r\nAuthorization: ") && !bare.contains("Authorization"));
        assert_eq!(usual.len(), bare.len());
    }

    #[test]
    fn a_bare_server_counts_rows() {
        let path = |dialect: Dialect| dialect.count().path;
        assert_eq!(path(Dialect::peer()), "/customers/$count");
        assert!(path(Dialect::peer().bare()).contains("$filter="));
    }

    #[test]
    fn links_lead_to_the_next_page() {
        assert_eq!(path_of("http://h:1/c?$skiptoken=a"), "/c?$skiptoken=a");
        assert_eq!(path_of("/c?after=1"), "/c?after=1");
        assert_eq!(next_number("/c?page=9").as_deref(), Some("/c?page=10"));
    }
}
