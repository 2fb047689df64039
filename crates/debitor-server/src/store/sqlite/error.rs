//! What SQLite's errors are to the store.

use rusqlite::ErrorCode::{
    self, CannotOpen, DatabaseBusy, DatabaseCorrupt, DatabaseLocked, DiskFull, NotADatabase,
    OperationInterrupted, SystemIoFailure,
};
use uuid::Uuid;

use super::super::{Conflict, Error};

/// A disk that is full or fails is not a fault of ours; whatever else is none of the request's is.
impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(DiskFull) => Self::Full(error.to_string()),
            Some(SystemIoFailure | DatabaseCorrupt | NotADatabase | CannotOpen) => {
                Self::Broken(error.to_string())
            }
            Some(OperationInterrupted) => Self::QueryTimeout,
            Some(DatabaseBusy | DatabaseLocked) => Self::Unavailable(error.to_string()),
            _ => Self::Internal(error.to_string()),
        }
    }
}

/// Whether the error is that the store could not be read or written.
pub fn is_io(error: &(dyn std::error::Error + 'static)) -> bool {
    if let Some(Error::Broken(_) | Error::OutcomeUnknown(_)) = error.downcast_ref() {
        return true;
    }
    error
        .downcast_ref()
        .and_then(rusqlite::Error::sqlite_error_code)
        .is_some_and(|code| {
            matches!(
                code,
                SystemIoFailure | DiskFull | DatabaseCorrupt | NotADatabase
            )
        })
}

/// Whether the statement failed on the unique key that ends with `column`.
pub(super) fn is_taken(error: &rusqlite::Error, column: &str) -> bool {
    error.sqlite_error_code() == Some(ErrorCode::ConstraintViolation)
        && error.to_string().ends_with(column)
}

/// What failed because the id is taken, told by the unique key's last column, is a conflict.
pub(super) fn id_taken(error: rusqlite::Error, column: &str, id: Uuid) -> Error {
    if is_taken(&error, column) {
        Error::Conflict(Conflict::IdTaken(id))
    } else {
        error.into()
    }
}
