//! What each thread of the runtime has for itself, so that they do not pass the same memory to and
//! fro between processors: that takes longer than most of what they do with it.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::available_parallelism;

/// As many values as the machine has processors. Each thread has one of them; threads beyond that
/// number share.
#[derive(Debug)]
pub(crate) struct PerThread<T>(Vec<Apart<T>>);

/// On cache lines of its own, prefetched ones included.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Apart<T>(T);

impl<T> PerThread<T> {
    /// Makes the values, or says why one of them cannot be made.
    pub(crate) fn try_new(mut make: impl FnMut() -> anyhow::Result<T>) -> anyhow::Result<Self> {
        (0..processors())
            .map(|_| make().map(Apart))
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// The value of the thread that asks.
    pub(crate) fn own(&self) -> &T {
        &self.0[thread_number() % self.0.len()].0
    }

    /// The values of all threads.
    pub(crate) fn all(&self) -> impl Iterator<Item = &T> {
        self.0.iter().map(|apart| &apart.0)
    }
}

impl<T: Default> Default for PerThread<T> {
    fn default() -> Self {
        Self((0..processors()).map(|_| Apart::default()).collect())
    }
}

/// How many values a [`PerThread`] has.
pub(crate) fn processors() -> usize {
    available_parallelism().map_or(1, usize::from)
}

/// Threads are numbered in the order in which they first ask.
fn thread_number() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static OWN: usize = NEXT.fetch_add(1, Ordering::Relaxed);
    }
    OWN.with(|own| *own)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_keeps_its_value_and_threads_beyond_the_number_share() {
        let values: PerThread<AtomicUsize> = PerThread::default();
        let threads = 2 * processors();
        std::thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(|| {
                    let own = values.own();
                    own.fetch_add(1, Ordering::Relaxed);
                    assert!(std::ptr::eq(own, values.own()));
                });
            }
        });
        let uses: usize = values
            .all()
            .map(|value| value.load(Ordering::Relaxed))
            .sum();
        assert_eq!(uses, threads);
    }
}
