//! All options of a list together, and the link to its next page.

use debitor_api::Fault;
use debitor_api::support::properties::Property;

use super::error::Error;
use super::expression::Expr;
use super::order::{Order, Position};
use super::search::{self, Search};
use super::select::Select;
use super::skiptoken::{Binding, Key, Query};
use super::{filter, orderby, prefer};

/// The options as they were sent, decoded, and within the document's bounds.
#[derive(Debug, Clone, Copy, Default)]
pub struct Sent<'a> {
    pub query: Query<'a>,
    pub top: i32,
    pub skip: i32,
    pub count: bool,
    pub skiptoken: Option<&'a str>,
    /// The header `Prefer`.
    pub prefer: Option<&'a str>,
}

/// What a list of entities with the properties `P` is asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct QueryOptions<P> {
    pub filter: Option<Expr<P>>,
    pub search: Option<Search>,
    pub order: Order<P>,
    pub select: Option<Select>,
    /// Where the page starts: behind this position.
    pub after: Option<Position>,
    /// How many entities of the list, after that position, are passed over.
    pub skip: u32,
    /// How many entities a page has at most.
    pub page_size: u32,
    /// The preference that bounds the page, to be answered as `odata.maxpagesize`.
    pub applied_page_size: Option<u32>,
    /// Whether all entities that are found are to be counted.
    pub count: bool,
}

impl<P: Property> QueryOptions<P> {
    /// Reads the options; `binding` is the list with the query that was sent. Every fault is returned.
    pub fn new(sent: &Sent<'_>, binding: &Binding<'_>, key: &Key) -> Result<Self, Vec<Fault>> {
        let mut faults = Vec::new();
        let query = sent.query;
        let filter = read(&mut faults, "filter", query.filter, filter::parse);
        let search = read(&mut faults, "search", query.search, search::parse);
        let order = read(&mut faults, "orderby", query.orderby, orderby::parse);
        let select = query
            .select
            .and_then(|text| match Select::parse::<P>(text) {
                Ok(select) => Some(select),
                Err(errors) => {
                    faults.extend(errors.into_iter().map(|error| error.fault("select")));
                    None
                }
            });
        // What the token was made for cannot be told where the order cannot be read.
        let is_readable = query.orderby.is_none() || order.is_some();
        let order = order.unwrap_or_else(|| Order::new([]));
        let token = sent.skiptoken.filter(|_| is_readable);
        let after = token.and_then(|token| {
            let position = key.read(binding, &order, token);
            if position.is_none() {
                faults.push(foreign_token());
            }
            position
        });
        if !faults.is_empty() {
            return Err(faults);
        }
        // The document's minimum is 1.
        let top = u32::try_from(sent.top).unwrap_or(1);
        let applied_page_size = prefer::max_page_size(sent.prefer).filter(|size| *size <= top);
        Ok(Self {
            filter,
            search,
            order,
            select,
            after,
            skip: u32::try_from(sent.skip).unwrap_or(0),
            page_size: applied_page_size.unwrap_or(top),
            applied_page_size,
            count: sent.count,
        })
    }

    /// The link to the page behind this position. It keeps every option, the preferred size of pages
    /// too, so that a client follows it without adding any. What was passed over is not passed over
    /// again.
    pub fn next_link(
        &self,
        address: &str,
        binding: &Binding<'_>,
        key: &Key,
        last: &Position,
    ) -> String {
        let mut link = format!("{address}?$top={}", self.page_size);
        if self.count {
            link.push_str("&$count=true");
        }
        let query = binding.query;
        let options = [
            ("$filter", query.filter),
            ("$search", query.search),
            ("$orderby", query.orderby),
            ("$select", query.select),
        ];
        for (name, text) in options {
            if let Some(text) = text {
                link.extend(["&", name, "=", &encoded(text)]);
            }
        }
        link.extend(["&$skiptoken=", &key.write(binding, last)]);
        link
    }
}

/// Reads an option that was sent; none if it was not, or is at fault.
fn read<T>(
    faults: &mut Vec<Fault>,
    option: &'static str,
    text: Option<&str>,
    parse: impl Fn(&str) -> Result<T, Error>,
) -> Option<T> {
    let read = text.map(parse)?;
    read.map_err(|error| faults.push(error.fault(option))).ok()
}

fn foreign_token() -> Fault {
    Fault {
        code: "skiptoken",
        message: "must be taken from an `@odata.nextLink` of the same list, with the same options"
            .into(),
        target: "$skiptoken".into(),
    }
}

/// The text as the value of an option in an address.
fn encoded(text: &str) -> String {
    let form: String = form_urlencoded::byte_serialize(text.as_bytes()).collect();
    // A plus is a space in forms alone, and itself is written otherwise.
    form.replace('+', "%20")
}

#[cfg(test)]
mod tests {
    use debitor_api::properties::CustomerProperty;
    use uuid::Uuid;

    use super::*;
    use crate::odata::value::Value;

    fn binding<'a>(query: Query<'a>) -> Binding<'a> {
        Binding {
            tenant: Uuid::from_u128(1),
            company: Some(Uuid::from_u128(2)),
            list: "customers",
            query,
        }
    }

    type Options = QueryOptions<CustomerProperty>;

    fn key() -> Key {
        Key::derive(b"secret")
    }

    fn options(sent: &Sent<'_>) -> Result<Options, Vec<Fault>> {
        Options::new(sent, &binding(sent.query), &key())
    }

    #[test]
    fn every_fault_is_reported_at_once() {
        let query = Query {
            filter: Some("x"),
            orderby: Some("number,"),
            search: Some("("),
            select: Some("a,b"),
        };
        let sent = Sent {
            query,
            skiptoken: Some("x"),
            ..Sent::default()
        };
        let told = |sent: &Sent<'_>| {
            let faults = options(sent).unwrap_err();
            let told = faults.into_iter().map(|fault| fault.target);
            told.collect::<Vec<_>>()
        };
        assert_eq!(
            told(&sent),
            ["$filter", "$search", "$orderby", "$select", "$select"]
        );
        let sent = Sent {
            query: Query::default(),
            ..sent
        };
        assert_eq!(told(&sent), ["$skiptoken"]);
    }

    #[test]
    fn faults_name_option_and_place() {
        let query = Query {
            filter: Some("emial eq 'x'"),
            ..Query::default()
        };
        let sent = Sent {
            query,
            ..Sent::default()
        };
        let fault = options(&sent).unwrap_err().remove(0);
        assert_eq!(fault.code, "filter");
        assert_eq!(
            fault.message,
            "at character 1: `emial` names no property; perhaps `email`; a text stands in quotes"
        );
    }

    #[test]
    fn the_preferred_page_size_bounds_the_page() {
        for (prefer, expected) in [
            (None, (100, None)),
            (Some("odata.maxpagesize=7"), (7, Some(7))),
            (Some("odata.maxpagesize=100"), (100, Some(100))),
            (Some("odata.maxpagesize=101"), (100, None)),
        ] {
            let sent = Sent {
                top: 100,
                prefer,
                ..Sent::default()
            };
            let options = options(&sent).unwrap();
            assert_eq!((options.page_size, options.applied_page_size), expected);
        }
    }

    #[test]
    fn a_link_leads_on_with_the_same_options() {
        let query = Query {
            filter: Some("displayName eq 'A&B + Ä%' or taxLiable"),
            orderby: Some("email desc"),
            search: Some("\"a b\""),
            select: Some("address/city"),
        };
        let sent = Sent {
            query,
            top: 5,
            skip: 3,
            count: true,
            prefer: Some("maxpagesize=2"),
            ..Sent::default()
        };
        let first = options(&sent).unwrap();
        assert_eq!((first.skip, first.after.as_ref()), (3, None));
        let last = Position {
            values: vec![Some(Value::text("x"))],
            id: Uuid::from_u128(9),
        };
        let link = first.next_link("http://h/c", &binding(query), &key(), &last);
        let (address, text) = link.split_once('?').unwrap();
        assert_eq!(address, "http://h/c");
        assert!(!text.contains('+'), "{text}");
        let pairs: Vec<(String, String)> = form_urlencoded::parse(text.as_bytes())
            .into_owned()
            .collect();
        let value = |name: &str| {
            let found = pairs.iter().find(|(own, _)| own == name);
            found.map(|(_, value)| value.as_str())
        };
        let next = Sent {
            query: Query {
                filter: value("$filter"),
                orderby: value("$orderby"),
                search: value("$search"),
                select: value("$select"),
            },
            top: value("$top").unwrap().parse().unwrap(),
            count: value("$count") == Some("true"),
            skiptoken: value("$skiptoken"),
            ..Sent::default()
        };
        let next = options(&next).unwrap();
        let expected = Options {
            skip: 0,
            after: Some(last),
            applied_page_size: None,
            ..first
        };
        assert_eq!(next, expected);
    }
}
