//! A transaction that is being written.
//!
//! The index of words writes what it was given whenever a savepoint begins or ends, and would do so for
//! each of the writes that share a transaction. It is told of all of them at once, before the COMMIT.

use std::cell::RefCell;
use std::ops::Deref;

use rusqlite::Connection;

use super::super::Result;
use super::words::{self, Change};

/// The connection in a transaction, and the changes of words that were made in it.
pub(super) struct Edit<'a> {
    connection: &'a Connection,
    changes: RefCell<Vec<Change>>,
}

impl<'a> Edit<'a> {
    /// A transaction that has begun.
    pub(super) fn new(connection: &'a Connection) -> Self {
        Self {
            connection,
            changes: RefCell::default(),
        }
    }

    /// Notes that a row's words have changed.
    pub(super) fn note(&self, change: Change) {
        if !change.is_none() {
            self.changes.borrow_mut().push(change);
        }
    }

    /// How much was noted; what follows can be forgotten.
    pub(super) fn noted(&self) -> usize {
        self.changes.borrow().len()
    }

    /// Forgets all but so much.
    pub(super) fn forget(&self, noted: usize) {
        self.changes.borrow_mut().truncate(noted);
    }

    /// Tells the index; the transaction is to be committed.
    pub(super) fn finish(self) -> Result<()> {
        Ok(words::write(self.connection, self.changes.into_inner())?)
    }
}

impl Deref for Edit<'_> {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        self.connection
    }
}
