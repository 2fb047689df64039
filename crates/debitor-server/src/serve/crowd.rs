//! How many connections are open: altogether, and of each address.

use std::collections::HashMap;
use std::io;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use crate::network::network;

/// A full house is told once in this time.
const QUIET: Duration = Duration::from_mins(1);

/// The connections that are open.
pub(super) struct Crowd {
    room: Arc<Semaphore>,
    /// When it was last told that there is no more room.
    told: Option<Instant>,
    addresses: Option<Addresses>,
}

/// How many each address has, if there is a cap.
#[derive(Clone)]
struct Addresses {
    cap: usize,
    open: Arc<Mutex<HashMap<IpAddr, usize>>>,
}

/// What a connection takes up while it is open.
pub(super) struct Place {
    _room: OwnedSemaphorePermit,
    _of_address: Option<OfAddress>,
}

struct OfAddress {
    address: IpAddr,
    addresses: Addresses,
}

impl Crowd {
    pub(super) fn new(cap: usize, cap_per_address: Option<usize>) -> Self {
        Self {
            room: Arc::new(Semaphore::new(cap)),
            told: None,
            addresses: cap_per_address.map(Addresses::new),
        }
    }

    /// Room for one more connection, once there is some.
    pub(super) async fn room(&mut self) -> io::Result<OwnedSemaphorePermit> {
        if self.room.available_permits() == 0 && self.told.is_none_or(|told| told.elapsed() > QUIET)
        {
            self.told = Some(Instant::now());
            tracing::warn!("as many connections are open as may be; more wait");
        }
        Arc::clone(&self.room)
            .acquire_owned()
            .await
            .map_err(io::Error::other)
    }

    /// The place of a connection, unless its address has as many as it may.
    pub(super) fn admit(&self, room: OwnedSemaphorePermit, address: IpAddr) -> Option<Place> {
        let of_address = match &self.addresses {
            None => None,
            Some(addresses) => Some(addresses.admit(address)?),
        };
        Some(Place {
            _room: room,
            _of_address: of_address,
        })
    }
}

impl Addresses {
    fn new(cap: usize) -> Self {
        Self {
            cap,
            open: Arc::default(),
        }
    }

    fn admit(&self, address: IpAddr) -> Option<OfAddress> {
        let address = network(address);
        let mut open = self.open();
        let count = open.entry(address).or_default();
        if *count >= self.cap {
            return None;
        }
        *count += 1;
        drop(open);
        Some(OfAddress {
            address,
            addresses: self.clone(),
        })
    }

    fn open(&self) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for OfAddress {
    fn drop(&mut self) {
        let mut open = self.addresses.open();
        if let Some(count) = open.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_as_many_as_it_may() {
        let addresses = Addresses::new(2);
        let admit = |address: &str| addresses.admit(address.parse().unwrap());
        let (first, second) = (admit("192.0.2.1"), admit("::ffff:192.0.2.1"));
        assert!(first.is_some() && second.is_some());
        assert!(admit("192.0.2.1").is_none());
        assert!(admit("192.0.2.2").is_some());
        drop(first);
        assert!(admit("192.0.2.1").is_some());
        drop(second);
        assert!(addresses.open().is_empty());
    }
}
