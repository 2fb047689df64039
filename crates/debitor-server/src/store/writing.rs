//! A write as engines carry it out.

use std::sync::Arc;

use debitor_api::Field;
use uuid::Uuid;

use super::{CompanyKey, Form, Idempotency, Stored, Write, Written};
use crate::auth::{Administrator, Caller};
use crate::clock::Clock;
use crate::domain::blank;
use crate::domain::customer::Identity;
use crate::domain::version::Version;

/// A write and what it needs beside its transaction.
pub(crate) struct Writing {
    pub(crate) caller: Arc<Caller>,
    pub(crate) scope: CompanyKey,
    pub(crate) actor: String,
    pub(crate) request_id: Uuid,
    pub(crate) form: Form,
    pub(crate) idempotency: Option<Idempotency>,
    pub(crate) clock: Arc<dyn Clock>,
}

impl Writing {
    pub(crate) fn new(write: Write, clock: &Arc<dyn Clock>) -> Self {
        Self {
            scope: CompanyKey::from(&write.scope),
            caller: Arc::clone(write.scope.caller()),
            actor: write.actor,
            request_id: write.request_id,
            form: write.form,
            idempotency: write.idempotency,
            clock: Arc::clone(clock),
        }
    }

    /// What only a person at the machine can ask for.
    pub(crate) fn of_operator(by: Administrator, company: Uuid, clock: Arc<dyn Clock>) -> Self {
        let caller = by.caller();
        Self {
            scope: CompanyKey {
                tenant: by.tenant(),
                company,
            },
            actor: caller.to_string(),
            caller,
            request_id: Uuid::nil(),
            form: Form {
                base_url: Arc::from(""),
                minimal: false,
            },
            idempotency: None,
            clock,
        }
    }

    /// What a new entity is given, with the id that its request chose or one that is made.
    pub(crate) fn identity(&self, chosen: Field<Uuid>, number: String) -> Identity {
        Identity {
            id: blank::guid(chosen)
                .into_option()
                .unwrap_or_else(|| self.clock.new_id()),
            number,
            version: self.first_version(),
            now: self.clock.now(),
        }
    }

    pub(crate) fn written(&self, stored: Stored) -> Written {
        Written {
            stored,
            form: self.form.clone(),
        }
    }

    /// The version of an entity that is being made, which no earlier one had.
    pub(crate) fn first_version(&self) -> Version {
        let [.., a, b, c, d] = *self.clock.new_id().as_bytes();
        Version::first(u32::from_be_bytes([a, b, c, d]))
    }
}
