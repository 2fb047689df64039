//! Rows as both engines have them.

use uuid::Uuid;

/// The tables, in the order in which they are copied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Table {
    Company,
    Grant,
    Customer,
    SalesInvoice,
    Audit,
    Idempotency,
}

/// What a column holds, unless it is null.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Id,
    Number,
    Flag,
    Text,
    Bytes,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Value {
    Null,
    Id(Uuid),
    Number(i64),
    Flag(bool),
    Text(String),
    Bytes(Vec<u8>),
}

/// The columns of a table but for the company and the tenant, which all rows have in common.
pub(crate) type Row = Vec<Value>;

impl Table {
    pub(crate) const ALL: [Self; 6] = [
        Self::Company,
        Self::Grant,
        Self::Customer,
        Self::SalesInvoice,
        Self::Audit,
        Self::Idempotency,
    ];

    /// The columns, in the order that every statement has.
    pub(crate) fn columns(self) -> &'static [Kind] {
        use Kind::{Bytes, Flag, Id, Number, Text};
        match self {
            // body, last_customer_number, last_sales_invoice_number, everyone_may
            Self::Company => &[Text, Number, Number, Number],
            // kind, name, may
            Self::Grant => &[Text, Text, Number],
            // id, version, incarnation, number_fold, body
            Self::Customer => &[Id, Number, Number, Text, Text],
            // id, version, incarnation, customer_id, body
            Self::SalesInvoice => &[Id, Number, Number, Id, Text],
            // entity_id, incarnation, version, at, actor, request_id, action, entity, properties
            Self::Audit => &[Id, Number, Number, Number, Text, Id, Text, Text, Text],
            // key, fingerprint, at, replayed_at, id, etag, base_url, minimal, body
            Self::Idempotency => &[Bytes, Bytes, Number, Number, Id, Text, Text, Flag, Text],
        }
    }

    /// What its rows are.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Company => "the company's own row",
            Self::Grant => "grants",
            Self::Customer => "customers",
            Self::SalesInvoice => "sales invoices",
            Self::Audit => "audit rows",
            Self::Idempotency => "outcomes of requests",
        }
    }
}

impl Value {
    /// About how much room it takes.
    pub(crate) fn bytes(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Bytes(bytes) => bytes.len(),
            _ => 16,
        }
    }
}
