//! Clients that write as fast as they are answered, each in slots of its own.
//!
//! Every write carries its number as the customer's name, so that a row tells who wrote it.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use fastrand::Rng;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::client::{Client, IN_PROGRESS, OUTCOME_UNKNOWN};
use crate::journal::{Action, Event, Invoke};
use crate::oracle::Oracle;

/// Slots of earlier rounds that a client goes on with.
const INHERITED: usize = 3;
/// How long a client that was refused for lack of space waits.
const PAUSE: Duration = Duration::from_millis(20);

/// A slot as its client knows it.
#[derive(Debug, Clone, Default)]
struct Slot {
    number: u64,
    draft: Option<Uuid>,
    customer: Option<(Uuid, String)>,
}

/// What the clients were answered so far.
#[derive(Default)]
pub(crate) struct Tally {
    pub(crate) acknowledged: AtomicU64,
    pub(crate) unknown: AtomicU64,
    /// Those of unknown outcome that the server did not say so of.
    pub(crate) unanswered: AtomicU64,
    pub(crate) in_flight: AtomicU64,
    /// Refusals by status.
    refused: Mutex<BTreeMap<u16, u64>>,
    stop: AtomicBool,
}

/// Clients under way.
pub(crate) struct Workload {
    pub(crate) tally: Arc<Tally>,
    clients: JoinSet<Result<()>>,
}

/// What the clients are to do.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plan {
    pub(crate) clients: usize,
    /// Writes of each client, after which it ends by itself.
    pub(crate) writes: u64,
    /// Whether drafts, changes and deletes are among them, or creates only.
    pub(crate) mixed: bool,
    /// What a client waits between two writes.
    pub(crate) pause: Duration,
    /// The longest that a client waits for an answer before it hangs up: each time a random part of
    /// it. One that hangs up goes on with something else.
    pub(crate) hangs_up: Option<Duration>,
    /// Whether clients outlive a write of unknown outcome: one with a key is sent again until it is
    /// known, after one without they go on with something else.
    pub(crate) goes_on: bool,
}

impl Plan {
    /// Writes of all kinds until the clients are told to stop.
    pub(crate) const fn endless(clients: usize) -> Self {
        Self {
            clients,
            writes: u64::MAX,
            mixed: true,
            pause: Duration::ZERO,
            hangs_up: None,
            goes_on: false,
        }
    }
}

impl Tally {
    pub(crate) fn acknowledged(&self) -> u64 {
        self.acknowledged.load(Ordering::SeqCst)
    }

    pub(crate) fn refused(&self) -> BTreeMap<u16, u64> {
        self.refused
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Fails if a write was refused: each client has its slots for itself, so nothing can stand
    /// against it.
    pub(crate) fn none_refused(&self) -> Result<()> {
        let refused = self.refused();
        ensure!(
            refused.is_empty(),
            "writes were refused, by status: {refused:?}"
        );
        Ok(())
    }

    /// Counts an answer that left open what became of a request; to be told to wait for it is none
    /// that counts.
    fn count_open(&self, event: &Event) {
        if !matches!(event, Event::Fail { code, .. } if code == IN_PROGRESS) {
            self.count(event);
        }
    }

    fn count(&self, event: &Event) {
        match event {
            Event::Ok(_) => drop(self.acknowledged.fetch_add(1, Ordering::SeqCst)),
            Event::Unknown { why } => {
                self.unknown.fetch_add(1, Ordering::SeqCst);
                let unanswered = u64::from(why != OUTCOME_UNKNOWN);
                self.unanswered.fetch_add(unanswered, Ordering::SeqCst);
            }
            Event::Fail { status, .. } => {
                let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
                *refused.entry(*status).or_default() += 1;
            }
            Event::Invoke(_) => {}
        }
    }
}

impl Workload {
    /// Starts the clients; they go on with slots that the oracle knows, too.
    pub(crate) fn start(client: &Client, oracle: &Oracle, plan: Plan, rng: &mut Rng) -> Self {
        let tally = Arc::new(Tally::default());
        let mut known: Vec<Slot> = oracle.slots().map(Slot::of).collect();
        rng.shuffle(&mut known);
        let mut clients = JoinSet::new();
        for _ in 0..plan.clients {
            let slots = known.split_off(known.len().saturating_sub(INHERITED));
            let slots = if plan.mixed { slots } else { Vec::new() };
            let (client, tally, rng) = (client.clone(), Arc::clone(&tally), rng.fork());
            clients.spawn(
                Writer {
                    client,
                    tally,
                    rng,
                    slots,
                    plan,
                }
                .run(),
            );
        }
        Self { tally, clients }
    }

    /// Waits for so many acknowledged writes.
    pub(crate) async fn acknowledged(&self, count: u64) -> Result<()> {
        let begun = Instant::now();
        while self.tally.acknowledged() < count {
            let refused = self.tally.refused();
            ensure!(
                begun.elapsed() < Duration::from_secs(20),
                "no answers come: {refused:?}"
            );
            tokio::time::sleep(Duration::from_micros(500)).await;
        }
        Ok(())
    }

    /// Lets every client finish its request, and end.
    pub(crate) async fn stop(self) -> Result<Arc<Tally>> {
        self.tally.stop.store(true, Ordering::SeqCst);
        self.ended().await
    }

    /// Waits until every client has ended: by itself, or without an answer.
    pub(crate) async fn ended(mut self) -> Result<Arc<Tally>> {
        while let Some(ended) = self.clients.join_next().await {
            ended.context("a client")??;
        }
        Ok(self.tally)
    }
}

impl Slot {
    fn of((number, state): (u64, &crate::state::State)) -> Self {
        Self {
            number,
            draft: state.draft(),
            customer: state.customer(),
        }
    }
}

struct Writer {
    client: Client,
    tally: Arc<Tally>,
    rng: Rng,
    slots: Vec<Slot>,
    plan: Plan,
}

impl Writer {
    /// Writes until it is told to stop, or gets no answer.
    async fn run(mut self) -> Result<()> {
        let mut written = 0;
        while written < self.plan.writes && !self.tally.stop.load(Ordering::SeqCst) {
            let op = self.client.number();
            let (mut slot, action) = self.next(op);
            let key = self.key(op, &action);
            let invoke = Invoke {
                slot: slot.number,
                action: action.clone(),
                key,
            };
            self.tally.in_flight.fetch_add(1, Ordering::SeqCst);
            let event = self.perform(op, invoke).await?;
            self.tally.in_flight.fetch_sub(1, Ordering::SeqCst);
            self.tally.count(&event);
            match event {
                Event::Ok(answer) => slot.learn(&action, answer.id().zip(answer.etag)),
                Event::Fail { .. } => tokio::time::sleep(PAUSE).await,
                // What became of the slot is for the oracle to find out.
                _ if self.plan.goes_on || self.plan.hangs_up.is_some() => slot.number = 0,
                _ => return Ok(()),
            }
            if slot.number > 0 {
                self.slots.push(slot);
            }
            written += 1;
            if !self.plan.pause.is_zero() {
                tokio::time::sleep(self.plan.pause).await;
            }
        }
        Ok(())
    }

    async fn perform(&mut self, op: u64, invoke: Invoke) -> Result<Event> {
        if self.plan.goes_on && invoke.key.is_some() {
            let told = |event: &Event| self.tally.count_open(event);
            return self.client.settle(op, invoke, told).await;
        }
        let Some(longest) = self.plan.hangs_up else {
            return self.client.perform(op, invoke).await;
        };
        // Squared, so that machines of every speed are cut off at every stage.
        let patience = longest.mul_f64(self.rng.f64().powi(2));
        let answer = tokio::time::timeout(patience, self.client.perform(op, invoke));
        if let Ok(event) = answer.await {
            return event;
        }
        let why = "the client hung up".to_owned();
        let event = Event::Unknown { why };
        self.client.note(op, event.clone())?;
        Ok(event)
    }

    /// What to do next, and where; the slot is taken out of the list meanwhile.
    fn next(&mut self, op: u64) -> (Slot, Action) {
        if !self.plan.mixed || self.slots.is_empty() || self.rng.u8(..) < 90 {
            let slot = Slot {
                number: op,
                ..Slot::default()
            };
            let action = if self.plan.mixed && self.rng.u8(..) < 64 {
                Action::Draft { id: self.guid() }
            } else {
                Action::Create {
                    invoice: None,
                    body: self.body(op, true),
                }
            };
            return (slot, action);
        }
        let slot = self.slots.swap_remove(self.rng.usize(..self.slots.len()));
        let action = match slot.customer.clone() {
            None => Action::Create {
                invoice: slot.draft,
                body: self.body(op, true),
            },
            Some((id, etag)) if self.rng.u8(..) < 64 => Action::Delete {
                invoice: slot.draft,
                id,
                etag,
            },
            Some((id, etag)) => Action::Update {
                id,
                etag,
                body: self.body(op, false),
            },
        };
        (slot, action)
    }

    fn guid(&mut self) -> Uuid {
        uuid::Builder::from_random_bytes(self.rng.u128(..).to_ne_bytes()).into_uuid()
    }

    /// A body of random length; a new customer's id is the client's or the server's choice.
    fn body(&mut self, op: u64, new: bool) -> Value {
        let length = self.rng.usize(1..60);
        let mut body = json!({
            "displayName": format!("w{op}"),
            "email": format!("{}@example.com", "e".repeat(length)),
            "taxLiable": self.rng.bool(),
        });
        if new && self.rng.bool() {
            body["id"] = json!(self.guid());
        }
        body
    }

    /// Two of three creates and changes have an idempotency key.
    fn key(&mut self, op: u64, action: &Action) -> Option<String> {
        let keyed = !matches!(action, Action::Delete { .. }) && self.rng.u8(..) < 170;
        keyed.then(|| format!("op-{op}"))
    }
}

impl Slot {
    /// Takes note of what a write made: the entity's id and tag, nothing after a delete.
    fn learn(&mut self, action: &Action, entity: Option<(Uuid, String)>) {
        match action {
            Action::Draft { id } => self.draft = Some(*id),
            _ => self.customer = entity,
        }
    }
}
