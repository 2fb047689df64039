//! OData's conventions, as far as the document has them. Knows neither axum nor SQL.

pub mod keys;
pub mod list;
pub mod prefer;
pub mod select;
