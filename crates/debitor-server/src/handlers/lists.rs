//! What lists are asked for and what they answer with, of every noun alike.

use debitor_api::Body;
use debitor_api::support::properties::Property;
use uuid::Uuid;

use crate::auth::Caller;
use crate::error::ApiError;
use crate::links::{self, Collection};
use crate::odata::list;
use crate::odata::options::{QueryOptions, Sent, Shape};
use crate::odata::skiptoken::{Binding, Key, Query};
use crate::store::{self, Page};

/// Finds the options of a list in its request, for which each operation has a type of its own.
macro_rules! sent {
    ($request:expr) => {
        $crate::odata::options::Sent {
            query: $crate::odata::skiptoken::Query {
                filter: $request.query.filter.as_deref(),
                search: $request.query.search.as_deref(),
                orderby: $request.query.orderby.as_deref(),
                select: $request.query.select.as_deref(),
            },
            top: $request.query.top,
            skip: $request.query.skip,
            count: $request.query.count,
            skiptoken: $request.query.skiptoken.as_deref(),
            prefer: $request.headers.prefer.as_deref(),
        }
    };
}
pub(super) use sent;

/// Finds the options of a count in its request.
macro_rules! counted {
    ($request:expr) => {
        $crate::odata::skiptoken::Query {
            filter: $request.query.filter.as_deref(),
            search: $request.query.search.as_deref(),
            ..Default::default()
        }
    };
}
pub(super) use counted;

/// A list as it was asked for.
pub(super) struct List<'a> {
    sent: Sent<'a>,
    binding: Binding<'a>,
    address: String,
    context: String,
}

/// The body of a page, and what its answer says of the preferred page size.
pub(super) struct Answer<T> {
    pub(super) body: Body<T>,
    pub(super) preference_applied: Option<String>,
}

impl<'a> List<'a> {
    /// A collection of a company.
    pub(super) fn of_company(
        collection: Collection,
        base_url: &str,
        caller: &Caller,
        company: Uuid,
        sent: Sent<'a>,
    ) -> Self {
        Self {
            sent,
            binding: Binding {
                tenant: caller.tenant(),
                company: Some(company),
                list: collection.name(),
                query: sent.query,
            },
            address: collection.address(base_url, company),
            context: collection.context(base_url, company),
        }
    }

    /// The companies of the caller's tenant.
    pub(super) fn of_companies(base_url: &str, caller: &Caller, sent: Sent<'a>) -> Self {
        Self {
            sent,
            binding: Binding {
                tenant: caller.tenant(),
                company: None,
                list: "companies",
                query: sent.query,
            },
            address: links::companies_address(base_url),
            context: links::companies_context(base_url),
        }
    }

    pub(super) fn options<P: Property>(&self, key: &Key) -> Result<QueryOptions<P>, ApiError> {
        Ok(QueryOptions::new(&self.sent, &self.binding, key)?)
    }

    /// The answer with the page that the store found.
    pub(super) fn answer<T>(
        &self,
        found: store::Result<Page>,
        shape: &Shape,
        key: &Key,
    ) -> Result<Answer<T>, ApiError> {
        let page = found.map_err(|error| failed(error, &self.sent.query))?;
        let next = page.next.as_ref();
        let next = next.map(|last| shape.next_link(&self.address, &self.binding, key, last));
        let select = shape.select.as_ref();
        let json = list::page(&page, select, &self.context, next.as_deref());
        let applied = shape.applied_page_size;
        Ok(Answer {
            body: Body::rendered(json),
            preference_applied: applied.map(|size| format!("odata.maxpagesize={size}")),
        })
    }
}

/// Why a list was not answered; one that took too long, with the option that is most likely to blame.
pub(super) fn failed(error: store::Error, query: &Query<'_>) -> ApiError {
    if !matches!(error, store::Error::QueryTimeout) {
        return error.into();
    }
    let options = [
        ("$filter", query.filter),
        ("$search", query.search),
        ("$orderby", query.orderby),
    ];
    let mut sent = options.iter().filter(|(_, text)| text.is_some());
    let option = sent.next().map_or("$count", |(option, _)| *option);
    ApiError::TooSlow { option }
}
