//! OData's conventions, as far as the document has them. Knows neither axum nor SQL.

pub mod expression;
pub mod keys;
pub mod list;
pub mod order;
pub mod prefer;
pub mod search;
pub mod select;
pub mod value;
