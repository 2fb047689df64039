//! Statements on companies.

use bytes::Bytes;
use rusqlite::{Connection, params};
use uuid::Uuid;

use super::super::audit::{Action, Subject};
use super::super::writing::Writing;
use super::super::{Result, Scope};
use super::{audit, body, grant, id_taken};
use crate::domain::company::{self, NewCompany};

/// Makes a company, in a write whose scope has its id.
pub(super) fn create(db: &Connection, write: &Writing, company: &NewCompany) -> Result<Uuid> {
    let id = write.scope.company;
    let json = serde_json::to_string(&company::create(company, id))?;
    db.prepare_cached(
        "INSERT INTO company (id, tenant_id, body, everyone_may, row)
         VALUES (?1, ?2, ?3, ?4, (SELECT coalesce(max(row), 0) + 1 FROM company))",
    )?
    .execute(params![
        id.as_bytes(),
        write.scope.tenant.as_bytes(),
        json,
        company.everyone.number()
    ])
    .map_err(|error| id_taken(error, "company.id", id))?;
    let subject = Subject::company(id, write.first_version());
    audit::record(db, write, Action::Create(&json), subject)?;
    Ok(id)
}

pub(super) fn get(db: &Connection, scope: &Scope) -> Result<Bytes> {
    grant::readable(db, scope)?;
    Ok(db
        .prepare_cached("SELECT body FROM company WHERE id = ?1 AND tenant_id = ?2")?
        .query_row(
            params![scope.company().as_bytes(), scope.tenant().as_bytes()],
            |row| body(row, 0),
        )?)
}

/// How many customers the company has.
pub(super) fn customers(db: &Connection, company: Uuid) -> rusqlite::Result<i32> {
    db.prepare_cached("SELECT customers FROM company WHERE id = ?1")?
        .query_row([company.as_bytes()], |row| row.get(0))
}
