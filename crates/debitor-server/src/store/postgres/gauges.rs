//! What is looked up when metrics are asked for.

use std::fmt;
use std::sync::Arc;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::gauge::ConstGauge;

use super::pool::Pools;

/// Looks at the pools.
pub(super) struct Gauges(pub(super) Arc<Pools>);

impl fmt::Debug for Gauges {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gauges").finish_non_exhaustive()
    }
}

impl Collector for Gauges {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let [open, idle, waiting] = self.0.counts();
        let reachable = usize::from(!self.0.connector.reach.is_away());
        for (name, help, value) in [
            ("store_reachable", "Whether the database answers", reachable),
            (
                "store_connections",
                "Connections to the database in the pools",
                open,
            ),
            (
                "store_connections_idle",
                "Those of them that are not in use",
                idle,
            ),
            (
                "store_connections_awaited",
                "Requests that wait for a connection",
                waiting,
            ),
        ] {
            let gauge = ConstGauge::new(value as u64);
            let encoder = encoder.encode_descriptor(name, help, None, gauge.metric_type())?;
            gauge.encode(encoder)?;
        }
        Ok(())
    }
}
