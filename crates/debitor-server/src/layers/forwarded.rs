//! What trusted proxies say of a request: whom it comes from, and how its client addressed it. Anybody
//! can send such headers, so they count from the configured proxies alone. A proxy adds its word at the
//! end, behind those that its client may have made up: so the last entry counts, and those before it
//! only as far as proxies are named.
//!
//! These are `X-Forwarded-For`, `-Proto` and `-Host`, which all proxies send. `Forwarded` of RFC 7239,
//! which few do, is not read: of two ways to say the same, one could be the client's.

use std::net::{IpAddr, SocketAddr};

use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue};
use ipnet::IpNet;

use super::host::is_host;
use crate::network::Peer;

const FOR: &str = "x-forwarded-for";
const PROTO: &str = "x-forwarded-proto";
const HOST: &str = "x-forwarded-host";

/// The proxies whose word counts.
#[derive(Debug, Clone, Default)]
pub struct Proxies(Vec<IpNet>);

impl Proxies {
    /// Those of these networks.
    pub fn new(networks: Vec<IpNet>) -> Self {
        Self(networks)
    }

    /// What a proxy says of the request, if it comes from one.
    pub(super) fn word<'a>(&'a self, request: &'a Request) -> Option<Word<'a>> {
        self.0.first()?;
        let Peer(peer) = *request.extensions().get()?;
        self.trust(peer).then(|| Word {
            proxies: self,
            peer,
            headers: request.headers(),
        })
    }

    fn trust(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(&address))
    }
}

/// What a proxy says of a request.
#[derive(Debug, Clone, Copy)]
pub(super) struct Word<'a> {
    proxies: &'a Proxies,
    peer: IpAddr,
    headers: &'a HeaderMap,
}

impl<'a> Word<'a> {
    /// The last one named that is no proxy. If there is none, or something else is in its place, it is
    /// the proxy itself.
    pub(super) fn client(self) -> IpAddr {
        let mut named = self.entries(FOR).map(address);
        let client = named.find(|one| one.is_none_or(|address| !self.proxies.trust(address)));
        client.flatten().unwrap_or(self.peer)
    }

    /// What links begin with.
    pub(super) fn scheme(self) -> Option<&'static str> {
        let named = self.entries(PROTO).next()?;
        ["http://", "https://"].into_iter().find(|scheme| {
            let (name, _) = scheme.split_at(scheme.len() - "://".len());
            name.eq_ignore_ascii_case(named)
        })
    }

    /// The host that the client asked for.
    pub(super) fn host(self) -> Option<&'a str> {
        self.entries(HOST).next().filter(|host| is_host(host))
    }

    /// The entries of a header's lines, the last first. A line that is no text is one without meaning.
    fn entries(self, name: &'static str) -> impl Iterator<Item = &'a str> {
        let lines = self.headers.get_all(name).iter().rev();
        let entries = lines.flat_map(|line: &HeaderValue| line.to_str().unwrap_or("").rsplit(','));
        entries.map(|entry| entry.trim_matches([' ', '\t']))
    }
}

/// An address, with a port or without, in brackets or not.
fn address(entry: &str) -> Option<IpAddr> {
    let bare = || entry.strip_prefix('[')?.strip_suffix(']')?.parse().ok();
    let address = entry.parse().ok().or_else(|| bare().map(IpAddr::V6));
    let with_port = || entry.parse().ok().map(|socket: SocketAddr| socket.ip());
    address.or_else(with_port).map(|found| found.to_canonical())
}

#[cfg(test)]
mod tests;
