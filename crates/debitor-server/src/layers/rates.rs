//! How often programs may ask, and addresses may fail to say who calls. What comes above that is
//! refused with 429. Every server counts for itself.

mod buckets;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;
use uuid::Uuid;

pub use buckets::Rate;
use buckets::{Buckets, Empty};

use crate::network::network;

/// How much may come, of what is limited.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Limits {
    /// The requests of a program for a tenant.
    pub requests: Option<Rate>,
    /// Those of them that are no reads.
    pub writes: Option<Rate>,
    /// The failed authentications of an address.
    pub failures: Option<Rate>,
}

/// What there was too much of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    Requests,
    Writes,
    Failures,
}

/// Why a request is refused, and for how long its like are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooMany {
    pub what: What,
    pub rate: Rate,
    pub wait: Duration,
}

/// Counts what comes.
#[derive(Debug)]
pub struct Rates {
    programs: Option<Buckets<2>>,
    addresses: Option<Buckets<1>>,
    refused: Family<Label, Counter>,
}

/// What there was too much of, in metrics.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Label {
    limit: &'static str,
}

/// The buckets of a program, in their order.
const OF_PROGRAM: [What; 2] = [What::Requests, What::Writes];

impl Rates {
    /// With these limits.
    pub fn new(limits: Limits) -> Arc<Self> {
        let refused = Family::default();
        for what in [What::Requests, What::Writes, What::Failures] {
            // Told from the beginning, so that a first refusal is seen as a change.
            drop(refused.get_or_create(&what.label()));
        }
        Arc::new(Self {
            programs: Buckets::new([limits.requests, limits.writes]),
            addresses: Buckets::new([limits.failures]),
            refused,
        })
    }

    /// Counts a request by this method of this program for this tenant. Programs without a name count
    /// as one.
    ///
    /// # Errors
    ///
    /// There were too many.
    pub fn ask(&self, tenant: Uuid, program: Option<&str>, method: &str) -> Result<(), TooMany> {
        let Some(programs) = &self.programs else {
            return Ok(());
        };
        let count = if method == "GET" { 1 } else { 2 };
        let taken = programs.take((tenant, program), count, Instant::now());
        taken.map_err(|empty| {
            let what = OF_PROGRAM[empty.bucket];
            self.refused(what);
            TooMany::new(what, empty)
        })
    }

    /// Whether a caller of this address who is not known may try to authenticate.
    ///
    /// # Errors
    ///
    /// There were too many that failed.
    pub(crate) fn may_try(&self, address: Option<IpAddr>) -> Result<(), TooMany> {
        let Some((addresses, address)) = self.addresses.as_ref().zip(address) else {
            return Ok(());
        };
        addresses
            .look(network(address), Instant::now())
            .map_err(|empty| TooMany::new(What::Failures, empty))
    }

    /// Counts a failed authentication.
    pub(crate) fn failed(&self, address: Option<IpAddr>) {
        if let Some((addresses, address)) = self.addresses.as_ref().zip(address) {
            // Above the limit are those that were under way already: they are over, and not refused.
            let _ = addresses.take(network(address), 1, Instant::now());
        }
    }

    /// Counts a refusal.
    pub(crate) fn refused(&self, what: What) {
        self.refused.get_or_create(&what.label()).inc();
    }

    /// Has the refusals told.
    pub(crate) fn register(&self, registry: &mut Registry) {
        let help = "Requests that were refused with 429, by the limit that they were above";
        registry.register("requests_throttled", help, self.refused.clone());
    }
}

impl TooMany {
    fn new(what: What, empty: Empty) -> Self {
        Self {
            what,
            rate: empty.rate,
            wait: empty.wait,
        }
    }
}

impl What {
    fn label(self) -> Label {
        let limit = match self {
            Self::Requests => "requests",
            Self::Writes => "writes",
            Self::Failures => "failed_authentications",
        };
        Label { limit }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TENANT: Uuid = Uuid::from_u128(1);

    /// Slow enough that nothing comes back while the test runs.
    fn rates() -> Arc<Rates> {
        let slow = |burst| {
            Some(Rate {
                per_second: 1,
                burst,
            })
        };
        Rates::new(Limits {
            requests: slow(1_000),
            writes: slow(10),
            failures: slow(5),
        })
    }

    fn count(rates: &Rates, what: What) -> u64 {
        rates.refused.get_or_create(&what.label()).get()
    }

    #[test]
    fn programs_and_tenants_are_limited_apart() {
        let rates = rates();
        while rates.ask(TENANT, Some("shop"), "POST").is_ok() {}
        let too_many = rates.ask(TENANT, Some("shop"), "POST").unwrap_err();
        assert_eq!(too_many.what, What::Writes);
        rates.ask(TENANT, Some("shop"), "GET").unwrap();
        rates.ask(TENANT, Some("till"), "POST").unwrap();
        rates.ask(TENANT, None, "POST").unwrap();
        rates.ask(Uuid::from_u128(2), Some("shop"), "POST").unwrap();
        assert_eq!(count(&rates, What::Writes), 2);
        assert_eq!(count(&rates, What::Requests), 0);
    }

    #[test]
    fn failures_count_by_address() {
        let rates = rates();
        let [one, neighbour, other] = ["2001:db8::1", "2001:db8::2", "2001:db8:0:1::1"]
            .map(|address| address.parse::<IpAddr>().ok());
        while rates.may_try(one).is_ok() {
            rates.failed(one);
        }
        assert_eq!(rates.may_try(one).unwrap_err().what, What::Failures);
        rates.may_try(neighbour).unwrap_err();
        rates.may_try(other).unwrap();
        rates.may_try(None).unwrap();
    }

    #[test]
    fn without_limits_nothing_is_refused() {
        let rates = Rates::new(Limits::default());
        let address = "192.0.2.1".parse().ok();
        for _ in 0..10_000 {
            rates.ask(TENANT, None, "POST").unwrap();
            rates.failed(address);
            rates.may_try(address).unwrap();
        }
        let requests_only = Rates::new(Limits {
            requests: Some(Rate {
                per_second: 100,
                burst: 100,
            }),
            ..Limits::default()
        });
        let asked = (0..10_000).find_map(|_| requests_only.ask(TENANT, None, "POST").err());
        assert_eq!(asked.map(|refused| refused.what), Some(What::Requests));
    }
}
