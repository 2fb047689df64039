//! The checker of histories: each customer is a register with a version, and what clients were
//! answered must fit one order of its writes that agrees with real time.
//!
//! Versions give that order away, so one pass over the journal is enough. A line is written before
//! its request is sent or after its answer came: what stands before another line was before it.

use std::collections::HashMap;

use uuid::Uuid;

use crate::journal::{Action, Answer, Event, Invoke, Line};
use crate::oracle::writer;

const GONE: [u16; 2] = [404, 410];
const STALE: u16 = 412;

/// What a history shows.
#[derive(Debug, Default)]
pub(crate) struct Report {
    pub(crate) anomalies: Vec<String>,
    pub(crate) reads: usize,
    pub(crate) writes: usize,
    /// Changes refused because the version had changed.
    pub(crate) stale: usize,
    pub(crate) deletes: usize,
}

/// What is known of a customer so far.
#[derive(Debug, Default)]
struct Register {
    /// The newest version in an answer that was read.
    low: i64,
    /// Somebody was told that it is no more.
    gone: bool,
    /// Somebody asked for its delete.
    doomed: bool,
    /// How many requests were sent that would make a version.
    attempts: HashMap<i64, usize>,
    /// The write of each version that an answer showed.
    writes: HashMap<i64, u64>,
    /// The versions that acknowledged writes made.
    acknowledged: HashMap<i64, u64>,
}

/// A request on its way, with what was known when it was sent.
struct Sent<'a> {
    invoke: &'a Invoke,
    low: i64,
    gone: bool,
}

#[derive(Default)]
struct Checker<'a> {
    registers: HashMap<Uuid, Register>,
    sent: HashMap<u64, Sent<'a>>,
    /// The version that each write made or would make.
    aims: HashMap<u64, (Option<Uuid>, i64)>,
    refused: Vec<u64>,
    report: Report,
}

/// Holds a history against the order of versions.
pub(crate) fn check(lines: &[Line]) -> Report {
    let mut checker = Checker::default();
    for line in lines {
        let anomaly = match &line.event {
            Event::Invoke(invoke) => {
                checker.invoke(line.op, invoke);
                continue;
            }
            event => checker.outcome(line.op, event),
        };
        if let Err(why) = anomaly {
            checker
                .report
                .anomalies
                .push(format!("request {}: {why}", line.op));
        }
    }
    checker.finish()
}

type Checked = Result<(), String>;

impl<'a> Checker<'a> {
    fn invoke(&mut self, op: u64, invoke: &'a Invoke) {
        let mut sent = Sent {
            invoke,
            low: 0,
            gone: false,
        };
        if let Some(id) = subject(&invoke.action) {
            let register = self.registers.entry(id).or_default();
            (sent.low, sent.gone) = (register.low, register.gone);
            if let Some(base) = base(&invoke.action) {
                *register.attempts.entry(base + 1).or_default() += 1;
                register.doomed |= matches!(invoke.action, Action::Delete { .. });
                self.aims.insert(op, (Some(id), base + 1));
            }
        } else {
            self.aims.insert(op, (None, 1));
        }
        self.sent.insert(op, sent);
    }

    fn outcome(&mut self, op: u64, event: &Event) -> Checked {
        let sent = self.sent.remove(&op).ok_or("was answered and not sent")?;
        match event {
            Event::Ok(answer) => self.answered(op, &sent, answer),
            Event::Fail { status, .. } => self.refused(op, &sent, *status),
            _ => Ok(()),
        }
    }

    fn answered(&mut self, op: u64, sent: &Sent<'_>, answer: &Answer) -> Checked {
        let id = subject(&sent.invoke.action)
            .or(answer.id())
            .ok_or("was answered without an id")?;
        let register = self.registers.entry(id).or_default();
        if sent.gone {
            return Err(format!(
                "customer {id} was there after its delete was known"
            ));
        }
        if let Action::Delete { .. } = &sent.invoke.action {
            self.report.deletes += 1;
            let base = base(&sent.invoke.action).unwrap_or_default();
            register.gone = true;
            return register.acknowledge(op, base, base + 1, sent.low);
        }
        let shown = answer
            .etag
            .as_deref()
            .and_then(version)
            .ok_or("was answered without a tag")?;
        if shown < sent.low {
            return Err(format!("version {shown} was shown after {}", sent.low));
        }
        match base(&sent.invoke.action) {
            None if matches!(sent.invoke.action, Action::Read { .. }) => {
                self.report.reads += 1;
                let author = writer(&answer.body).ok_or("shows a customer of nobody")?;
                register.shows(id, shown, author)?;
                self.made(author, id, shown)
            }
            base => {
                self.report.writes += 1;
                register.acknowledge(op, base.unwrap_or(0), shown, sent.low)?;
                register.shows(id, shown, op)
            }
        }
    }

    /// Whether the write that a read shows was sent, and for that version.
    fn made(&self, author: u64, id: Uuid, shown: i64) -> Checked {
        match self.aims.get(&author) {
            Some((aim, version)) if *version == shown && aim.is_none_or(|aim| aim == id) => Ok(()),
            Some((_, version)) => Err(format!("shows request {author} as {shown}, not {version}")),
            None => Err(format!("shows request {author}, which nobody sent")),
        }
    }

    fn refused(&mut self, op: u64, sent: &Sent<'_>, status: u16) -> Checked {
        self.refused.push(op);
        let Some(id) = subject(&sent.invoke.action) else {
            return Err(format!("a create was refused with {status}"));
        };
        let register = self.registers.entry(id).or_default();
        if GONE.contains(&status) {
            register.gone = true;
            let why = format!("customer {id} is gone and nobody deleted it");
            return if register.doomed { Ok(()) } else { Err(why) };
        }
        let base = base(&sent.invoke.action).filter(|_| status == STALE);
        let base = base.ok_or(format!("was refused with {status}"))?;
        self.report.stale += 1;
        // Its own attempt aims at `base + 1`; only another one makes its tag stale.
        let attempts = |(version, count): (&i64, &usize)| {
            *version > base + 1 || *version == base + 1 && *count > 1
        };
        let moved = register.low > base || register.attempts.iter().any(attempts);
        if moved {
            Ok(())
        } else {
            Err(format!("version {base} was refused and is the newest"))
        }
    }

    /// What only the end shows: refused writes that were seen.
    fn finish(mut self) -> Report {
        let seen: HashMap<u64, Uuid> = self
            .registers
            .iter()
            .flat_map(|(id, register)| register.writes.values().map(|op| (*op, *id)))
            .collect();
        for op in &self.refused {
            if let Some(id) = seen.get(op) {
                let anomaly = format!("request {op} was refused and changed customer {id}");
                self.report.anomalies.push(anomaly);
            }
        }
        self.report
    }
}

impl Register {
    /// Takes note that a version was shown, with the write that made it.
    fn shows(&mut self, id: Uuid, version: i64, author: u64) -> Checked {
        self.low = self.low.max(version);
        match self.writes.insert(version, author) {
            Some(other) if other != author => Err(format!(
                "version {version} of {id} is by {other} and by {author}"
            )),
            _ => Ok(()),
        }
    }

    fn acknowledge(&mut self, op: u64, base: i64, version: i64, low: i64) -> Checked {
        if version != base + 1 {
            return Err(format!("made version {version} of version {base}"));
        }
        if base < low {
            return Err(format!("changed version {base} and there were {low}"));
        }
        match self.acknowledged.insert(version, op) {
            Some(other) => Err(format!(
                "version {version} was acknowledged to {other}, too"
            )),
            None => Ok(()),
        }
    }
}

/// The customer that a request names.
fn subject(action: &Action) -> Option<Uuid> {
    match action {
        Action::Update { id, .. } | Action::Delete { id, .. } | Action::Read { id } => Some(*id),
        Action::Create { .. } | Action::Draft { .. } => None,
    }
}

/// The version that a change or a delete names.
fn base(action: &Action) -> Option<i64> {
    match action {
        Action::Update { etag, .. } | Action::Delete { etag, .. } => version(etag),
        _ => None,
    }
}

pub(crate) fn version(etag: &str) -> Option<i64> {
    etag.strip_prefix("W/\"")?.split('-').next()?.parse().ok()
}

#[cfg(test)]
mod tests;
