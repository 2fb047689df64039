//! How many requests are under way at once: with more than there are places for, the server would
//! answer all of them late. A request takes its place once all of it has come, so that slow clients
//! hold none.
//!
//! A tenant may have as many as twice the places that are free. So one alone gets two thirds of them,
//! and however many take part, some stay free for whoever comes next.

use std::fmt;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric as _};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use uuid::Uuid;

/// Tenants are counted in so many places, by a secret hash: two that meet share what they may have,
/// and no number of tenants takes more memory.
const COUNTERS: usize = 4096;

/// The places for requests.
#[derive(Debug)]
pub struct Admission {
    places: usize,
    taken: AtomicUsize,
    refused: AtomicU64,
    tenants: Box<[AtomicUsize]>,
    hash: RandomState,
}

impl Admission {
    /// With so many places.
    pub fn new(places: usize) -> Arc<Self> {
        Arc::new(Self {
            places,
            taken: AtomicUsize::new(0),
            refused: AtomicU64::new(0),
            tenants: (0..COUNTERS).map(|_| AtomicUsize::new(0)).collect(),
            hash: RandomState::new(),
        })
    }

    /// A place for a request, still to be taken.
    pub(crate) fn place(self: &Arc<Self>) -> Arc<Place> {
        Arc::new(Place {
            admission: Arc::clone(self),
            tenant: OnceLock::new(),
            is_taken: AtomicBool::new(false),
        })
    }

    /// The requests that are under way.
    pub(crate) fn taken(&self) -> usize {
        self.taken.load(Ordering::Relaxed)
    }

    fn tenant(&self, tenant: Uuid) -> &AtomicUsize {
        let hash = usize::try_from(self.hash.hash_one(tenant)).unwrap_or_default();
        &self.tenants[hash % COUNTERS]
    }
}

/// A request's place, until it is dropped.
#[derive(Debug)]
pub struct Place {
    admission: Arc<Admission>,
    tenant: OnceLock<Uuid>,
    is_taken: AtomicBool,
}

impl Place {
    /// Says whose it will be.
    pub(crate) fn of(&self, tenant: Uuid) {
        // It is said once, by the token.
        let _ = self.tenant.set(tenant);
    }

    /// Takes it, if it is free and the tenant may have another.
    pub(crate) fn take(&self) -> bool {
        if self.is_taken.swap(true, Ordering::Relaxed) {
            return true;
        }
        // What is refused is counted back when the place is dropped.
        let admission = &self.admission;
        let taken = admission.taken.fetch_add(1, Ordering::Relaxed);
        let free = admission.places.saturating_sub(taken);
        let own = self.tenant.get().map_or(0, |tenant| {
            admission.tenant(*tenant).fetch_add(1, Ordering::Relaxed)
        });
        let is_granted = free > 0 && (own == 0 || own < 2 * free);
        admission
            .refused
            .fetch_add((!is_granted).into(), Ordering::Relaxed);
        is_granted
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if !*self.is_taken.get_mut() {
            return;
        }
        if let Some(tenant) = self.tenant.get() {
            let own = self.admission.tenant(*tenant);
            own.fetch_sub(1, Ordering::Relaxed);
        }
        self.admission.taken.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The requests that are under way, and how many were refused a place, for whoever asks for metrics.
#[derive(Debug)]
pub(crate) struct Figures(pub(crate) Arc<Admission>);

impl Collector for Figures {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let Self(admission) = self;
        let taken = ConstGauge::new(i64::try_from(admission.taken()).unwrap_or(i64::MAX));
        let help = "Requests that are being answered";
        let told = encoder.encode_descriptor("requests", help, None, taken.metric_type())?;
        taken.encode(told)?;
        let refused = ConstCounter::new(admission.refused.load(Ordering::Relaxed));
        let help = "Requests that were refused, as there were too many";
        let told =
            encoder.encode_descriptor("requests_refused", help, None, refused.metric_type())?;
        refused.encode(told)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(admission: &Arc<Admission>, tenant: u128) -> Option<Arc<Place>> {
        let place = admission.place();
        place.of(Uuid::from_u128(tenant));
        place.take().then_some(place)
    }

    #[test]
    fn there_are_so_many_places_and_those_left_are_free_again() {
        let admission = Admission::new(3);
        let waiting: Vec<_> = (0..9).map(|_| admission.place()).collect();
        let mut places: Vec<_> = (0..5)
            .filter_map(|tenant| place(&admission, tenant))
            .collect();
        assert_eq!((places.len(), admission.taken()), (3, 3));
        places.pop();
        assert!(place(&admission, 7).is_some());
        drop((places, waiting));
        assert_eq!(admission.taken(), 0);
    }

    #[test]
    fn a_tenant_leaves_places_for_others() {
        let admission = Admission::new(300);
        let held: Vec<_> = (0..300).filter_map(|_| place(&admission, 1)).collect();
        assert!((195..=205).contains(&held.len()), "{}", held.len());
        let others: Vec<_> = (0..300).filter_map(|_| place(&admission, 2)).collect();
        assert!((60..=70).contains(&others.len()), "{}", others.len());
        assert!(place(&admission, 3).is_some());
        drop((held, others));
        assert_eq!(admission.taken(), 0);
        let again: Vec<_> = (0..300).filter_map(|_| place(&admission, 1)).collect();
        assert!(again.len() >= 195);
    }
}
