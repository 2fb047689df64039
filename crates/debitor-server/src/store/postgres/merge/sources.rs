//! Segments that are merged as they are read: of each only what was read last is in memory, so that it
//! does not matter how large they are.
//!
//! What comes before everything that is still to be read is merged: summed up, in the order of words
//! and customers. In segments that writes made, or earlier programs, all who got a word stand before all
//! who lost it. Should that be more than is read at once, the two may miss each other: the sum is right
//! all the same, and only takes more bytes.

use std::collections::BTreeMap;
use std::iter::repeat_n;
use std::mem;

use bytes::Bytes;
use uuid::Uuid;

use super::super::super::Result;
use super::super::segment::{Change, Encoder, groups};

/// Changes of a segment that are enough to merge on.
const ENOUGH: usize = 500;

/// What a segment says of a word and a customer.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Entry {
    /// A part of its chunk.
    word: Bytes,
    customer: Uuid,
    sum: i32,
}

impl Entry {
    fn key(&self) -> (&[u8], Uuid) {
        (&self.word, self.customer)
    }

    /// How the word begins, by its first eight bytes, or all and zeros. By this nearly all entries are told
    /// apart, and in the same order, as the shorter of two words comes first.
    fn head(&self) -> u64 {
        let mut head = [0; 8];
        let length = self.word.len().min(head.len());
        head[..length].copy_from_slice(&self.word[..length]);
        u64::from_be_bytes(head)
    }
}

/// A chunk's first word, and its place: the order in which a segment is read.
pub(super) type Position = (Vec<u8>, i32);

/// What was read of a segment and is not merged yet, in order.
#[derive(Debug)]
struct Source {
    entries: Vec<Entry>,
    /// The last chunk that was read.
    read: Position,
    is_whole: bool,
}

impl Source {
    /// Whether more must be read of it. One customer and word may be all that is held against the others.
    fn is_wanting(&self) -> bool {
        let [first, last] =
            [self.entries.first(), self.entries.last()].map(|one| one.map(Entry::key));
        !self.is_whole && (self.entries.len() < ENOUGH || first == last)
    }

    /// Takes what comes before this entry.
    fn before(&mut self, fence: Option<&Entry>) -> impl Iterator<Item = Entry> {
        let all = self.entries.len();
        let count = fence.map_or(all, |fence| {
            self.entries.partition_point(|one| one.key() < fence.key())
        });
        self.entries.drain(..count)
    }
}

/// The segments of a merge.
#[derive(Debug)]
pub(super) struct Sources(BTreeMap<Uuid, Source>);

impl Sources {
    pub(super) fn new(segments: &[Uuid]) -> Self {
        let source = || Source {
            entries: Vec::new(),
            read: (Vec::new(), -1),
            is_whole: false,
        };
        Self(segments.iter().map(|one| (*one, source())).collect())
    }

    /// Which have to be read on, and behind what.
    pub(super) fn wanting(&self) -> Vec<(Uuid, Position)> {
        let wanting = self.0.iter().filter(|(_, source)| source.is_wanting());
        wanting
            .map(|(segment, source)| (*segment, source.read.clone()))
            .collect()
    }

    /// Adds a chunk of one of them.
    pub(super) fn add(&mut self, segment: Uuid, position: Position, chunk: &[u8]) -> Result<()> {
        let Some(source) = self.0.get_mut(&segment) else {
            return Ok(());
        };
        let chunk = Bytes::copy_from_slice(chunk);
        for group in groups(&chunk) {
            let group = group?;
            let word = chunk.slice_ref(group.word);
            let entries = group.sums().map(|(customer, sum)| Entry {
                word: word.clone(),
                customer,
                sum,
            });
            source.entries.extend(entries);
        }
        source.read = position.max(mem::take(&mut source.read));
        Ok(())
    }

    /// Notes that nothing more comes of one of them.
    pub(super) fn end(&mut self, segment: Uuid) {
        if let Some(source) = self.0.get_mut(&segment) {
            source.is_whole = true;
        }
    }

    /// Merges what can be.
    pub(super) fn merge(&mut self, merged: &mut Encoder) {
        for source in self.0.values_mut() {
            source.entries.sort();
        }
        let unread = self.0.values().filter(|source| !source.is_whole);
        // One of which nothing was read holds up everything.
        let fence = unread.map(|source| source.entries.last().cloned());
        let fence = fence.min();
        if let Some(None) = fence {
            return;
        }
        let fence = fence.flatten();
        let sources = self.0.values_mut();
        let ready: Vec<_> = sources
            .flat_map(|source| source.before(fence.as_ref()))
            .collect();
        for of_word in sorted(&ready).chunk_by(|one, other| one.1.word == other.1.word) {
            write(of_word, merged);
        }
    }
}

/// An entry behind its word's head.
type Headed<'a> = (u64, &'a Entry);

/// The entries in order. What is moved to sort them is small.
fn sorted(entries: &[Entry]) -> Vec<Headed<'_>> {
    let mut headed: Vec<Headed<'_>> = entries.iter().map(|one| (one.head(), one)).collect();
    headed.sort_unstable();
    headed
}

/// Writes what the entries of a word say together.
fn write(of_word: &[Headed<'_>], merged: &mut Encoder) {
    let mut changes = Vec::new();
    for of_customer in of_word.chunk_by(|one, other| one.1.customer == other.1.customer) {
        let sum: i32 = of_customer.iter().map(|(_, one)| one.sum).sum();
        let change = if sum > 0 { Change::Got } else { Change::Lost };
        let count = sum.unsigned_abs() as usize;
        changes.extend(repeat_n((change, of_customer[0].1.customer), count));
    }
    for alike in changes.chunk_by(|one, other| one.0 == other.0) {
        let customers: Vec<_> = alike.iter().map(|(_, customer)| *customer).collect();
        merged.push(&of_word[0].1.word, alike[0].0, &customers);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use fastrand::Rng;

    use super::*;
    use crate::store::postgres::segment::Chunk;

    type Sums = BTreeMap<(Vec<u8>, Uuid), i32>;

    fn sums(chunks: &[Chunk]) -> Sums {
        let mut sums = Sums::new();
        for chunk in chunks {
            for group in groups(&chunk.postings).map(Result::unwrap) {
                for (id, sum) in group.sums() {
                    *sums.entry((group.word.to_vec(), id)).or_default() += sum;
                }
            }
        }
        sums.retain(|_, sum| *sum != 0);
        sums
    }

    fn encoded(changes: &[(&[u8], Change, u128)]) -> Vec<Chunk> {
        let mut encoder = Encoder::default();
        for (word, change, id) in changes {
            encoder.push(word, *change, &[Uuid::from_u128(*id)]);
        }
        encoder.finish()
    }

    /// A segment of changes in the order of words, and of what comes next in this one.
    fn random<K: Ord>(
        rng: &mut Rng,
        words: usize,
        order: fn(&(&'static [u8], Change, u128)) -> K,
    ) -> Vec<Chunk> {
        const WORDS: [&[u8]; 3] = [b"hafen", b"nord", b"speicher"];
        let mut changes: Vec<_> = (0..rng.usize(..3000))
            .map(|_| {
                let change = if rng.u8(..3) == 0 {
                    Change::Lost
                } else {
                    Change::Got
                };
                (WORDS[rng.usize(..words)], change, rng.u128(..900))
            })
            .collect();
        changes.sort_by_key(order);
        encoded(&changes)
    }

    /// Merges segments, so many chunks of each at a time; the changes that were held at most, too.
    fn merge(parts: &[Vec<Chunk>], together: usize) -> (Vec<Chunk>, usize) {
        let ids = (0..parts.len() as u128).map(Uuid::from_u128);
        let parts: BTreeMap<_, _> = ids.zip(parts).collect();
        let mut sources = Sources::new(&parts.keys().copied().collect::<Vec<_>>());
        let (mut encoder, mut most) = (Encoder::default(), 0);
        loop {
            let wanting = sources.wanting();
            if wanting.is_empty() {
                return (encoder.finish(), most);
            }
            for (id, (_, place)) in wanting {
                let rest = &parts[&id][usize::try_from(place + 1).unwrap()..];
                let places = (place + 1..).take(together);
                for (place, chunk) in places.zip(rest) {
                    let position = (chunk.first.clone(), place);
                    sources.add(id, position, &chunk.postings).unwrap();
                }
                if rest.len() <= together {
                    sources.end(id);
                }
            }
            let held = sources.0.values().map(|source| source.entries.len());
            most = most.max(held.sum());
            sources.merge(&mut encoder);
        }
    }

    #[test]
    fn what_is_merged_says_what_its_parts_say() {
        let mut rng = Rng::with_seed(1);
        for together in (1..40).cycle().take(120) {
            let by_change = |(word, change, id): &(_, _, _)| (*word, *change, *id);
            let parts: Vec<_> = (0..5).map(|_| random(&mut rng, 3, by_change)).collect();
            let (merged, _) = merge(&parts, together);
            assert_eq!(sums(&merged), sums(&parts.concat()));
            assert!(merged.is_sorted_by_key(|chunk| &chunk.first));
        }
    }

    /// However many chunks a word has, nothing that was got and lost is left of what is in order.
    #[test]
    fn what_was_got_and_lost_is_left_out() {
        let mut rng = Rng::with_seed(2);
        let by_customer = |(word, change, id): &(_, _, _)| (*word, *id, *change);
        let parts: Vec<_> = (0..5).map(|_| random(&mut rng, 1, by_customer)).collect();
        let (merged, _) = merge(&parts, 1);
        let total: u32 = sums(&merged).values().map(|sum| sum.unsigned_abs()).sum();
        let changes = merged.iter().flat_map(|chunk| groups(&chunk.postings));
        let changes: usize = changes.map(|group| group.unwrap().sums().count()).sum();
        assert_eq!(changes, total as usize);
        assert!(total > 0);
    }

    /// Each segment begins behind the one before.
    #[test]
    fn little_is_held() {
        let part = |from: u32| {
            let words: Vec<_> = (from..from + 5000).map(u32::to_be_bytes).collect();
            let changes = words.iter().map(|word| (&word[..], Change::Got, 1));
            encoded(&changes.collect::<Vec<_>>())
        };
        let parts: Vec<_> = (0..8).map(|n| part(n * 5000)).collect();
        let (merged, most) = merge(&parts, 4);
        assert_eq!(sums(&merged), sums(&parts.concat()));
        assert!(most < 8 * 2 * ENOUGH, "{most}");
    }

    #[test]
    fn a_damaged_chunk_is_an_error() {
        let [chunk] = &encoded(&[(b"word", Change::Got, 1)])[..] else {
            panic!("one chunk is expected");
        };
        for length in 1..chunk.postings.len() {
            let mut sources = Sources::new(&[Uuid::nil()]);
            let damaged = &chunk.postings[..length];
            assert!(sources.add(Uuid::nil(), (Vec::new(), 0), damaged).is_err());
        }
    }
}
