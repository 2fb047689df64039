//! A PostgreSQL database of its own for each test, copied from one whose schema the server's own
//! command has made.
//!
//! The databases stand in a cluster that this process starts when the first test asks, and that
//! ends with the process; or in the server that `DEBITOR_TEST_POSTGRES_URL` names.

pub mod cluster;
mod fault;
mod processes;
mod programs;
pub mod replication;
pub mod tls;
pub mod wire;

use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use tokio::sync::OnceCell;
use tokio_postgres::Client;
use url::Url;
use uuid::Uuid;

use crate::{binaries, environment};
use cluster::{Cluster, Setting, connect};

/// No test of these databases cuts the power or ends PostgreSQL, so nothing need be forced to the
/// disk, and every test may have as many connections as it likes.
const SETTINGS: [Setting; 6] = [
    ("fsync", "off"),
    ("full_page_writes", "off"),
    ("autovacuum", "off"),
    ("shared_buffers", "64MB"),
    ("max_wal_size", "512MB"),
    ("max_connections", "1000"),
];

/// Owns the databases and makes their schemas; no superuser.
const OWNER: &str = "debitor_test_owner";
/// What servers log in as.
const LOGIN: &str = "debitor_test_login";
/// The role whose rights servers have, which the schema makes.
const ROLE: &str = "debitor_service";

/// A PostgreSQL in which databases are made.
pub struct Host {
    /// The superuser's.
    url: Url,
    password: String,
    /// The database that others are copied from.
    template: OnceCell<String>,
    /// Whether those who log in are there.
    roles: OnceCell<()>,
    cluster: Option<Cluster>,
}

/// A database; it is dropped at the end.
pub struct Database {
    host: Arc<Host>,
    name: String,
}

impl Database {
    /// A database with the schema, and nothing in it.
    pub async fn new() -> Self {
        Self::on(shared().await, &binaries::server()).await
    }

    /// The same on this host, whose first one has its schema from this server program.
    pub async fn on(host: &Arc<Host>, program: &Path) -> Self {
        let template = host.template.get_or_init(|| host.make_template(program));
        Self::made(host, template.await).await
    }

    /// A database without a schema.
    pub async fn without_schema() -> Self {
        Self::made(shared().await, "template0").await
    }

    /// The address for a server.
    pub fn url(&self) -> String {
        self.host.address(LOGIN, &self.name).to_string()
    }

    /// The address for who makes the schema.
    pub fn owner_url(&self) -> String {
        self.host.address(OWNER, &self.name).to_string()
    }

    /// A connection that may do everything.
    pub async fn superuser(&self) -> Client {
        let mut url = self.host.url.clone();
        url.set_path(&self.name);
        connect(&url).await.expect("PostgreSQL answers")
    }

    async fn made(host: &Arc<Host>, template: &str) -> Self {
        let name = unique();
        host.create(&name, template).await;
        let host = Arc::clone(host);
        Self { host, name }
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let (url, name) = (self.host.url.clone(), self.name.clone());
        // A runtime of its own, as the test's may be ending; one that panics leaves its database.
        let dropped = std::thread::spawn(move || {
            let runtime = tokio::runtime::Runtime::new().expect("a runtime");
            runtime.block_on(drop_database(&url, &name));
        });
        assert!(dropped.join().is_ok() || std::thread::panicking());
    }
}

impl Host {
    /// A host of one's own, that can be ended: what is promised of its disk holds.
    pub async fn own(settings: &[Setting]) -> Arc<Self> {
        Arc::new(Self::of(Cluster::start(settings).await))
    }

    /// The cluster, if this is one of our own.
    pub fn cluster(&self) -> &Cluster {
        self.cluster.as_ref().expect("a host of one's own")
    }

    async fn find() -> Self {
        let Some(url) = environment::variable(environment::POSTGRES_URL) else {
            return Self::of(Cluster::start(&SETTINGS).await);
        };
        let url = url
            .parse()
            .expect("DEBITOR_TEST_POSTGRES_URL is an address");
        Self::at(url, None)
    }

    fn of(cluster: Cluster) -> Self {
        Self::at(cluster.url().clone(), Some(cluster))
    }

    fn at(url: Url, cluster: Option<Cluster>) -> Self {
        Self {
            // Runs that share a host must not change each other's.
            password: Url::password(&url).unwrap_or("debitor").to_owned(),
            url,
            template: OnceCell::new(),
            roles: OnceCell::new(),
            cluster,
        }
    }

    async fn make_template(&self, program: &Path) -> String {
        let template = unique();
        self.create(&template, "template0").await;
        migrate(program, self.address(OWNER, &template).as_str());
        execute(&self.url, &format!("GRANT {ROLE} TO {LOGIN}, {OWNER}")).await;
        template
    }

    async fn make_roles(&self) {
        for (role, rights) in [(OWNER, "LOGIN CREATEROLE"), (LOGIN, "LOGIN")] {
            let with = format!("{rights} PASSWORD '{}'", self.password);
            let make = format!(
                "DO $$ BEGIN CREATE ROLE {role}; EXCEPTION WHEN duplicate_object THEN END $$;
                 ALTER ROLE {role} {with}"
            );
            execute(&self.url, &make).await;
        }
    }

    async fn create(&self, name: &str, template: &str) {
        self.roles.get_or_init(|| self.make_roles()).await;
        // A small template is faster copied as files than row by row through the log.
        let create =
            format!("CREATE DATABASE {name} TEMPLATE {template} OWNER {OWNER} STRATEGY FILE_COPY");
        execute(&self.url, &create).await;
    }

    fn address(&self, user: &str, database: &str) -> Url {
        let mut url = self.url.clone();
        url.set_username(user).expect("the address has a host");
        url.set_password(Some(&self.password))
            .expect("the address has a host");
        url.set_path(database);
        url
    }
}

/// The host of this process.
pub async fn shared() -> &'static Arc<Host> {
    static HOST: OnceCell<Arc<Host>> = OnceCell::const_new();
    HOST.get_or_init(async || Arc::new(Host::find().await))
        .await
}

async fn execute(url: &Url, sql: &str) {
    let client = connect(url).await.expect("PostgreSQL answers");
    client
        .batch_execute(sql)
        .await
        .unwrap_or_else(|error| panic!("{sql}: {error:?}"));
}

/// Drops a database as soon as the connections to it have ended: PostgreSQL itself would look for
/// that ten times a second only.
async fn drop_database(url: &Url, name: &str) {
    let client = connect(url).await.expect("PostgreSQL answers");
    let end =
        format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'");
    while !client
        .query(&end, &[])
        .await
        .expect("it is ours")
        .is_empty()
    {
        tokio::task::yield_now().await;
    }
    let drop = format!("DROP DATABASE {name} WITH (FORCE)");
    client.batch_execute(&drop).await.expect("it is ours");
}

/// Makes the schema, as those who run servers do.
fn migrate(program: &Path, url: &str) {
    let mut command = Command::new(program);
    let output = command.args(["migrate", "--store", url]).output();
    let output = output.expect("the server's program runs");
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "debitor-server migrate: {error}");
}

/// A name that no other run takes either.
fn unique() -> String {
    format!("debitor_test_{}", Uuid::now_v7().simple())
}
