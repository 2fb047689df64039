//! Text in, text out: everything that is made from an OpenAPI 3.0 document by hand.
//!
//! The crate works for any document that passes its [`lint`]; it knows no API's names and touches
//! no files. `xtask` reads the document, calls these functions and compares or writes the results.

pub mod client;
pub mod contract;
pub mod error;
pub mod lint;
pub mod metadata;
pub mod model;
pub mod names;
pub mod patterns;
pub mod profile;
pub mod spec;
pub mod stubs;

mod emit;
mod lower;

pub use error::Fault;
pub use spec::Spec;

/// A file to be written: its path relative to the generator's output folder, and its whole text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GeneratedFile {
    /// Path below the output folder, with `/` between its parts.
    pub path: String,
    /// The text, ending with a newline; its first line is the mark of generated files.
    pub text: String,
}
