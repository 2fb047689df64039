//! Statements on who may do what with a company.

use rusqlite::{Connection, OptionalExtension, params};
use uuid::Uuid;

use super::super::audit::{Action, Subject};
use super::super::grant::admit;
use super::super::writing::Writing;
use super::super::{CompanyKey, Error, Noun, Result, Scope};
use super::audit;
use crate::auth::{Administrator, Caller};
use crate::domain::right::{Granted, Grantee, Right};

/// What is found of a company that is there for a caller.
pub(super) struct Found {
    /// The company's number.
    pub(super) row: i64,
    /// What everyone of the tenant may do with it.
    pub(super) everyone: Right,
}

/// The company, which the caller must be able to read.
pub(super) fn readable(db: &Connection, scope: &Scope) -> Result<Found> {
    find(db, scope.caller(), scope.into(), Right::Read)
}

/// The company, which the caller must be able to write.
pub(super) fn writable(db: &Connection, write: &Writing) -> Result<Found> {
    find(db, &write.caller, write.scope, Right::Write)
}

fn find(db: &Connection, caller: &Caller, company: CompanyKey, needed: Right) -> Result<Found> {
    let found = db
        .prepare_cached("SELECT row, everyone_may FROM company WHERE id = ?1 AND tenant_id = ?2")?
        .query_row(
            params![company.company.as_bytes(), company.tenant.as_bytes()],
            |row| {
                Ok(Found {
                    row: row.get(0)?,
                    everyone: Right::of_number(row.get(1)?),
                })
            },
        )
        .optional()?
        .ok_or(Error::NotFound(Noun::Company))?;
    if found.everyone < needed && !caller.is_administrator() {
        let granted = granted(db, caller, company)?;
        admit(granted.max(found.everyone), needed)?;
    }
    Ok(found)
}

/// What is granted to the caller by name.
fn granted(db: &Connection, caller: &Caller, company: CompanyKey) -> Result<Right> {
    let most: Option<i64> = db
        .prepare_cached(
            "SELECT max(may) FROM company_grant WHERE company_id = ?1
             AND (kind = 'subject' AND name = ?2 OR kind = 'app' AND name = ?3)",
        )?
        .query_row(
            params![company.company.as_bytes(), caller.subject(), caller.app()],
            |row| row.get(0),
        )?;
    Ok(most.map_or(Right::None, Right::of_number))
}

/// Lets those who are meant do so much with the company.
pub(super) fn set(db: &Connection, write: &Writing, to: &Grantee, right: Right) -> Result<()> {
    writable(db, write)?;
    let company = write.scope.company.as_bytes();
    match to.named() {
        None => db
            .prepare_cached("UPDATE company SET everyone_may = ?2 WHERE id = ?1")?
            .execute(params![company, right.number()])?,
        Some((kind, name)) if right == Right::None => db
            .prepare_cached(
                "DELETE FROM company_grant WHERE company_id = ?1 AND kind = ?2 AND name = ?3",
            )?
            .execute(params![company, kind, name])?,
        Some((kind, name)) => db
            .prepare_cached(
                "INSERT INTO company_grant (company_id, kind, name, may) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT (company_id, kind, name) DO UPDATE SET may = excluded.may",
            )?
            .execute(params![company, kind, name, right.number()])?,
    };
    let subject = Subject::company(write.scope.company, write.first_version());
    audit::record(db, write, Action::Grant(to, right), subject)
}

/// The companies of the tenant, by id, and who may do what with each.
pub(super) fn all(db: &Connection, by: Administrator) -> Result<Vec<Granted>> {
    let mut companies = db.prepare_cached(
        "SELECT id, coalesce(body ->> '$.displayName', ''), everyone_may FROM company
         WHERE tenant_id = ?1 ORDER BY id",
    )?;
    let companies = companies.query_map([by.tenant().as_bytes()], |row| {
        let company = Uuid::from_bytes(row.get(0)?);
        Ok(Granted {
            company,
            name: row.get(1)?,
            everyone: Right::of_number(row.get(2)?),
            grants: grants(db, company)?,
        })
    })?;
    Ok(companies.collect::<rusqlite::Result<_>>()?)
}

fn grants(db: &Connection, company: Uuid) -> rusqlite::Result<Vec<(Grantee, Right)>> {
    let mut grants = db.prepare_cached(
        "SELECT kind, name, may FROM company_grant WHERE company_id = ?1 ORDER BY kind DESC, name",
    )?;
    let grants = grants.query_map([company.as_bytes()], |row| {
        let (kind, name): (String, String) = (row.get(0)?, row.get(1)?);
        let to = Grantee::of_named(&kind, name);
        Ok(to.map(|to| Ok((to, Right::of_number(row.get(2)?)))))
    })?;
    grants
        .filter_map(|grant| grant.transpose().map(|one| one.and_then(|one| one)))
        .collect()
}
