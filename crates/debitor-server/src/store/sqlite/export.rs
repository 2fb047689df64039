//! Reading companies out of a store on which no server runs, as rows that another engine can take.

use std::path::Path;

use anyhow::{Context as _, ensure};
use rusqlite::Connection;
use uuid::Uuid;

use super::super::CompanyKey;
use super::super::copy::{Kind, Row, Table, Value};
use super::connection::Database;
use super::{migrate, snapshot};

/// Neither the record of changes nor the outcomes of requests can be found by company, and outcomes do
/// not even name theirs: it is that of the change, or else of the entity, whose ETag they answered.
const BY_COMPANY: &str = r#"
    CREATE TEMP TABLE audit_of (
      company_id BLOB, sequence INTEGER, PRIMARY KEY (company_id, sequence)
    ) WITHOUT ROWID;
    INSERT INTO audit_of SELECT company_id, sequence FROM audit;
    CREATE TEMP TABLE idempotency_of (
      company_id BLOB, record INTEGER, PRIMARY KEY (company_id, record)
    ) WITHOUT ROWID;
    CREATE TEMP TABLE outcome (id BLOB, etag TEXT, record INTEGER);
    INSERT INTO outcome SELECT id, etag, record FROM idempotency;
    CREATE INDEX temp.outcome_by_id ON outcome (id);
    INSERT OR IGNORE INTO idempotency_of
    SELECT e.company_id, o.record FROM
      (SELECT company_id, entity_id, version, incarnation FROM audit
       UNION ALL SELECT company_id, id, version, incarnation FROM customer
       UNION ALL SELECT company_id, id, version, incarnation FROM sales_invoice) e
    JOIN outcome o ON o.id = e.entity_id
      AND o.etag = printf('W/"%d-%08x"', e.version, e.incarnation);"#;

/// A store that nobody else uses.
pub(crate) struct Export {
    connection: Connection,
    _lock: Database,
}

impl Export {
    /// Opens the store; one whose schema is older has to be brought up to date first.
    pub(crate) fn open(directory: &Path) -> anyhow::Result<Self> {
        let connection = snapshot::open(directory)?;
        let lock = Database::lock(directory)?;
        let (schema, known) = (migrate::schema(&connection)?, migrate::newest());
        ensure!(
            schema == known,
            "the store has schema {schema}, this program needs {known}: run `debitor-server migrate`"
        );
        connection.execute_batch("PRAGMA query_only = OFF")?;
        connection.execute_batch(BY_COMPANY)?;
        connection.execute_batch("PRAGMA query_only = ON")?;
        let lost = "SELECT count(*) FROM idempotency
                    WHERE record NOT IN (SELECT record FROM idempotency_of)";
        let lost: u32 = connection.query_row(lost, [], |row| row.get(0))?;
        ensure!(
            lost == 0,
            "{lost} outcomes of requests are of no change that is known: run `debitor-server verify`"
        );
        Ok(Self {
            connection,
            _lock: lock,
        })
    }

    /// The wanted companies, or all if none is named.
    pub(crate) fn companies(&self, wanted: &[Uuid]) -> anyhow::Result<Vec<CompanyKey>> {
        let sql = "SELECT tenant_id, id FROM company ORDER BY id";
        let mut statement = self.connection.prepare(sql)?;
        let scopes = statement.query_map([], |row| {
            Ok(CompanyKey {
                tenant: Uuid::from_bytes(row.get(0)?),
                company: Uuid::from_bytes(row.get(1)?),
            })
        })?;
        let mut scopes: Vec<CompanyKey> = scopes.collect::<Result<_, _>>()?;
        for id in wanted {
            let known = scopes.iter().any(|scope| scope.company == *id);
            ensure!(known, "the store has no company {id}");
        }
        scopes.retain(|scope| wanted.is_empty() || wanted.contains(&scope.company));
        Ok(scopes)
    }

    /// How many rows the company has.
    pub(crate) fn count(&self, company: Uuid) -> rusqlite::Result<u64> {
        let sql = "SELECT 1 + (SELECT count(*) FROM company_grant WHERE company_id = ?1)
          + (SELECT count(*) FROM customer WHERE company_id = ?1)
          + (SELECT count(*) FROM sales_invoice WHERE company_id = ?1)
          + (SELECT count(*) FROM audit_of WHERE company_id = ?1)
          + (SELECT count(*) FROM idempotency_of WHERE company_id = ?1)";
        let mut statement = self.connection.prepare_cached(sql)?;
        let rows: u32 = statement.query_row([company.as_bytes()], |row| row.get(0))?;
        Ok(rows.into())
    }

    /// Calls `take` with each of the company's rows in the table, in the order of a key.
    pub(crate) fn read(
        &self,
        company: Uuid,
        table: Table,
        take: &mut dyn FnMut(Row) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let mut statement = self.connection.prepare_cached(select(table))?;
        let mut rows = statement.query([company.as_bytes()])?;
        while let Some(row) = rows.next()? {
            let kinds = table.columns().iter().enumerate();
            let values = kinds.map(|(column, kind)| value(row, column, *kind));
            let values = values.collect::<anyhow::Result<_>>();
            take(values.with_context(|| format!("{} of company {company}", table.name()))?)?;
        }
        Ok(())
    }
}

fn select(table: Table) -> &'static str {
    match table {
        Table::Company => {
            "SELECT body, last_customer_number, last_sales_invoice_number, everyone_may FROM company
             WHERE id = ?1"
        }
        Table::Grant => {
            "SELECT kind, name, may FROM company_grant WHERE company_id = ?1 ORDER BY kind, name"
        }
        Table::Customer => {
            "SELECT id, version, incarnation, number_fold, body FROM customer
             WHERE company_id = ?1 ORDER BY id"
        }
        Table::SalesInvoice => {
            "SELECT id, version, incarnation, customer_id, body FROM sales_invoice
             WHERE company_id = ?1 ORDER BY id"
        }
        Table::Audit => {
            "SELECT entity_id, incarnation, version, at, actor, request_id, action, entity, properties
             FROM audit_of o CROSS JOIN audit a USING (sequence)
             WHERE o.company_id = ?1 ORDER BY o.sequence"
        }
        Table::Idempotency => {
            "SELECT key, fingerprint, at, replayed_at, id, etag, base_url, minimal, body
             FROM idempotency_of o CROSS JOIN idempotency i USING (record)
             WHERE o.company_id = ?1 ORDER BY o.record"
        }
    }
}

fn value(row: &rusqlite::Row<'_>, column: usize, kind: Kind) -> anyhow::Result<Value> {
    let found = row.get_ref(column)?;
    let value = match kind {
        Kind::Id => {
            let id = found.as_blob_or_null()?.map(Uuid::from_slice);
            id.transpose()?.map(Value::Id)
        }
        Kind::Number => found.as_i64_or_null()?.map(Value::Number),
        Kind::Flag => Some(Value::Flag(found.as_i64()? != 0)),
        Kind::Text => Some(Value::Text(found.as_str()?.to_owned())),
        Kind::Bytes => Some(Value::Bytes(found.as_blob()?.to_vec())),
    };
    Ok(value.unwrap_or(Value::Null))
}
