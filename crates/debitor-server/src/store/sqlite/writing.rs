//! What the statements of a write are told of its request.

use std::sync::Arc;

use uuid::Uuid;

use super::super::{Form, Idempotency, Scope, Stored, Write, Written};
use crate::clock::Clock;
use crate::domain::version::Version;

/// A write and what it needs beside its transaction.
pub(super) struct Writing {
    pub(super) scope: Scope,
    pub(super) actor: String,
    pub(super) request_id: Uuid,
    pub(super) form: Form,
    pub(super) idempotency: Option<Idempotency>,
    pub(super) clock: Arc<dyn Clock>,
}

impl Writing {
    pub(super) fn new(write: Write, clock: &Arc<dyn Clock>) -> Self {
        Self {
            scope: write.scope,
            actor: write.actor,
            request_id: write.request_id,
            form: write.form,
            idempotency: write.idempotency,
            clock: Arc::clone(clock),
        }
    }

    pub(super) fn written(&self, stored: Stored) -> Written {
        Written {
            stored,
            form: self.form.clone(),
        }
    }

    /// The version of an entity that is being made, which no earlier one had.
    pub(super) fn first_version(&self) -> Version {
        let [.., a, b, c, d] = *self.clock.new_id().as_bytes();
        Version::first(u32::from_be_bytes([a, b, c, d]))
    }
}
