//! The server's stubs: types, one trait per tag, handlers with their annotations, and routes.
//!
//! The text expects a hand-written module `crate::support` beside it, which knows no document.

use crate::{Fault, GeneratedFile, Spec, emit, lower::lower};

/// What the generator is told beside the document.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The first line of every file.
    pub mark: String,
    /// Headers of answers that a layer of the server sets, so that handlers need not.
    pub layer_headers: Vec<String>,
}

/// The files of the stubs, or everything in the document that they cannot carry.
pub fn generate(spec: &Spec, settings: &Settings) -> Result<Vec<GeneratedFile>, Vec<Fault>> {
    let api = lower(spec, settings)?;
    emit::files(&api, &settings.mark)
}
