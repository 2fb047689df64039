//! What a store observes of its writes, whatever the engine.

use std::time::Duration;

use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;

/// Observations; clones share them.
#[derive(Debug, Clone)]
pub(crate) struct Observed {
    group_size: Histogram,
    commit_seconds: Histogram,
    checkpoint_seconds: Histogram,
}

impl Default for Observed {
    fn default() -> Self {
        // From 0.1 ms, which a sync on a good disk takes, to 3 s.
        let seconds = || Histogram::new(exponential_buckets(0.000_1, 2.0, 16));
        Self {
            group_size: Histogram::new(exponential_buckets(1.0, 2.0, 9)),
            commit_seconds: seconds(),
            checkpoint_seconds: seconds(),
        }
    }
}

impl Observed {
    /// So many writes were committed at once.
    pub(crate) fn commit(&self, size: usize, took: Duration) {
        self.group_size
            .observe(f64::from(u32::try_from(size).unwrap_or(u32::MAX)));
        self.commit_seconds.observe(took.as_secs_f64());
    }

    /// The log was moved into the database.
    pub(crate) fn checkpoint(&self, took: Duration) {
        self.checkpoint_seconds.observe(took.as_secs_f64());
    }

    pub(crate) fn register(&self, registry: &mut Registry) {
        let mut add = |name, help, histogram: &Histogram| {
            registry.register(name, help, histogram.clone());
        };
        add(
            "store_commit_writes",
            "Writes in one commit",
            &self.group_size,
        );
        add(
            "store_commit_seconds",
            "Seconds that commits took",
            &self.commit_seconds,
        );
        let help = "Seconds that moving the log into the database took";
        add("store_checkpoint_seconds", help, &self.checkpoint_seconds);
    }
}
