//! What entities of lists can be asked for by: properties with a type, known by their paths.

use std::fmt::Debug;
use std::hash::Hash;

/// A plain value that entities of a list hold. Generated, one enumeration a list: whatever is made
/// from a request's text names properties only through these.
pub trait Property: Copy + Eq + Ord + Hash + Debug + Send + Sync + 'static {
    /// Every property, in the order of the document.
    const ALL: &'static [Self];

    /// The names that lead to it in the entity's JSON, such as `address/city`.
    fn path(self) -> &'static str;

    /// What its values are.
    fn kind(self) -> Type;

    /// Whether it, or an object on its path, can be null.
    fn nullable(self) -> bool;
}

/// What the values of a property are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Type {
    /// Text.
    Text,
    /// One of these texts.
    Enumeration(&'static [&'static str]),
    /// A GUID.
    Guid,
    /// A day.
    Date,
    /// An instant.
    DateTime,
    /// `true` or `false`.
    Boolean,
    /// A number.
    Number,
}
