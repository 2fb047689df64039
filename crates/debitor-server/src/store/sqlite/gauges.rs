//! What is looked up when metrics are asked for.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::gauge::ConstGauge;

use super::archive::Archive;
use super::writer::Writer;
use super::{FILE, space};

/// Looks at the store's files and at what waits.
pub(super) struct Gauges {
    pub(super) directory: PathBuf,
    /// Bytes of the disk that writes leave free.
    pub(super) reserve: u64,
    pub(super) writer: Arc<Writer>,
    pub(super) archive: Option<Arc<Archive>>,
}

impl fmt::Debug for Gauges {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gauges").finish_non_exhaustive()
    }
}

impl Gauges {
    /// The size of a file, which may not be there.
    fn bytes(&self, suffix: &str) -> u64 {
        let path = self.directory.join(format!("{FILE}{suffix}"));
        path.metadata().map_or(0, |file| file.len())
    }

    fn pending(&self) -> u64 {
        self.writer.pending() as u64
    }

    /// Whether a write would be taken: not after a failure, nor when the disk is full.
    fn accepts(&self, free: Option<u64>) -> bool {
        self.writer.check().is_ok() && free.is_none_or(|free| free >= self.reserve)
    }
}

impl Collector for Gauges {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let free = space::free(&self.directory).ok();
        let mut gauge = |name, help, value: u64| write(&mut encoder, name, help, value);
        gauge(
            "store_accepts_writes",
            "Whether writes are taken, 1 or 0",
            self.accepts(free).into(),
        )?;
        gauge(
            "store_writes_pending",
            "Writes that wait for their commit",
            self.pending(),
        )?;
        gauge(
            "store_database_bytes",
            "Size of the database",
            self.bytes(""),
        )?;
        gauge(
            "store_log_bytes",
            "Size of the write-ahead log",
            self.bytes("-wal"),
        )?;
        if let Some(free) = free {
            gauge(
                "store_disk_free_bytes",
                "Free bytes of the store's disk",
                free,
            )?;
        }
        if let Some(archive) = &self.archive {
            let help = "Age of the oldest commit that the archive may lack";
            let lag = archive.lag().as_secs_f64();
            write(&mut encoder, "store_archive_lag_seconds", help, lag)?;
        }
        Ok(())
    }
}

fn write<N>(encoder: &mut DescriptorEncoder<'_>, name: &str, help: &str, value: N) -> fmt::Result
where
    ConstGauge<N>: EncodeMetric,
{
    let gauge = ConstGauge::new(value);
    let encoder = encoder.encode_descriptor(name, help, None, gauge.metric_type())?;
    gauge.encode(encoder)
}
