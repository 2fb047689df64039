//! The options of a list, and the page that answers them (OData URL Conventions, section 5.1).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use bytes::Bytes;
use debitor_api::Fault;
use debitor_api::support::properties::Property;
use uuid::Uuid;

use super::order::{Order, Position};
use super::select::Select;
use crate::store::{Condition, ListQuery, Page};

/// `$top`, `$skiptoken`, `$count` and `$select` of one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListOptions {
    pub top: u32,
    /// The id behind which the page starts.
    pub after: Option<Uuid>,
    pub count: bool,
    pub select: Option<Select>,
}

impl ListOptions {
    /// Reads the options of a list of entities with the properties `P`. Every fault is returned.
    pub fn new<P: Property>(
        top: i32,
        skiptoken: Option<&str>,
        count: bool,
        select: Option<&str>,
    ) -> Result<Self, Vec<Fault>> {
        let mut faults = Vec::new();
        let after = skiptoken.and_then(|token| noted(&mut faults, read_skiptoken(token)));
        let select = select.and_then(|text| match Select::parse::<P>(text) {
            Ok(select) => Some(select),
            Err(errors) => {
                faults.extend(errors.into_iter().map(|error| error.fault("select")));
                None
            }
        });
        // The document's minimum is 1.
        let top = u32::try_from(top).unwrap_or(1);
        if !faults.is_empty() {
            return Err(faults);
        }
        Ok(Self {
            top,
            after,
            count,
            select,
        })
    }

    /// What the store is asked for.
    pub fn query<P: Property>(&self) -> ListQuery<P> {
        ListQuery {
            condition: Condition::ALL,
            order: Order::new([]),
            after: self.after.map(|id| Position {
                values: Vec::new(),
                id,
            }),
            skip: 0,
            top: self.top,
            count: self.count,
        }
    }

    /// The JSON of the page. `context` is the list's context without the selection, and `address`
    /// the list's own address, without a query.
    pub fn render(&self, page: &Page, context: &str, address: &str) -> Bytes {
        let selected = self.select.as_ref().map(Select::context);
        let context = format!("{context}{}", selected.unwrap_or_default());
        // How much a selection takes is not known before.
        let room = self.select.as_ref().map_or(page.entities.bytes(), |_| 0);
        let mut json = Vec::with_capacity(room + page.entities.len() + 1024);
        json.extend_from_slice(b"{\"@odata.context\":");
        push_quoted(&mut json, &context);
        if let Some(count) = page.count {
            json.extend_from_slice(format!(",\"@odata.count\":{count}").as_bytes());
        }
        json.extend_from_slice(b",\"value\":[");
        for (index, entity) in page.entities.iter().enumerate() {
            if index > 0 {
                json.push(b',');
            }
            match &self.select {
                Some(select) => select.write(entity, &mut json),
                None => json.extend_from_slice(entity),
            }
        }
        json.push(b']');
        if let Some(next) = &page.next {
            json.extend_from_slice(b",\"@odata.nextLink\":");
            push_quoted(&mut json, &self.next_link(address, next.id));
        }
        json.push(b'}');
        json.into()
    }

    /// The link keeps every option, so that a client follows it without adding any.
    fn next_link(&self, address: &str, after: Uuid) -> String {
        let mut link = format!("{address}?$top={}", self.top);
        if self.count {
            link.push_str("&$count=true");
        }
        if let Some(select) = &self.select {
            link.push_str("&$select=");
            link.push_str(&select.to_string());
        }
        link.push_str("&$skiptoken=");
        link.push_str(&BASE64.encode(after.as_bytes()));
        link
    }
}

/// The JSON of one entity with its context, from the JSON that the store keeps.
pub fn entity(json: &Bytes, context: &str) -> Bytes {
    let members = json.strip_prefix(b"{").unwrap_or_default();
    let mut whole = Vec::with_capacity(members.len() + context.len() + 24);
    whole.extend_from_slice(b"{\"@odata.context\":");
    push_quoted(&mut whole, context);
    if !members.starts_with(b"}") {
        whole.push(b',');
    }
    whole.extend_from_slice(members);
    whole.into()
}

fn read_skiptoken(token: &str) -> Result<Uuid, Fault> {
    BASE64
        .decode(token)
        .ok()
        .and_then(|bytes| Uuid::from_slice(&bytes).ok())
        .ok_or_else(|| Fault {
            code: "skiptoken",
            message: "must be taken from an `@odata.nextLink`".into(),
            target: "$skiptoken".into(),
        })
}

fn noted<T>(faults: &mut Vec<Fault>, read: Result<T, Fault>) -> Option<T> {
    read.map_err(|fault| faults.push(fault)).ok()
}

/// Writes a string of JSON.
fn push_quoted(json: &mut Vec<u8>, text: &str) {
    let is_plain = |byte: &u8| !matches!(byte, 0..=0x1F | b'"' | b'\\');
    if text.as_bytes().iter().all(is_plain) {
        json.push(b'"');
        json.extend_from_slice(text.as_bytes());
        json.push(b'"');
    } else {
        // Neither a string nor a vector makes serialising fail.
        let _ = serde_json::to_writer(json, text);
    }
}

#[cfg(test)]
mod tests {
    use debitor_api::properties::CustomerProperty;

    use super::*;
    use crate::store::Entities;

    fn options(skiptoken: Option<&str>, select: Option<&str>) -> Result<ListOptions, Vec<Fault>> {
        ListOptions::new::<CustomerProperty>(2, skiptoken, true, select)
    }

    #[test]
    fn every_fault_is_reported_at_once() {
        let faults = options(Some("x"), Some("nonsense")).unwrap_err();
        let targets: Vec<_> = faults.iter().map(|fault| fault.target.as_str()).collect();
        assert_eq!(targets, ["$skiptoken", "$select"]);
    }

    #[test]
    fn a_page_links_to_the_next_one_with_the_same_options() {
        let options = options(None, Some("number")).unwrap();
        let id = Uuid::from_u128(7);
        let mut entities = Entities::default();
        entities.push(
            br#"{"@odata.etag":"e","id":"i","number":"n","displayName":"d"}"#,
            1,
        );
        let page = Page {
            entities,
            next: Some(Position {
                values: Vec::new(),
                id,
            }),
            count: Some(9),
        };
        let json = options.render(&page, "http://h/v1.0/$metadata#c", "http://h/v1.0/c");
        let page: serde_json::Value = serde_json::from_slice(&json).unwrap();
        assert_eq!(page["@odata.context"], "http://h/v1.0/$metadata#c(number)");
        assert_eq!(page["@odata.count"], 9);
        let selected = serde_json::json!({"@odata.etag": "e", "id": "i", "number": "n"});
        assert_eq!(page["value"], serde_json::json!([selected]));
        let link = page["@odata.nextLink"].as_str().unwrap();
        let token =
            link.strip_prefix("http://h/v1.0/c?$top=2&$count=true&$select=number&$skiptoken=");
        assert_eq!(read_skiptoken(token.unwrap()), Ok(id));
    }

    #[test]
    fn an_entity_gets_its_context_first() {
        let json = entity(&Bytes::from_static(b"{\"id\":1}"), "c");
        assert_eq!(json, r#"{"@odata.context":"c","id":1}"#);
        assert_eq!(
            entity(&Bytes::from_static(b"{}"), "c"),
            r#"{"@odata.context":"c"}"#
        );
    }
}
