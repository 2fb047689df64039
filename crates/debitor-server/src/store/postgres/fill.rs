//! Filling what migrations add to rows and only this program can make: the values of `fold`, the
//! words of customers, and numbers folded anew. All is done in the migration's own transaction, so
//! that it is there as a whole or not at all, and so many rows at a time.

use debitor_api::properties::{CompanyProperty, CustomerProperty, SalesInvoiceProperty};
use uuid::Uuid;

use super::super::CompanyKey;
use super::super::query::Listed;
use super::super::query::postgres::fold;
use super::session::Session;
use super::words;
use crate::domain::customer::fold_number;

/// Rows that are read at once.
const TOGETHER: i64 = 1000;

const TABLES: [&str; 4] = ["company", "customer", "sales_invoice", "customer_words"];

/// Fills everything. The walls are down meanwhile for the owner of the tables alone.
pub(super) async fn all(session: &Session) -> anyhow::Result<()> {
    force(session, "NO FORCE").await?;
    let companies =
        "SELECT tenant_id, id, id, body FROM company WHERE id > $2 AND $1::uuid IS NOT NULL
                     ORDER BY id LIMIT $3";
    let customers = "SELECT tenant_id, company_id, id, body FROM customer
                     WHERE (company_id, id) > ($1, $2) ORDER BY company_id, id LIMIT $3";
    let invoices = "SELECT tenant_id, company_id, id, body FROM sales_invoice
                    WHERE (company_id, id) > ($1, $2) ORDER BY company_id, id LIMIT $3";
    table::<CompanyProperty>(
        session,
        companies,
        "UPDATE company SET fold = r.fold::jsonb
         FROM unnest($1::uuid[], $2::uuid[], $3::text[]) AS r (company_id, id, fold)
         WHERE company.id = r.id",
    )
    .await?;
    table::<CustomerProperty>(
        session,
        customers,
        "UPDATE customer SET fold = r.fold::jsonb
         FROM unnest($1::uuid[], $2::uuid[], $3::text[]) AS r (company_id, id, fold)
         WHERE customer.company_id = r.company_id AND customer.id = r.id",
    )
    .await?;
    table::<SalesInvoiceProperty>(
        session,
        invoices,
        "UPDATE sales_invoice SET fold = r.fold::jsonb
         FROM unnest($1::uuid[], $2::uuid[], $3::text[]) AS r (company_id, id, fold)
         WHERE sales_invoice.company_id = r.company_id AND sales_invoice.id = r.id",
    )
    .await?;
    write_words(session, customers).await?;
    session.query(COUNT, &[]).await?;
    numbers(session).await?;
    force(session, "FORCE").await
}

/// How many customers each company has.
const COUNT: &str = "UPDATE company SET customers = r.count
     FROM (SELECT company_id, count(*) AS count FROM customer GROUP BY company_id) AS r
     WHERE company.id = r.company_id";

async fn force(session: &Session, how: &str) -> anyhow::Result<()> {
    for table in TABLES {
        let sql = format!("ALTER TABLE {table} {how} ROW LEVEL SECURITY");
        session.script(&sql).await?;
    }
    Ok(())
}

/// A row of one of the tables.
struct Entity {
    scope: CompanyKey,
    id: Uuid,
    body: String,
}

/// The rows behind this one, so many.
async fn behind(
    session: &Session,
    select: &str,
    (company, id): (Uuid, Uuid),
) -> anyhow::Result<Vec<Entity>> {
    let rows = session.query(select, &[&company, &id, &TOGETHER]).await?;
    let entities = rows.iter().map(|row| {
        Ok(Entity {
            scope: CompanyKey {
                tenant: row.try_get(0)?,
                company: row.try_get(1)?,
            },
            id: row.try_get(2)?,
            body: row.try_get(3)?,
        })
    });
    entities.collect()
}

/// Writes the column `fold` where it is to have something.
async fn table<P: Listed>(session: &Session, select: &str, update: &str) -> anyhow::Result<()> {
    let mut last = (Uuid::nil(), Uuid::nil());
    loop {
        let all = behind(session, select, last).await?;
        let Some(one) = all.last() else {
            return Ok(());
        };
        last = (one.scope.company, one.id);
        let (mut companies, mut ids, mut folds) = (vec![], vec![], vec![]);
        for one in &all {
            if let Some(fold) = fold::<P>(&one.body) {
                companies.push(one.scope.company);
                ids.push(one.id);
                folds.push(fold);
            }
        }
        if !ids.is_empty() {
            session.query(update, &[&companies, &ids, &folds]).await?;
        }
    }
}

async fn write_words(session: &Session, select: &str) -> anyhow::Result<()> {
    let mut last = (Uuid::nil(), Uuid::nil());
    let (mut words, mut scope) = (words::Changes::default(), None);
    loop {
        let all = behind(session, select, last).await?;
        for one in &all {
            if scope != Some(one.scope) || words.are_many() {
                write(session, &mut words, scope).await?;
                scope = Some(one.scope);
            }
            words.create(one.id, words::of(&one.body));
        }
        let Some(one) = all.last() else {
            return write(session, &mut words, scope).await;
        };
        last = (one.scope.company, one.id);
    }
}

async fn write(
    session: &Session,
    words: &mut words::Changes<'_>,
    scope: Option<CompanyKey>,
) -> anyhow::Result<()> {
    match scope {
        Some(scope) => std::mem::take(words).write_in(session, scope).await,
        None => Ok(()),
    }
}

/// Numbers were folded by a rule for the Greek sigma at the end of words, which nothing else knows. Two
/// customers whose numbers are the same without it keep what they have.
async fn numbers(session: &Session) -> anyhow::Result<()> {
    let sigma = "SELECT company_id, id, body::jsonb ->> 'number' FROM customer
                 WHERE strpos(number_fold, 'ς') > 0 AND company_id IS NOT NULL";
    for row in session.query(sigma, &[]).await? {
        let (company, id): (Uuid, Uuid) = (row.try_get(0)?, row.try_get(1)?);
        let number: String = row.try_get(2)?;
        let update = "UPDATE customer SET number_fold = $3
             WHERE company_id = $1 AND id = $2 AND NOT EXISTS (SELECT 1 FROM customer AS other
               WHERE other.company_id = $1 AND other.number_fold = $3)";
        session
            .query(update, &[&company, &id, &fold_number(&number)])
            .await?;
    }
    Ok(())
}
