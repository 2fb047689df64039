//! What is held of a customer as a person, whatever the engine: all of it to be handed over (GDPR, Art. 15
//! and 20), and its erasure (Art. 17).
//!
//! Erasing takes out more than a deletion does: what sales invoices show of the customer, the answers kept
//! for repeated requests, its words in the index also if it was deleted before, and what files keep of all
//! that was ever deleted. The record of changes stays: it has no values.

use bytes::Bytes;
use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{Error, Noun, Result};

/// Which customer is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sought {
    /// One that is there, or was.
    Id(Uuid),
    /// One that is there.
    Number(String),
}

/// All that is held of a customer. Of one that was deleted something may be left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    pub id: Uuid,
    /// Its JSON, if it is there.
    pub customer: Option<Bytes>,
    /// The JSON of the sales invoices that name it.
    pub sales_invoices: Vec<Bytes>,
    /// What the record of changes says of it, in order.
    pub changes: Vec<Change>,
    /// What is kept for repeated requests, in order.
    pub answers: Vec<Answer>,
}

/// A row of the record of changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    pub at: DateTime<Utc>,
    pub actor: String,
    pub request_id: Uuid,
    pub action: String,
    /// The names of the properties, separated by commas.
    pub properties: String,
}

/// An answer that is kept for repeated requests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    pub at: DateTime<Utc>,
    pub repeated_at: Option<DateTime<Utc>>,
    pub json: Bytes,
}

/// Who is to be erased, and how far.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Erase {
    pub customers: Vec<Sought>,
    /// Whether they are taken out of issued sales invoices too, which otherwise forbid it.
    pub issued: bool,
    /// Whether the files are made anew.
    pub files: bool,
}

/// What was erased.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Erased {
    pub customers: Vec<Uuid>,
    pub files: Files,
}

/// Whether files still have what was deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Files {
    /// They were made anew.
    Clean,
    /// They were to be left alone.
    Left,
    /// They could not be made anew.
    Failed(String),
}

impl Held {
    /// Nobody is known of whom nothing is held.
    pub(crate) fn or_unknown(self) -> Result<Self> {
        let is_known =
            self.customer.is_some() || !self.changes.is_empty() || !self.answers.is_empty();
        is_known
            .then_some(self)
            .ok_or(Error::NotFound(Noun::Customer))
    }
}

/// An instant as stores keep it.
pub(crate) fn instant(milliseconds: i64) -> Result<DateTime<Utc>> {
    DateTime::from_timestamp_millis(milliseconds)
        .ok_or_else(|| Error::Internal("an instant out of range".to_owned()))
}
