//! What is held of a customer as a person, and its erasure: from the tables, and from the files.

use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension, params};
use uuid::Uuid;

use super::super::audit::{Action, Subject};
use super::super::privacy::{Answer, Change, Erase, Files, Held, Sought, instant};
use super::super::writing::Writing;
use super::super::{CompanyKey, CustomerKey, Error, Noun, Result, Scope};
use super::edit::Edit;
use super::writer::Writer;
use super::{audit, customer, grant, idempotency, sales_invoice, version};
use crate::domain::version::Version;

/// All that is held of the customer.
pub(super) fn held(db: &Connection, scope: &Scope, sought: &Sought) -> Result<Held> {
    grant::readable(db, scope)?;
    let scope = CompanyKey::from(scope);
    let id = id_of(db, scope, sought)?;
    let customer = match customer::get(db, scope, CustomerKey::Id(id)) {
        Ok(stored) => Some(stored.json),
        Err(Error::NotFound(_)) => None,
        Err(error) => return Err(error),
    };
    Held {
        id,
        customer,
        sales_invoices: sales_invoice::all_naming(db, scope, id)?,
        changes: changes(db, scope, id)?,
        answers: answers(db, scope, id)?,
    }
    .or_unknown()
}

fn id_of(db: &Connection, scope: CompanyKey, sought: &Sought) -> Result<Uuid> {
    match sought {
        Sought::Id(id) => Ok(*id),
        Sought::Number(number) => {
            customer::id_by_number(db, scope, number)?.ok_or(Error::NotFound(Noun::Customer))
        }
    }
}

fn changes(db: &Connection, scope: CompanyKey, id: Uuid) -> Result<Vec<Change>> {
    let mut rows = db.prepare_cached(
        "SELECT at, actor, request_id, action, properties FROM audit
         WHERE company_id = ?1 AND entity = 'customer' AND entity_id = ?2 ORDER BY sequence",
    )?;
    let key = params![scope.company.as_bytes(), id.as_bytes()];
    let rows = rows.query_map(key, |row| {
        let request_id = Uuid::from_bytes(row.get(2)?);
        Ok((
            row.get(0)?,
            row.get(1)?,
            request_id,
            row.get(3)?,
            row.get(4)?,
        ))
    })?;
    let changes = rows.map(|row| {
        let (at, actor, request_id, action, properties) = row?;
        Ok(Change {
            at: instant(at)?,
            actor,
            request_id,
            action,
            properties,
        })
    });
    changes.collect()
}

fn answers(db: &Connection, scope: CompanyKey, id: Uuid) -> Result<Vec<Answer>> {
    let found = idempotency::all_showing(db, scope.company, &idempotency::list(&[id]))?;
    let answer = |(at, repeated_at, json): (i64, Option<i64>, String)| {
        Ok(Answer {
            at: instant(at)?,
            repeated_at: repeated_at.map(instant).transpose()?,
            json: json.into(),
        })
    };
    found.into_iter().map(answer).collect()
}

/// Takes customers out of the tables, and says which.
pub(super) fn erase(db: &Edit<'_>, write: &Writing, erase: &Erase) -> Result<Vec<Uuid>> {
    let (company, scope) = (grant::writable(db, write)?.row, write.scope);
    let ids = erase.customers.iter().map(|one| id_of(db, scope, one));
    let mut ids = ids.collect::<Result<Vec<_>>>()?;
    ids.sort_unstable();
    ids.dedup();
    for id in &ids {
        sales_invoice::take_customer_out(db, write, *id, erase.issued)?;
        let version = match customer::take_out(db, scope, company, *id)? {
            Some(version) => version,
            None => after_last(db, scope, *id)?,
        };
        audit::record(db, write, Action::Erase, Subject::customer(*id, version))?;
    }
    idempotency::erase(db, scope.company, &idempotency::list(&ids))?;
    Ok(ids)
}

/// The version after the last that a customer had that is there no more.
fn after_last(db: &Connection, scope: CompanyKey, id: Uuid) -> Result<Version> {
    let last = db
        .prepare_cached(
            "SELECT version, incarnation FROM audit
             WHERE company_id = ?1 AND entity = 'customer' AND entity_id = ?2
             ORDER BY sequence DESC LIMIT 1",
        )?
        .query_row(params![scope.company.as_bytes(), id.as_bytes()], |row| {
            version(row, 0)
        })
        .optional()?;
    let last = last.ok_or(Error::NotFound(Noun::Customer))?;
    Ok(last.next())
}

/// Makes the files anew, on a thread that may wait for it.
pub(super) async fn renew(writer: Arc<Writer>) -> Files {
    let renewed = tokio::task::spawn_blocking(move || writer.renew()).await;
    match renewed {
        Ok(Ok(true)) => Files::Clean,
        Ok(Ok(false)) => Files::Failed("another process reads the store".to_owned()),
        Ok(Err(error)) => Files::Failed(error.to_string()),
        Err(_) => Files::Failed("making the files anew panicked".to_owned()),
    }
}
