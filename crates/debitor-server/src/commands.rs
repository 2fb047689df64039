//! What the program's commands do.

mod company;
mod customer;
mod upkeep;

use std::fs::DirBuilder;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use debitor_server::auth::Issuer;
use debitor_server::auth::signing::{Grant, SigningKey};
use debitor_server::clock::{Clock, SystemClock};
use debitor_server::config::{self, Config};
use debitor_server::dev::{self, Announcement};
use debitor_server::store::{self, Store};
use debitor_server::{Server, failpoint, telemetry};
use futures::future::join_all;
use tokio::net::TcpListener;

use crate::cli::{Cli, Command, Dev, Serve, Token};

/// Carries out the command.
pub(crate) fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    failpoint::arm(&config::environment());
    match cli.command.unwrap_or(Command::Dev(cli.dev)) {
        Command::Backup(arguments) => upkeep::backup(&arguments),
        Command::Restore(arguments) => upkeep::restore(&arguments),
        Command::Verify(arguments) => return upkeep::verify(&arguments.store),
        Command::Copy(arguments) => block_on(upkeep::copy(arguments)),
        Command::Migrate(arguments) => block_on(upkeep::migrate(arguments.store)),
        Command::Dev(arguments) => block_on(run_dev(arguments)),
        Command::Serve(arguments) => block_on(run_serve(arguments)),
        Command::Token(arguments) => print_token(arguments),
        Command::Company(command) => block_on(company::run(command)),
        Command::Customer(command) => block_on(customer::run(command)),
        Command::ConfigSchema => print(&config::schema_json()?),
        #[cfg(feature = "failpoints")]
        Command::Failpoints => print(&(failpoint::NAMES.join("\n") + "\n")),
    }
    .map(|()| ExitCode::SUCCESS)
}

async fn run_dev(arguments: Dev) -> anyhow::Result<()> {
    let data_dir = arguments.data_dir.as_path();
    let mut config = Config::development(data_dir, &config::environment())?;
    config.listen = arguments.listen.unwrap_or(config.listen);
    config.store.url = arguments.store.unwrap_or(config.store.url);
    config.store.archive = arguments.archive.or(config.store.archive);
    anyhow::ensure!(
        config.store.archive.is_none() || !config.store.url.is_postgres(),
        "an archive is for sqlite:DIR"
    );
    config.admin.listen = arguments.admin.or(config.admin.listen);
    telemetry::start(&config.log)?;
    let listener = listen(config.listen).await?;
    let admin = listen_to_admin(&config).await?;
    make_private_directory(data_dir)?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
    let store = open_store(&config, &clock).await?;
    let key = SigningKey::open_or_create(data_dir)?;
    let demo = dev::demo(store.as_ref(), clock.as_ref())
        .await
        .context("the demo data")?;
    let token = key.token(&dev::grant(), clock.now())?;
    let origin = config.public_url.clone();
    let scheme = if config.tls.is_some() {
        "https"
    } else {
        "http"
    };
    let own = |address| dev::origin(scheme, address);
    let origin = origin.map_or_else(|| listener.local_addr().map(own), Ok)?;
    let announcement = Announcement::new(&origin, token, demo, data_dir.canonicalize()?);
    let mut issuers = trusted(&config).await;
    issuers.push(key.issuer()?);
    let server = Server {
        config,
        store,
        clock,
        issuers,
        admin,
    };
    server
        .run(listener, || announce(&announcement, arguments.json))
        .await
}

fn announce(announcement: &Announcement, json: bool) -> anyhow::Result<()> {
    if json {
        print(&(serde_json::to_string(announcement)? + "\n"))
    } else {
        print(&announcement.to_string())
    }
}

async fn run_serve(arguments: Serve) -> anyhow::Result<()> {
    let config = Config::load(&arguments.config, &config::environment())?;
    telemetry::start(&config.log)?;
    let issuers = trusted(&config).await;
    let listener = listen(config.listen).await?;
    let admin = listen_to_admin(&config).await?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
    let store = open_store(&config, &clock).await?;
    let server = Server {
        config,
        store,
        clock,
        issuers,
        admin,
    };
    server.run(listener, || Ok(())).await
}

fn print_token(arguments: Token) -> anyhow::Result<()> {
    let key = SigningKey::open(&arguments.data_dir)
        .context("there is no signing key: `debitor-server dev` makes one")?;
    let grant = Grant {
        tenant: arguments.tenant,
        app: arguments.app,
        companies: arguments.companies,
        permissions: arguments.permissions,
        subject: arguments.subject,
        valid_for: arguments.expires_in,
    };
    print(&(key.token(&grant, SystemClock::default().now())? + "\n"))
}

/// The issuers of the configuration, with their keys.
async fn trusted(config: &Config) -> Vec<Issuer> {
    join_all(config.auth.issuers.iter().map(Issuer::start)).await
}

async fn open_store(config: &Config, clock: &Arc<dyn Clock>) -> anyhow::Result<Arc<dyn Store>> {
    let options = store::Options {
        reserve_bytes: config.store.reserve_bytes,
        archive: config.store.archive.clone(),
        connections: config.store.connections,
        timeouts: config.store.timeouts(),
        ..store::Options::default()
    };
    store::connect(config.store.url.expose(), options, Arc::clone(clock))
        .await
        .with_context(|| format!("cannot open the store {}", config.store.url))
}

async fn listen(address: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address)
        .await
        .with_context(|| format!("cannot listen on {address} (with port 0 any free one is taken)"))
}

async fn listen_to_admin(config: &Config) -> anyhow::Result<Option<TcpListener>> {
    match config.admin.listen {
        Some(address) => listen(address).await.map(Some),
        None => Ok(None),
    }
}

/// Makes the directory for its owner alone: it holds a key and people's data.
fn make_private_directory(path: &Path) -> anyhow::Result<()> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(path);
    made.with_context(|| format!("cannot make the directory {}", path.display()))
}

fn print(text: &str) -> anyhow::Result<()> {
    let mut output = io::stdout().lock();
    output
        .write_all(text.as_bytes())
        .and_then(|()| output.flush())
        .context("cannot print")
}

fn block_on(work: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(work)
}
