//! What is held of customers as persons, and their erasure, as those who run the server see it.

pub(crate) mod commands;
