//! The rules of the resources, as pure functions: what a create, a change and a version mean.
//!
//! The engines of `store/` call them inside their transactions, so that every engine has the same
//! rules and repeats nothing but its SQL.

pub mod blank;
pub mod company;
pub mod customer;
pub mod right;
pub mod sales_invoice;
pub mod version;
