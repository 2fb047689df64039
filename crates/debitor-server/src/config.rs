//! The settings: a TOML file and `DEBITOR_*` variables, read once, checked at once.
//!
//! The only place that reads the environment. A variable is named after its key: `store.url` is
//! `DEBITOR_STORE_URL`, `auth.issuers[0].audience` is `DEBITOR_AUTH_ISSUERS_0_AUDIENCE`; it wins
//! over the file. No fault says what a value was: it may be a secret.

mod check;
mod reader;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::time::Duration;

use ipnet::IpNet;
use schemars::JsonSchema;
use serde::Serialize;
use url::Url;
use uuid::Uuid;

pub use check::StoreUrl;
pub use reader::{Fault, Faults};
use reader::{Reader, Section};

use crate::auth::source::Source;
use crate::layers::rates::{self, Rate};
use crate::serve::{self, tls::Files};
use crate::store::Timeouts;

/// The variables whose names start with `DEBITOR_`.
pub type Environment = BTreeMap<String, String>;

/// The settings of the debitor server.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Config {
    /// The address and port to listen on.
    #[schemars(default = "default_listen")]
    pub listen: SocketAddr,
    /// What absolute links start with, such as `https://customers.example.com`; without it they
    /// start with the `Host` of each request.
    pub public_url: Option<String>,
    /// The proxies before the server, as addresses and networks separated by spaces, such as
    /// `10.0.0.0/24 ::1`. What they say in `X-Forwarded-For`, `X-Forwarded-Proto` and
    /// `X-Forwarded-Host` counts, and from nobody else.
    #[schemars(default, with = "String")]
    pub trusted_proxies: Vec<IpNet>,
    /// The certificate with which `listen` speaks TLS; without one it does not.
    pub tls: Option<Tls>,
    /// Where the data is kept.
    pub store: Store,
    /// Whose tokens are trusted.
    pub auth: Auth,
    /// What is logged, and how.
    #[schemars(default)]
    pub log: Log,
    /// How much clients may ask for.
    #[schemars(default)]
    pub limits: Limits,
    /// The pages for people.
    #[schemars(default)]
    pub docs: Docs,
    /// Pages of other origins.
    #[schemars(default)]
    pub cors: Cors,
    /// What the server tells those who run it.
    #[schemars(default)]
    pub admin: Admin,
    /// What the server tells of single requests, as traces of OpenTelemetry.
    #[schemars(default)]
    pub traces: Traces,
    /// Variables that look like settings and are none.
    #[schemars(skip)]
    pub ignored_variables: Vec<String>,
}

/// The certificate of the server. New files are taken on SIGHUP, and within half a minute.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Tls {
    /// The file with the certificate and those that lead from it to one that clients know, as PEM.
    #[schemars(with = "String")]
    pub cert_file: PathBuf,
    /// The file with its private key, as PEM.
    #[schemars(with = "String")]
    pub key_file: PathBuf,
}

impl Tls {
    /// The files, as the server reads them.
    pub fn files(&self) -> Files {
        Files {
            certificate: self.cert_file.clone(),
            key: self.key_file.clone(),
        }
    }
}

/// Where the data is kept.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Store {
    /// `sqlite:DIR`: the directory of the embedded database, made if it is missing; or
    /// `postgres://USER@HOST/DATABASE`.
    #[schemars(with = "String", regex(pattern = "^(sqlite:|postgres(ql)?://).+"))]
    pub url: StoreUrl,
    /// Bytes of its disk that writes leave free; with less, writes are answered with 507.
    #[schemars(default = "default_reserve_bytes", range(max = *RESERVE_BYTES.end()))]
    pub reserve_bytes: usize,
    /// A directory to which what is written is copied within a second, so that the state of any
    /// instant can be restored; best on another disk. Each store needs one of its own.
    #[schemars(with = "Option<String>")]
    pub archive: Option<PathBuf>,
    /// Connections to PostgreSQL at most, beside the one by which the server sees whether it is there.
    #[schemars(default = "default_store_connections", range(min = *STORE_CONNECTIONS.start(), max = *STORE_CONNECTIONS.end()))]
    pub connections: usize,
    /// Milliseconds that a request waits for such a connection while all are in use.
    #[schemars(default = "default_wait_timeout_ms", range(min = *TIMEOUT_MS.start(), max = *TIMEOUT_MS.end()))]
    pub wait_timeout_ms: usize,
    /// Milliseconds that a statement may take in PostgreSQL.
    #[schemars(default = "default_statement_timeout_ms", range(min = *TIMEOUT_MS.start(), max = *TIMEOUT_MS.end()))]
    pub statement_timeout_ms: usize,
    /// Milliseconds that a statement waits there for a row which another has locked.
    #[schemars(default = "default_lock_timeout_ms", range(min = *TIMEOUT_MS.start(), max = *TIMEOUT_MS.end()))]
    pub lock_timeout_ms: usize,
    /// Milliseconds without any answer of PostgreSQL after which it counts as away: requests are
    /// refused then, and connections made anew. It is asked twice as often.
    #[schemars(default = "default_silence_timeout_ms", range(min = *SILENCE_MS.start(), max = *SILENCE_MS.end()))]
    pub silence_timeout_ms: usize,
}

impl Store {
    /// How long the database is waited for.
    pub fn timeouts(&self) -> Timeouts {
        let time = |milliseconds| Duration::from_millis(milliseconds as u64);
        Timeouts {
            wait: time(self.wait_timeout_ms),
            statement: time(self.statement_timeout_ms),
            lock: time(self.lock_timeout_ms),
            silence: time(self.silence_timeout_ms),
        }
    }
}

/// Whose tokens are trusted.
#[derive(Debug, Clone, Default, PartialEq, Eq, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Auth {
    /// The issuers, at least one.
    #[schemars(length(min = 1))]
    pub issuers: Vec<Issuer>,
}

/// Someone whose tokens are trusted.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Issuer {
    /// What a token's `iss` must be, to the letter: an https URL, or an http one of this machine. In the
    /// place of `{tenantid}` stands the token's own `tid`, as in the names of Entra's issuers.
    #[schemars(regex(pattern = "^https?://"))]
    pub issuer: String,
    /// What a token's `aud` must be or contain.
    #[schemars(length(min = 1))]
    pub audience: String,
    /// The only tenant that the issuer's tokens speak for: they need no `tid` then.
    pub tenant: Option<Uuid>,
    /// Where the issuer's public keys are.
    #[schemars(flatten, with = "Keys")]
    pub keys: Source,
}

/// Where an issuer's public keys are: just one of these.
#[derive(JsonSchema)]
#[schemars(rename_all = "snake_case")]
#[expect(
    dead_code,
    reason = "the file's shape, for its schema; read, it is a `Source`"
)]
enum Keys {
    /// A file with a JSON Web Key Set, which is read again every minute.
    JwksFile(String),
    /// The address of a JSON Web Key Set, which is read again every hour.
    JwksUrl(#[schemars(url)] String),
    /// `true`: where the issuer's description says, which is below the issuer at
    /// `.well-known/openid-configuration`.
    Discovery(bool),
    /// The same, if the description is somewhere else.
    DiscoveryUrl(#[schemars(url)] String),
}

/// What is logged, and how. Logs go to standard error.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Log {
    /// Levels by module, as in `info,debitor_server=debug`. Of libraries nothing below `info` is logged.
    #[schemars(default = "default_filter")]
    pub filter: String,
    /// How a line is written.
    #[schemars(default)]
    pub format: LogFormat,
}

/// How a line of the log is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// For programs: one JSON object a line.
    Json,
}

/// How much clients may ask for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Limits {
    /// The largest body of a request, in bytes.
    #[schemars(default = "default_body_bytes", range(min = *BODY_BYTES.start(), max = *BODY_BYTES.end()))]
    pub body_bytes: usize,
    /// The connections that are open at once; more wait.
    #[schemars(default = "default_connections", range(min = *CONNECTIONS.start(), max = *CONNECTIONS.end()))]
    pub connections: usize,
    /// The requests that are answered at once; more are refused with 503. A tenant has at most as many
    /// of them as twice those that are free, which is two thirds if it is alone.
    #[schemars(default = "default_requests", range(min = *REQUESTS.start(), max = *REQUESTS.end()))]
    pub requests: usize,
    /// The connections that one address may have open; more are closed at once. Of IPv6 an address
    /// is a network of 64 bits. For servers that clients connect to themselves: a proxy is one
    /// address. Without it there is no limit.
    #[schemars(range(min = *CONNECTIONS.start(), max = *CONNECTIONS.end()))]
    pub connections_per_address: Option<usize>,
    /// The requests a second, in the long run, of a program (the token's `azp`, else `appid`) for a
    /// tenant; more are refused with 429. Each server counts for itself. Without it there is no limit.
    #[schemars(range(min = *RATE.start(), max = *RATE.end()))]
    pub requests_per_second: Option<usize>,
    /// How many of them may come at once; twice those of a second if it is left out.
    #[schemars(range(min = *RATE.start(), max = *RATE.end()))]
    pub requests_burst: Option<usize>,
    /// The same of writes, which are requests too.
    #[schemars(range(min = *RATE.start(), max = *RATE.end()))]
    pub writes_per_second: Option<usize>,
    /// How many of them may come at once; twice those of a second if it is left out.
    #[schemars(range(min = *RATE.start(), max = *RATE.end()))]
    pub writes_burst: Option<usize>,
    /// The failed authentications (401) a second, in the long run, of an address; while there are
    /// more, it is refused with 429 unless its token is known. Of IPv6 an address is a network of 64
    /// bits. Behind a proxy set `trusted_proxies`, or all clients are one. Without it there is no limit.
    #[schemars(range(min = *RATE.start(), max = *RATE.end()))]
    pub failed_authentications_per_second: Option<usize>,
    /// How many of them may come at once; twice those of a second if it is left out.
    #[schemars(range(min = *RATE.start(), max = *RATE.end()))]
    pub failed_authentications_burst: Option<usize>,
    /// Milliseconds that a handshake of TLS may take.
    #[schemars(default = "default_handshake_timeout_ms", range(min = *CLIENT_MS.start(), max = *CLIENT_MS.end()))]
    pub handshake_timeout_ms: usize,
    /// Milliseconds that a client may take to send the headers of a request, from the connection's
    /// start or from the request's first byte on.
    #[schemars(default = "default_header_timeout_ms", range(min = *CLIENT_MS.start(), max = *CLIENT_MS.end()))]
    pub header_timeout_ms: usize,
    /// Milliseconds that a client may send nothing of a body: 408.
    #[schemars(default = "default_body_timeout_ms", range(min = *CLIENT_MS.start(), max = *CLIENT_MS.end()))]
    pub body_timeout_ms: usize,
    /// Milliseconds that a request may take from its headers to its answer, its body included.
    #[schemars(default = "default_request_timeout_ms", range(min = *CLIENT_MS.start(), max = *CLIENT_MS.end()))]
    pub request_timeout_ms: usize,
    /// Milliseconds that a client may take nothing of an answer; the connection is cut then.
    #[schemars(default = "default_write_timeout_ms", range(min = *CLIENT_MS.start(), max = *CLIENT_MS.end()))]
    pub write_timeout_ms: usize,
    /// Milliseconds that a connection stays open without a request: longer than a proxy before it
    /// keeps it, as one that is closed in its hands costs a request.
    #[schemars(default = "default_idle_timeout_ms", range(min = *CLIENT_MS.start(), max = *CLIENT_MS.end()))]
    pub idle_timeout_ms: usize,
    /// How long the server goes on after it was told to stop, saying that it is not ready: longer
    /// than a balancer before it takes to see that.
    #[schemars(default, range(max = *ANNOUNCE_SECONDS.end()))]
    pub announce_seconds: usize,
}

impl Limits {
    /// How much patience the server has with clients.
    pub fn of_clients(&self) -> serve::Limits {
        let time = |milliseconds| Duration::from_millis(milliseconds as u64);
        serve::Limits {
            connections_per_address: self.connections_per_address,
            handshake: time(self.handshake_timeout_ms),
            headers: time(self.header_timeout_ms),
            body: time(self.body_timeout_ms),
            request: time(self.request_timeout_ms),
            write: time(self.write_timeout_ms),
            idle: time(self.idle_timeout_ms),
            announce: Duration::from_secs(self.announce_seconds as u64),
            ..serve::Limits::new(self.connections)
        }
    }

    /// How often they may ask.
    pub fn rates(&self) -> rates::Limits {
        rates::Limits {
            requests: rate(self.requests_per_second, self.requests_burst),
            writes: rate(self.writes_per_second, self.writes_burst),
            failures: rate(
                self.failed_authentications_per_second,
                self.failed_authentications_burst,
            ),
        }
    }
}

fn rate(per_second: Option<usize>, burst: Option<usize>) -> Option<Rate> {
    let per_second = per_second?;
    // Both are within bounds that are far below.
    let number = |number| u32::try_from(number).unwrap_or(u32::MAX);
    Some(Rate {
        per_second: number(per_second),
        burst: number(burst.unwrap_or(2 * per_second)),
    })
}

/// The pages for people.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Docs {
    /// Whether Swagger UI is at `/docs`.
    #[schemars(default)]
    pub enabled: bool,
}

/// Pages of other origins, which may call the service from a browser.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Cors {
    /// Their origins, separated by spaces, such as `https://app.example.com`. Without any, browsers let
    /// no page call it but its own.
    #[schemars(default, with = "String")]
    pub origins: Vec<String>,
}

/// What the server tells those who run it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Admin {
    /// The address and port of `/metrics`, which asks for no token: best a loopback address. Without
    /// one there are no metrics.
    pub listen: Option<SocketAddr>,
}

/// What the server tells of single requests, as traces of OpenTelemetry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Traces {
    /// Where traces are sent, by OTLP over HTTP, such as `http://127.0.0.1:4318/v1/traces`. It needs a server
    /// that was built with the feature `opentelemetry`. Without it there are no traces.
    #[schemars(with = "Option<String>", regex(pattern = "^https?://"))]
    pub endpoint: Option<Url>,
    /// How many of a thousand traces that begin here are sent. A trace that a caller began is sent if the
    /// caller says so.
    #[schemars(default = "default_sampled_per_mille", range(max = *PER_MILLE.end()))]
    pub sampled_per_mille: usize,
}

const STORE_CONNECTIONS: RangeInclusive<usize> = 3..=1000;
const TIMEOUT_MS: RangeInclusive<usize> = 100..=10_000;
const SILENCE_MS: RangeInclusive<usize> = 250..=10_000;
const RESERVE_BYTES: RangeInclusive<usize> = 0..=1 << 31;
const BODY_BYTES: RangeInclusive<usize> = 1024..=64 * 1024 * 1024;
const ANNOUNCE_SECONDS: RangeInclusive<usize> = 0..=60;
const REQUESTS: RangeInclusive<usize> = 1..=100_000;
const CONNECTIONS: RangeInclusive<usize> = 1..=1_000_000;
const RATE: RangeInclusive<usize> = 1..=1_000_000;
const PER_MILLE: RangeInclusive<usize> = 0..=1000;
const CLIENT_MS: RangeInclusive<usize> = 100..=600_000;

fn default_listen() -> SocketAddr {
    (Ipv4Addr::LOCALHOST, 8080).into()
}

fn default_filter() -> String {
    "info".to_owned()
}

fn default_reserve_bytes() -> usize {
    64 * 1024 * 1024
}

fn default_store_connections() -> usize {
    10
}

fn default_wait_timeout_ms() -> usize {
    1000
}

fn default_statement_timeout_ms() -> usize {
    5000
}

fn default_lock_timeout_ms() -> usize {
    2000
}

fn default_silence_timeout_ms() -> usize {
    1000
}

fn default_body_bytes() -> usize {
    1024 * 1024
}

fn default_connections() -> usize {
    10_240
}

fn default_requests() -> usize {
    512
}

fn default_handshake_timeout_ms() -> usize {
    5000
}

fn default_header_timeout_ms() -> usize {
    10_000
}

fn default_body_timeout_ms() -> usize {
    10_000
}

fn default_request_timeout_ms() -> usize {
    30_000
}

fn default_write_timeout_ms() -> usize {
    30_000
}

fn default_idle_timeout_ms() -> usize {
    75_000
}

fn default_sampled_per_mille() -> usize {
    *PER_MILLE.end()
}

impl Default for Traces {
    fn default() -> Self {
        Self {
            endpoint: None,
            sampled_per_mille: default_sampled_per_mille(),
        }
    }
}

impl Default for Log {
    fn default() -> Self {
        Self {
            filter: default_filter(),
            format: LogFormat::default(),
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body_bytes: default_body_bytes(),
            connections: default_connections(),
            requests: default_requests(),
            connections_per_address: None,
            requests_per_second: None,
            requests_burst: None,
            writes_per_second: None,
            writes_burst: None,
            failed_authentications_per_second: None,
            failed_authentications_burst: None,
            handshake_timeout_ms: default_handshake_timeout_ms(),
            header_timeout_ms: default_header_timeout_ms(),
            body_timeout_ms: default_body_timeout_ms(),
            request_timeout_ms: default_request_timeout_ms(),
            write_timeout_ms: default_write_timeout_ms(),
            idle_timeout_ms: default_idle_timeout_ms(),
            announce_seconds: 0,
        }
    }
}

impl Config {
    /// The settings of a production server: the file's, and the environment's over them.
    pub fn load(file: &Path, environment: &Environment) -> Result<Self, Faults> {
        let text = std::fs::read_to_string(file)
            .map_err(|error| Faults::one(file.display(), format!("cannot be read: {error}")))?;
        Self::from_toml(&text, environment)
    }

    fn from_toml(text: &str, environment: &Environment) -> Result<Self, Faults> {
        let reader = Reader::new(environment);
        let root = reader.root(reader::table(text)?);
        let config = read(root, &Purpose::Production);
        reader.finish(config)
    }

    /// The settings of a development server, which needs none: the environment's over defaults.
    pub fn development(data_dir: &Path, environment: &Environment) -> Result<Self, Faults> {
        let reader = Reader::new(environment);
        let root = reader.root(toml::Table::new());
        let config = read(root, &Purpose::Development { data_dir });
        reader.finish(config)
    }
}

/// What a server is for, which decides what it must be told.
enum Purpose<'a> {
    Production,
    Development { data_dir: &'a Path },
}

/// Reads every setting; nothing is returned if a fault makes that impossible.
fn read(mut root: Section<'_>, purpose: &Purpose<'_>) -> Option<Config> {
    let listen = root
        .parsed("listen", check::address)
        .unwrap_or_else(default_listen);
    let public_url = root.parsed("public_url", check::public_url);
    let trusted_proxies = root.parsed("trusted_proxies", check::networks);
    let tls = read_tls(root.section("tls"));
    let store = read_store(root.section("store"), purpose);
    let auth = read_auth(root.section("auth"), purpose);
    let log = read_log(root.section("log"));
    let limits = read_limits(root.section("limits"));
    let docs = read_docs(root.section("docs"), purpose);
    let cors = read_cors(root.section("cors"));
    let admin = read_admin(root.section("admin"));
    let traces = read_traces(root.section("traces"));
    Some(Config {
        listen,
        public_url,
        trusted_proxies: trusted_proxies.unwrap_or_default(),
        tls,
        store: store?,
        auth: auth?,
        log,
        limits,
        docs,
        cors,
        admin,
        traces,
        ignored_variables: Vec::new(),
    })
}

/// The certificate, if there is a word of it. What is wrong with it is a fault, so that nobody goes
/// without who wanted one.
fn read_tls(mut section: Section<'_>) -> Option<Tls> {
    if section.is_empty(&["cert_file", "key_file"]) {
        return None;
    }
    let cert_file = section.required("cert_file", check::certificates);
    let key_file = section.required("key_file", check::private_key);
    let tls = Tls {
        cert_file: cert_file?,
        key_file: key_file?,
    };
    if let Err(error) = tls.files().check() {
        section.fault("key_file", error.to_string());
    }
    Some(tls)
}

fn read_store(mut section: Section<'_>, purpose: &Purpose<'_>) -> Option<Store> {
    let url = match purpose {
        Purpose::Production => section.required("url", check::store_url)?,
        Purpose::Development { data_dir } => section
            .parsed("url", check::store_url)
            .unwrap_or_else(|| StoreUrl::sqlite(data_dir)),
    };
    let reserve_bytes = section.number("reserve_bytes", RESERVE_BYTES);
    let archive = section.parsed("archive", check::path);
    if let (true, Some(_)) = (url.is_postgres(), &archive) {
        section.fault(
            "archive",
            "is for sqlite:DIR; PostgreSQL has archives of its own",
        );
    }
    let connections = section.number("connections", STORE_CONNECTIONS);
    let wait = section.number("wait_timeout_ms", TIMEOUT_MS);
    let statement = section.number("statement_timeout_ms", TIMEOUT_MS);
    let lock = section.number("lock_timeout_ms", TIMEOUT_MS);
    let silence = section.number("silence_timeout_ms", SILENCE_MS);
    Some(Store {
        url,
        archive,
        reserve_bytes: reserve_bytes.unwrap_or_else(default_reserve_bytes),
        connections: connections.unwrap_or_else(default_store_connections),
        wait_timeout_ms: wait.unwrap_or_else(default_wait_timeout_ms),
        statement_timeout_ms: statement.unwrap_or_else(default_statement_timeout_ms),
        lock_timeout_ms: lock.unwrap_or_else(default_lock_timeout_ms),
        silence_timeout_ms: silence.unwrap_or_else(default_silence_timeout_ms),
    })
}

/// The issuers; a development server trusts its own key, so that it needs none.
fn read_auth(mut section: Section<'_>, purpose: &Purpose<'_>) -> Option<Auth> {
    let read: Vec<_> = section
        .list("issuers")
        .into_iter()
        .map(read_issuer)
        .collect();
    if read.is_empty() && matches!(purpose, Purpose::Production) {
        section.fault("issuers", "at least one is required");
    }
    let issuers: Vec<Issuer> = read.into_iter().collect::<Option<_>>()?;
    for (index, issuer) in issuers.iter().enumerate() {
        if issuers[..index]
            .iter()
            .any(|earlier| earlier.issuer == issuer.issuer)
        {
            section.fault(
                &format!("issuers[{index}].issuer"),
                "is the issuer of an earlier entry",
            );
        }
    }
    Some(Auth { issuers })
}

fn read_issuer(mut section: Section<'_>) -> Option<Issuer> {
    let issuer = section.required("issuer", check::issuer);
    let audience = section.required("audience", check::not_empty);
    let tenant = section.parsed("tenant", check::tenant);
    let keys = read_keys(&mut section, issuer.as_deref());
    Some(Issuer {
        issuer: issuer?,
        audience: audience?,
        tenant,
        keys: keys?,
    })
}

/// Where the keys of this issuer are.
fn read_keys(section: &mut Section<'_>, issuer: Option<&str>) -> Option<Source> {
    let places = ["jwks_file", "jwks_url", "discovery", "discovery_url"];
    if places.iter().filter(|key| section.has(key)).count() != 1 {
        let message =
            "one of jwks_file, jwks_url, discovery and discovery_url is required, and no more";
        section.fault("jwks_file", message);
    }
    let file = section.parsed("jwks_file", check::key_set);
    let url = section.parsed("jwks_url", check::keys_url);
    let discovery = section.flag("discovery");
    if discovery == Some(false) {
        section.fault("discovery", "must be true, or left out");
    }
    let description = section.parsed("discovery_url", check::keys_url);
    let described = || {
        let issuer = issuer?.to_owned();
        match description {
            Some(url) => Some(Source::Discovery { url, issuer }),
            None => Source::discovery(&issuer).ok(),
        }
    };
    file.map(Source::File)
        .or(url.map(Source::Url))
        .or_else(described)
}

fn read_log(mut section: Section<'_>) -> Log {
    Log {
        filter: section
            .parsed("filter", check::filter)
            .unwrap_or_else(default_filter),
        format: section
            .parsed("format", check::log_format)
            .unwrap_or_default(),
    }
}

fn read_limits(mut section: Section<'_>) -> Limits {
    let body_bytes = section.number("body_bytes", BODY_BYTES);
    let connections = section.number("connections", CONNECTIONS);
    let requests = section.number("requests", REQUESTS);
    let connections_per_address = section.number("connections_per_address", CONNECTIONS);
    let (requests_per_second, requests_burst) =
        read_rate(&mut section, ["requests_per_second", "requests_burst"]);
    let (writes_per_second, writes_burst) =
        read_rate(&mut section, ["writes_per_second", "writes_burst"]);
    let (failed_authentications_per_second, failed_authentications_burst) = read_rate(
        &mut section,
        [
            "failed_authentications_per_second",
            "failed_authentications_burst",
        ],
    );
    let handshake = section.number("handshake_timeout_ms", CLIENT_MS);
    let headers = section.number("header_timeout_ms", CLIENT_MS);
    let body = section.number("body_timeout_ms", CLIENT_MS);
    let request = section.number("request_timeout_ms", CLIENT_MS);
    let write = section.number("write_timeout_ms", CLIENT_MS);
    let idle = section.number("idle_timeout_ms", CLIENT_MS);
    let announce_seconds = section.number("announce_seconds", ANNOUNCE_SECONDS);
    Limits {
        body_bytes: body_bytes.unwrap_or_else(default_body_bytes),
        connections: connections.unwrap_or_else(default_connections),
        requests: requests.unwrap_or_else(default_requests),
        connections_per_address,
        requests_per_second,
        requests_burst,
        writes_per_second,
        writes_burst,
        failed_authentications_per_second,
        failed_authentications_burst,
        handshake_timeout_ms: handshake.unwrap_or_else(default_handshake_timeout_ms),
        header_timeout_ms: headers.unwrap_or_else(default_header_timeout_ms),
        body_timeout_ms: body.unwrap_or_else(default_body_timeout_ms),
        request_timeout_ms: request.unwrap_or_else(default_request_timeout_ms),
        write_timeout_ms: write.unwrap_or_else(default_write_timeout_ms),
        idle_timeout_ms: idle.unwrap_or_else(default_idle_timeout_ms),
        announce_seconds: announce_seconds.unwrap_or_default(),
    }
}

/// How many a second, and how many at once.
fn read_rate(section: &mut Section<'_>, keys: [&'static str; 2]) -> (Option<usize>, Option<usize>) {
    let [per_second, burst] = keys;
    if section.has(burst) && !section.has(per_second) {
        section.fault(burst, format!("is of no use without {per_second}"));
    }
    (
        section.number(per_second, RATE),
        section.number(burst, RATE),
    )
}

/// Swagger UI is off in production unless it is asked for.
fn read_docs(mut section: Section<'_>, purpose: &Purpose<'_>) -> Docs {
    let default = matches!(purpose, Purpose::Development { .. });
    Docs {
        enabled: section.flag("enabled").unwrap_or(default),
    }
}

fn read_cors(mut section: Section<'_>) -> Cors {
    Cors {
        origins: section
            .parsed("origins", check::origins)
            .unwrap_or_default(),
    }
}

fn read_admin(mut section: Section<'_>) -> Admin {
    Admin {
        listen: section.parsed("listen", check::address),
    }
}

/// Nobody goes without traces who asked for them: a build that has none refuses.
fn read_traces(mut section: Section<'_>) -> Traces {
    let is_wanted = section.has("endpoint");
    let endpoint = section.parsed("endpoint", check::collector);
    if !cfg!(feature = "opentelemetry") && is_wanted {
        let message = "needs a server that is built with `--features opentelemetry`";
        section.fault("endpoint", message);
    }
    if section.has("sampled_per_mille") && !is_wanted {
        section.fault("sampled_per_mille", "is of no use without endpoint");
    }
    let sampled_per_mille = section.number("sampled_per_mille", PER_MILLE);
    Traces {
        endpoint,
        sampled_per_mille: sampled_per_mille.unwrap_or_else(default_sampled_per_mille),
    }
}

/// The variables that can be settings.
pub fn environment() -> Environment {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value)))
        .filter(|(name, _)| name.starts_with(reader::PREFIX))
        .map(|(name, value)| (name, value.to_string_lossy().into_owned()))
        .collect()
}

/// The schema of the file, for editors and for those who write it.
pub fn schema_json() -> serde_json::Result<String> {
    serde_json::to_string_pretty(&schemars::schema_for!(Config)).map(|schema| schema + "\n")
}
