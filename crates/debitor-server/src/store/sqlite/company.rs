//! Statements on companies.

use std::sync::Arc;

use bytes::Bytes;
use rusqlite::{Connection, OptionalExtension, params};
use uuid::Uuid;

use super::super::audit::{Action, Subject};
use super::super::writing::Writing;
use super::super::{Error, Noun, Result, Scope};
use super::{audit, body, id_taken};
use crate::clock::Clock;
use crate::domain::company::{self, NewCompany};

/// Makes a company, which only a person at the machine can.
pub(super) fn create(
    db: &Connection,
    clock: Arc<dyn Clock>,
    company: &NewCompany,
    id: Uuid,
) -> Result<Uuid> {
    let json = serde_json::to_string(&company::create(company, id))?;
    db.prepare_cached(
        "INSERT INTO company (id, tenant_id, body, row)
         VALUES (?1, ?2, ?3, (SELECT coalesce(max(row), 0) + 1 FROM company))",
    )?
    .execute(params![id.as_bytes(), company.tenant.as_bytes(), json])
    .map_err(|error| id_taken(error, "company.id", id))?;
    let scope = Scope {
        tenant: company.tenant,
        company: id,
    };
    let write = Writing::of_operator(scope, clock);
    let subject = Subject::company(id, write.first_version());
    audit::record(db, &write, Action::Create(&json), subject)?;
    Ok(id)
}

pub(super) fn get(db: &Connection, scope: Scope) -> Result<Bytes> {
    db.prepare_cached("SELECT body FROM company WHERE id = ?1 AND tenant_id = ?2")?
        .query_row(
            params![scope.company.as_bytes(), scope.tenant.as_bytes()],
            |row| body(row, 0),
        )
        .optional()?
        .ok_or(Error::NotFound(Noun::Company))
}

/// The number of the company; one that does not exist, or not for the tenant, is refused.
pub(super) fn require(db: &Connection, scope: Scope) -> Result<i64> {
    db.prepare_cached("SELECT row FROM company WHERE id = ?1 AND tenant_id = ?2")?
        .query_row(
            params![scope.company.as_bytes(), scope.tenant.as_bytes()],
            |row| row.get(0),
        )
        .optional()?
        .ok_or(Error::NotFound(Noun::Company))
}
