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
const DEMO_INVOICE: Uuid = Uuid::from_u128(0xd3b1_7041_0000_4000_8000_0000_0000_0004);

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

/// What became of a request, with what it was.
struct Op<'a> {
    number: u64,
    invoke: &'a Invoke,
    /// `None` if nobody knows.
    answer: Option<&'a Answer>,
}

impl Oracle {
    /// Compares a database with the journal so far; what was found is what holds from now on.
    pub(crate) fn check(&mut self, journal: &[Line], contents: &Contents) -> Verdict {
        let ops = effective(&journal[self.read..]);
        self.read = journal.len();
        let answered = ops.iter().filter(|op| op.answer.is_some()).count();
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
        let found = self.found(contents, &candidates, &mut verdict.violations);
        for (slot, states) in candidates {
            self.settle(slot, &states, found.get(&slot), &mut verdict);
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

    /// Chooses the state that is there; none is a violation, told by the last one.
    fn settle(
        &mut self,
        slot: u64,
        states: &[State],
        found: Option<&Found<'_>>,
        verdict: &mut Verdict,
    ) {
        let nothing = Found::default();
        let found = found.unwrap_or(&nothing);
        // The fullest first, so that an unknown request that was carried out counts as that.
        let Some(state) = states
            .iter()
            .rev()
            .find(|state| state.differences(found).is_empty())
        else {
            verdict.lost += 1;
            let what = states
                .first()
                .map(|state| state.differences(found))
                .unwrap_or_default();
            verdict
                .violations
                .push(format!("slot {slot}: {}", what.join("; ")));
            return;
        };
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

    /// Customers that must be there now.
    pub(crate) fn customers(&self) -> usize {
        self.slots
            .values()
            .filter(|state| state.has_customer())
            .count()
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
fn effective(lines: &[Line]) -> Vec<Op<'_>> {
    let outcomes: HashMap<u64, &Event> = lines
        .iter()
        .filter(|line| !matches!(line.event, Event::Invoke(_)))
        .map(|line| (line.op, &line.event))
        .collect();
    let mut ops = Vec::new();
    for line in lines {
        let Event::Invoke(invoke) = &line.event else {
            continue;
        };
        let answer = match outcomes.get(&line.op) {
            Some(Event::Fail { .. }) => continue,
            Some(Event::Ok(answer)) => Some(answer),
            _ => None,
        };
        if !matches!(invoke.action, Action::Read { .. }) {
            ops.push(Op {
                number: line.op,
                invoke,
                answer,
            });
        }
    }
    ops
}

/// The states after a request: with an answer those that can have given it, else also all before.
fn step(states: &[State], op: &Op<'_>, violations: &mut Vec<String>) -> Vec<State> {
    let (after, refused): (Vec<_>, Vec<_>) = states
        .iter()
        .map(|state| state.after(op.invoke, op.answer))
        .partition(Result::is_ok);
    let mut after: Vec<State> = after.into_iter().flatten().collect();
    if op.answer.is_none() {
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
