//! `overload`: five times as many requests as the server can answer. What it can it goes on answering,
//! the rest it refuses at once, and afterwards it is as it was.

#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "rates of a test, far below where numbers are rounded"
)]

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use reqwest::{Client, StatusCode};
use serde_json::json;
use tokio::task::JoinSet;
use tokio::time::interval;

use crate::Run;
use crate::disk::is_root;
use crate::figures::Figures;
use crate::memory::MemoryLimit;
use crate::server::{Access, Launch};

/// Customers that each request looks at: a filter that no index serves. So many that to answer takes far
/// longer than to refuse, and than the clients' own work on the same processors.
const CUSTOMERS: usize = 16_000;
const FILTER: &str = "contains(displayName,'nobody')";
/// Clients who together find out how much the server can do.
const CLIENTS: usize = 16;
/// How long they take for it, before and after.
const MEASURED: Duration = Duration::from_secs(3);
const TIMES: u32 = 5;
/// What is wanted: of the capacity, while there is too much to do and soon afterwards.
const SERVED: f64 = 0.8;
const SOON: Duration = Duration::from_secs(5);
/// Half of the refusals are faster: of the others the clients themselves are late to know.
const REFUSED_IN: Duration = Duration::from_millis(50);
/// Memory of the server at most, in KiB.
const MEMORY: u64 = 256 * 1024;

pub(crate) async fn run(run: &Run, seconds: u64) -> Result<Figures> {
    let launch = Launch::new(&run.server, &run.folder.join("store"), &run.folder);
    let limit = memory_limit().await?;
    let mut server = match &limit {
        Some(limit) => limit.around(launch.start()).await?,
        None => launch.start().await?,
    };
    let allowed = limit.as_ref().map_or(0, |_| MEMORY);
    let lists = Lists::new(&server.access)?;
    lists.fill().await?;
    let capacity = lists.rate(MEASURED).await?;
    let storm = lists
        .storm(capacity * f64::from(TIMES), Duration::from_secs(seconds))
        .await?;
    let begin = Instant::now();
    let recovered = loop {
        let rate = lists.rate(Duration::from_secs(1)).await?;
        if rate >= SERVED * capacity {
            break begin.elapsed().saturating_sub(Duration::from_secs(1));
        }
        ensure!(
            begin.elapsed() < 2 * SOON,
            "the server does not recover: {rate:.0}/s"
        );
    };
    // Whatever else the machine has to do comes and goes.
    let capacity = capacity.min(lists.rate(MEASURED).await?);
    let memory = peak(server.pid()?)?;
    ensure!(
        server.terminate().await?.success(),
        "the server does not end in order"
    );

    drop(limit);

    let goodput = storm.served as f64 / seconds as f64;
    let mut figures = Figures::default();
    figures.add("requests a second at capacity", capacity as u64);
    figures.add("sent in the storm", storm.sent);
    figures.add("of them served", storm.served);
    figures.add("of them refused", storm.refused.len() as u64);
    figures.add(
        "percent of capacity served",
        (100.0 * goodput / capacity) as u64,
    );
    figures.add("KiB of memory at most", memory);
    figures.add("KiB that the kernel allowed", allowed);
    figures.slowest("half of the refusals within", storm.refused_within(0.5));
    figures.slowest("99 % of them within", storm.refused_within(0.99));
    figures.slowest("back to normal within", recovered);
    ensure!(
        storm.other == 0,
        "{} answers were neither 200 nor 503",
        storm.other
    );
    ensure!(
        storm.refused.len() as u64 > storm.sent / 4,
        "the storm was none"
    );
    ensure!(
        goodput >= SERVED * capacity,
        "only {goodput:.0}/s of {capacity:.0}/s were served"
    );
    ensure!(
        storm.refused_within(0.5) <= REFUSED_IN,
        "refusals take too long"
    );
    ensure!(recovered <= SOON, "it took too long to be well again");
    ensure!(memory <= MEMORY, "{memory} KiB of memory");
    Ok(figures)
}

/// The kernel holds the server to its memory, if this is root. Else the most that it had is looked at, as
/// it is in any case.
async fn memory_limit() -> Result<Option<MemoryLimit>> {
    if !is_root().await? {
        println!("NOT HELD to its memory by the kernel: this is not root");
        return Ok(None);
    }
    match MemoryLimit::of(MEMORY * 1024) {
        Ok(limit) => Ok(Some(limit)),
        Err(why) => {
            println!("NOT HELD to its memory by the kernel: {why:#}");
            Ok(None)
        }
    }
}

/// Requests for lists that take their time.
#[derive(Clone)]
struct Lists {
    http: Client,
    access: Access,
}

impl Lists {
    fn new(access: &Access) -> Result<Self> {
        Ok(Self {
            http: Client::builder()
                .no_proxy()
                .timeout(Duration::from_secs(20))
                .build()?,
            access: access.clone(),
        })
    }

    fn customers(&self) -> String {
        let Access {
            base_url,
            company_id,
            ..
        } = &self.access;
        format!("{base_url}/financials/companies/{company_id}/customers")
    }

    async fn fill(&self) -> Result<()> {
        let mut clients = JoinSet::new();
        for client in 0..CLIENTS {
            let lists = self.clone();
            clients.spawn(async move {
                for number in 0..CUSTOMERS / CLIENTS {
                    let body = json!({ "displayName": format!("Customer {client} {number}") });
                    let create = lists
                        .http
                        .post(lists.customers())
                        .bearer_auth(&lists.access.token);
                    create.json(&body).send().await?.error_for_status()?;
                }
                anyhow::Ok(())
            });
        }
        while let Some(filled) = clients.join_next().await {
            filled??;
        }
        Ok(())
    }

    /// The status, and how long it took from `begin` on, when it was to be sent.
    async fn ask(&self, begin: Instant) -> Result<(StatusCode, Duration)> {
        let list = self
            .http
            .get(self.customers())
            .query(&[("$filter", FILTER)]);
        let answer = list.bearer_auth(&self.access.token).send().await?;
        let status = answer.status();
        if status == StatusCode::SERVICE_UNAVAILABLE {
            let again = answer.headers().get("retry-after");
            ensure!(again.is_some(), "a refusal does not say when to try again");
        }
        answer.bytes().await?;
        Ok((status, begin.elapsed()))
    }

    /// Answers a second to clients each of whom waits for its answer.
    async fn rate(&self, time: Duration) -> Result<f64> {
        let end = Instant::now() + time;
        let mut clients = JoinSet::new();
        for _ in 0..CLIENTS {
            let lists = self.clone();
            clients.spawn(async move {
                let mut served = 0_u32;
                while Instant::now() < end {
                    let (status, _) = lists.ask(Instant::now()).await?;
                    served += u32::from(status == StatusCode::OK && Instant::now() < end);
                }
                anyhow::Ok(served)
            });
        }
        let mut sum = 0;
        while let Some(served) = clients.join_next().await {
            sum += served??;
        }
        Ok(f64::from(sum) / time.as_secs_f64())
    }

    /// Sends so many requests a second, whether they are answered or not.
    async fn storm(&self, rate: f64, time: Duration) -> Result<Storm> {
        let mut ticks = interval(Duration::from_secs_f64(1.0 / rate));
        let end = Instant::now() + time;
        let mut requests = JoinSet::new();
        while Instant::now() < end {
            let lists = self.clone();
            let begin = ticks.tick().await.into_std();
            requests.spawn(async move { (lists.ask(begin).await, Instant::now()) });
        }
        let mut storm = Storm {
            sent: requests.len() as u64,
            ..Storm::default()
        };
        while let Some(request) = requests.join_next().await {
            let (answer, at) = request?;
            match answer? {
                (StatusCode::OK, _) => storm.served += u64::from(at <= end),
                (StatusCode::SERVICE_UNAVAILABLE, took) => storm.refused.push(took),
                _ => storm.other += 1,
            }
        }
        storm.refused.sort_unstable();
        Ok(storm)
    }
}

/// What became of the requests of a storm.
#[derive(Default)]
struct Storm {
    sent: u64,
    /// Before the storm was over.
    served: u64,
    /// How long each took that was refused, the fastest first.
    refused: Vec<Duration>,
    other: u64,
}

impl Storm {
    fn refused_within(&self, share: f64) -> Duration {
        let last = self.refused.len().saturating_sub(1);
        let place = (last as f64 * share) as usize;
        self.refused.get(place).copied().unwrap_or_default()
    }
}

/// The most memory that the process has had, in KiB.
fn peak(pid: u32) -> Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let number = line.and_then(|line| line.split_whitespace().next());
    Ok(number.context("the kernel tells it")?.parse()?)
}
