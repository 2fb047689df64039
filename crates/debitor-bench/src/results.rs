//! What was measured, as it is kept in JSON, and the figures that are drawn from it.

use serde::{Deserialize, Serialize};

use crate::machine::Machine;
use crate::operation::Operation;

/// One run of the benchmark.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Results {
    pub(crate) machine: Machine,
    pub(crate) settings: Settings,
    pub(crate) rounds: Vec<Round>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Settings {
    pub(crate) seconds: u64,
    /// Customers in the company before the first operation.
    pub(crate) customers: u64,
    pub(crate) clients: Vec<usize>,
    pub(crate) real_time_priority: bool,
    pub(crate) log_filter: String,
}

/// One turn of every server.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Round {
    /// Synced writes of a block a second.
    pub(crate) fdatasync: f64,
    pub(crate) samples: Vec<Sample>,
}

/// One run of wrk. Times are in microseconds.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Sample {
    #[serde(flatten)]
    pub(crate) cell: Cell,
    pub(crate) rate: f64,
    pub(crate) cpu: f64,
    pub(crate) memory_mib: f64,
    pub(crate) p50: f64,
    pub(crate) p90: f64,
    pub(crate) p99: f64,
    pub(crate) p999: f64,
    pub(crate) max: f64,
}

/// What a sample is of.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) struct Cell {
    pub(crate) server: String,
    pub(crate) operation: Operation,
    pub(crate) clients: usize,
    /// Customers in the company before the first operation.
    pub(crate) customers: u64,
}

/// Median, least and greatest.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct Spread {
    pub(crate) median: f64,
    pub(crate) min: f64,
    pub(crate) max: f64,
}

impl Spread {
    /// Of any number of values but none.
    pub(crate) fn of(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut values: Vec<f64> = values.into_iter().collect();
        values.sort_by(f64::total_cmp);
        let (min, max) = (*values.first()?, *values.last()?);
        let middle = values.len() / 2;
        let median = if values.len() % 2 == 1 {
            values[middle]
        } else {
            f64::midpoint(values[middle - 1], values[middle])
        };
        Some(Self { median, min, max })
    }
}

impl Round {
    pub(crate) fn sample(&self, cell: &Cell) -> Option<&Sample> {
        self.samples.iter().find(|sample| sample.cell == *cell)
    }
}
