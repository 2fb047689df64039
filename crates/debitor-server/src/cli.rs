//! The command line of the server.

pub(crate) mod company;
pub(crate) mod customer;

use std::net::SocketAddr;
use std::path::PathBuf;

use chrono::{DateTime, TimeDelta, Utc};
use clap::{Args, Parser, Subcommand};
use debitor_server::config::StoreUrl;
use debitor_server::dev;
use uuid::Uuid;

/// The `customer` resource of Microsoft Graph financials as a service.
///
/// Without a command it runs the development server.
#[derive(Debug, Parser)]
#[command(
    name = "debitor-server",
    version,
    args_conflicts_with_subcommands = true
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    #[command(flatten)]
    pub(crate) dev: Dev,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Dev(Dev),
    Serve(Serve),
    Token(Token),
    /// Administers companies without HTTP.
    #[command(subcommand)]
    Company(company::Company),
    /// Exports all that is held of a customer, and erases customers, without HTTP.
    #[command(subcommand)]
    Customer(customer::Customer),
    Backup(Backup),
    Restore(Restore),
    Verify(Verify),
    Migrate(Migrate),
    Copy(Copy),
    /// Prints the schema of the configuration file.
    #[command(hide = true)]
    ConfigSchema,
    /// Prints the places where a test can end the process.
    #[cfg(feature = "failpoints")]
    #[command(hide = true)]
    Failpoints,
}

/// Runs a server for development and tests: with demo data, and with a signing key of its own.
#[derive(Debug, Args)]
pub(crate) struct Dev {
    /// The address and port to listen on; port 0 takes any free one [default: 127.0.0.1:8080].
    #[arg(long, value_name = "IP:PORT")]
    pub(crate) listen: Option<SocketAddr>,
    /// Where the signing key and, unless --store names another place, the data are kept.
    #[arg(long, value_name = "DIR", default_value = "debitor-data")]
    pub(crate) data_dir: PathBuf,
    /// Where the data are kept [default: sqlite:DIR with the data directory].
    #[arg(long, value_name = "URL")]
    pub(crate) store: Option<StoreUrl>,
    /// Where what is written is copied to, so that the state of any instant can be restored.
    #[arg(long, value_name = "DIR")]
    pub(crate) archive: Option<PathBuf>,
    /// The address and port of `/metrics`, which asks for no token.
    #[arg(long, value_name = "IP:PORT")]
    pub(crate) admin: Option<SocketAddr>,
    /// Print one line of JSON once the server is ready, and nothing else.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Runs a server for production.
#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// The configuration file; `DEBITOR_*` variables win over it.
    #[arg(long, value_name = "FILE")]
    pub(crate) config: PathBuf,
}

/// Prints a token that the development server of the same data directory accepts.
#[derive(Debug, Args)]
pub(crate) struct Token {
    /// The data directory, in which a development server has been started before.
    #[arg(long, value_name = "DIR", default_value = "debitor-data")]
    pub(crate) data_dir: PathBuf,
    /// The tenant whose companies exist for the caller.
    #[arg(long, value_name = "GUID", default_value_t = dev::TENANT)]
    pub(crate) tenant: Uuid,
    /// The caller.
    #[arg(long, value_name = "GUID", default_value_t = dev::SUBJECT)]
    pub(crate) subject: Uuid,
    /// The program that the caller uses.
    #[arg(long, value_name = "NAME", default_value = dev::APP)]
    pub(crate) app: String,
    /// The only companies that the token is for; can be given several times [default: all].
    #[arg(long = "company", value_name = "GUID")]
    pub(crate) companies: Option<Vec<Uuid>>,
    /// What the caller may do; can be given several times.
    #[arg(long = "permission", value_name = "NAME", default_value = dev::PERMISSION)]
    pub(crate) permissions: Vec<String>,
    /// How long it is valid, as in 90s, 15m, 12h or 7d; below zero, it has expired already.
    #[arg(long, value_name = "TIME", default_value = "24h", value_parser = parse_time)]
    #[arg(allow_hyphen_values = true)]
    pub(crate) expires_in: TimeDelta,
}

/// Makes a backup of a store; a server may run on it meanwhile.
#[derive(Debug, Args)]
pub(crate) struct Backup {
    #[command(flatten)]
    pub(crate) store: StoreName,
    /// The directory to make; until it is whole it has `.partial` at the end of its name.
    #[arg(long, value_name = "DIR")]
    pub(crate) to: PathBuf,
}

/// Makes a store from a backup or an archive, once that proved to be whole.
#[derive(Debug, Args)]
pub(crate) struct Restore {
    /// The backup or the archive.
    #[arg(long, value_name = "DIR")]
    pub(crate) from: PathBuf,
    /// The instant whose state is wanted of an archive, as in 2026-01-31T12:00:00Z [default: the
    /// newest].
    #[arg(long, value_name = "RFC3339", value_parser = parse_instant)]
    pub(crate) at: Option<DateTime<Utc>>,
    /// The directory of the store, which must not be there yet.
    #[arg(long, value_name = "DIR")]
    pub(crate) to: PathBuf,
}

/// Looks for faults in a store, and prints each; a server may run on it meanwhile.
#[derive(Debug, Args)]
pub(crate) struct Verify {
    #[command(flatten)]
    pub(crate) store: StoreName,
}

/// Brings a store's schema up to date. An embedded one's server does that when it starts, and none may
/// run on it; PostgreSQL needs it, and servers may run meanwhile.
#[derive(Debug, Args)]
pub(crate) struct Migrate {
    #[command(flatten)]
    pub(crate) store: StoreName,
}

/// Copies companies from an embedded store to a PostgreSQL database, and compares what arrived.
///
/// No server may run on the embedded store meanwhile; servers may run on the database. A company
/// arrives as a whole or not at all. Run again, it goes on with the companies that are missing.
#[derive(Debug, Args)]
pub(crate) struct Copy {
    /// The embedded store, as in sqlite:DIR.
    #[arg(long, value_name = "URL")]
    pub(crate) from: StoreUrl,
    /// The database, as in `postgres://USER@HOST/DATABASE`.
    #[arg(long, value_name = "URL", required_unless_present = "config")]
    pub(crate) to: Option<StoreUrl>,
    /// The configuration file that names the database; `DEBITOR_*` variables win over it.
    #[arg(long, value_name = "FILE", conflicts_with = "to")]
    pub(crate) config: Option<PathBuf>,
    /// A company to copy; can be given several times [default: all].
    #[arg(long = "company", value_name = "GUID")]
    pub(crate) companies: Vec<Uuid>,
}

/// Which store is meant.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(crate) struct StoreName {
    /// The configuration file that names the store; `DEBITOR_*` variables win over it.
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// The store itself: sqlite:DIR, or the URL of a database of PostgreSQL.
    #[arg(long, value_name = "URL")]
    pub(crate) store: Option<StoreUrl>,
}

fn parse_instant(text: &str) -> Result<DateTime<Utc>, String> {
    DateTime::parse_from_rfc3339(text)
        .map(|instant| instant.to_utc())
        .map_err(|_| "expected an instant, as in 2026-01-31T12:00:00Z".to_owned())
}

fn parse_time(text: &str) -> Result<TimeDelta, String> {
    let expected = "expected a number and a unit, as in 90s, 15m, 12h or 7d";
    let unit = text.chars().next_back().ok_or(expected)?;
    let number: i64 = text[..text.len() - unit.len_utf8()]
        .parse()
        .map_err(|_| expected)?;
    let time = match unit {
        's' => TimeDelta::try_seconds(number),
        'm' => TimeDelta::try_minutes(number),
        'h' => TimeDelta::try_hours(number),
        'd' => TimeDelta::try_days(number),
        _ => None,
    };
    // Beyond a century there is nothing to test, and instants run out at some point.
    time.filter(|time| time.num_days().abs() <= 36_525)
        .ok_or_else(|| expected.to_owned())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn without_a_command_it_is_the_development_server() {
        let cli = Cli::parse_from(["debitor-server", "--listen", "127.0.0.1:0", "--json"]);
        assert!(cli.command.is_none() && cli.dev.json);
        let cli = Cli::parse_from(["debitor-server"]);
        assert_eq!(cli.dev.data_dir, PathBuf::from("debitor-data"));
    }

    #[test]
    fn times_have_a_unit() {
        assert_eq!(parse_time("90s"), Ok(TimeDelta::seconds(90)));
        assert_eq!(parse_time("-2h"), Ok(TimeDelta::hours(-2)));
        for text in [
            "",
            "h",
            "12",
            "12w",
            "1.5h",
            "99999999999999999d",
            "9999999d",
            "1\u{e9}",
        ] {
            assert!(parse_time(text).is_err(), "{text}");
        }
    }
}
