//! What each setting must be. Messages say what is expected and never what was given.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

use ipnet::IpNet;
use tracing_subscriber::EnvFilter;
use url::Url;
use uuid::Uuid;

use super::LogFormat;
use crate::auth::keys::KeySet;
use crate::auth::source;
use crate::serve::tls::{self, Unusable};

type Checked<T> = Result<T, String>;

/// The address of a store; it is shown without a password.
#[derive(Clone, PartialEq, Eq)]
pub struct StoreUrl(String);

impl StoreUrl {
    /// The embedded store in a directory.
    pub fn sqlite(directory: &Path) -> Self {
        Self(format!("sqlite:{}", directory.display()))
    }

    #[cfg(test)]
    pub(super) fn unchecked(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// Whether it is a database of PostgreSQL.
    pub fn is_postgres(&self) -> bool {
        crate::store::is_postgres(&self.0)
    }

    /// The whole address, for the store alone.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl std::str::FromStr for StoreUrl {
    type Err = String;

    fn from_str(text: &str) -> Checked<Self> {
        store_url(text)
    }
}

impl fmt::Display for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some((scheme, rest)) = self.0.split_once("://") else {
            return f.write_str(&self.0);
        };
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, place) = rest.split_at(end);
        // An `@` further on is of a password that was not encoded, or of a parameter.
        if place.contains('@') {
            return write!(f, "{scheme}://***");
        }
        let place = place.split('?').next().unwrap_or_default();
        match authority.rsplit_once('@') {
            Some((_, host)) => write!(f, "{scheme}://***@{host}{place}"),
            None => write!(f, "{scheme}://{authority}{place}"),
        }
    }
}

impl fmt::Debug for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

pub(super) fn store_url(text: &str) -> Checked<StoreUrl> {
    match text.split_once(':') {
        Some(("sqlite", directory)) if !directory.is_empty() => Ok(StoreUrl(text.to_owned())),
        Some(("postgres" | "postgresql", rest)) if rest.starts_with("//") => {
            Ok(StoreUrl(text.to_owned()))
        }
        _ => Err("must be sqlite:DIR or postgres://USER@HOST/DATABASE".to_owned()),
    }
}

pub(super) fn address(text: &str) -> Checked<SocketAddr> {
    text.parse()
        .map_err(|_| "must be an IP address and a port, as in 0.0.0.0:8080".to_owned())
}

/// The URL without a slash at its end, so that paths can follow it.
pub(super) fn public_url(text: &str) -> Checked<String> {
    let expected = "must be an http or https URL without user, query and fragment";
    let url = Url::parse(text).map_err(|_| expected)?;
    let plain = is_plain(&url) && ["http", "https"].contains(&url.scheme());
    if plain {
        Ok(url.as_str().trim_end_matches('/').to_owned())
    } else {
        Err(expected.to_owned())
    }
}

/// To the letter, as a token's `iss` is compared with it: the parser would mend `https:host`.
pub(super) fn issuer(text: &str) -> Checked<String> {
    let is_whole = text.starts_with("https://") || text.starts_with("http://");
    keys_url(text).and_then(|_| is_whole.then(|| text.to_owned()).ok_or_else(unsafe_url))
}

/// Where keys can be read so that nobody else can change them.
pub(super) fn keys_url(text: &str) -> Checked<Url> {
    let url = Url::parse(text).ok();
    url.filter(|url| is_plain(url) && source::is_safe(url))
        .ok_or_else(unsafe_url)
}

/// Where traces are sent, as it is: no path is added.
pub(super) fn collector(text: &str) -> Checked<Url> {
    let url = Url::parse(text).ok();
    url.filter(|url| is_plain(url) && ["http", "https"].contains(&url.scheme()))
        .ok_or_else(|| {
            "must be an http or https URL without user, query and fragment, as in http://127.0.0.1:4318/v1/traces"
                .to_owned()
        })
}

fn unsafe_url() -> String {
    "must be an https URL, or an http URL of this machine".to_owned()
}

pub(super) fn tenant(text: &str) -> Checked<Uuid> {
    let tenant = Uuid::parse_str(text).ok().filter(|tenant| !tenant.is_nil());
    tenant.ok_or_else(|| "must be a GUID".to_owned())
}

fn is_plain(url: &Url) -> bool {
    let no_user = url.username().is_empty() && url.password().is_none();
    no_user && url.has_host() && url.query().is_none() && url.fragment().is_none()
}

/// Origins as browsers send them (RFC 6454, section 6.1), to be compared to the letter.
pub(super) fn origins(text: &str) -> Checked<Vec<String>> {
    let is_origin = |text: &str| {
        let url = Url::parse(text).ok();
        url.is_some_and(|url| {
            // The parser takes `*` for a letter.
            let is_web = ["http", "https"].contains(&url.scheme()) && !text.contains('*');
            is_web && url.origin().ascii_serialization() == text
        })
    };
    let origins: Vec<_> = text.split_whitespace().map(str::to_owned).collect();
    if origins.iter().all(|origin| is_origin(origin)) {
        Ok(origins)
    } else {
        Err("must be origins, separated by spaces, as in https://app.example.com".to_owned())
    }
}

/// Networks, and addresses as networks of one.
pub(super) fn networks(text: &str) -> Checked<Vec<IpNet>> {
    let networks = text.split_whitespace().map(network);
    let expected = "must be addresses and networks, separated by spaces, as in 10.0.0.0/24 ::1";
    networks
        .collect::<Option<_>>()
        .ok_or_else(|| expected.to_owned())
}

/// One whose address has bits behind its prefix is a mistake, more likely than not.
fn network(text: &str) -> Option<IpNet> {
    let address = || {
        text.parse()
            .ok()
            .map(|address: IpAddr| address.to_canonical())
    };
    let network = text.parse().ok().filter(|net: &IpNet| *net == net.trunc());
    network.or_else(|| address().map(IpNet::from))
}

pub(super) fn not_empty(text: &str) -> Checked<String> {
    if text.trim().is_empty() {
        Err("must not be empty".to_owned())
    } else {
        Ok(text.to_owned())
    }
}

pub(super) fn path(text: &str) -> Checked<PathBuf> {
    not_empty(text).map(PathBuf::from)
}

pub(super) fn key_set(text: &str) -> Checked<PathBuf> {
    let path = PathBuf::from(text);
    KeySet::from_file(&path)
        .map(|_| path)
        .map_err(|error| error.to_string())
}

pub(super) fn certificates(text: &str) -> Checked<PathBuf> {
    pem(text, |bytes| tls::certificates(bytes).map(drop))
}

pub(super) fn private_key(text: &str) -> Checked<PathBuf> {
    pem(text, |bytes| tls::private_key(bytes).map(drop))
}

fn pem(text: &str, check: fn(&[u8]) -> Result<(), Unusable>) -> Checked<PathBuf> {
    let read = std::fs::read(text).map_err(Unusable::from);
    read.and_then(|bytes| check(&bytes))
        .map(|()| PathBuf::from(text))
        .map_err(|error| error.to_string())
}

pub(super) fn filter(text: &str) -> Checked<String> {
    let expected = "must be levels by module, as in `info,debitor_server=debug`";
    EnvFilter::builder()
        .parse(text)
        .map(|_| text.to_owned())
        .map_err(|_| expected.to_owned())
}

pub(super) fn log_format(text: &str) -> Checked<LogFormat> {
    match text {
        "text" => Ok(LogFormat::Text),
        "json" => Ok(LogFormat::Json),
        _ => Err("must be text or json".to_owned()),
    }
}
