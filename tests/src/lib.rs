//! The harness of the end-to-end suite: real processes, and a proxy before the server that holds
//! every request and answer against the document.
//!
//! Whatever speaks to a [`TestServer`] (the generated client, the command line, a browser, raw
//! requests) goes through the proxy. What does not fit the document fails the test that sent it.

#![expect(
    clippy::expect_used,
    clippy::missing_panics_doc,
    reason = "a test that cannot go on must stop"
)]

pub mod binaries;
pub mod browser;
pub mod certificate;
pub mod csdl;
pub mod document;
pub mod engine;
mod environment;
pub mod identity;
pub mod judge;
pub mod postgres;
pub mod production;
pub mod proxy;
pub mod raw;
pub mod server;
pub mod tried;

pub use engine::{Engine, Place};
pub use environment::filters;
pub use production::Production;
pub use raw::{Answer, Request};
pub use server::TestServer;
