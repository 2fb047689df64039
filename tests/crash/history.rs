//! `history`: sixteen clients read, change and delete the same customers; what they were answered
//! must fit one order of the writes.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use fastrand::Rng;
use serde_json::json;
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::Run;
use crate::arena::{Arena, list};
use crate::audit;
use crate::client::Client;
use crate::contents::{AUDITED, Contents};
use crate::figures::Figures;
use crate::journal::{self, Action, Event, Invoke};
use crate::register;

const CLIENTS: usize = 16;
const CUSTOMERS: usize = 200;
/// Of so many requests one goes to a few customers that all clients fight for.
const CONTESTED: usize = 4;

/// The customers, each with the newest tag that a client was shown.
type Shared = Arc<Vec<Mutex<(Uuid, String)>>>;

pub(crate) async fn run(run: &Run, seconds: u64) -> Result<Figures> {
    let mut arena = Arena::new(&run.server, &run.folder)?;
    let mut server = arena.launch.start().await?;
    let client = arena.client(&server)?;
    play(&vec![client; CLIENTS], seconds, run.seed).await?;
    server.kill().await?;
    let contents = arena.contents()?;
    let figures = judge(&journal::read(&arena.folder.join("journal"))?, &contents)?;
    let mut server = arena.launch.start().await?;
    arena.shows(&server, &contents).await?;
    server.kill().await?;
    Ok(figures)
}

/// Lets these clients write down a history.
pub(crate) async fn play(clients: &[Client], seconds: u64, seed: u64) -> Result<()> {
    let first = clients.first().context("there are clients")?;
    let customers = Arc::new(make_customers(&first.clone().brief()).await?);
    let until = Instant::now() + Duration::from_secs(seconds);
    let (mut rng, mut players) = (Rng::with_seed(seed), JoinSet::new());
    for client in clients {
        let player = Player {
            client: client.clone().brief(),
            customers: Arc::clone(&customers),
            rng: rng.fork(),
        };
        players.spawn(player.play(until));
    }
    while let Some(ended) = players.join_next().await {
        ended.context("a client")??;
    }
    Ok(())
}

/// Fails if the history has an anomaly, or if the store holds something else than it tells.
pub(crate) fn judge(lines: &[journal::Line], contents: &Contents) -> Result<Figures> {
    let report = register::check(lines);
    ensure!(report.anomalies.is_empty(), list(&report.anomalies));
    ensure!(contents.damage.is_empty(), list(&contents.damage));
    if contents.schema >= AUDITED {
        let broken = audit::check(contents, &deleted(lines));
        ensure!(broken.is_empty(), list(&broken));
    }
    let mut figures = Figures::default();
    let counts = [
        ("reads", report.reads),
        ("creates and changes", report.writes),
        ("changes refused as stale", report.stale),
        ("deletes", report.deletes),
        ("anomalies", report.anomalies.len()),
        ("audit rows checked", contents.audit.len()),
    ];
    for (name, count) in counts {
        figures.add(name, u64::try_from(count)?);
    }
    Ok(figures)
}

/// The customers whose delete was answered, with the version of the delete.
fn deleted(lines: &[journal::Line]) -> std::collections::BTreeMap<Uuid, i64> {
    let mut sent = std::collections::HashMap::new();
    let mut deleted = std::collections::BTreeMap::new();
    for line in lines {
        match &line.event {
            Event::Invoke(Invoke {
                action: Action::Delete { id, etag, .. },
                ..
            }) => {
                sent.insert(
                    line.op,
                    (*id, register::version(etag).unwrap_or_default() + 1),
                );
            }
            Event::Ok(_) => deleted.extend(sent.remove(&line.op)),
            _ => {}
        }
    }
    deleted
}

async fn make_customers(client: &Client) -> Result<Vec<Mutex<(Uuid, String)>>> {
    let mut customers = Vec::new();
    for _ in 0..CUSTOMERS {
        customers.push(Mutex::new(make_customer(client).await?));
    }
    Ok(customers)
}

async fn make_customer(client: &Client) -> Result<(Uuid, String)> {
    let op = client.number();
    let body = json!({"displayName": format!("w{op}")});
    let action = Action::Create {
        invoice: None,
        body,
    };
    let event = client
        .perform(
            op,
            Invoke {
                slot: op,
                action,
                key: None,
            },
        )
        .await?;
    let Event::Ok(answer) = event else {
        bail!("a customer was not made: {event:?}");
    };
    answer
        .id()
        .zip(answer.etag)
        .context("a customer without id or tag")
}

struct Player {
    client: Client,
    customers: Shared,
    rng: Rng,
}

impl Player {
    async fn play(mut self, until: Instant) -> Result<()> {
        while Instant::now() < until {
            let contested = self.rng.usize(..CONTESTED) == 0;
            let range = if contested { CLIENTS / 4 } else { CUSTOMERS };
            let index = self.rng.usize(..range);
            let (id, etag) = self.known(index).clone();
            match self.rng.u8(..100) {
                0..50 => self.read(index, id).await?,
                50..94 => self.update(index, id, etag).await?,
                _ => self.delete(index, id, etag).await?,
            }
        }
        Ok(())
    }

    fn known(&self, index: usize) -> std::sync::MutexGuard<'_, (Uuid, String)> {
        self.customers[index]
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes a tag that was shown, unless another customer took the place meanwhile.
    fn learn(&self, index: usize, id: Uuid, event: Event) {
        let Event::Ok(answer) = event else { return };
        let mut known = self.known(index);
        if let (true, Some(etag)) = (known.0 == id, answer.etag) {
            known.1 = etag;
        }
    }

    async fn read(&self, index: usize, id: Uuid) -> Result<()> {
        let event = self.send(Action::Read { id }).await?;
        self.learn(index, id, event);
        Ok(())
    }

    async fn update(&self, index: usize, id: Uuid, etag: String) -> Result<()> {
        let op = self.client.number();
        let body = json!({"displayName": format!("w{op}")});
        let action = Action::Update { id, etag, body };
        let invoke = Invoke {
            slot: 0,
            action,
            key: None,
        };
        match self.client.perform(op, invoke).await? {
            Event::Fail { .. } => self.read(index, id).await?,
            event => self.learn(index, id, event),
        }
        Ok(())
    }

    /// Deletes a customer and puts a new one into its place.
    async fn delete(&self, index: usize, id: Uuid, etag: String) -> Result<()> {
        let event = self
            .send(Action::Delete {
                invoice: None,
                id,
                etag,
            })
            .await?;
        if matches!(event, Event::Ok(_)) {
            let made = make_customer(&self.client).await?;
            *self.known(index) = made;
        }
        Ok(())
    }

    async fn send(&self, action: Action) -> Result<Event> {
        let invoke = Invoke {
            slot: 0,
            action,
            key: None,
        };
        self.client.perform(self.client.number(), invoke).await
    }
}
