//! The hand-written modules on their own, without a document.

mod bodies;
mod fingerprints;
mod media_types;
mod parameters;
mod problems;
mod text;
