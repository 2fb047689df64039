//! What the generated code stands on: written by hand, and without one of the document's names.
//!
//! A request passes through these modules in this order: [`routes`] finds its operation, [`call`]
//! carries it, [`negotiate`] looks at its media types, [`json`] parses its body once, [`decode`],
//! [`values`] and [`parameters`] read it and note every fault, and [`reply`] writes the answer.

pub mod call;
pub mod context;
pub mod decode;
pub mod field;
mod fingerprint;
pub mod formats;
pub mod json;
pub mod negotiate;
pub mod parameters;
pub mod problem;
pub mod properties;
pub mod reply;
pub mod routes;
pub mod values;

#[cfg(test)]
mod tests;

pub use context::{Api, Context, Operation};
pub use field::Field;
pub use problem::{ErrorBody, Fault, Faults, Problem};
pub use reply::{Body, Undocumented};
pub use routes::Routes;
