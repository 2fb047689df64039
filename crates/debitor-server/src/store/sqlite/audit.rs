//! The record of changes: one row for each version of each entity, in the change's own transaction.

use rusqlite::{Connection, params};

use super::super::Result;
use super::super::audit::{Action, Subject};
use super::super::writing::Writing;
use crate::failpoint;

/// Adds the row of a change.
pub(super) fn record(
    db: &Connection,
    write: &Writing,
    action: Action<'_>,
    subject: Subject,
) -> Result<()> {
    let (name, properties) = action.told();
    db.prepare_cached(
        "INSERT INTO audit (at, tenant_id, company_id, actor, request_id, action, entity,
         entity_id, version, incarnation, properties)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
    )?
    .execute(params![
        write.clock.now().timestamp_millis(),
        write.scope.tenant.as_bytes(),
        write.scope.company.as_bytes(),
        write.actor,
        write.request_id.as_bytes(),
        name,
        subject.entity,
        subject.id.as_bytes(),
        subject.version.number,
        subject.version.incarnation,
        properties,
    ])?;
    failpoint::hit("audit.row");
    Ok(())
}
