//! What requests take, by operation and by what became of them, and how many there are.

use std::sync::Arc;
use std::time::Instant;

use axum::http::StatusCode;
use debitor_api::Operation;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;

use crate::layers::admission::{Admission, Figures};
use crate::layers::rates::Rates;

/// The operation, and the class of the status, such as `2xx`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Labels {
    operation: &'static str,
    status: &'static str,
}

/// The requests of the operations; clones share them.
#[derive(Debug, Clone)]
pub struct Requests(Family<Labels, Histogram, fn() -> Histogram>);

impl Default for Requests {
    fn default() -> Self {
        // From 0.1 ms, which few reads take less than, to 26 s, after which they are given up.
        let seconds: fn() -> Histogram = || Histogram::new(exponential_buckets(0.000_1, 4.0, 10));
        Self(Family::new_with_constructor(seconds))
    }
}

/// A request that an operation has begun to answer.
#[derive(Debug)]
pub struct Visit {
    operation: &'static Operation,
    begin: Instant,
}

impl Requests {
    pub(crate) fn entered(operation: &'static Operation) -> Visit {
        Visit {
            operation,
            begin: Instant::now(),
        }
    }

    pub(crate) fn answered(&self, visit: &Visit, status: StatusCode) {
        let labels = Labels {
            operation: visit.operation.id,
            status: class(status),
        };
        let seconds = visit.begin.elapsed().as_secs_f64();
        self.0.get_or_create(&labels).observe(seconds);
    }

    /// Has them told, and who was let in.
    pub fn register(&self, registry: &mut Registry, admission: &Arc<Admission>, rates: &Rates) {
        let help = "Seconds that operations took to answer, by class of the status";
        registry.register("request_seconds", help, self.0.clone());
        registry.register_collector(Box::new(Figures(Arc::clone(admission))));
        rates.register(registry);
    }
}

fn class(status: StatusCode) -> &'static str {
    match status.as_u16() {
        ..300 => "2xx",
        300..400 => "3xx",
        400..500 => "4xx",
        500.. => "5xx",
    }
}
