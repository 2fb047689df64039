//! The results as text.

use crate::results::Sample;

/// One sample as a line for whoever waits.
pub(crate) fn line(sample: &Sample) -> String {
    let Sample {
        cell,
        rate,
        cpu,
        memory_mib,
        p50,
        p99,
        ..
    } = sample;
    let operation = format!("{:?}", cell.operation).to_lowercase();
    format!(
        "{:<12} {:>9} {:<9} {:>4} clients {rate:>9.0}/s  cpu {cpu:>6.1} us  p50 {:>7.2} ms  \
         p99 {:>7.2} ms  {memory_mib:>5.0} MiB",
        cell.server,
        cell.customers,
        operation,
        cell.clients,
        p50 / 1000.0,
        p99 / 1000.0,
    )
}
