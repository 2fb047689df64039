//! Traces of OpenTelemetry: one span for each request to the API, sent by OTLP over HTTP.
//!
//! They are behind the feature `opentelemetry`; without it, what is here does nothing and costs nothing.
//! A span tells what was asked for as the document names it, and what was answered: never a path, a query,
//! a header, a body or an address of a client.

#[cfg(not(feature = "opentelemetry"))]
#[expect(
    clippy::unused_async,
    clippy::unused_self,
    reason = "of the same form as those that do something"
)]
mod off;
#[cfg(feature = "opentelemetry")]
mod on;
#[cfg(feature = "opentelemetry")]
mod send;

#[cfg(not(feature = "opentelemetry"))]
pub use off::Traces;
#[cfg(not(feature = "opentelemetry"))]
pub(crate) use off::entered;
#[cfg(feature = "opentelemetry")]
pub use on::Traces;
#[cfg(feature = "opentelemetry")]
pub(crate) use on::entered;

use uuid::Uuid;

/// What is known of a request before anything looks at it.
#[cfg_attr(
    not(feature = "opentelemetry"),
    expect(dead_code, reason = "nobody asks without traces")
)]
pub(crate) struct Asked {
    /// Its method, or `other`.
    pub(crate) method: &'static str,
    pub(crate) scheme: &'static str,
    pub(crate) id: Uuid,
}
