//! A client that does nothing wrong, and how long its requests take.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::target::Target;

/// At once.
const CLIENTS: usize = 2;
/// Between an answer and the next request: honest clients leave the machine room.
const PAUSE: Duration = Duration::from_millis(2);
/// How long it is watched without the others, and with them at least.
const WHILE: Duration = Duration::from_secs(3);

pub(super) struct Honest {
    tell: watch::Sender<bool>,
    clients: JoinSet<Result<Vec<Duration>>>,
}

impl Honest {
    pub(super) fn start(target: &Target) -> Self {
        let (tell, told) = watch::channel(false);
        let mut clients = JoinSet::new();
        for _ in 0..CLIENTS {
            clients.spawn(gets(target.clone(), told.clone()));
        }
        Self { tell, clients }
    }

    /// The slowest of its requests but for one in a hundred.
    pub(super) async fn for_a_while(self) -> Result<Duration> {
        tokio::time::sleep(WHILE).await;
        self.end().await
    }

    /// The same for those until now.
    pub(super) async fn end(mut self) -> Result<Duration> {
        self.tell.send_replace(true);
        let mut times = Vec::new();
        while let Some(client) = self.clients.join_next().await {
            times.extend(client??);
        }
        times.sort();
        let slowest = times.len() * 99 / 100;
        times.get(slowest).copied().context("no requests")
    }
}

async fn gets(target: Target, told: watch::Receiver<bool>) -> Result<Vec<Duration>> {
    let mut times = Vec::new();
    while !*told.borrow() {
        let begun = Instant::now();
        let answer = target.get().send().await?;
        let status = answer.status();
        ensure!(status.is_success(), "an honest client is answered {status}");
        answer.bytes().await?;
        times.push(begun.elapsed());
        tokio::time::sleep(PAUSE).await;
    }
    Ok(times)
}
