//! Where a client may send its token: to the configured address and below it, and nowhere else.

#[cfg(test)]
mod tests;

use reqwest::Url;
use thiserror::Error;

/// Why an address is not below the configured one.
#[derive(Debug, Error, PartialEq, Eq)]
pub(crate) enum Outside {
    #[error("it has another scheme")]
    Scheme,
    #[error("it has another host")]
    Host,
    #[error("it has another port")]
    Port,
    #[error("it names a user")]
    User,
    #[error("its path is another one")]
    Path,
}

/// Whether `address` is the base URL or stands below it. Both are parsed, so that dots, letter case
/// and default ports are as they will be sent.
pub(crate) fn check(base: &Url, address: &Url) -> Result<(), Outside> {
    let require = |holds: bool, outside| if holds { Ok(()) } else { Err(outside) };
    require(address.host() == base.host(), Outside::Host)?;
    require(address.scheme() == base.scheme(), Outside::Scheme)?;
    require(
        address.port_or_known_default() == base.port_or_known_default(),
        Outside::Port,
    )?;
    require(
        address.username().is_empty() && address.password().is_none(),
        Outside::User,
    )?;
    require(is_below(base.path(), address.path()), Outside::Path)
}

/// An encoded slash below the base could hide a way out of it from us that a server then takes.
fn is_below(base: &str, path: &str) -> bool {
    let below = path.strip_prefix(base.trim_end_matches('/'));
    below.is_some_and(|below| {
        let hides = |slash| below.to_ascii_lowercase().contains(slash);
        (below.is_empty() || below.starts_with('/')) && !hides("%2f") && !hides("%5c")
    })
}
