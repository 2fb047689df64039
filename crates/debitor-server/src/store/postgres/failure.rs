//! What the database's errors mean: one table, by SQLSTATE.

use tokio_postgres::error::SqlState;

use super::super::Error;

/// Why a transaction was not committed, or may not have been.
#[derive(Debug)]
pub(super) enum Failure {
    /// The work itself, or the database with certainty; nothing was changed.
    Refused(Error),
    /// Another transaction was in the way: what was read may no longer hold, so that the work is
    /// done again.
    Again(String),
    /// The connection was lost before COMMIT was sent; nothing was changed.
    Lost(String),
    /// The database takes no writes: a standby, or a primary that is one no more.
    ReadOnly(String),
    /// COMMIT was sent, and no answer tells whether it was done and will last.
    Unknown(String),
}

impl Failure {
    pub(super) fn unavailable(why: impl Into<String>) -> Self {
        Self::Refused(Error::Unavailable(why.into()))
    }

    /// What the error of a statement means before COMMIT was sent.
    pub(super) fn of(error: &tokio_postgres::Error, sql: &str) -> Self {
        // The text of a database error may quote rows; its code and message do not.
        let Some(database) = error.as_db_error() else {
            return if error.is_closed() || is_io(error) {
                Self::Lost(error.to_string())
            } else {
                Self::Refused(Error::Internal(error.to_string()))
            };
        };
        let code = database.code();
        let why = format!("{}: {}", code.code(), database.message());
        match code {
            // A unique key that was taken since we looked: looking again tells which.
            &SqlState::T_R_SERIALIZATION_FAILURE
            | &SqlState::T_R_DEADLOCK_DETECTED
            | &SqlState::UNIQUE_VIOLATION => Self::Again(why),
            &SqlState::READ_ONLY_SQL_TRANSACTION => Self::ReadOnly(why),
            &SqlState::LOCK_NOT_AVAILABLE if sql.contains("idempotency") => {
                Self::Refused(Error::InProgress)
            }
            &SqlState::DISK_FULL => Self::Refused(Error::Full(why)),
            &SqlState::LOCK_NOT_AVAILABLE
            | &SqlState::QUERY_CANCELED
            | &SqlState::TOO_MANY_CONNECTIONS
            | &SqlState::OUT_OF_MEMORY => Self::unavailable(why),
            _ if is_lost(code) => Self::Lost(why),
            _ => Self::Refused(Error::Internal(why)),
        }
    }

    /// What the error of COMMIT means: what does not say that nothing was changed leaves it open.
    pub(super) fn of_commit(error: &tokio_postgres::Error) -> Self {
        let Some(code) = error.code() else {
            return Self::Unknown(error.to_string());
        };
        let is_open = *code == SqlState::T_R_STATEMENT_COMPLETION_UNKNOWN
            || *code == SqlState::QUERY_CANCELED
            || is_lost(code)
            || ["58", "XX", "F0"].contains(&&code.code()[..2]);
        if is_open {
            Self::Unknown(format!("{} at COMMIT", code.code()))
        } else {
            Self::of(error, "COMMIT")
        }
    }
}

/// Whether the connection ended with the error.
fn is_lost(code: &SqlState) -> bool {
    let codes = [
        SqlState::ADMIN_SHUTDOWN,
        SqlState::CRASH_SHUTDOWN,
        SqlState::CANNOT_CONNECT_NOW,
        SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT,
    ];
    code.code().starts_with("08") || codes.contains(code)
}

/// Whether the network failed: a certificate that is not good stays so.
fn is_io(error: &tokio_postgres::Error) -> bool {
    use std::error::Error as _;
    let error = error
        .source()
        .and_then(|source| source.downcast_ref::<std::io::Error>());
    let tls = error
        .and_then(std::io::Error::get_ref)
        .and_then(|inner| inner.downcast_ref::<rustls::Error>());
    error.is_some() && !matches!(tls, Some(rustls::Error::InvalidCertificate(_)))
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Refused(error)
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Refused(error) => error,
            Failure::Again(why) | Failure::Lost(why) | Failure::ReadOnly(why) => {
                Self::Unavailable(why)
            }
            Failure::Unknown(why) => Self::OutcomeUnknown(why),
        }
    }
}

/// A row that cannot be read is a fault of ours.
impl From<tokio_postgres::Error> for Failure {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::of(&error, "")
    }
}

/// So is an entity that cannot be read or written.
impl From<serde_json::Error> for Failure {
    fn from(error: serde_json::Error) -> Self {
        Self::Refused(error.into())
    }
}
