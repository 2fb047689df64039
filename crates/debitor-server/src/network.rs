//! Addresses of clients: where a request comes from, and what counts as one address.

use std::net::{IpAddr, Ipv6Addr};

/// Where a request comes from, among its extensions: the other end of its connection, or whom a
/// trusted proxy there names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer(pub IpAddr);

/// What counts as one address: of IPv6 the first half, as the second is the client's to choose.
pub(crate) fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => address.into(),
        IpAddr::V6(address) => {
            let network = address.to_bits() >> 64 << 64;
            Ipv6Addr::from_bits(network).into()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_of_ipv6_is_one_address() {
        let check = |address: &str, expected: &str| {
            let network = network(address.parse().unwrap());
            assert_eq!(network.to_string(), expected);
        };
        check("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::");
        check("2001:db8:1:3::1", "2001:db8:1:3::");
        check("::ffff:192.0.2.1", "192.0.2.1");
    }
}
