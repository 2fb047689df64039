//! What the clients sent and what they were answered, written down outside the faulted disk.
//!
//! A line goes to the file before its request is sent, and another after its answer was read. The
//! harness itself is never killed, so that the lines need no sync.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

/// One line: something happened to a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Line {
    /// The number of the request, from 1.
    pub(crate) op: u64,
    /// Microseconds since the journal was begun.
    pub(crate) at: u64,
    pub(crate) event: Event,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Event {
    /// The request is about to be sent.
    Invoke(Invoke),
    /// It was answered with success.
    Ok(Answer),
    /// It was refused, and so changed nothing.
    Fail { status: u16, code: String },
    /// Nobody said what became of it.
    Unknown { why: String },
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Invoke {
    /// The slot that it changes: one customer after another, and the draft that names them.
    pub(crate) slot: u64,
    pub(crate) action: Action,
    /// The idempotency key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) key: Option<String>,
}

/// What a request asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Action {
    /// Makes a draft sales invoice.
    Draft {
        id: Uuid,
    },
    /// Makes a customer, with an invoice its customer.
    Create {
        invoice: Option<Uuid>,
        body: Value,
    },
    Update {
        id: Uuid,
        etag: String,
        body: Value,
    },
    /// Deletes a customer, with an invoice its customer.
    Delete {
        invoice: Option<Uuid>,
        id: Uuid,
        etag: String,
    },
    Read {
        id: Uuid,
    },
}

/// What an answer said of the entity; nothing after a delete.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Answer {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) etag: Option<String>,
    #[serde(skip_serializing_if = "Value::is_null", default)]
    pub(crate) body: Value,
}

impl Answer {
    /// The id of the entity in the body.
    pub(crate) fn id(&self) -> Option<Uuid> {
        self.body["id"].as_str()?.parse().ok()
    }
}

/// The file, shared by all clients.
pub(crate) struct Journal {
    file: Mutex<File>,
    begun: Instant,
    last: AtomicU64,
}

impl Journal {
    /// Begins a journal in a new file.
    pub(crate) fn create(path: &Path) -> Result<Self> {
        let file =
            File::create(path).with_context(|| format!("cannot write {}", path.display()))?;
        Ok(Self {
            file: Mutex::new(file),
            begun: Instant::now(),
            last: AtomicU64::new(0),
        })
    }

    /// The number of a request that is going to be sent.
    pub(crate) fn number(&self) -> u64 {
        self.last.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Writes down what happened to the request `op`.
    pub(crate) fn write(&self, op: u64, event: Event) -> Result<()> {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let at = self.begun.elapsed().as_micros().try_into()?;
        let mut line = serde_json::to_vec(&Line { op, at, event })?;
        line.push(b'\n');
        file.write_all(&line).context("cannot write the journal")
    }
}

/// All lines of a journal, in the order in which they were written, but for one that is just being
/// written.
pub(crate) fn read(path: &Path) -> Result<Vec<Line>> {
    let text = std::fs::read_to_string(path)?;
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    whole
        .lines()
        .map(|line| serde_json::from_str(line).context("a line of the journal"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_as_they_were_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal");
        let journal = Journal::create(&path).unwrap();
        let action = Action::Create {
            invoice: None,
            body: serde_json::json!({"displayName": "w1"}),
        };
        let invoke = Invoke {
            slot: 1,
            action,
            key: Some("k".into()),
        };
        let events = [
            Event::Invoke(invoke),
            Event::Ok(Answer {
                etag: Some("W/\"1-00000007\"".into()),
                body: Value::Null,
            }),
            Event::Fail {
                status: 412,
                code: "preconditionFailed".into(),
            },
            Event::Unknown { why: "cut".into() },
        ];
        for event in &events {
            journal.write(journal.number(), event.clone()).unwrap();
        }
        // A reader can see a part of the line that is being written.
        File::options()
            .append(true)
            .open(&path)
            .unwrap()
            .write_all(b"{\"op\": 5")
            .unwrap();
        let lines = read(&path).unwrap();
        assert_eq!(
            lines.iter().map(|line| line.op).collect::<Vec<_>>(),
            [1, 2, 3, 4]
        );
        assert!(lines.is_sorted_by_key(|line| line.at));
        assert_eq!(
            lines.into_iter().map(|line| line.event).collect::<Vec<_>>(),
            events
        );
    }
}
