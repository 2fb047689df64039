//! `failover`: a primary and its synchronous standby, and one server that knows both hosts and is
//! never restarted. The primary is killed under eight writers and the standby promoted; the primary
//! that was replaced comes back and takes writes; it hangs, or lives on, when the standby is promoted;
//! the standby hangs; waits for it are cancelled.
//!
//! What was acknowledged is there, and once; every error is a 503; writes are back soon. The control
//! does not wait for its standby, and must lose something: a harness that sees no loss there is blind.

mod standby;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use debitor_tests::postgres::replication::Pair;
use fastrand::Rng;
use tokio_postgres::Client as Sql;

use crate::Run;
use crate::arena::list;
use crate::client::Client;
use crate::database::{contents, open, quiet};
use crate::figures::Figures;
use crate::journal::{self, Journal};
use crate::oracle::{Oracle, Verdict};
use crate::server::{Launch, Server};
use crate::workload::{Plan, Tally, Workload};

const CLIENTS: usize = 8;
const PLAN: Plan = Plan {
    goes_on: true,
    ..Plan::endless(CLIENTS)
};
/// Acknowledged writes before each fault, and after it.
const ACKNOWLEDGED: u64 = 40;
/// Writes are back so soon after the promotion was asked for, and after a standby goes on.
const SOON: Duration = Duration::from_secs(5);
/// The server's limits: an answer that a hanging standby holds back must not take long to be given up.
const LIMITS: [(&str, &str); 2] = [
    ("DEBITOR_STORE_WAIT_TIMEOUT_MS", "1000"),
    ("DEBITOR_STORE_STATEMENT_TIMEOUT_MS", "1000"),
];
/// How often the connections are cut while two hosts take writes.
const CUTS: usize = 3;
/// What the server does after its answer is over when nothing is open, nor after so long: longer than
/// it pauses between two tries.
const QUIET_FOR: Duration = Duration::from_millis(500);

pub(crate) async fn run(run: &Run, failovers: usize) -> Result<Figures> {
    let mut scene = Scene::start(run).await?;
    for _ in 0..failovers {
        scene.fail_over(Fate::Killed).await?;
    }
    for fate in [Fate::Hangs, Fate::LivesOn] {
        scene.fail_over(fate).await?;
    }
    scene.freeze_standby().await?;
    scene.cancel_waits().await?;
    ensure!(
        scene.server.terminate().await?.success(),
        "the server does not end in order"
    );
    scene.control().await?;
    Ok(scene.figures)
}

/// What happens to a primary whose standby is promoted.
#[derive(Debug, Clone, Copy)]
enum Fate {
    /// It comes back, takes writes, and waits for no standby.
    Killed,
    /// It stops, and goes on when it was replaced.
    Hangs,
    /// It goes on, and waits for ever for the standby that it has lost.
    LivesOn,
}

impl Fate {
    fn figure(self) -> &'static str {
        match self {
            Self::Killed => "primaries killed and replaced",
            Self::Hangs => "hung primaries replaced",
            Self::LivesOn => "living primaries replaced",
        }
    }
}

/// The clusters, the server and what its clients wrote down.
struct Scene {
    pair: Pair,
    launch: Launch,
    server: Server,
    client: Client,
    folder: PathBuf,
    journal: Arc<Journal>,
    oracle: Oracle,
    rng: Rng,
    figures: Figures,
}

impl Scene {
    async fn start(run: &Run) -> Result<Self> {
        let pair = Pair::start(&run.server).await;
        let mut launch = Launch::new(&run.server, &run.folder, &run.folder);
        for (name, value) in LIMITS {
            launch = launch.with(name, value);
        }
        launch.database = Some(pair.url());
        let server = launch.start().await?;
        let journal = Arc::new(Journal::create(&run.folder.join("journal"))?);
        Ok(Self {
            client: Client::new(&server.access, &journal)?,
            pair,
            launch,
            server,
            folder: run.folder.clone(),
            journal,
            oracle: Oracle::default(),
            rng: Rng::with_seed(run.seed),
            figures: Figures::default(),
        })
    }

    /// Starts the writers, and waits until they are at work.
    async fn write(&mut self) -> Result<Workload> {
        let workload = Workload::start(&self.client, &self.oracle, PLAN, &mut self.rng);
        workload.acknowledged(ACKNOWLEDGED).await?;
        tokio::time::sleep(Duration::from_millis(self.rng.u64(..200))).await;
        Ok(workload)
    }

    /// Has the standby take the primary's place, and both change places.
    async fn fail_over(&mut self, fate: Fate) -> Result<()> {
        let workload = self.write().await?;
        match fate {
            Fate::Killed => self.pair.primary().kill().await,
            Fate::Hangs => self.pair.primary().freeze().await,
            Fate::LivesOn => {}
        }
        self.promote(&workload).await?;
        match fate {
            Fate::Killed => self.pair.return_alone().await,
            Fate::Hangs => self.pair.other().thaw(),
            Fate::LivesOn => {}
        }
        self.old_primary_is_left(&workload).await?;
        let tally = workload.stop().await?;
        self.pair.other().kill().await;
        self.figures.add(fate.figure(), 1);
        self.judge(&tally).await?;
        self.pair.follow_again().await;
        Ok(())
    }

    /// Promotes the standby, and waits until writes are back.
    async fn promote(&mut self, workload: &Workload) -> Result<()> {
        let begun = Instant::now();
        self.pair.promote().await;
        let back = self.back(workload, begun).await?;
        self.figures.slowest("until writes are back", back);
        Ok(())
    }

    /// How long after `begun` the next write is acknowledged.
    async fn back(&self, workload: &Workload, begun: Instant) -> Result<Duration> {
        let before = workload.tally.acknowledged();
        workload.acknowledged(before + 1).await?;
        let back = begun.elapsed();
        ensure!(back < SOON, "writes were back after {back:?} only");
        Ok(back)
    }

    /// The primary that was replaced takes writes, and gets none: neither from the server, whose
    /// connections are cut meanwhile, nor from one that starts just now.
    async fn old_primary_is_left(&mut self, workload: &Workload) -> Result<()> {
        let old = self.pair.superuser(self.pair.other()).await;
        let new = self.pair.superuser(self.pair.primary()).await;
        let before = contents(&old).await?;
        for _ in 0..CUTS {
            cut_connections(&new).await?;
            let acknowledged = workload.tally.acknowledged();
            workload.acknowledged(acknowledged + ACKNOWLEDGED).await?;
        }
        self.write_by_another_server().await?;
        ensure!(
            before == contents(&old).await?,
            "the primary that was replaced was written to"
        );
        Ok(())
    }

    async fn write_by_another_server(&mut self) -> Result<()> {
        let mut server = self.launch.start().await?;
        let client = Client::new(&server.access, &self.journal)?;
        let plan = Plan {
            writes: ACKNOWLEDGED / CLIENTS as u64,
            ..PLAN
        };
        let workload = Workload::start(&client, &Oracle::default(), plan, &mut self.rng);
        workload.ended().await?.none_refused()?;
        server.kill().await
    }

    /// Checks what the clients were told, and what the primary holds.
    async fn judge(&mut self, tally: &Tally) -> Result<()> {
        let refused = tally.refused();
        let others: Vec<_> = refused.keys().filter(|status| **status != 503).collect();
        ensure!(others.is_empty(), "errors beside 503: {refused:?}");
        let unanswered = tally.unanswered.load(Ordering::SeqCst);
        ensure!(unanswered == 0, "{unanswered} requests got no answer");
        let unknown = tally.unknown.load(Ordering::SeqCst);
        self.figures.add("errors", refused.values().sum());
        self.figures.add("answers of unknown outcome", unknown);
        let sql = self.pair.superuser(self.pair.primary()).await;
        let verdict = self.check(&sql).await?;
        ensure!(verdict.violations.is_empty(), list(&verdict.violations));
        self.figures.verdict(&verdict);
        Ok(())
    }

    /// What the oracle says of the database.
    async fn check(&mut self, sql: &Sql) -> Result<Verdict> {
        loop {
            quiet(sql).await?;
            tokio::time::sleep(QUIET_FOR).await;
            if open(sql).await?.is_none() {
                break;
            }
        }
        let lines = journal::read(&self.folder.join("journal"))?;
        Ok(self.oracle.check(&lines, &contents(sql).await?))
    }
}

/// Has the database end the connections of servers.
async fn cut_connections(sql: &Sql) -> Result<()> {
    let cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
               WHERE application_name = 'debitor-server'";
    ensure!(!sql.query(cut, &[]).await?.is_empty(), "there are none");
    Ok(())
}
