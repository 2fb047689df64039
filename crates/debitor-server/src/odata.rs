//! OData's conventions, as far as the document has them. Knows neither axum nor SQL.

pub mod error;
pub mod evaluate;
pub mod expression;
pub mod filter;
pub mod keys;
mod lexer;
pub mod list;
mod literal;
mod names;
pub mod options;
pub mod order;
pub mod orderby;
pub mod prefer;
pub mod search;
pub mod select;
pub mod skiptoken;
#[cfg(test)]
pub(crate) mod tests;
pub mod value;
