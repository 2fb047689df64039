//! The generated routes from the outside: requests in, answers out, with handlers that do nothing.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on fails"
)]

mod answers;
mod app;
mod methods;
mod order;
mod requests;
