//! The customer that is created: an address and 15 other properties, with a name and an e-mail of
//! random letters.

/// The body of a create; `{name}` and `{email}` differ in every request, never in length.
pub(crate) const CREATE: &str = include_str!("customer.json");

/// The body of an update: a new name.
pub(crate) const UPDATE: &str = r#"{"displayName":"{name}","phoneNumber":"+49 40 5550 5678"}"#;

/// Letters in a word; a name is three words.
pub(crate) const WORD: usize = 6;
