//! What is held of a customer as a person, and its erasure: from the tables, and from their files.

use std::collections::HashMap;

use async_trait::async_trait;
use tokio_postgres::Row;
use uuid::Uuid;

use super::super::audit::{Action, Subject};
use super::super::privacy::{Answer, Change, Erase, Files, Held, Sought, instant};
use super::super::writing::Writing;
use super::super::{CompanyKey, Error, Noun};
use super::customer::Versioned;
use super::failure::Failure;
use super::list::Owner;
use super::pool::Connector;
use super::session::{Call, Parameter};
use super::transaction::Transaction;
use super::work::Work;
use super::{audit, customer, forget, idempotency, sales_invoice, version};
use crate::domain::customer::fold_number;
use crate::domain::version::Version;

/// The tables whose rows have values of customers, and the database's own, which has samples of them.
const TABLES: [&str; 5] = [
    "customer",
    "sales_invoice",
    "idempotency",
    "customer_words",
    "pg_statistic",
];

impl Sought {
    /// The id or the number by which statements find it.
    fn key(&self) -> (Option<Uuid>, Option<String>) {
        match self {
            Self::Id(id) => (Some(*id), None),
            Self::Number(number) => (None, Some(fold_number(number))),
        }
    }
}

const FIND: &str =
    "SELECT id, body FROM customer WHERE company_id = $1 AND (id = $2 OR number_fold = $3)";
const INVOICES: &str =
    "SELECT body FROM sales_invoice WHERE company_id = $1 AND customer_id = $2 ORDER BY id";
const CHANGES: &str = "SELECT at, actor, request_id, action, properties FROM audit
     WHERE company_id = $1 AND entity_id = $2 AND entity = 'customer' ORDER BY at, version";
/// Outcomes that were emptied before are no JSON.
const ANSWERS: &str = "SELECT at, replayed_at, body FROM idempotency
     WHERE company_id = $1 AND body <> '' AND (id = $2
       OR CASE body WHEN '' THEN NULL ELSE body::jsonb ->> 'customerId' END = $3)
     ORDER BY at";

/// All that is held of the customer.
pub(super) async fn held(
    mut transaction: Transaction,
    owner: Owner,
    sought: Sought,
) -> Result<Held, Failure> {
    let company = owner.id();
    let (by_id, by_number) = sought.key();
    let rows = transaction
        .query(FIND, &[&company, &by_id, &by_number])
        .await?;
    let found: Option<Uuid> = rows.first().map(|row| row.try_get(0)).transpose()?;
    let id = found.or(by_id).ok_or(Error::NotFound(Noun::Customer))?;
    let text = id.to_string();
    let of_customer: [Parameter<'_>; 2] = [&company, &id];
    let answers = transaction
        .finally(&[
            Call::new(INVOICES, &of_customer),
            Call::new(CHANGES, &of_customer),
            Call::new(ANSWERS, &[&company, &id, &text]),
        ])
        .await?;
    let [invoices, changes, answers] = &answers[..] else {
        return Err(Error::Internal("a statement without an answer".to_owned()).into());
    };
    let held = Held {
        id,
        customer: rows.first().map(|row| json(row, 1)).transpose()?,
        sales_invoices: all(invoices, |row| json(row, 0))?,
        changes: all(changes, change)?,
        answers: all(answers, answer)?,
    };
    Ok(held.or_unknown()?)
}

fn all<T>(rows: &[Row], read: impl Fn(&Row) -> Result<T, Failure>) -> Result<Vec<T>, Failure> {
    rows.iter().map(read).collect()
}

fn json(row: &Row, column: usize) -> Result<bytes::Bytes, Failure> {
    Ok(row.try_get::<_, String>(column)?.into())
}

fn change(row: &Row) -> Result<Change, Failure> {
    Ok(Change {
        at: instant(row.try_get(0)?)?,
        actor: row.try_get(1)?,
        request_id: row.try_get(2)?,
        action: row.try_get(3)?,
        properties: row.try_get(4)?,
    })
}

fn answer(row: &Row) -> Result<Answer, Failure> {
    let repeated_at: Option<i64> = row.try_get(1)?;
    Ok(Answer {
        at: instant(row.try_get(0)?)?,
        repeated_at: repeated_at.map(instant).transpose()?,
        json: json(row, 2)?,
    })
}

/// Takes customers out of the tables, and says which.
#[async_trait]
impl Work<Vec<Uuid>> for Erase {
    async fn run(
        &self,
        transaction: &mut Transaction,
        write: &Writing,
    ) -> Result<Vec<Uuid>, Failure> {
        let scope = write.scope;
        let versions = versions(transaction, scope, &self.customers).await?;
        let there: Vec<Uuid> = versions
            .iter()
            .filter(|(_, (is_there, _))| *is_there)
            .map(|(id, _)| *id)
            .collect();
        let mut ids: Vec<Uuid> = versions.keys().copied().collect();
        ids.sort_unstable();
        let mut rows = audit::Rows::default();
        sales_invoice::take_customers_out(transaction, write, &there, self.issued, &mut rows)
            .await?;
        forget::forget(transaction, scope, &ids).await?;
        idempotency::erase(transaction, scope, &ids);
        customer::remove(transaction, scope, there);
        for id in &ids {
            let (_, version) = versions[id];
            rows.push(write, Action::Erase, Subject::customer(*id, version.next()));
        }
        rows.write(transaction, write);
        Ok(ids)
    }
}

/// The customers that are sought, each with whether it is there, and then locked, and its last version.
async fn versions(
    transaction: &mut Transaction,
    scope: CompanyKey,
    sought: &[Sought],
) -> Result<HashMap<Uuid, (bool, Version)>, Failure> {
    let keys: Vec<_> = sought.iter().map(Sought::key).collect();
    let ids: Vec<Uuid> = keys.iter().filter_map(|(id, _)| *id).collect();
    let numbers: Vec<&str> = keys
        .iter()
        .filter_map(|(_, number)| number.as_deref())
        .collect();
    let there = transaction
        .query(
            "SELECT version, incarnation, body, number_fold FROM customer
             WHERE company_id = $1 AND (id = ANY($2) OR number_fold = ANY($3))
             ORDER BY id FOR UPDATE",
            &[&scope.company, &ids, &numbers],
        )
        .await?;
    // Those that are gone have a past.
    let gone = transaction
        .query(
            "SELECT DISTINCT ON (entity_id) version, incarnation, entity_id FROM audit
             WHERE company_id = $1 AND entity_id = ANY($2) AND entity = 'customer'
             ORDER BY entity_id, at DESC, version DESC",
            &[&scope.company, &ids],
        )
        .await?;
    let mut versions = HashMap::new();
    for row in &gone {
        versions.insert(row.try_get(2)?, (false, version(row, 0)?));
    }
    let mut found = Vec::new();
    for row in &there {
        let customer = Versioned::read(row)?;
        versions.insert(customer.customer.id, (true, customer.version));
        found.push(row.try_get::<_, &str>(3)?);
    }
    let is_known = ids.iter().all(|id| versions.contains_key(id))
        && numbers.iter().all(|number| found.contains(number));
    if is_known {
        Ok(versions)
    } else {
        Err(Error::NotFound(Noun::Customer).into())
    }
}

/// Has the database write the tables anew, as the user of the connection and not in the servers' role: what
/// it clears away otherwise stays in gaps of their pages. Requests wait meanwhile.
pub(super) async fn renew(connector: &Connector) -> Files {
    match try_renew(connector).await {
        Ok(skipped) if skipped.is_empty() => Files::Clean,
        Ok(skipped) => Files::Failed(format!(
            "the user may not do VACUUM (FULL, ANALYZE) {}",
            skipped.join(", ")
        )),
        Err(error) => Files::Failed(format!("{error:#}")),
    }
}

/// Tables that are left as they were: the database warns of them.
async fn try_renew(connector: &Connector) -> anyhow::Result<Vec<&'static str>> {
    let session = connector.connect().await?;
    session.script("SET ROLE NONE").await?;
    session.script("SET statement_timeout = 0").await?;
    session.script("SET lock_timeout = '1min'").await?;
    let mut skipped = Vec::new();
    for table in TABLES {
        let analyze = if table == "pg_statistic" {
            "FULL"
        } else {
            "FULL, ANALYZE"
        };
        let warnings = session.warnings();
        session
            .script(&format!("VACUUM ({analyze}) {table}"))
            .await?;
        if session.warnings() > warnings {
            skipped.push(table);
        }
    }
    Ok(skipped)
}
