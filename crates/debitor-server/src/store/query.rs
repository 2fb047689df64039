//! What a list is asked for, and its SQL: one reading of the tree of `$filter` for all engines, in two
//! dialects.
//!
//! The text of a statement depends on nothing but what the request's options look like: whatever they
//! name is a property of the document, and every value is bound.

pub(crate) mod postgres;
pub(crate) mod seek;
pub(crate) mod sql;
pub(crate) mod sqlite;
#[cfg(test)]
mod tests;

use debitor_api::properties::{CompanyProperty, CustomerProperty, SalesInvoiceProperty};
use debitor_api::support::properties::Property;

use crate::odata::expression::Expr;
use crate::odata::order::{Order, Position};
use crate::odata::search::{Cut, Search, Searched};

/// Which page of a list is wanted.
#[derive(Debug, Clone, PartialEq)]
pub struct ListQuery<P> {
    pub condition: Condition<P>,
    pub order: Order<P>,
    /// The position behind which the page starts.
    pub after: Option<Position>,
    /// How many entities are passed over, behind that position.
    pub skip: u32,
    /// The number of entities at most.
    pub top: u32,
    /// Whether all entities that are found are to be counted too.
    pub count: bool,
}

/// Which entities of a list are found: all that fulfil the filter and the search, as far as there are.
#[derive(Debug, Clone, PartialEq)]
pub struct Condition<P> {
    pub filter: Option<Expr<P>>,
    pub search: Option<Search>,
}

impl<P> Condition<P> {
    /// Everything is found.
    pub const ALL: Self = Self {
        filter: None,
        search: None,
    };

    pub fn is_all(&self) -> bool {
        self.filter.is_none() && self.search.is_none()
    }
}

impl<P: Property> ListQuery<P> {
    /// The first page of everything, by id.
    pub fn first(top: u32) -> Self {
        Self {
            condition: Condition::ALL,
            order: Order::new([]),
            after: None,
            skip: 0,
            top,
            count: false,
        }
    }
}

/// Properties of entities that are rows of a table of the same name in every engine, with the columns
/// `id` and `body`.
pub(crate) trait Listed: Searched {
    const TABLE: &'static str;

    /// The column that says whose list a row is in.
    const OWNER: &'static str;

    /// The column that is kept, and indexed, for the property's sake.
    fn column(self) -> Option<Column>;
}

/// A column beside the body. None is ever null.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Column {
    /// The id, of which the property is the text.
    Id,
    /// The property's text, folded.
    NumberFold,
}

impl Column {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Id => "id",
            Self::NumberFold => "number_fold",
        }
    }
}

impl Listed for CompanyProperty {
    const TABLE: &'static str = "company";
    const OWNER: &'static str = "tenant_id";

    fn column(self) -> Option<Column> {
        (self == Self::Id).then_some(Column::Id)
    }
}

impl Listed for CustomerProperty {
    const TABLE: &'static str = "customer";
    const OWNER: &'static str = "company_id";

    fn column(self) -> Option<Column> {
        match self {
            Self::Id => Some(Column::Id),
            Self::Number => Some(Column::NumberFold),
            _ => None,
        }
    }
}

impl Listed for SalesInvoiceProperty {
    const TABLE: &'static str = "sales_invoice";
    const OWNER: &'static str = "company_id";

    fn column(self) -> Option<Column> {
        (self == Self::Id).then_some(Column::Id)
    }
}

/// Companies are not searched.
impl Searched for CompanyProperty {
    const SEARCHED: &'static [(Self, Cut)] = &[];
}

/// Sales invoices are not searched.
impl Searched for SalesInvoiceProperty {
    const SEARCHED: &'static [(Self, Cut)] = &[];
}
