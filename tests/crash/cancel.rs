//! `cancel`: clients that hang up in the middle of their requests. Whatever was begun is done as a
//! whole or not at all, no transaction stays open, and who comes next is served.

use std::time::Duration;

use anyhow::{Result, ensure};
use fastrand::Rng;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::Run;
use crate::client::Client;
use crate::database::Field;
use crate::figures::Figures;
use crate::workload::{Plan, Workload};

const CLIENTS: usize = 50;
/// Of so many requests one is a list.
const LIST_EACH: u64 = 10;
/// Clients hang up within this time, most of them early.
const HANGS_UP: Duration = Duration::from_millis(400);
/// Requests that must succeed afterwards, and how many clients send them.
const AFTER: u64 = 1000;
const CLIENTS_AFTER: usize = 8;
/// Few, so that one that is lost is missed.
const CONNECTIONS: &str = "4";

pub(crate) async fn run(run: &Run, requests: u64) -> Result<Figures> {
    let mut field = Field::new(run).await?;
    field.launch = field.launch.with("DEBITOR_STORE_CONNECTIONS", CONNECTIONS);
    let mut server = field.launch.start().await?;
    let client = field.client(&server)?;
    let mut rng = Rng::with_seed(run.seed);
    let lists = requests / LIST_EACH;
    let cut = Plan {
        writes: (requests - lists) / CLIENTS as u64,
        hangs_up: Some(HANGS_UP),
        ..Plan::endless(CLIENTS)
    };
    let readers = start_readers(&client, lists, &mut rng);
    let cut = Workload::start(&client, &field.oracle, cut, &mut rng);
    let (cut, lists_cut) = (cut.ended().await?, sum(readers).await?);

    let after = Plan {
        writes: AFTER / CLIENTS_AFTER as u64,
        ..Plan::endless(CLIENTS_AFTER)
    };
    let after = Workload::start(&client, &field.oracle, after, &mut rng);
    let after = after.ended().await?;
    after.none_refused()?;
    let answered = after.acknowledged();
    ensure!(
        answered == AFTER,
        "only {answered} of the next {AFTER} requests were served"
    );
    let quiet = field.is_quiet().await?;
    let verdict = field.check().await?;
    ensure!(
        server.terminate().await?.success(),
        "the server does not end in order"
    );

    let mut figures = Figures::default();
    figures.add("requests", requests);
    figures.add(
        "of them cut",
        lists_cut + cut.unknown.load(std::sync::atomic::Ordering::SeqCst),
    );
    figures.add("of them refused", cut.refused().values().sum());
    figures.add("requests served afterwards", answered);
    figures.slowest("until no transaction is open", quiet);
    figures.verdict(&verdict);
    Ok(figures)
}

/// Readers that hang up, too; each tells how often.
fn start_readers(client: &Client, lists: u64, rng: &mut Rng) -> JoinSet<u64> {
    let mut readers = JoinSet::new();
    for _ in 0..LIST_EACH {
        let (client, mut rng) = (client.clone(), rng.fork());
        readers.spawn(async move {
            let mut cut = 0;
            for _ in 0..lists / LIST_EACH {
                let patience = HANGS_UP.mul_f64(rng.f64().powi(2));
                cut += u64::from(timeout(patience, client.list("customers")).await.is_err());
            }
            cut
        });
    }
    readers
}

async fn sum(mut readers: JoinSet<u64>) -> Result<u64> {
    let mut sum = 0;
    while let Some(cut) = readers.join_next().await {
        sum += cut?;
    }
    Ok(sum)
}
