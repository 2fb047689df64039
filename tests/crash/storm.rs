//! `storm`: requests with idempotency keys, each sent three times, many of them cut, while the
//! server is killed and started again: one customer for each key, and one answer.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use fastrand::Rng;
use reqwest::Response;
use serde_json::json;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::Run;
use crate::arena::{Arena, list};
use crate::audit;
use crate::client::Client;
use crate::contents::Contents;
use crate::figures::Figures;
use crate::journal::{Action, Event, Invoke};
use crate::oracle::writer;
use crate::server::{Server, free_address};

const CLIENTS: usize = 16;
const SENDS: usize = 3;
const KILLS: usize = 3;
/// Of 100 requests so many lose their connection, within this time.
const CUT_PERCENT: u32 = 20;
const CUT_WITHIN_US: u64 = 6_000;
/// Before a request is sent again that nobody answered.
const PAUSE: Duration = Duration::from_millis(20);
const PATIENCE: Duration = Duration::from_mins(1);

/// An answer to a create, as it stood on the wire.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Reply {
    status: u16,
    etag: Option<String>,
    location: Option<String>,
    body: Vec<u8>,
}

#[derive(Default)]
struct Progress {
    next: AtomicUsize,
    done: AtomicUsize,
    sends: AtomicUsize,
    cut: AtomicUsize,
    answers: AtomicUsize,
    running: AtomicUsize,
}

pub(crate) async fn run(run: &Run, keys: usize) -> Result<Figures> {
    let mut arena = Arena::new(&run.server, &run.folder)?;
    // The same address after each start, as it is part of the answers.
    arena.launch.listen = free_address()?;
    let mut server = arena.launch.start().await?;
    let client = arena.client(&server)?;
    let mut rng = Rng::with_seed(run.seed);
    let progress = Arc::new(Progress::default());
    let mut clients = JoinSet::new();
    for _ in 0..CLIENTS {
        let sender = Sender {
            client: client.clone(),
            progress: Arc::clone(&progress),
            rng: rng.fork(),
        };
        clients.spawn(sender.send_all(keys));
    }
    for kill in 1..=KILLS {
        let due = keys * kill / (KILLS + 1);
        while progress.done.load(Ordering::SeqCst) < due {
            ensure!(!clients.is_empty(), "no clients are left");
            if let Some(ended) = clients.try_join_next() {
                ended??;
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        server.kill().await?;
        server = arena.launch.start().await?;
    }
    while let Some(ended) = clients.join_next().await {
        ended.context("a client")??;
    }
    server.kill().await?;
    let contents = arena.contents()?;
    let violations = violations(&contents, keys);
    ensure!(violations.is_empty(), list(&violations));
    let mut server: Server = arena.launch.start().await?;
    arena.shows(&server, &contents).await?;
    server.kill().await?;
    figures(&progress, &contents)
}

/// What is wrong with a store that was asked for this many customers.
pub(crate) fn violations(contents: &Contents, keys: usize) -> Vec<String> {
    let mut violations = contents.damage.clone();
    let mut made: Vec<u64> = contents
        .customers
        .values()
        .filter_map(|customer| writer(&customer.body))
        .collect();
    made.sort_unstable();
    if !made.iter().copied().eq(1..=keys as u64) {
        violations.push(format!(
            "{} customers for {keys} keys",
            contents.customers.len()
        ));
    }
    let records: Vec<_> = contents
        .customers
        .iter()
        .map(|(id, customer)| (*id, customer.etag()))
        .collect();
    violations.extend(audit::check_replies(contents, &records));
    violations.extend(audit::check(contents, &[].into()));
    violations
}

fn figures(progress: &Progress, contents: &Contents) -> Result<Figures> {
    let mut figures = Figures::default();
    let counts = [
        ("customers", contents.customers.len()),
        ("requests", progress.sends.load(Ordering::SeqCst)),
        ("of them cut", progress.cut.load(Ordering::SeqCst)),
        (
            "of them told to wait",
            progress.running.load(Ordering::SeqCst),
        ),
        ("answers compared", progress.answers.load(Ordering::SeqCst)),
        ("kills", KILLS),
    ];
    for (name, count) in counts {
        figures.add(name, u64::try_from(count)?);
    }
    Ok(figures)
}

struct Sender {
    client: Client,
    progress: Arc<Progress>,
    rng: Rng,
}

impl Sender {
    async fn send_all(mut self, keys: usize) -> Result<()> {
        loop {
            let key = self.progress.next.fetch_add(1, Ordering::SeqCst) + 1;
            if key > keys {
                return Ok(());
            }
            self.settle(key)
                .await
                .with_context(|| format!("key {key}"))?;
            self.progress.done.fetch_add(1, Ordering::SeqCst);
        }
    }

    /// Sends a request until it was sent often enough and answered; all answers must be the same.
    async fn settle(&mut self, key: usize) -> Result<()> {
        let invoke = Invoke {
            slot: u64::try_from(key)?,
            action: Action::Create {
                invoice: None,
                body: json!({"displayName": format!("w{key}"), "email": "storm@example.com"}),
            },
            key: Some(format!("key-{key}")),
        };
        let begun = Instant::now();
        let mut replies: Vec<Reply> = Vec::new();
        let mut sends = 0;
        while sends < SENDS || replies.is_empty() {
            ensure!(begun.elapsed() < PATIENCE, "no answer to {sends} requests");
            // Two at once race for the key.
            let (one, other) = (self.cut(), self.cut());
            let other = self.rng.bool().then_some(other);
            let (one, other) = tokio::join!(self.send(&invoke, one), async {
                match other {
                    Some(cut) => Some(self.send(&invoke, cut).await),
                    None => None,
                }
            });
            sends += 1 + usize::from(other.is_some());
            let before = replies.len();
            replies.extend(one?);
            replies.extend(other.transpose()?.flatten());
            if replies.len() == before {
                tokio::time::sleep(PAUSE).await;
            }
        }
        self.progress
            .answers
            .fetch_add(replies.len(), Ordering::SeqCst);
        let different = replies.iter().find(|reply| **reply != replies[0]);
        ensure!(
            different.is_none(),
            "answered {:?}, then {different:?}",
            replies[0]
        );
        Ok(())
    }

    /// After which time the connection is cut, if at all.
    fn cut(&mut self) -> Option<Duration> {
        let is_cut = self.rng.u32(..100) < CUT_PERCENT;
        is_cut.then(|| Duration::from_micros(self.rng.u64(..CUT_WITHIN_US)))
    }

    /// Sends a request; the answer, if there is one that settles it.
    async fn send(&self, invoke: &Invoke, cut: Option<Duration>) -> Result<Option<Reply>> {
        let op = self.client.number();
        let request = self.client.request(invoke);
        self.client.note(op, Event::Invoke(invoke.clone()))?;
        self.progress.sends.fetch_add(1, Ordering::SeqCst);
        let answer = async { reply(request.send().await?).await };
        // An hour is no cut: the client gives up long before.
        let cut = cut.unwrap_or(Duration::from_hours(1));
        let Ok(answer) = timeout(cut, answer).await else {
            self.progress.cut.fetch_add(1, Ordering::SeqCst);
            let why = "cut".to_owned();
            self.client.note(op, Event::Unknown { why })?;
            return Ok(None);
        };
        let (event, reply) = match answer {
            Ok(reply) => self.judge(reply)?,
            Err(error) => (
                Event::Unknown {
                    why: error.to_string(),
                },
                None,
            ),
        };
        self.client.note(op, event)?;
        Ok(reply)
    }

    fn judge(&self, reply: Reply) -> Result<(Event, Option<Reply>)> {
        let text = String::from_utf8_lossy(&reply.body);
        let (status, code) = (reply.status, text.clone().into_owned());
        match status {
            201 => {
                let body = serde_json::from_slice(&reply.body)?;
                let answer = crate::journal::Answer {
                    etag: reply.etag.clone(),
                    body,
                };
                Ok((Event::Ok(answer), Some(reply)))
            }
            409 if text.contains("requestInProgress") => {
                self.progress.running.fetch_add(1, Ordering::SeqCst);
                Ok((Event::Fail { status, code }, None))
            }
            503 => Ok((Event::Unknown { why: code }, None)),
            _ => bail!("answered {status}: {text}"),
        }
    }
}

async fn reply(response: Response) -> reqwest::Result<Reply> {
    let header = |name| {
        let value = response.headers().get(name);
        value
            .and_then(|value| value.to_str().ok())
            .map(str::to_owned)
    };
    let (status, etag, location) = (
        response.status().as_u16(),
        header("etag"),
        header("location"),
    );
    let body = response.bytes().await?.to_vec();
    Ok(Reply {
        status,
        etag,
        location,
        body,
    })
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::contents::{Audit, Entity, Reply as Record};

    /// A store with one customer for each of two keys.
    fn contents() -> Contents {
        let mut contents = Contents::default();
        for n in 1..=2_u64 {
            let id = Uuid::from_u128(n.into());
            let body = json!({"displayName": format!("w{n}")});
            let entity = Entity {
                version: 1,
                incarnation: 7,
                body,
                customer: None,
            };
            contents.replies.push(Record {
                id,
                etag: entity.etag(),
            });
            contents.audit.push(Audit {
                action: "create".into(),
                entity: "customer".into(),
                id,
                version: 1,
                incarnation: 7,
            });
            contents.customers.insert(id, entity);
        }
        contents
    }

    #[test]
    fn a_customer_twice_or_missing_is_found() {
        assert_eq!(violations(&contents(), 2), [""; 0]);
        assert_ne!(violations(&contents(), 1), [""; 0]);
        assert_ne!(violations(&contents(), 3), [""; 0]);
        let mut twice = contents();
        twice
            .customers
            .values_mut()
            .for_each(|customer| customer.body = json!({"displayName": "w1"}));
        assert_ne!(violations(&twice, 2), [""; 0]);
        let mut unrecorded = contents();
        unrecorded.replies.pop();
        assert_ne!(violations(&unrecorded, 2), [""; 0]);
    }
}
