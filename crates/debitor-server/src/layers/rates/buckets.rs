//! Token buckets, some for each key. A bucket is known by the instant at which it will be full, so
//! that a full one need not be kept.
//!
//! Keys are kept as secret hashes, and only so many of them: memory is bounded whatever keys come.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, Hash, RandomState};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Keys whose buckets are kept at most, in as many parts as have a lock each.
const KEYS: usize = 1 << 17;
const PARTS: usize = 16;

/// How much may come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// In a second, in the long run.
    pub per_second: u32,
    /// At once.
    pub burst: u32,
}

impl Rate {
    /// So long a bucket takes to get one more.
    fn interval(self) -> Duration {
        Duration::from_secs(1) / self.per_second.max(1)
    }

    /// When a bucket will be full that would be so at `full` and gives one now; if it is empty, how
    /// long it takes to have one.
    fn take(self, full: Instant, now: Instant) -> Result<Instant, Duration> {
        let later = full.max(now) + self.interval();
        let fills_in = later.duration_since(now);
        match fills_in.checked_sub(self.interval() * self.burst) {
            None | Some(Duration::ZERO) => Ok(later),
            Some(wait) => Err(wait),
        }
    }
}

/// The instants at which a key's buckets will be full.
type Full<const N: usize> = [Instant; N];

/// `N` buckets for each key, those without a rate never empty.
#[derive(Debug)]
pub(super) struct Buckets<const N: usize> {
    rates: [Option<Rate>; N],
    parts: [Mutex<HashMap<u64, Full<N>>>; PARTS],
    hash: RandomState,
}

/// A bucket that is empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Empty {
    pub(super) bucket: usize,
    pub(super) rate: Rate,
    /// How long it takes to have something.
    pub(super) wait: Duration,
}

impl<const N: usize> Buckets<N> {
    /// None, if there is nothing to limit.
    pub(super) fn new(rates: [Option<Rate>; N]) -> Option<Self> {
        rates.iter().any(Option::is_some).then(|| Self {
            rates,
            parts: Default::default(),
            hash: RandomState::new(),
        })
    }

    /// Takes one from each of the key's first `count` buckets, or nothing.
    pub(super) fn take(&self, key: impl Hash, count: usize, now: Instant) -> Result<(), Empty> {
        let hash = self.hash.hash_one(key);
        self.with(hash, |part| {
            let full = self.taken(part.get(&hash), count, now)?;
            if part.len() >= KEYS / PARTS {
                forget(part, now);
            }
            part.insert(hash, full);
            Ok(())
        })
    }

    /// Whether there is one to be taken from the key's first bucket.
    pub(super) fn look(&self, key: impl Hash, now: Instant) -> Result<(), Empty> {
        let hash = self.hash.hash_one(key);
        self.with(hash, |part| self.taken(part.get(&hash), 1, now).map(drop))
    }

    fn taken(&self, kept: Option<&Full<N>>, count: usize, now: Instant) -> Result<Full<N>, Empty> {
        let mut full = kept.copied().unwrap_or([now; N]);
        for (bucket, own) in full.iter_mut().enumerate().take(count) {
            let Some(rate) = self.rates[bucket] else {
                continue;
            };
            *own = rate
                .take(*own, now)
                .map_err(|wait| Empty { bucket, rate, wait })?;
        }
        Ok(full)
    }

    fn with<T>(&self, hash: u64, work: impl FnOnce(&mut HashMap<u64, Full<N>>) -> T) -> T {
        let part = usize::try_from(hash % PARTS as u64).unwrap_or_default();
        let part = self.parts[part].lock();
        work(&mut part.unwrap_or_else(PoisonError::into_inner))
    }
}

/// Makes room: what is full is as good as new. Where that is not half of all, everybody begins anew:
/// so many at once are more than any rate of one of them.
fn forget<const N: usize>(part: &mut HashMap<u64, Full<N>>, now: Instant) {
    part.retain(|_, full| full.iter().any(|full| *full > now));
    if part.len() > KEYS / PARTS / 2 {
        part.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: Rate = Rate {
        per_second: 50,
        burst: 100,
    };

    fn buckets() -> Buckets<2> {
        let writes = Rate {
            per_second: 20,
            burst: 40,
        };
        Buckets::new([Some(RATE), Some(writes)]).unwrap()
    }

    /// How many are had by asking so many times a second for so many seconds.
    fn had(buckets: &Buckets<2>, count: usize, a_second: u32, seconds: u32) -> usize {
        let start = Instant::now();
        let step = Duration::from_secs(1) / a_second;
        (0..a_second * seconds)
            .filter(|number| buckets.take("a", count, start + step * *number).is_ok())
            .count()
    }

    #[test]
    fn who_asks_for_more_gets_the_burst_and_the_rate() {
        assert_eq!(had(&buckets(), 1, 5_000, 10), 100 + 50 * 10 - 1);
        assert_eq!(had(&buckets(), 2, 5_000, 10), 40 + 20 * 10 - 1);
        assert_eq!(had(&buckets(), 1, 50, 10), 500);
    }

    #[test]
    fn the_wait_is_just_long_enough() {
        let (buckets, now) = (buckets(), Instant::now());
        for _ in 0..100 {
            buckets.take("a", 1, now).unwrap();
        }
        let empty = buckets.take("a", 1, now).unwrap_err();
        assert_eq!(empty.wait, Duration::from_millis(20));
        let early = now + Duration::from_nanos(19_999_999);
        let wait = buckets.take("a", 1, early).unwrap_err().wait;
        assert_eq!(wait, Duration::from_nanos(1));
        buckets.take("a", 1, now + empty.wait).unwrap();
    }

    #[test]
    fn keys_have_buckets_of_their_own() {
        let (buckets, now) = (buckets(), Instant::now());
        while buckets.take(("a", 1), 1, now).is_ok() {}
        for key in [("a", 2), ("b", 1)] {
            buckets.take(key, 1, now).unwrap();
        }
    }

    #[test]
    fn what_is_refused_takes_nothing() {
        let (buckets, now) = (buckets(), Instant::now());
        while buckets.take("a", 2, now).is_ok() {}
        let empty = buckets.take("a", 2, now).unwrap_err();
        assert_eq!((empty.bucket, empty.rate.per_second), (1, 20));
        // 40 of 100 were taken together with those of the other bucket.
        let rest = (0..100).filter(|_| buckets.take("a", 1, now).is_ok());
        assert_eq!(rest.count(), 60);
        assert_eq!(buckets.take("a", 2, now).unwrap_err().bucket, 0);
    }

    #[test]
    fn a_look_takes_nothing() {
        let (buckets, now) = (Buckets::new([Some(RATE)]).unwrap(), Instant::now());
        for _ in 0..1000 {
            buckets.look("a", now).unwrap();
        }
        while buckets.take("a", 1, now).is_ok() {}
        buckets.look("a", now).unwrap_err();
        buckets.look("a", now + Duration::from_millis(20)).unwrap();
    }

    #[test]
    fn without_rates_there_are_none() {
        assert!(Buckets::<2>::new([None, None]).is_none());
        let (buckets, now) = (Buckets::new([None, Some(RATE)]).unwrap(), Instant::now());
        for _ in 0..1000 {
            buckets.take("a", 1, now).unwrap();
        }
        while buckets.take("a", 2, now).is_ok() {}
        assert_eq!(buckets.take("a", 2, now).unwrap_err().bucket, 1);
    }

    /// Keys that are kept, and the bytes of the room for them.
    fn size<const N: usize>(buckets: &Buckets<N>) -> (usize, usize) {
        let parts = buckets.parts.iter().map(|part| part.lock().unwrap());
        let sizes = parts.map(|part| (part.len(), part.capacity() * size_of::<(u64, Full<N>)>()));
        sizes.fold((0, 0), |all, one| (all.0 + one.0, all.1 + one.1))
    }

    #[test]
    fn a_million_keys_at_once_are_not_kept() {
        let (buckets, now) = (buckets(), Instant::now());
        for key in 0..1_000_000 {
            buckets.take(key, 2, now).unwrap();
            if key % 10_000 == 0 {
                assert!(size(&buckets).0 <= KEYS);
            }
        }
        let (kept, bytes) = size(&buckets);
        assert!((1..=KEYS).contains(&kept), "{kept}");
        assert!(bytes < 16 << 20, "{bytes}");
    }

    #[test]
    fn one_that_is_empty_is_kept_while_others_come_and_go() {
        let (buckets, start) = (buckets(), Instant::now());
        while buckets.take("busy", 1, start).is_ok() {}
        // Each of the others is full again after 20 ms.
        let had = (0..1_000_000).filter(|key| {
            let now = start + Duration::from_micros(*key);
            buckets.take(key, 1, now).unwrap();
            buckets.take("busy", 1, now).is_ok()
        });
        assert_eq!(had.count(), 49);
        assert!(size(&buckets).0 < 1_000_000 / 2);
    }
}
