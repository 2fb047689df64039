//! The records by which repeated requests are answered: each holds the answer to one version of an
//! entity, and was written with the audit's row of that version.

use rusqlite::{Connection, Row};
use serde::Deserialize;
use uuid::Uuid;

use super::entities::{first, id, json, of, tell, text};
use super::{Report, each};

/// The first schema with records.
const RECORDED: u32 = 2;

/// Records of versions that the audit does not have. The ETag is made as `Version::etag` does.
const UNKNOWN: &str = "
    SELECT i.id, i.etag FROM idempotency i
    LEFT JOIN audit a
      ON a.entity_id = i.id AND printf('W/\"%d-%08x\"', a.version, a.incarnation) = i.etag
    WHERE a.sequence IS NULL";

/// What any entity's JSON says of its version.
#[derive(Deserialize)]
struct Answer {
    id: Uuid,
    #[serde(rename = "@odata.etag")]
    etag: String,
}

pub(super) fn check(db: &Connection, report: &mut Report<'_>) -> rusqlite::Result<()> {
    if report.counts.schema < RECORDED {
        return Ok(());
    }
    let sql = "SELECT id, etag, body, key, fingerprint, base_url FROM idempotency";
    each(db, sql, |row| {
        report.counts.idempotency += 1;
        tell(report, check_record(row));
        Ok(())
    })?;
    each(db, UNKNOWN, |row| {
        let unknown = id(row, 0).and_then(|id| {
            let etag = text(row, 1)?.unwrap_or_default();
            Err(of(NOUN, id, &format!("{etag} is not in the audit")))
        });
        tell(report, unknown);
        Ok(())
    })
}

const NOUN: &str = "idempotency record of";

fn check_record(row: &Row<'_>) -> Result<(), String> {
    let id = id(row, 0)?;
    let name = |fault: &str| of(NOUN, id, fault);
    let base_url = text(row, 5)?.unwrap_or_default();
    // It is empty once its customer was erased.
    if text(row, 2)?.is_some_and(|body| !body.is_empty()) {
        let answer: Answer = json(row, 2).map_err(|fault| name(&fault))?;
        let faults = [
            (answer.id != id, "its JSON has another id"),
            (
                Some(answer.etag) != text(row, 1)?,
                "its JSON has another ETag",
            ),
        ];
        first(faults).map_err(name)?;
    }
    let faults = [
        (!is_hash(row, 3), "its key is not a hash"),
        (!is_hash(row, 4), "its fingerprint is not a hash"),
        (
            url::Url::parse(&base_url).is_err(),
            "its links have no origin",
        ),
    ];
    first(faults).map_err(name)
}

fn is_hash(row: &Row<'_>, column: usize) -> bool {
    row.get::<_, [u8; 32]>(column).is_ok()
}
