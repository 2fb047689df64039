//! The record of changes: one row for each version of each entity, in the change's own transaction.

use super::super::audit::{Action, Subject};
use super::super::writing::Writing;
use super::transaction::Transaction;

/// The rows of changes of one company, a list for each column that differs.
#[derive(Default)]
pub(super) struct Rows {
    actors: Vec<String>,
    requests: Vec<uuid::Uuid>,
    actions: Vec<&'static str>,
    entities: Vec<&'static str>,
    ids: Vec<uuid::Uuid>,
    versions: Vec<i64>,
    incarnations: Vec<i64>,
    properties: Vec<String>,
}

impl Rows {
    /// Adds the row of a change.
    pub(super) fn push(&mut self, write: &Writing, action: Action<'_>, subject: Subject) {
        let (name, properties) = action.told();
        self.actors.push(write.actor.clone());
        self.requests.push(write.request_id);
        self.actions.push(name);
        self.entities.push(subject.entity);
        self.ids.push(subject.id);
        self.versions.push(subject.version.number);
        self.incarnations.push(subject.version.incarnation.into());
        self.properties.push(properties);
    }

    /// Adds them to what the transaction writes. A company that is not there has no rows.
    pub(super) fn write(self, transaction: &mut Transaction, write: &Writing) {
        if self.ids.is_empty() {
            return;
        }
        transaction.write(
            "INSERT INTO audit (company_id, tenant_id, at, actor, request_id, action, entity,
               entity_id, version, incarnation, properties)
             SELECT c.id, c.tenant_id, $3, r.* FROM company AS c,
               unnest($4::text[], $5::uuid[], $6::text[], $7::text[], $8::uuid[], $9::bigint[],
                 $10::bigint[], $11::text[]) AS r
             WHERE c.id = $1 AND c.tenant_id = $2",
            vec![
                Box::new(write.scope.company),
                Box::new(write.scope.tenant),
                Box::new(write.clock.now().timestamp_millis()),
                Box::new(self.actors),
                Box::new(self.requests),
                Box::new(self.actions),
                Box::new(self.entities),
                Box::new(self.ids),
                Box::new(self.versions),
                Box::new(self.incarnations),
                Box::new(self.properties),
            ],
        );
    }
}

/// Adds the row of one change to what the transaction writes.
pub(super) fn record(
    transaction: &mut Transaction,
    write: &Writing,
    action: Action<'_>,
    subject: Subject,
) {
    let mut rows = Rows::default();
    rows.push(write, action, subject);
    rows.write(transaction, write);
}
