//! What a program measured, as it prints it.

use std::fmt;
use std::time::Duration;

use crate::oracle::Verdict;

/// Counts and times in the order in which they came up first.
#[derive(Debug, Default)]
pub(crate) struct Figures {
    counts: Vec<(String, u64)>,
    times: Vec<(String, Duration)>,
}

impl Figures {
    /// Adds to a count.
    pub(crate) fn add(&mut self, name: &str, count: u64) {
        match self.counts.iter_mut().find(|(known, _)| known == name) {
            Some((_, sum)) => *sum += count,
            None => self.counts.push((name.to_owned(), count)),
        }
    }

    /// Keeps the longest of a time.
    pub(crate) fn slowest(&mut self, name: &str, time: Duration) {
        match self.times.iter_mut().find(|(known, _)| known == name) {
            Some((_, longest)) => *longest = time.max(*longest),
            None => self.times.push((name.to_owned(), time)),
        }
    }

    /// Adds what a check of the oracle counted.
    pub(crate) fn verdict(&mut self, verdict: &Verdict) {
        let count = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
        self.add("acknowledged writes", count(verdict.acknowledged));
        self.add("of them lost", count(verdict.lost));
        self.add("writes without an answer", count(verdict.unknown));
        self.add("of them carried out", count(verdict.carried_out));
        self.add("audit rows checked", count(verdict.audited));
    }

    /// Adds the figures of a part.
    pub(crate) fn merge(&mut self, part: Self) {
        for (name, count) in part.counts {
            self.add(&name, count);
        }
        for (name, time) in part.times {
            self.slowest(&name, time);
        }
    }

    /// A count; 0 if it never came up.
    pub(crate) fn count(&self, name: &str) -> u64 {
        let found = self.counts.iter().find(|(known, _)| known == name);
        found.map_or(0, |(_, count)| *count)
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counts = self
            .counts
            .iter()
            .map(|(name, count)| format!("{count} {name}"));
        let seconds = |time: &Duration| format!("{:.2} s", time.as_secs_f64());
        let times = self
            .times
            .iter()
            .map(|(name, time)| format!("{name} {}", seconds(time)));
        f.write_str(&counts.chain(times).collect::<Vec<_>>().join(", "))
    }
}
