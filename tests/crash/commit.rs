//! `commit`: a proxy before PostgreSQL that drops replies to COMMIT, so that the server cannot know
//! what became of a transaction. Clients send again with their keys, and have one customer each.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use debitor_tests::postgres::wire::WireProxy;
use serde_json::json;
use tokio::task::JoinSet;

use crate::Run;
use crate::arena::list;
use crate::client::Client;
use crate::database::Field;
use crate::figures::Figures;
use crate::journal::{Action, Event, Invoke};
use crate::storm;

const CLIENTS: usize = 8;
/// Of so many replies to COMMIT one is dropped.
const CUT_ONE_IN: usize = 4;
/// Times in which every reply is dropped, until a client hears that the outcome is unknown: then the
/// server cannot find out by itself.
const BURSTS: usize = 3;
/// A key that is not answered by then will not be any more.
const PATIENCE: Duration = Duration::from_secs(30);
/// Before a request is sent again.
const PAUSE: Duration = Duration::from_millis(10);

#[derive(Default)]
struct Progress {
    keys: AtomicU64,
    sends: AtomicU64,
    unknown: AtomicU64,
    refused: AtomicU64,
    stop: AtomicBool,
}

pub(crate) async fn run(run: &Run, cuts: usize) -> Result<Figures> {
    let mut field = Field::new(run).await?;
    let url = field.database.url();
    let proxy = Arc::new(WireProxy::start(&url.parse()?).await?);
    field.launch.database = Some(proxy.before(&url));
    let mut server = field.launch.start().await?;
    let client = field.client(&server)?;
    let progress = Arc::new(Progress::default());
    proxy.cut_one_in(CUT_ONE_IN);
    let mut clients = JoinSet::new();
    for _ in 0..CLIENTS {
        clients.spawn(create_all(client.clone(), Arc::clone(&progress)));
    }
    while proxy.cuts() < cuts {
        if let Some(ended) = clients.try_join_next() {
            ended.context("a client")??;
        }
        tokio::time::sleep(PAUSE).await;
    }
    for _ in 0..BURSTS {
        burst(&proxy, &progress).await?;
    }
    progress.stop.store(true, Ordering::SeqCst);
    while let Some(ended) = clients.join_next().await {
        ended.context("a client")??;
    }
    proxy.cut_one_in(0);
    let quiet = field.is_quiet().await?;
    let contents = field.contents().await?;
    let keys = progress.keys.load(Ordering::SeqCst);
    let violations = storm::violations(&contents, usize::try_from(keys)?);
    ensure!(violations.is_empty(), list(&violations));
    ensure!(
        server.terminate().await?.success(),
        "the server does not end in order"
    );

    let mut figures = Figures::default();
    figures.add("customers", keys);
    figures.add("replies to COMMIT dropped", u64::try_from(proxy.cuts())?);
    figures.add("requests", progress.sends.load(Ordering::SeqCst));
    figures.add(
        "of them of unknown outcome",
        progress.unknown.load(Ordering::SeqCst),
    );
    figures.add(
        "of them refused for the time",
        progress.refused.load(Ordering::SeqCst),
    );
    figures.slowest("until no transaction is open", quiet);
    Ok(figures)
}

/// Drops every reply until another client does not know what became of its request.
async fn burst(proxy: &WireProxy, progress: &Progress) -> Result<()> {
    let (before, begun) = (progress.unknown.load(Ordering::SeqCst), Instant::now());
    proxy.cut_one_in(1);
    while progress.unknown.load(Ordering::SeqCst) == before {
        ensure!(begun.elapsed() < PATIENCE, "no outcome is unknown");
        tokio::time::sleep(PAUSE).await;
    }
    proxy.cut_one_in(CUT_ONE_IN);
    Ok(())
}

async fn create_all(client: Client, progress: Arc<Progress>) -> Result<()> {
    while !progress.stop.load(Ordering::SeqCst) {
        create(&client, &progress).await?;
    }
    Ok(())
}

/// Sends a create with a key of its own until it is answered.
async fn create(client: &Client, progress: &Progress) -> Result<()> {
    let key = progress.keys.fetch_add(1, Ordering::SeqCst) + 1;
    let begun = Instant::now();
    while begun.elapsed() < PATIENCE {
        progress.sends.fetch_add(1, Ordering::SeqCst);
        let action = Action::Create {
            invoice: None,
            body: json!({"displayName": format!("w{key}")}),
        };
        let invoke = Invoke {
            slot: key,
            action,
            key: Some(format!("key-{key}")),
        };
        match client.perform(client.number(), invoke).await? {
            Event::Ok(_) => return Ok(()),
            Event::Unknown { .. } => progress.unknown.fetch_add(1, Ordering::SeqCst),
            // The first is still under way, or the server lacks a connection.
            Event::Fail {
                status: 409 | 503, ..
            } => progress.refused.fetch_add(1, Ordering::SeqCst),
            other => bail!("key {key}: {other:?}"),
        };
        tokio::time::sleep(PAUSE).await;
    }
    bail!("key {key} was not answered in {PATIENCE:?}")
}
