//! Writing companies that come from another store, in the role and within the policies of a server.

use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use debitor_api::properties::{CompanyProperty, CustomerProperty, SalesInvoiceProperty};
use futures::TryStreamExt as _;
use tokio_postgres::types::ToSql;

use super::super::copy::{Copied, Kind, Row, Sum, Table, Value};
use super::super::query::postgres::fold;
use super::super::{CompanyKey, NewerSchema, Timeouts, Unfit};
use super::address::Address;
use super::pool::Connector;
use super::session::Session;
use super::transaction::{BEGIN, COMMIT, SET_GRANTS};
use super::upkeep::NOTE;
use super::{is_away, settings, words};

/// A whole table may be read with one statement, so that none has a limit.
const TIMEOUTS: Timeouts = Timeouts {
    wait: Duration::ZERO,
    statement: Duration::ZERO,
    lock: Duration::from_secs(5),
    silence: Duration::from_secs(5),
};

/// Where companies arrive, one after the other.
pub(crate) struct Import {
    session: Session,
    arriving: Option<Arriving>,
}

/// The company whose transaction is open.
struct Arriving {
    scope: CompanyKey,
    /// Whether it was not there before.
    is_new: bool,
    /// What came of each table.
    sums: [Sum; Table::ALL.len()],
    /// What belongs in the index of words, and is not there yet.
    words: words::Changes<'static>,
}

impl Import {
    /// Connects to a database whose schema this program knows.
    pub(crate) async fn open(url: &str) -> anyhow::Result<Self> {
        let connector = Connector::new(&Address::parse(url, &settings(TIMEOUTS))?);
        let session = connector.open().await.map_err(|error| {
            if is_away(&error) || error.is::<NewerSchema>() {
                error.context("cannot open the database")
            } else {
                Unfit(format!("{error:#}")).into()
            }
        })?;
        Ok(Self {
            session,
            arriving: None,
        })
    }

    /// Begins with a company.
    pub(crate) async fn begin(&mut self, scope: CompanyKey) -> anyhow::Result<()> {
        self.arriving = Some(Arriving {
            scope,
            is_new: true,
            sums: [Sum::default(); _],
            words: words::Changes::default(),
        });
        self.begin_transaction(scope).await
    }

    async fn begin_transaction(&mut self, scope: CompanyKey) -> anyhow::Result<()> {
        self.session.begin();
        self.session.query(BEGIN, &[]).await?;
        let tenant = scope.tenant.to_string();
        self.session.query(SET_GRANTS, &[&tenant]).await?;
        Ok(())
    }

    /// Writes rows of the company, unless it was there before.
    pub(crate) async fn add(&mut self, table: Table, rows: &[Row]) -> anyhow::Result<()> {
        let Self { session, arriving } = self;
        let arriving = arriving.as_mut().context("no company has begun")?;
        let sum = &mut arriving.sums[table as usize];
        for row in rows {
            sum.add(row);
        }
        if !arriving.is_new {
            return Ok(());
        }
        let CompanyKey { tenant, company } = arriving.scope;
        let lists = lists(table, rows);
        let mut parameters: Vec<&(dyn ToSql + Sync)> = vec![&company, &tenant];
        parameters.extend(lists.iter().map(|list| &**list as &(dyn ToSql + Sync)));
        let folds = folds(table, rows)?;
        if let Some(folds) = &folds {
            parameters.push(folds);
        }
        let made = session.query(insert(table), &parameters).await;
        let made = made.with_context(|| table.name())?;
        if table == Table::Customer {
            add_words(&mut arriving.words, rows)?;
            if arriving.words.are_many() {
                let words = std::mem::take(&mut arriving.words);
                words.write_in(session, arriving.scope).await?;
            }
        }
        if table == Table::Company {
            arriving.is_new = !made.is_empty();
            if arriving.is_new {
                session.query(NOTE, &[&tenant]).await?;
            } else {
                // While the rest comes nothing is written, for which the database would end the
                // transaction.
                session.query("ROLLBACK", &[]).await?;
                session.end();
            }
        }
        Ok(())
    }

    /// Reads the company back, and commits it if it is the one that came.
    pub(crate) async fn end(&mut self, copied: &mut Copied) -> anyhow::Result<()> {
        let arriving = self.arriving.take().context("no company has begun")?;
        let CompanyKey { tenant, company } = arriving.scope;
        if arriving.is_new {
            let words = arriving.words;
            words.write_in(&self.session, arriving.scope).await?;
        } else {
            self.begin_transaction(arriving.scope).await?;
        }
        // One that was there may have come just now, in a commit of which nobody knows whether it will
        // last. This one tells: it is a write too.
        let sql = "UPDATE company
             SET customers = (SELECT count(*) FROM customer WHERE company_id = company.id)
             WHERE id = $1 AND tenant_id = $2 RETURNING id";
        let own = self.session.query(sql, &[&company, &tenant]).await?;
        ensure!(!own.is_empty(), "is there already, and another tenant's");
        for table in Table::ALL {
            let (came, there) = (
                arriving.sums[table as usize],
                self.sum(table, arriving.scope).await?,
            );
            if came == there {
                copied.rows += came.rows;
            } else if arriving.is_new {
                bail!(
                    "{} were not kept as they came: nothing of it was copied",
                    table.name()
                );
            } else {
                bail!(
                    "is there already, and not the same: {} differ",
                    table.name()
                );
            }
        }
        self.commit().await?;
        let count = if arriving.is_new {
            &mut copied.companies
        } else {
            &mut copied.same
        };
        *count += 1;
        Ok(())
    }

    async fn commit(&mut self) -> anyhow::Result<()> {
        let unknown = "whether it was committed is unknown: run the copy again";
        let warnings = self.session.warnings();
        self.session.query(COMMIT, &[]).await.context(unknown)?;
        ensure!(self.session.warnings() == warnings, "{unknown}");
        self.session.end();
        Ok(())
    }

    /// The sum of the rows that are there.
    async fn sum(&self, table: Table, scope: CompanyKey) -> anyhow::Result<Sum> {
        let parameters: [&(dyn ToSql + Sync); 2] = [&scope.company, &scope.tenant];
        let rows = self.session.stream(select(table), &parameters).await?;
        let mut rows = std::pin::pin!(rows);
        let mut sum = Sum::default();
        while let Some(row) = rows.try_next().await? {
            let kinds = table.columns().iter().enumerate();
            let values = kinds.map(|(column, kind)| value(&row, column, *kind));
            sum.add(&values.collect::<Result<_, _>>()?);
        }
        Ok(sum)
    }
}

fn insert(table: Table) -> &'static str {
    match table {
        Table::Company => {
            "INSERT INTO company
               (id, tenant_id, body, last_customer_number, last_sales_invoice_number, everyone_may,
                fold)
             SELECT $1, $2, r.body, r.customers, r.invoices, r.everyone, r.fold::jsonb
             FROM unnest($3::text[], $4::bigint[], $5::bigint[], $6::bigint[], $7::text[])
               AS r (body, customers, invoices, everyone, fold)
             ON CONFLICT DO NOTHING RETURNING id"
        }
        Table::Grant => {
            "INSERT INTO company_grant (company_id, tenant_id, kind, name, may)
             SELECT $1, $2, * FROM unnest($3::text[], $4::text[], $5::bigint[])"
        }
        Table::Customer => {
            "INSERT INTO customer
               (company_id, tenant_id, id, version, incarnation, number_fold, body, fold)
             SELECT $1, $2, r.id, r.version, r.incarnation, r.number, r.body, r.fold::jsonb
             FROM unnest($3::uuid[], $4::bigint[], $5::bigint[], $6::text[], $7::text[], $8::text[])
               AS r (id, version, incarnation, number, body, fold)"
        }
        Table::SalesInvoice => {
            "INSERT INTO sales_invoice
               (company_id, tenant_id, id, version, incarnation, customer_id, body, fold)
             SELECT $1, $2, r.id, r.version, r.incarnation, r.customer, r.body, r.fold::jsonb
             FROM unnest($3::uuid[], $4::bigint[], $5::bigint[], $6::uuid[], $7::text[], $8::text[])
               AS r (id, version, incarnation, customer, body, fold)"
        }
        Table::Audit => {
            "INSERT INTO audit (company_id, tenant_id, entity_id, incarnation, version, at, actor,
               request_id, action, entity, properties)
             SELECT $1, $2, * FROM unnest($3::uuid[], $4::bigint[], $5::bigint[], $6::bigint[],
               $7::text[], $8::uuid[], $9::text[], $10::text[], $11::text[])"
        }
        Table::Idempotency => {
            "INSERT INTO idempotency (company_id, tenant_id, key, fingerprint, at, replayed_at, id,
               etag, base_url, minimal, body)
             SELECT $1, $2, * FROM unnest($3::bytea[], $4::bytea[], $5::bigint[], $6::bigint[],
               $7::uuid[], $8::text[], $9::text[], $10::boolean[], $11::text[])"
        }
    }
}

fn select(table: Table) -> &'static str {
    match table {
        Table::Company => {
            "SELECT body, last_customer_number, last_sales_invoice_number, everyone_may::bigint
             FROM company WHERE id = $1 AND tenant_id = $2"
        }
        Table::Grant => {
            "SELECT kind, name, may::bigint FROM company_grant
             WHERE company_id = $1 AND tenant_id = $2"
        }
        Table::Customer => {
            "SELECT id, version, incarnation, number_fold, body FROM customer
             WHERE company_id = $1 AND tenant_id = $2"
        }
        Table::SalesInvoice => {
            "SELECT id, version, incarnation, customer_id, body FROM sales_invoice
             WHERE company_id = $1 AND tenant_id = $2"
        }
        Table::Audit => {
            "SELECT entity_id, incarnation, version, at, actor, request_id, action, entity,
               properties FROM audit WHERE company_id = $1 AND tenant_id = $2"
        }
        Table::Idempotency => {
            "SELECT key, fingerprint, at, replayed_at, id, etag, base_url, minimal, body
             FROM idempotency WHERE company_id = $1 AND tenant_id = $2"
        }
    }
}

/// What the rows have beside what came, for each.
fn folds(table: Table, rows: &[Row]) -> anyhow::Result<Option<Vec<Option<String>>>> {
    let fold = match table {
        Table::Company => fold::<CompanyProperty>,
        Table::Customer => fold::<CustomerProperty>,
        Table::SalesInvoice => fold::<SalesInvoiceProperty>,
        Table::Grant | Table::Audit | Table::Idempotency => return Ok(None),
    };
    let column = if table == Table::Company { 0 } else { BODY };
    let folds = rows.iter().map(|row| Ok(fold(body(row, column)?)));
    folds.collect::<anyhow::Result<_>>().map(Some)
}

/// The columns of customers, and the last of sales invoices.
const ID: usize = 0;
const BODY: usize = 4;

fn body(row: &Row, column: usize) -> anyhow::Result<&str> {
    match row.get(column) {
        Some(Value::Text(body)) => Ok(body),
        _ => bail!("a row has no body"),
    }
}

fn add_words(words: &mut words::Changes<'_>, rows: &[Row]) -> anyhow::Result<()> {
    for row in rows {
        let Some(Value::Id(id)) = row.get(ID) else {
            bail!("a customer has no id");
        };
        words.create(*id, words::of(body(row, BODY)?));
    }
    Ok(())
}

/// A list for each column.
fn lists(table: Table, rows: &[Row]) -> Vec<Box<dyn ToSql + Sync>> {
    let kinds = table.columns().iter().enumerate();
    kinds
        .map(|(column, kind)| list(rows, column, *kind))
        .collect()
}

fn list(rows: &[Row], column: usize, kind: Kind) -> Box<dyn ToSql + Sync> {
    macro_rules! values {
        ($kind:ident) => {{
            let value = |row: &Row| match &row[column] {
                Value::$kind(value) => Some(value.clone()),
                _ => None,
            };
            Box::new(rows.iter().map(value).collect::<Vec<_>>())
        }};
    }
    match kind {
        Kind::Id => values!(Id),
        Kind::Number => values!(Number),
        Kind::Flag => values!(Flag),
        Kind::Text => values!(Text),
        Kind::Bytes => values!(Bytes),
    }
}

fn value(
    row: &tokio_postgres::Row,
    column: usize,
    kind: Kind,
) -> Result<Value, tokio_postgres::Error> {
    Ok(match kind {
        Kind::Id => row.try_get::<_, Option<_>>(column)?.map(Value::Id),
        Kind::Number => row.try_get::<_, Option<_>>(column)?.map(Value::Number),
        Kind::Flag => row.try_get::<_, Option<_>>(column)?.map(Value::Flag),
        Kind::Text => row.try_get::<_, Option<_>>(column)?.map(Value::Text),
        Kind::Bytes => row.try_get::<_, Option<_>>(column)?.map(Value::Bytes),
    }
    .unwrap_or(Value::Null))
}
