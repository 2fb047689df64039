//! The end-to-end suite: real processes, judged by the document.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

mod abuse;
mod auth;
mod bad_input;
mod cli;
mod client;
mod company;
mod connections;
mod contract;
mod customer;
mod docs;
mod durability;
mod errors;
mod exposure;
mod forwarded;
mod idempotency;
mod identity;
mod issued;
mod judge;
mod limits;
mod matrix;
mod metadata;
mod metrics;
mod operations;
mod options;
mod paging;
mod postgres;
mod privacy;
mod sales_invoice;
mod sales_invoice_customer;
mod serve;
mod sqlite;
mod store;
mod tokens;
mod traces;
