//! What was measured, as it is kept in JSON.

use serde::{Deserialize, Serialize};

use crate::admission::Admission;
use crate::machine::Machine;
use crate::open_loop::Latency;
use crate::operation::Operation;
use crate::storage::Storage;

/// One run of the benchmark.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Results {
    pub(crate) machine: Machine,
    pub(crate) settings: Settings,
    pub(crate) admissions: Vec<Admission>,
    pub(crate) rounds: Vec<Round>,
    /// Rounds of our own server with companies of every size.
    pub(crate) growth: Vec<Round>,
    /// Rounds of what lists are asked for, in the least and the greatest company.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) lists: Vec<Round>,
    /// Rounds of creates with and without what only lists need, and of gets with and without
    /// authentication.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) bare: Vec<Round>,
    /// Creates at half of what each durable server can do.
    pub(crate) latency: Vec<Latency>,
    pub(crate) soak: Option<Soak>,
    /// What a customer takes in the database that keeps the data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) storage: Option<Storage>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Settings {
    pub(crate) seconds: u64,
    /// Customers in the company before the first operation: in the rounds the first of these, in
    /// those of growth all.
    pub(crate) sizes: Vec<u64>,
    pub(crate) real_time_priority: bool,
    pub(crate) log_filter: String,
    /// The database that keeps every server's data, unless each has files of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) database: Option<String>,
}

/// One turn of every server.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Round {
    /// Synced writes of a block a second.
    pub(crate) fdatasync: f64,
    pub(crate) samples: Vec<Sample>,
}

/// One run of wrk. Times are in microseconds, of a request; memory is the server's own.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Sample {
    #[serde(flatten)]
    pub(crate) cell: Cell,
    pub(crate) rate: f64,
    pub(crate) cpu: f64,
    /// What the database used for it, with its own upkeep.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) database_cpu: Option<f64>,
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

/// Memory of our server over minutes of gets and creates by 64 clients.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Soak {
    pub(crate) rate: f64,
    /// One value a second.
    pub(crate) memory_mib: Vec<f64>,
}

impl Soak {
    /// By the line of least squares through the second half: what a server takes at first is not
    /// a leak.
    pub(crate) fn mib_per_minute(&self) -> f64 {
        let values = &self.memory_mib[self.memory_mib.len() / 2..];
        let count = values.len() as f64;
        let mean_time = (count - 1.0) / 2.0;
        let mean = values.iter().sum::<f64>() / count;
        let (mut over, mut under) = (0.0, 0.0);
        for (second, value) in values.iter().enumerate() {
            let time = second as f64 - mean_time;
            over += time * (value - mean);
            under += time * time;
        }
        if under > 0.0 {
            over / under * 60.0
        } else {
            0.0
        }
    }
}

impl Results {
    /// Nothing is measured yet.
    pub(crate) fn new(machine: Machine, settings: Settings, admissions: Vec<Admission>) -> Self {
        Self {
            machine,
            settings,
            admissions,
            rounds: Vec::new(),
            growth: Vec::new(),
            lists: Vec::new(),
            bare: Vec::new(),
            latency: Vec::new(),
            soak: None,
            storage: None,
        }
    }

    #[cfg(test)]
    pub(crate) fn of_sizes(sizes: Vec<u64>) -> Self {
        let settings = Settings {
            seconds: 1,
            sizes,
            real_time_priority: false,
            log_filter: "warn".to_owned(),
            database: None,
        };
        Self::new(Machine::default(), settings, Vec::new())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_leak_is_a_slope() {
        let soak = |memory_mib| Soak {
            rate: 1.0,
            memory_mib,
        };
        let leak = (0..120).map(|second| f64::from(second) * 0.5).collect();
        assert!((soak(leak).mib_per_minute() - 30.0).abs() < 1e-9);
        assert!(soak(vec![20.0; 60]).mib_per_minute().abs() < 1e-9);
    }
}
