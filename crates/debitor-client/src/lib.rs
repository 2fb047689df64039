//! A typed client of debitor.
//!
//! Everything in [`types`] and [`builder`], and the methods of [`Client`], is generated from
//! `openapi/debitor.yaml`. Written by hand are the constructor with a token, [`Nullable`] for the
//! three states of a property in a PATCH, the [`Etag`] of an answer, and the streams of whole lists
//! in [`paging`]:
//!
//! ```no_run
//! # async fn rename(company: uuid::Uuid, customer: uuid::Uuid) -> Result<(), Box<dyn std::error::Error>> {
//! use debitor_client::{Client, Etag, Nullable};
//! use futures::TryStreamExt;
//!
//! let client = Client::authorized("http://127.0.0.1:8080/v1.0", "a token")?;
//! let read = client.customer_get().company_id(company).customer_id(customer).send().await?;
//! client
//!     .customer_update()
//!     .company_id(company)
//!     .customer_id(customer)
//!     .if_match(read.etag().unwrap_or("*"))
//!     .body_map(|body| body.email(Nullable::from("new@nordhafen.example")).website(Nullable::Null))
//!     .send()
//!     .await?;
//! let mut customers = client.customer_list().company_id(company).stream();
//! while let Some(customer) = customers.try_next().await? {
//!     println!("{}", customer.id);
//! }
//! # Ok(())
//! # }
//! ```
//!
//! With the feature `httpmock` there is a typed mock of the service too: see [`httpmock`].

// The generated code names this crate as its users do.
extern crate self as debitor_client;

mod bounds;
mod connect;
mod etag;
mod nullable;
pub mod paging;

#[rustfmt::skip]
#[allow(
    clippy::all, clippy::pedantic, clippy::allow_attributes_without_reason,
    clippy::unwrap_used, clippy::expect_used,
    rustdoc::all, unreachable_pub, unused_imports, unused_lifetimes,
    reason = "generated"
)]
#[path = "generated/client.rs"]
mod generated;

/// A typed mock of the service, for tests of programs that use the client.
///
/// `MockServerExt` gives [`httpmock::MockServer`](::httpmock::MockServer) a method for each
/// operation. Its paths begin at the root: give the client the mock's own address.
#[cfg(feature = "httpmock")]
#[rustfmt::skip]
#[allow(
    clippy::all, clippy::pedantic, clippy::allow_attributes_without_reason,
    clippy::unwrap_used, clippy::expect_used,
    dead_code, unused_must_use, unreachable_pub, unused_lifetimes,
    reason = "generated"
)]
#[path = "generated/httpmock.rs"]
pub mod httpmock;

pub use connect::ConnectError;
pub use etag::Etag;
pub use generated::{ByteStream, Client, ClientInfo, Error, ResponseValue, builder, types};
pub use nullable::{Nullable, present};
