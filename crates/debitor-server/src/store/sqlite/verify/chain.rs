//! The chain of versions: the audit has a row for each version of each entity, and the newest one
//! of an entity is the version that the entity's row has.
//!
//! Entities that were made under schema 1, which had no audit, lack the rows of their first
//! versions, so a chain may start later than with the create. That no row was taken out is told by
//! `sequence`, which has no gaps. An entity without any row must have been changed last before the
//! audit began.

use rusqlite::Connection;
use uuid::Uuid;

use super::{Report, each};

/// The first schema with an audit.
const AUDITED: u32 = 2;

/// The names of entities in the audit, and their tables.
const VERSIONED: [(&str, &str); 2] = [("customer", "customer"), ("salesInvoice", "sales_invoice")];

const GAPS: &str = "
    SELECT previous, sequence FROM
      (SELECT sequence, lag(sequence, 1, 0) OVER (ORDER BY sequence) AS previous FROM audit)
    WHERE sequence <> previous + 1";

/// What was granted makes no version of the company. What was deleted can be erased, and erased again.
const BROKEN: &str = "
    SELECT entity, entity_id, version FROM
      (SELECT entity, entity_id, version, action, lag(version) OVER chain AS before,
              lag(action) OVER chain AS action_before
       FROM audit WHERE action NOT IN ('grant', 'revoke')
       WINDOW chain AS (PARTITION BY entity, company_id, entity_id, incarnation ORDER BY sequence))
    WHERE CASE WHEN before IS NULL THEN (action = 'create') <> (version = 1)
          ELSE version <> before + 1 OR action = 'create'
            OR action_before IN ('delete', 'erase') AND action <> 'erase' END";

pub(super) fn check(db: &Connection, report: &mut Report<'_>) -> rusqlite::Result<()> {
    if report.counts.schema < AUDITED {
        return Ok(());
    }
    report.counts.audit = db.query_row("SELECT count(*) FROM audit", [], |row| row.get(0))?;
    each(db, GAPS, |row| {
        let (before, after): (i64, i64) = (row.get(0)?, row.get(1)?);
        report.fault(format!(
            "the audit lacks the rows between {before} and {after}"
        ));
        Ok(())
    })?;
    tell(db, BROKEN, report, "does not follow the one before it")?;
    for (entity, table) in VERSIONED {
        tell(
            db,
            &departed(entity, table),
            report,
            "is the audit's newest, and not the row's",
        )?;
        tell(db, &unknown(entity, table), report, "is not in the audit")?;
    }
    Ok(())
}

/// Entities whose row has another version than the newest in the audit, or that are there though
/// deleted, or are not there though not deleted.
fn departed(entity: &str, table: &str) -> String {
    format!(
        "SELECT n.entity, n.entity_id, n.version FROM
           (SELECT entity, company_id, entity_id, incarnation, version, action, max(sequence)
            FROM audit WHERE entity = '{entity}' GROUP BY company_id, entity_id, incarnation) n
         LEFT JOIN {table} r ON r.company_id = n.company_id AND r.id = n.entity_id
                            AND r.incarnation = n.incarnation
         WHERE (n.action IN ('delete', 'erase')) = (r.id IS NOT NULL) OR r.version <> n.version"
    )
}

/// Entities without a row in the audit that were changed since it began.
fn unknown(entity: &str, table: &str) -> String {
    format!(
        "SELECT '{entity}', r.id, r.version FROM {table} r
         LEFT JOIN (SELECT DISTINCT company_id, entity_id, incarnation FROM audit
                    WHERE entity = '{entity}') a
           ON a.company_id = r.company_id AND a.entity_id = r.id AND a.incarnation = r.incarnation
         WHERE a.entity_id IS NULL
           AND CASE WHEN json_valid(r.body) THEN
                 round(1000 * unixepoch(r.body ->> '$.lastModifiedDateTime', 'subsec'))
               END >= (SELECT min(at) FROM audit)"
    )
}

/// Tells the versions that a query of `entity, entity_id, version` finds.
fn tell(db: &Connection, sql: &str, report: &mut Report<'_>, fault: &str) -> rusqlite::Result<()> {
    each(db, sql, |row| {
        let (entity, version): (String, i64) = (row.get(0)?, row.get(2)?);
        let id = Uuid::from_bytes(row.get(1)?);
        report.fault(format!("{entity} {id}: version {version} {fault}"));
        Ok(())
    })
}
