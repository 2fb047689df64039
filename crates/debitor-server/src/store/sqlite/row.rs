//! Rows of the tables as what the store answers with.

use bytes::Bytes;
use rusqlite::Row;

use crate::domain::version::Version;

/// Reads a body.
pub(super) fn body(row: &Row<'_>, column: usize) -> rusqlite::Result<Bytes> {
    Ok(Bytes::copy_from_slice(text(row, column)?))
}

/// The bytes of a text, which are UTF-8 as in every text that we write.
pub(super) fn text<'a>(row: &'a Row<'_>, column: usize) -> rusqlite::Result<&'a [u8]> {
    let value = row.get_ref(column)?;
    value.as_bytes().map_err(|error| {
        rusqlite::Error::FromSqlConversionFailure(column, value.data_type(), Box::new(error))
    })
}

/// Reads the columns `version, incarnation` from `column` on.
pub(super) fn version(row: &Row<'_>, column: usize) -> rusqlite::Result<Version> {
    Ok(Version {
        number: row.get(column)?,
        incarnation: row.get(column + 1)?,
    })
}
