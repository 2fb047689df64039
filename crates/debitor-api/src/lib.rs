//! The contract in Rust: what `openapi/debitor.yaml` says, as types, one trait per tag, and routes.
//!
//! Implement the traits ([`Api`] and one per tag) and mount what [`routes`] gives. A handler can
//! answer nothing that the document lacks, and sees no request that breaks the document's rules.

mod error_body;
#[rustfmt::skip]
#[allow(
    clippy::all,
    clippy::pedantic,
    unused_imports,
    reason = "generated: what it says is decided in the document and printed by debitor-codegen"
)]
mod generated;
#[rustfmt::skip]
#[path = "generated/metadata.rs"]
pub mod metadata;
pub mod support;

pub use generated::*;
pub use support::{
    Api, Body, Context, ErrorBody, Fault, Faults, Field, Operation, Problem, Routes, Undocumented,
};
