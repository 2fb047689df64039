//! A standby that hangs: nothing is acknowledged that it does not have, whoever cancels the wait for
//! it.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use debitor_tests::postgres::replication::Waits;

use super::{ACKNOWLEDGED, CLIENTS, Scene};
use crate::client::Client;
use crate::workload::{Plan, Tally, Workload};

/// Answers to what the standby still had are out by then.
const LATE: Duration = Duration::from_millis(500);
/// How long the standby hangs: longer than the server waits before it says that an outcome is unknown.
const HANGS: Duration = Duration::from_secs(6);
/// How long waits are cancelled, and how often.
const CANCELLED: Duration = Duration::from_secs(4);
const PAUSE: Duration = Duration::from_millis(10);

impl Scene {
    /// Stops the standby for a time, and then has it go on.
    pub(super) async fn freeze_standby(&mut self) -> Result<()> {
        let workload = self.write().await?;
        let acknowledged = self.freeze(&workload).await;
        tokio::time::sleep(HANGS).await;
        nothing_since(acknowledged, &workload.tally)?;
        self.pair.other().thaw();
        let back = self.back(&workload, Instant::now()).await?;
        self.figures.slowest("until the standby is heard", back);
        let tally = workload.stop().await?;
        self.figures.add("hung standbys", 1);
        self.judge(&tally).await
    }

    /// Cancels the waits for a standby that is stopped; then it takes the primary's place with what it
    /// had on its disk.
    pub(super) async fn cancel_waits(&mut self) -> Result<()> {
        let workload = self.write().await?;
        let sql = self.pair.superuser(self.pair.primary()).await;
        let acknowledged = self.freeze(&workload).await;
        let cancel = "SELECT pg_cancel_backend(pid) FROM pg_stat_activity
                      WHERE wait_event = 'SyncRep'";
        let (begun, mut cancelled) = (Instant::now(), 0);
        while begun.elapsed() < CANCELLED {
            cancelled += sql.query(cancel, &[]).await?.len();
            tokio::time::sleep(PAUSE).await;
        }
        ensure!(cancelled > 0, "nothing waited for the standby");
        nothing_since(acknowledged, &workload.tally)?;
        self.lose_both().await;
        self.promote(&workload).await?;
        let tally = workload.stop().await?;
        self.figures
            .add("cancelled waits", u64::try_from(cancelled)?);
        self.judge(&tally).await?;
        self.pair.follow_again().await;
        Ok(())
    }

    /// A primary that does not wait for its standby, which hangs; then that takes its place.
    pub(super) async fn control(&mut self) -> Result<()> {
        self.pair.set(Waits::ForNobody).await;
        let mut server = self.launch.start().await?;
        let client = Client::new(&server.access, &self.journal)?;
        let plan = Plan::endless(CLIENTS);
        let workload = Workload::start(&client, &self.oracle, plan, &mut self.rng);
        workload.acknowledged(ACKNOWLEDGED).await?;
        let before = self.freeze(&workload).await;
        workload.acknowledged(before + ACKNOWLEDGED).await?;
        server.kill().await?;
        workload.ended().await?;
        self.lose_both().await;
        self.pair.promote().await;
        let sql = self.pair.superuser(self.pair.primary()).await;
        let lost = self.check(&sql).await?.lost;
        ensure!(
            lost > 0,
            "the control lost nothing: this harness sees no loss"
        );
        self.figures
            .add("slots that the control lost", u64::try_from(lost)?);
        Ok(())
    }

    /// Stops the standby; how many writes have been acknowledged by then.
    async fn freeze(&self, workload: &Workload) -> u64 {
        self.pair.other().freeze().await;
        tokio::time::sleep(LATE).await;
        workload.tally.acknowledged()
    }

    /// Kills both, and starts the standby with what is on its disk.
    async fn lose_both(&self) {
        self.pair.primary().kill().await;
        self.pair.other().kill().await;
        self.pair.other().start_again().await;
    }
}

/// Fails if a write was acknowledged since, or if no client was told that its outcome is unknown.
fn nothing_since(acknowledged: u64, tally: &Tally) -> Result<()> {
    let since = tally.acknowledged() - acknowledged;
    ensure!(
        since == 0,
        "{since} writes were acknowledged that the standby does not have"
    );
    let unknown = tally.unknown.load(Ordering::SeqCst);
    ensure!(unknown > 0, "nobody was told that an outcome is unknown");
    Ok(())
}
