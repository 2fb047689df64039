//! A PostgreSQL database of its own for each test, copied from one whose schema the server's own
//! command has made.
//!
//! The databases stand in a cluster that this process starts when the first test asks, and that
//! ends with the process; or in the server that `DEBITOR_TEST_POSTGRES_URL` names.

pub mod cluster;
mod programs;
pub mod wire;

use std::path::Path;
use std::process::Command;

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

/// Where the databases of this process stand.
struct Server {
    /// The superuser's.
    url: Url,
    password: String,
    /// The database that others are copied from.
    template: OnceCell<String>,
    _cluster: Option<Cluster>,
}

/// A database; it is dropped at the end.
pub struct Database {
    server: &'static Server,
    name: String,
}

impl Database {
    /// A database with the schema, and nothing in it.
    pub async fn new() -> Self {
        Self::migrated_by(&binaries::server()).await
    }

    /// The same; the first of the process has its schema from this server program.
    pub async fn migrated_by(program: &Path) -> Self {
        let server = server().await;
        let template = server
            .template
            .get_or_init(|| server.make_template(program));
        Self::made(server, template.await).await
    }

    /// A database without a schema.
    pub async fn without_schema() -> Self {
        Self::made(server().await, "template0").await
    }

    /// The address for a server.
    pub fn url(&self) -> String {
        self.server.address(LOGIN, &self.name).to_string()
    }

    /// The address for who makes the schema.
    pub fn owner_url(&self) -> String {
        self.server.address(OWNER, &self.name).to_string()
    }

    /// A connection that may do everything.
    pub async fn superuser(&self) -> Client {
        let mut url = self.server.url.clone();
        url.set_path(&self.name);
        connect(&url).await.expect("PostgreSQL answers")
    }

    async fn made(server: &'static Server, template: &str) -> Self {
        let name = unique();
        server.create(&name, template).await;
        Self { server, name }
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let (url, name) = (self.server.url.clone(), self.name.clone());
        // A runtime of its own, as the test's may be ending; one that panics leaves its database.
        let dropped = std::thread::spawn(move || {
            let runtime = tokio::runtime::Runtime::new().expect("a runtime");
            runtime.block_on(drop_database(&url, &name));
        });
        assert!(dropped.join().is_ok() || std::thread::panicking());
    }
}

impl Server {
    async fn start() -> Self {
        let cluster;
        let url = if let Some(url) = environment::variable(environment::POSTGRES_URL) {
            cluster = None;
            url.parse()
                .expect("DEBITOR_TEST_POSTGRES_URL is an address")
        } else {
            let own = Cluster::start(&SETTINGS).await;
            let url = own.url().clone();
            cluster = Some(own);
            url
        };
        Self {
            // Runs that share a server must not change each other's.
            password: Url::password(&url).unwrap_or("debitor").to_owned(),
            url,
            template: OnceCell::new(),
            _cluster: cluster,
        }
    }

    async fn make_template(&self, program: &Path) -> String {
        for (role, rights) in [(OWNER, "LOGIN CREATEROLE"), (LOGIN, "LOGIN")] {
            let with = format!("{rights} PASSWORD '{}'", self.password);
            let make = format!(
                "DO $$ BEGIN CREATE ROLE {role}; EXCEPTION WHEN duplicate_object THEN END $$;
                 ALTER ROLE {role} {with}"
            );
            execute(&self.url, &make).await;
        }
        let template = unique();
        self.create(&template, "template0").await;
        migrate(program, self.address(OWNER, &template).as_str());
        execute(&self.url, &format!("GRANT {ROLE} TO {LOGIN}")).await;
        template
    }

    async fn create(&self, name: &str, template: &str) {
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

async fn server() -> &'static Server {
    static SERVER: OnceCell<Server> = OnceCell::const_new();
    SERVER.get_or_init(Server::start).await
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
