//! No traces: each function is nothing that is left in the program.

use axum::extract::Request;
use debitor_api::Operation;

use super::Asked;
use crate::config;

/// Where traces would be sent.
#[derive(Clone, Default)]
pub struct Traces(());

/// What would be told of a request.
pub(crate) struct Trace;

impl Traces {
    /// The configuration asks for none: it would have been refused.
    ///
    /// # Errors
    ///
    /// None.
    pub fn start(_: &config::Traces) -> anyhow::Result<Self> {
        Ok(Self(()))
    }

    #[inline]
    pub(crate) fn begin(&self, _: &Request, _: impl FnOnce() -> Option<Asked>) -> Trace {
        Trace
    }

    /// Nothing is left to be sent.
    pub async fn end(&self) {}
}

impl Trace {
    #[inline]
    pub(crate) fn around<F>(self, answering: F) -> F {
        answering
    }
}

#[inline]
pub(crate) fn entered(_: &'static Operation) {}
