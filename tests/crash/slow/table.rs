//! What was tried, as a table.

use std::fmt;
use std::time::Duration;

use anyhow::{Context, Result};

use super::target::Target;
use super::{LEAST, SLOWER};
use crate::figures::Figures;

/// A crowd of a kind, and what came of it.
pub(super) struct Row {
    name: String,
    sockets: usize,
    limit: Option<Duration>,
    /// When the first and the last of them were closed, from their beginning.
    pub(super) first: Duration,
    pub(super) last: Duration,
    /// The slowest of an honest client's requests but for one in a hundred.
    before: Duration,
    with: Duration,
    /// The server's memory afterwards, in bytes.
    memory: u64,
}

impl Row {
    pub(super) fn new(
        name: &str,
        limit: Duration,
        mut closed: Vec<Duration>,
        before: Duration,
        with: Duration,
        target: &Target,
    ) -> Result<Self> {
        closed.sort();
        Ok(Self {
            name: name.to_owned(),
            sockets: closed.len(),
            limit: Some(limit),
            first: *closed.first().context("no sockets")?,
            last: *closed.last().context("no sockets")?,
            before,
            with,
            memory: target.memory()?,
        })
    }

    /// Connections that are kept as long as this takes.
    pub(super) fn idle(sockets: usize, before: Duration, with: Duration, memory: u64) -> Self {
        Self {
            name: "idle".to_owned(),
            sockets,
            limit: None,
            first: Duration::ZERO,
            last: Duration::ZERO,
            before,
            with,
            memory,
        }
    }

    pub(super) fn is_fair(&self) -> bool {
        self.with <= self.before.max(LEAST).mul_f64(SLOWER)
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let limit = self.limit.map_or("-".to_owned(), seconds);
        let closed = format!("{} to {}", seconds(self.first), seconds(self.last));
        let closed = self.limit.map_or("-".to_owned(), |_| closed);
        write!(
            f,
            "{:<28} {:>7} {:>7} {:>16} {:>9.2} {:>9.2} {:>6.2} {:>6}",
            self.name,
            self.sockets,
            limit,
            closed,
            self.before.as_secs_f64() * 1000.0,
            self.with.as_secs_f64() * 1000.0,
            self.with.as_secs_f64() / self.before.as_secs_f64(),
            self.memory >> 20,
        )
    }
}

fn seconds(time: Duration) -> String {
    format!("{:.1}", time.as_secs_f64())
}

#[derive(Default)]
pub(super) struct Table(Vec<Row>);

impl Table {
    /// Adds a row, and shows it to whoever waits.
    pub(super) fn add(&mut self, row: Row) {
        eprintln!("{row}");
        self.0.push(row);
    }

    pub(super) fn figures(&self) -> Figures {
        let mut figures = Figures::default();
        for row in &self.0 {
            figures.add("sockets", row.sockets as u64);
            figures.slowest("longest until closed", row.last);
        }
        figures.add("kinds", self.0.len() as u64);
        figures
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(rows) = self;
        writeln!(
            f,
            "{:<28} {:>7} {:>7} {:>16} {:>9} {:>9} {:>6} {:>6}",
            "clients",
            "sockets",
            "limit s",
            "closed after s",
            "p99 ms",
            "with them",
            "ratio",
            "MiB"
        )?;
        for row in rows {
            writeln!(f, "{row}")?;
        }
        Ok(())
    }
}
