//! Two clusters, one of which is the other's synchronous standby, and what happens to such a pair.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use tokio_postgres::Client;

use super::cluster::{Cluster, Setting, connect};
use super::{Host, LOGIN};

/// A standby that does not come up to its primary by then will not any more.
const PATIENCE: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_millis(5);

/// What both clusters are called by those that they follow.
const NAME: &str = "standby";
const SETTINGS: [Setting; 6] = [
    ("cluster_name", NAME),
    // Memory of its own files: what is killed cannot tidy up.
    ("dynamic_shared_memory_type", "mmap"),
    ("wal_keep_size", "256MB"),
    ("wal_retrieve_retry_interval", "100ms"),
    ("shared_buffers", "32MB"),
    ("max_wal_size", "512MB"),
];

/// Whether a primary waits for its standby before it answers COMMIT.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Waits {
    ForStandby,
    ForNobody,
}

/// The clusters, with one database that has the schema.
pub struct Pair {
    host: Host,
    database: String,
    clusters: [Cluster; 2],
    /// Which of them is the primary.
    primary: usize,
}

impl Pair {
    /// Starts both, and waits until every commit on the first is on the second too.
    pub async fn start(server: &Path) -> Self {
        let first = Cluster::start(&SETTINGS).await;
        let host = Host::at(first.url().clone(), None);
        let database = host.make_template(server).await;
        let second = Cluster::following(&first, &SETTINGS).await;
        let pair = Self {
            host,
            database,
            clusters: [first, second],
            primary: 0,
        };
        pair.set(Waits::ForStandby).await;
        pair
    }

    /// The address of the database for servers, with both hosts.
    pub fn url(&self) -> String {
        let first = self.host.address(LOGIN, &self.database);
        let [one, other] = self.clusters.each_ref().map(|cluster| {
            let port = cluster.url().port().expect("a port");
            format!("127.0.0.1:{port}")
        });
        first.as_str().replace(&one, &format!("{one},{other}"))
    }

    pub fn primary(&self) -> &Cluster {
        &self.clusters[self.primary]
    }

    /// The other one: the standby, or the primary that was replaced.
    pub fn other(&self) -> &Cluster {
        &self.clusters[1 - self.primary]
    }

    /// A connection to the database on this cluster that may do everything.
    pub async fn superuser(&self, cluster: &Cluster) -> Client {
        let mut url = cluster.url().clone();
        url.set_path(&self.database);
        connect(&url).await.expect("PostgreSQL answers")
    }

    /// Makes a primary of the standby; the primary is the other one from now on.
    pub async fn promote(&mut self) {
        self.other().promote().await;
        self.primary = 1 - self.primary;
    }

    /// Starts the primary that was killed and replaced, as one that takes writes and waits for nobody.
    pub async fn return_alone(&self) {
        let settings = self.other().data().join("postgresql.auto.conf");
        let settings = File::options().append(true).open(settings);
        writeln!(
            settings.expect("the file is ours"),
            "synchronous_standby_names = ''"
        )
        .expect("the disk has room");
        self.other().start_again().await;
    }

    /// Makes a standby of the other one, which was killed, and has the primary wait for it.
    pub async fn follow_again(&self) {
        self.other().follow(self.primary()).await;
        self.set(Waits::ForStandby).await;
    }

    /// Sets what the primary waits for, and waits until it does.
    pub async fn set(&self, waits: Waits) {
        let sql = self.superuser(self.primary()).await;
        let (names, effect) = match waits {
            Waits::ForStandby => (
                NAME,
                "SELECT EXISTS (SELECT FROM pg_stat_replication WHERE sync_state = 'sync')",
            ),
            Waits::ForNobody => (
                "",
                "SELECT current_setting('synchronous_standby_names') = ''",
            ),
        };
        let set = format!("ALTER SYSTEM SET synchronous_standby_names = '{names}'");
        for statement in [set.as_str(), "SELECT pg_reload_conf()"] {
            sql.batch_execute(statement).await.expect("it is ours");
        }
        let begun = Instant::now();
        while !is_so(&sql, effect).await {
            assert!(begun.elapsed() < PATIENCE, "{waits:?} has no effect");
            tokio::time::sleep(PAUSE).await;
        }
        // Who is waited for is told to all by the process that makes checkpoints, before it makes one.
        sql.batch_execute("CHECKPOINT").await.expect("it is ours");
    }
}

async fn is_so(sql: &Client, question: &str) -> bool {
    let row = sql.query_one(question, &[]).await;
    row.expect("PostgreSQL answers").get(0)
}
