//! The server's stubs and the metadata from the outside: tiny documents in, text or faults out.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on fails"
)]

mod faults;
mod golden;
mod goldens;
mod metadata;
