//! `rolling`: three servers on one database behind a balancer. Each is restarted in turn, again and
//! again, and no request fails; each is killed in turn, and what it was at is done or not, but
//! nothing is held up by it.

use std::net::SocketAddr;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use fastrand::Rng;

use crate::Run;
use crate::balancer::Balancer;
use crate::client::Client;
use crate::database::Field;
use crate::figures::Figures;
use crate::server::{Access, Launch, Server, free_address};
use crate::workload::{Plan, Workload};

const SERVERS: usize = 3;
const CLIENTS: usize = 3 * 8;
/// Between two writes of a client, so that the rate is steady.
const PAUSE: Duration = Duration::from_millis(40);
/// How long a server goes on taking requests after it was told to stop: the balancer looks several
/// times meanwhile.
const ANNOUNCE: &str = "1";
const PATIENCE: Duration = Duration::from_secs(20);
/// After a kill, requests on the same company must be served again within this time; a lock that was
/// left would be held for longer.
const SOON: Duration = Duration::from_secs(5);

/// A server that can be replaced by one at the same address.
struct Replica {
    launch: Launch,
    server: Server,
    address: SocketAddr,
}

pub(crate) async fn run(run: &Run, restarts: usize) -> Result<Figures> {
    let mut field = Field::new(run).await?;
    let mut rng = Rng::with_seed(run.seed);
    let balancer = Balancer::start().await?;
    let mut replicas = Vec::new();
    for _ in 0..SERVERS {
        replicas.push(Replica::start(&field, &balancer).await?);
    }
    let client = client(&field, &replicas, &balancer)?;
    let mut figures = Figures::default();

    let plan = Plan {
        pause: PAUSE,
        ..Plan::endless(CLIENTS)
    };
    let workload = Workload::start(&client, &field.oracle, plan, &mut rng);
    let begun = Instant::now();
    for _ in 0..restarts {
        for replica in &mut replicas {
            let stopped_in = replica.restart(&balancer).await?;
            figures.slowest("slowest stop", stopped_in);
        }
    }
    let took = begun.elapsed();
    let tally = workload.stop().await?;
    tally.none_refused()?;
    let failed = tally.unknown.load(Ordering::SeqCst);
    ensure!(failed == 0, "{failed} requests failed in a rolling restart");
    figures.add("rolling restarts", u64::try_from(restarts)?);
    figures.add("requests in them", tally.acknowledged());
    figures.add("a second", rate(tally.acknowledged(), took));
    figures.verdict(&field.check().await?);

    for replica in &mut replicas {
        let workload = Workload::start(&client, &field.oracle, plan, &mut rng);
        workload.acknowledged(50).await?;
        replica.server.kill().await?;
        let killed = Instant::now();
        // Those that were at it hear nothing; the others must go on at once.
        let before = workload.tally.acknowledged();
        workload.acknowledged(before + 50).await?;
        let held_up = killed.elapsed();
        ensure!(
            held_up < SOON,
            "a killed server held the others up for {held_up:?}"
        );
        figures.slowest("longest hold-up by a kill", held_up);
        workload.stop().await?.none_refused()?;
        field.is_quiet().await?;
        figures.verdict(&field.check().await?);
        replica.server = replica.launch.start().await?;
        replica.is_used(&balancer).await?;
    }
    figures.add("kills", u64::try_from(replicas.len())?);
    Ok(figures)
}

/// A client of the balancer, that has a connection for each request.
fn client(field: &Field, replicas: &[Replica], balancer: &Balancer) -> Result<Client> {
    let access = &replicas.first().context("there are servers")?.server.access;
    let access = Access {
        base_url: format!("http://{}/v1.0", balancer.address),
        ..access.clone()
    };
    Client::one_request_a_connection(&access, &field.journal)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "a figure to read"
)]
fn rate(count: u64, time: Duration) -> u64 {
    (count as f64 / time.as_secs_f64()) as u64
}

impl Replica {
    async fn start(field: &Field, balancer: &Balancer) -> Result<Self> {
        let address = free_address()?;
        let mut launch = field
            .launch
            .with("DEBITOR_LIMITS_ANNOUNCE_SECONDS", ANNOUNCE);
        launch.listen = address;
        let server = launch.start().await?;
        balancer.add(address);
        let replica = Self {
            launch,
            server,
            address,
        };
        replica.is_used(balancer).await?;
        Ok(replica)
    }

    /// Ends the server in order and starts another; how long the end took.
    async fn restart(&mut self, balancer: &Balancer) -> Result<Duration> {
        let begun = Instant::now();
        let status = self.server.terminate().await?;
        let stopped_in = begun.elapsed();
        ensure!(
            status.success(),
            "a server that was told to stop ended with {status}"
        );
        self.server = self.launch.start().await?;
        self.is_used(balancer).await?;
        Ok(stopped_in)
    }

    async fn is_used(&self, balancer: &Balancer) -> Result<()> {
        let begun = Instant::now();
        while !balancer.uses(self.address) {
            ensure!(begun.elapsed() < PATIENCE, "a server does not become ready");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        Ok(())
    }
}
