//! The oracle: from the journal alone, what a database may hold; and whether it does.
//!
//! A slot has one customer after another and, maybe, the draft that names them. Whatever writes to
//! it goes through [`State::after`]. An answered request was carried out, a refused one was not; of
//! one without an answer both are allowed, but nothing between.

use std::collections::{BTreeMap, HashMap};

use serde_json::Value;
use uuid::Uuid;

use crate::audit;
use crate::contents::{AUDITED, Contents};
use crate::journal::{Action, Answer, Event, Invoke, Line};
use crate::state::{Found, Record, State};

/// The development server's own draft, which no client made.
pub(crate) const DEMO_INVOICE: Uuid = Uuid::from_u128(0xd3b1_7041_0000_4000_8000_0000_0000_0004);

/// What is known of a store from its journal.
#[derive(Default)]
pub(crate) struct Oracle {
    slots: BTreeMap<u64, State>,
    /// The slot of each request that wrote something.
    writers: HashMap<u64, u64>,
    /// What the idempotency records must be.
    records: Vec<(Uuid, String)>,
    /// The deleted customers, with the version of the delete.
    gone: BTreeMap<Uuid, i64>,
    /// Lines of the journal that are accounted for.
    read: usize,
}

/// A check's result.
#[derive(Debug, Default, Clone)]
pub(crate) struct Verdict {
    pub(crate) violations: Vec<String>,
    pub(crate) acknowledged: usize,
    /// Requests without an answer, and how many of them were carried out.
    pub(crate) unknown: usize,
    pub(crate) carried_out: usize,
    /// Customers whose acknowledged state is not there.
    pub(crate) lost: usize,
    /// Audit rows that were held against the entities: none before there is such a table.
    pub(crate) audited: usize,
}

impl Verdict {
    /// No state of the slot is there; told by the first.
    fn lose(&mut self, slot: u64, states: &[State], found: &Found<'_>) {
        self.lost += 1;
        let what = states
            .first()
            .map(|state| state.differences(found))
            .unwrap_or_default();
        let what = if what.is_empty() {
            "a delete is not in the audit".into()
        } else {
            what.join("; ")
        };
        self.violations.push(format!("slot {slot}: {what}"));
    }
}

/// What became of a request, with what it was.
struct Op<'a> {
    number: u64,
    invoke: &'a Invoke,
    /// `None` if nobody knows.
    answer: Option<&'a Answer>,
    /// Whether it must have been carried out by the time that is looked at.
    is_certain: bool,
}

impl Oracle {
    /// Compares a database with the journal so far; what was found is what holds from now on.
    pub(crate) fn check(&mut self, journal: &[Line], contents: &Contents) -> Verdict {
        self.check_during(journal, journal.len(), contents)
    }

    /// The same for a database of a moment while the clients wrote: what was answered in the first
    /// `before` lines is there, of what came later any part whose earlier parts are there.
    pub(crate) fn check_during(
        &mut self,
        journal: &[Line],
        before: usize,
        contents: &Contents,
    ) -> Verdict {
        let ops = effective(&journal[self.read..], before.saturating_sub(self.read));
        self.read = journal.len();
        let answered = ops.iter().filter(|op| op.is_certain).count();
        let mut verdict = Verdict {
            violations: contents.damage.clone(),
            acknowledged: answered,
            unknown: ops.len() - answered,
            audited: contents.audit.len(),
            ..Verdict::default()
        };
        let mut candidates: BTreeMap<u64, Vec<State>> = self
            .slots
            .iter()
            .map(|(slot, state)| (*slot, vec![state.clone()]))
            .collect();
        for op in &ops {
            self.writers.insert(op.number, op.invoke.slot);
            let states = candidates
                .entry(op.invoke.slot)
                .or_insert_with(|| vec![State::default()]);
            *states = step(states, op, &mut verdict.violations);
        }
        let nothing = Found::default();
        let found = self.found(contents, &candidates, &mut verdict.violations);
        let deleted = contents.deleted();
        for (slot, states) in candidates {
            let found = found.get(&slot).unwrap_or(&nothing);
            // The fullest first, so that an unknown request that was carried out counts as that.
            let fits = |state: &&State| state.differences(found).is_empty();
            let told = |state: &&State| deleted.as_ref().is_none_or(|ids| state.deletes(ids));
            match states.iter().rev().filter(fits).find(told) {
                Some(state) => self.settle(slot, state, found, &mut verdict),
                None => verdict.lose(slot, &states, found),
            }
        }
        if contents.schema >= AUDITED {
            verdict
                .violations
                .extend(audit::check(contents, &self.gone));
            verdict
                .violations
                .extend(audit::check_replies(contents, &self.records));
        }
        verdict
    }

    /// The customers and drafts of each slot: each row names the request that wrote it.
    fn found<'a>(
        &self,
        contents: &'a Contents,
        candidates: &BTreeMap<u64, Vec<State>>,
        violations: &mut Vec<String>,
    ) -> BTreeMap<u64, Found<'a>> {
        let mut found: BTreeMap<u64, Found<'a>> = BTreeMap::new();
        for (id, customer) in &contents.customers {
            match writer(&customer.body).and_then(|op| self.writers.get(&op)) {
                Some(slot) => found
                    .entry(*slot)
                    .or_default()
                    .customers
                    .push((*id, customer)),
                None => violations.push(format!("nobody asked for customer {id}")),
            }
        }
        let drafts: HashMap<Uuid, u64> = candidates
            .iter()
            .flat_map(|(slot, states)| states.iter().map(move |state| (state.draft(), *slot)))
            .filter_map(|(draft, slot)| Some((draft?, slot)))
            .collect();
        for (id, invoice) in &contents.invoices {
            match drafts.get(id) {
                Some(slot) => found.entry(*slot).or_default().invoice = Some((*id, invoice)),
                None if *id == DEMO_INVOICE => {}
                None => violations.push(format!("nobody asked for sales invoice {id}")),
            }
        }
        found
    }

    /// Takes a state for the one that is there.
    fn settle(&mut self, slot: u64, state: &State, found: &Found<'_>, verdict: &mut Verdict) {
        verdict.carried_out += state.guessed();
        let (settled, records, gone) = state.settled(found);
        self.slots.insert(slot, settled);
        self.records
            .extend(records.into_iter().filter_map(Record::resolved));
        self.gone.extend(gone);
    }

    /// The slots with what a client must know to go on with them.
    pub(crate) fn slots(&self) -> impl Iterator<Item = (u64, &State)> {
        self.slots.iter().map(|(slot, state)| (*slot, state))
    }
}

/// The request that wrote a customer's row: its number is in the name.
pub(crate) fn writer(body: &Value) -> Option<u64> {
    body["displayName"]
        .as_str()?
        .strip_prefix('w')?
        .parse()
        .ok()
}

/// The requests that changed something or may have, in the order in which they were sent.
/// Those that were answered in the lines `before` are certain.
fn effective(lines: &[Line], before: usize) -> Vec<Op<'_>> {
    let outcomes: HashMap<u64, (usize, &Event)> = lines
        .iter()
        .enumerate()
        .filter(|(_, line)| !matches!(line.event, Event::Invoke(_)))
        .map(|(index, line)| (line.op, (index, &line.event)))
        .collect();
    let mut ops = Vec::new();
    for line in lines {
        let Event::Invoke(invoke) = &line.event else {
            continue;
        };
        let (answer, is_certain) = match outcomes.get(&line.op) {
            Some((_, Event::Fail { .. })) => continue,
            Some((index, Event::Ok(answer))) => (Some(answer), *index < before),
            _ => (None, false),
        };
        if !matches!(invoke.action, Action::Read { .. }) {
            ops.push(Op {
                number: line.op,
                invoke,
                answer,
                is_certain,
            });
        }
    }
    ops
}

/// The states after a request: if it is certain those that can have given it, else also all before.
fn step(states: &[State], op: &Op<'_>, violations: &mut Vec<String>) -> Vec<State> {
    let (after, refused): (Vec<_>, Vec<_>) = states
        .iter()
        .map(|state| state.after(op.invoke, op.answer))
        .partition(Result::is_ok);
    let mut after: Vec<State> = after.into_iter().flatten().collect();
    if !op.is_certain {
        let mut before = states.to_vec();
        before.append(&mut after);
        return before;
    }
    if after.is_empty() {
        let why = refused
            .into_iter()
            .find_map(Result::err)
            .unwrap_or_default();
        violations.push(format!("request {}: {why}", op.number));
        return states.to_vec();
    }
    after
}

#[cfg(test)]
mod tests;
