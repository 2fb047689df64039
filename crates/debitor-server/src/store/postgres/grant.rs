//! Statements on who may do what with a company, and the entry into one: what those at work in a
//! transaction may do there is asked with its first statement, and known before anything else that it
//! finds.

use std::sync::Arc;

use async_trait::async_trait;
use tokio_postgres::Row;
use uuid::Uuid;

use super::super::audit::{Action, Subject};
use super::super::grant::admit;
use super::super::writing::Writing;
use super::super::{CompanyKey, Error, Result};
use super::audit;
use super::failure::Failure;
use super::session::{Call, Parameter};
use super::transaction::Transaction;
use super::work::Work;
use crate::auth::{Administrator, Caller};
use crate::domain::right::{Granted, Grantee, Right};

/// What each of some callers may do with a company of the tenant; nothing is found if there is none.
pub(super) const FIND: &str = "SELECT k.place, CASE WHEN c.everyone_may = 2 THEN 2
       ELSE greatest(c.everyone_may, coalesce((SELECT max(g.may) FROM company_grant AS g
         WHERE g.company_id = c.id AND (g.kind = 'subject' AND g.name = k.subject
           OR g.kind = 'app' AND g.name = k.app)), 0)) END
     FROM company AS c CROSS JOIN unnest($3::text[], $4::text[]) WITH ORDINALITY
       AS k (subject, app, place)
     WHERE c.id = $1 AND c.tenant_id = $2";

/// Callers at work in a company, and what each may do there once the database has said so.
pub(super) struct Entry {
    company: CompanyKey,
    needed: Right,
    callers: Vec<Arc<Caller>>,
    /// Whether there is one alone, without whom there is nothing to do.
    is_alone: bool,
    rights: Option<Vec<Right>>,
}

/// The values of the statement that finds out.
pub(super) struct Asked {
    company: CompanyKey,
    subjects: Vec<String>,
    apps: Vec<Option<String>>,
}

impl Entry {
    /// The entry of a caller who needs this right.
    pub(super) fn of(company: CompanyKey, needed: Right, caller: &Arc<Caller>) -> Self {
        Self {
            company,
            needed,
            callers: vec![Arc::clone(caller)],
            is_alone: true,
            rights: None,
        }
    }

    /// The entry of callers who write, each of whom is refused by itself.
    pub(super) fn of_writers<'a>(
        company: CompanyKey,
        all: impl Iterator<Item = &'a Arc<Caller>>,
    ) -> Self {
        let mut callers: Vec<Arc<Caller>> = Vec::new();
        for caller in all {
            if !callers.contains(caller) {
                callers.push(Arc::clone(caller));
            }
        }
        Self {
            company,
            needed: Right::Write,
            callers,
            is_alone: false,
            rights: None,
        }
    }

    pub(super) fn asked(&self) -> Asked {
        let callers = self.callers.iter();
        Asked {
            company: self.company,
            subjects: callers
                .clone()
                .map(|one| one.subject().to_owned())
                .collect(),
            apps: callers.map(|one| one.app().map(str::to_owned)).collect(),
        }
    }

    /// Takes what was found, and refuses who is alone.
    pub(super) fn enter(&mut self, rows: &[Row]) -> Result<(), Failure> {
        let mut rights = vec![Right::None; self.callers.len()];
        for row in rows {
            let (place, may): (i64, i32) = (row.try_get(0)?, row.try_get(1)?);
            let place = usize::try_from(place - 1).ok();
            let Some((right, caller)) =
                place.and_then(|n| rights.get_mut(n).zip(self.callers.get(n)))
            else {
                return Err(Error::Internal("a right that is nobody's".to_owned()).into());
            };
            *right = if caller.is_administrator() {
                Right::Write
            } else {
                Right::of_number(may.into())
            };
        }
        self.rights = Some(rights);
        match self.callers.first().filter(|_| self.is_alone) {
            Some(caller) => Ok(self.admits(caller)?),
            None => Ok(()),
        }
    }

    /// Refuses one of the callers whose right is not enough.
    pub(super) fn admits(&self, caller: &Arc<Caller>) -> Result<()> {
        let place = self.callers.iter().position(|one| one == caller);
        let rights = self.rights.as_ref();
        let right = rights
            .zip(place)
            .and_then(|(rights, place)| rights.get(place));
        let unasked = || Error::Internal("what a caller may do was not asked".to_owned());
        admit(*right.ok_or_else(unasked)?, self.needed)
    }
}

impl Asked {
    pub(super) fn parameters(&self) -> [Parameter<'_>; 4] {
        let Self {
            company,
            subjects,
            apps,
        } = self;
        [&company.company, &company.tenant, subjects, apps]
    }
}

/// A change of what is granted.
pub(super) struct Set {
    pub(super) to: Grantee,
    pub(super) right: Right,
}

#[async_trait]
impl Work<()> for Set {
    async fn run(&self, transaction: &mut Transaction, write: &Writing) -> Result<(), Failure> {
        transaction.all(&[]).await?;
        let Self { to, right } = self;
        let CompanyKey { tenant, company } = write.scope;
        let may = i32::from(right.number());
        match to.named() {
            None => transaction.write(
                "UPDATE company SET everyone_may = $2 WHERE id = $1",
                vec![Box::new(company), Box::new(may)],
            ),
            Some((kind, name)) if *right == Right::None => transaction.write(
                "DELETE FROM company_grant WHERE company_id = $1 AND kind = $2 AND name = $3",
                vec![Box::new(company), Box::new(kind), Box::new(name.to_owned())],
            ),
            Some((kind, name)) => transaction.write(
                "INSERT INTO company_grant (company_id, tenant_id, kind, name, may)
                 VALUES ($1, $2, $3, $4, $5)
                 ON CONFLICT (company_id, kind, name) DO UPDATE SET may = excluded.may",
                vec![
                    Box::new(company),
                    Box::new(tenant),
                    Box::new(kind),
                    Box::new(name.to_owned()),
                    Box::new(may),
                ],
            ),
        }
        let subject = Subject::company(company, write.first_version());
        audit::record(transaction, write, Action::Grant(to, *right), subject);
        Ok(())
    }
}

/// The companies of the tenant, by id, and who may do what with each.
pub(super) async fn all(
    transaction: Transaction,
    by: Administrator,
) -> Result<Vec<Granted>, Failure> {
    let tenant = by.tenant();
    let parameters: [Parameter<'_>; 1] = [&tenant];
    let answers = transaction
        .read(&[
            Call::new(
                "SELECT id, coalesce(body::jsonb ->> 'displayName', ''), everyone_may FROM company
                 WHERE tenant_id = $1 ORDER BY id",
                &parameters,
            ),
            Call::new(
                "SELECT c.id, g.kind, g.name, g.may FROM company AS c
                 JOIN company_grant AS g ON g.company_id = c.id
                 WHERE c.tenant_id = $1 ORDER BY c.id, g.kind DESC, g.name",
                &parameters,
            ),
        ])
        .await?;
    let [companies, grants] = &answers[..] else {
        return Err(Error::Internal("a statement without an answer".to_owned()).into());
    };
    let mut all = companies
        .iter()
        .map(granted)
        .collect::<Result<Vec<_>, _>>()?;
    for row in grants {
        let company: Uuid = row.try_get(0)?;
        let to = Grantee::of_named(row.try_get(1)?, row.try_get(2)?);
        let right = right(row, 3)?;
        let place = all.binary_search_by(|one| one.company.cmp(&company));
        if let (Some(to), Ok(place)) = (to, place) {
            all[place].grants.push((to, right));
        }
    }
    Ok(all)
}

fn granted(row: &Row) -> Result<Granted, tokio_postgres::Error> {
    Ok(Granted {
        company: row.try_get(0)?,
        name: row.try_get(1)?,
        everyone: right(row, 2)?,
        grants: Vec::new(),
    })
}

fn right(row: &Row, column: usize) -> Result<Right, tokio_postgres::Error> {
    let may: i32 = row.try_get(column)?;
    Ok(Right::of_number(may.into()))
}
