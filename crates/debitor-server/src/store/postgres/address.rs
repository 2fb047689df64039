//! The address of a database: what the URL says, and what every connection adds to it.
//!
//! Without `sslmode` a database on this machine is spoken to in plain, and any other over TLS with a
//! verified certificate. The modes of libpq that would encrypt without knowing who answers verify
//! too.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use tokio_postgres::config::{Host, SslMode, TargetSessionAttrs};
use tokio_postgres::{Config, NoTls};
use tokio_postgres_rustls::MakeRustlsConnect;

/// How long making a connection may take, for each host.
const CONNECT: Duration = Duration::from_secs(1);
/// A peer that is gone is noticed after about 25 s, or 15 s while something is sent to it, by those
/// who have no heartbeat.
const KEEPALIVE_IDLE: Duration = Duration::from_secs(10);
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(5);
const KEEPALIVE_RETRIES: u32 = 3;
const USER_TIMEOUT: Duration = Duration::from_secs(15);

/// Where a database is, and how it is spoken to.
#[derive(Clone)]
pub(super) struct Address {
    pub(super) config: Config,
    pub(super) security: Security,
}

/// What stands between us and whoever listens to the network.
#[derive(Clone)]
pub(super) enum Security {
    Plain(NoTls),
    Tls(MakeRustlsConnect),
}

impl Address {
    /// Reads the URL; `settings` are those of PostgreSQL for each connection.
    pub(super) fn parse(url: &str, settings: &[(&str, String)]) -> anyhow::Result<Self> {
        let (url, asked) = Asked::split(url)?;
        let mut config: Config = url.parse().context("the store's address")?;
        ensure!(
            config.get_user().is_some(),
            "the store's address must name a user, as in postgres://USER@HOST/DATABASE"
        );
        let security = asked.security(&mut config)?;
        let mut options = config.get_options().unwrap_or_default().to_owned();
        for (name, value) in settings {
            // Writing to a text cannot fail.
            let _ = write!(options, " -c {name}={value}");
        }
        config.options(options.trim_start());
        if config.get_application_name().is_none() {
            config.application_name("debitor-server");
        }
        set_limits(&mut config);
        Ok(Self { config, security })
    }

    /// An address for each host that this one names.
    pub(super) fn hosts(&self) -> Vec<Self> {
        let names = self.config.get_hosts().len();
        let count = names.max(self.config.get_hostaddrs().len());
        (0..count).map(|index| self.alone(index)).collect()
    }

    fn alone(&self, index: usize) -> Self {
        let all = &self.config;
        let mut config = Config::new();
        match all.get_hosts().get(index) {
            Some(Host::Tcp(name)) => drop(config.host(name)),
            Some(Host::Unix(path)) => drop(config.host_path(path)),
            None => {}
        }
        let port = all.get_ports().get(index).or(all.get_ports().first());
        port.map(|port| config.port(*port));
        let address = all.get_hostaddrs().get(index);
        address.map(|address| config.hostaddr(*address));
        all.get_user().map(|user| config.user(user));
        all.get_password().map(|password| config.password(password));
        all.get_dbname().map(|name| config.dbname(name));
        all.get_options().map(|options| config.options(options));
        let name = all.get_application_name();
        name.map(|name| config.application_name(name));
        config
            .ssl_mode(all.get_ssl_mode())
            .ssl_negotiation(all.get_ssl_negotiation())
            .channel_binding(all.get_channel_binding())
            .load_balance_hosts(all.get_load_balance_hosts())
            .keepalives(all.get_keepalives());
        set_limits(&mut config);
        Self {
            config,
            security: self.security.clone(),
        }
    }
}

/// What every connection must be, and how long it may take to notice that it is lost.
fn set_limits(config: &mut Config) {
    config
        .target_session_attrs(TargetSessionAttrs::ReadWrite)
        .connect_timeout(CONNECT)
        .keepalives_idle(KEEPALIVE_IDLE)
        .keepalives_interval(KEEPALIVE_INTERVAL)
        .keepalives_retries(KEEPALIVE_RETRIES)
        .tcp_user_timeout(USER_TIMEOUT);
}

/// What the URL asks of TLS.
#[derive(Debug, Default)]
struct Asked {
    mode: Option<String>,
    root: Option<String>,
}

impl Asked {
    /// Takes the parameters out that the driver does not know, or not with all their values.
    fn split(url: &str) -> anyhow::Result<(String, Self)> {
        let (base, query) = url.split_once('?').unwrap_or((url, ""));
        let mut asked = Self::default();
        let mut rest = form_urlencoded::Serializer::new(String::new());
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            match name.as_ref() {
                "sslmode" => asked.mode = Some(value.into_owned()),
                "sslrootcert" => asked.root = Some(value.into_owned()),
                "target_session_attrs" => ensure!(
                    value == "read-write",
                    "target_session_attrs can only be read-write: servers write"
                ),
                _ => {
                    rest.append_pair(&name, &value);
                }
            }
        }
        // The driver decodes `%20` and not `+`.
        let rest = rest.finish().replace('+', "%20");
        let url = match rest.as_str() {
            "" => base.to_owned(),
            rest => format!("{base}?{rest}"),
        };
        Ok((url, asked))
    }

    fn security(&self, config: &mut Config) -> anyhow::Result<Security> {
        let verified = match self.mode.as_deref() {
            None => self.root.is_some() || !is_local(config),
            Some("disable") => false,
            Some("require" | "verify-ca" | "verify-full") => true,
            Some(_) => bail!("sslmode must be disable or verify-full"),
        };
        if !verified {
            config.ssl_mode(SslMode::Disable);
            return Ok(Security::Plain(NoTls));
        }
        config.ssl_mode(SslMode::Require);
        let roots = match &self.root {
            Some(file) if file != "system" => roots_of(Path::new(file))?,
            _ => roots_of_system()?,
        };
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let tls = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Security::Tls(MakeRustlsConnect::new(tls)))
    }
}

/// Whether the database is on this machine.
fn is_local(config: &Config) -> bool {
    config.get_hosts().iter().all(|host| match host {
        Host::Unix(_) => true,
        Host::Tcp(name) => {
            name == "localhost"
                || name
                    .parse()
                    .is_ok_and(|address: std::net::IpAddr| address.is_loopback())
        }
    })
}

fn roots_of(file: &Path) -> anyhow::Result<RootCertStore> {
    let mut roots = RootCertStore::empty();
    let context = || format!("sslrootcert {}", file.display());
    for certificate in CertificateDer::pem_file_iter(file).with_context(context)? {
        roots
            .add(certificate.with_context(context)?)
            .with_context(context)?;
    }
    ensure!(!roots.is_empty(), "{} has no certificate", context());
    Ok(roots)
}

fn roots_of_system() -> anyhow::Result<RootCertStore> {
    let mut roots = RootCertStore::empty();
    let found = rustls_native_certs::load_native_certs();
    let (added, _) = roots.add_parsable_certificates(found.certs);
    ensure!(
        added > 0,
        "this machine has no root certificates; name some with sslrootcert"
    );
    Ok(roots)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(url: &str) -> anyhow::Result<Address> {
        Address::parse(url, &[("role", "debitor_service".to_owned())])
    }

    #[test]
    fn only_a_database_of_this_machine_is_spoken_to_in_plain() {
        for (url, plain) in [
            ("postgres://u@localhost/d", true),
            ("postgres://u@127.0.0.1:5433/d", true),
            ("postgres://u@[::1]/d", true),
            ("postgres://u@%2Frun%2Fpostgresql/d", true),
            ("postgres://u@127.0.0.1,db.example.com/d", false),
            ("postgres://u@db.example.com/d", false),
            ("postgres://u@db.example.com/d?sslmode=disable", true),
            ("postgres://u@localhost/d?sslmode=require", false),
        ] {
            let address = parse(url).unwrap();
            let is_plain = matches!(address.security, Security::Plain(_));
            assert_eq!(is_plain, plain, "{url}");
            let mode = address.config.get_ssl_mode();
            assert_eq!(mode == SslMode::Disable, plain, "{url}: {mode:?}");
        }
    }

    #[test]
    fn what_the_url_says_beside_tls_is_kept() {
        let url = "postgres://u@h1:1,h2:2/d?sslmode=disable&options=-c%20jit%3Doff&sslrootcert=x";
        let Address { config, .. } = parse(url).unwrap();
        assert_eq!(config.get_ports(), [1, 2]);
        let options = config.get_options();
        assert_eq!(options, Some("-c jit=off -c role=debitor_service"));
    }

    #[test]
    fn hosts_differ_in_nothing_but_where_they_are() {
        let rest = "d?sslmode=disable&application_name=a&keepalives=0&channel_binding=disable";
        let both = parse(&format!("postgres://u:p@h1:1,h2:2/{rest}")).unwrap();
        let [first, second] = &both.hosts()[..] else {
            panic!("two hosts");
        };
        for (host, url) in [
            (first, "postgres://u:p@h1:1/"),
            (second, "postgres://u:p@h2:2/"),
        ] {
            let alone = parse(&format!("{url}{rest}")).unwrap();
            assert!(host.config == alone.config, "{:?}", host.config);
        }
        let url = "postgres://u@h1,h2/d?sslmode=disable&hostaddr=::1,::2";
        let second = &parse(url).unwrap().hosts()[1];
        let address: std::net::IpAddr = "::2".parse().unwrap();
        assert_eq!(second.config.get_hostaddrs(), [address]);
    }

    #[test]
    fn what_would_weaken_it_is_refused() {
        for url in [
            "postgres://h/d",
            "postgres://u@h/d?sslmode=prefer",
            "postgres://u@h/d?target_session_attrs=any",
            "postgres://u@h/d?sslrootcert=/there/is/no/such.pem",
            "postgres://u@h:x/d",
        ] {
            assert!(parse(url).is_err(), "{url}");
        }
    }
}
