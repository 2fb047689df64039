//! Segments of the index of words: what some writes changed, in the order of words, cut into chunks.
//!
//! A change says that a customer got a word, or lost it. What the index says is the sum of all changes,
//! in whatever order and segments they come; a word that was got and lost is nothing, and is left out
//! where the two meet.
//!
//! A chunk is groups, one after the other, each of one word: the length of the word and the number of
//! customers (two bytes each, the higher first), a byte that is 1 if they lost it, the word, and 16
//! bytes for each customer.

use uuid::Uuid;

use super::super::{Error, Result};

/// Bytes in a chunk up to which it is filled, so that PostgreSQL keeps its row in one piece.
const FULL: usize = 1600;
/// Bytes of a group before its word, and of a customer.
const HEADER: usize = 5;
const ID: usize = 16;

/// Whether customers got a word or lost it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Change {
    Got,
    Lost,
}

/// Customers that got or lost a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Group<'a> {
    pub(super) word: &'a [u8],
    change: Change,
    ids: &'a [[u8; ID]],
}

impl<'a> Group<'a> {
    /// The customers, with what the group adds to each.
    pub(super) fn sums(&self) -> impl Iterator<Item = (Uuid, i32)> + use<'a> {
        let sum = match self.change {
            Change::Got => 1,
            Change::Lost => -1,
        };
        let ids = self.ids.iter().copied();
        ids.map(move |id| (Uuid::from_bytes(id), sum))
    }

    /// The group at the start of these bytes, and the bytes behind it.
    fn split(bytes: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let (&[a, b, c, d, lost], rest) = bytes.split_first_chunk::<HEADER>()?;
        let length = u16::from_be_bytes([a, b]).into();
        let count = usize::from(u16::from_be_bytes([c, d]));
        let (word, rest) = rest.split_at_checked(length)?;
        let (ids, rest) = rest.split_at_checked(count * ID)?;
        let change = if lost == 1 { Change::Lost } else { Change::Got };
        let (ids, _) = ids.as_chunks();
        Some((Self { word, change, ids }, rest))
    }
}

/// The groups of a chunk.
pub(super) fn groups(mut bytes: &[u8]) -> impl Iterator<Item = Result<Group<'_>>> {
    std::iter::from_fn(move || {
        if bytes.is_empty() {
            return None;
        }
        let Some((group, rest)) = Group::split(bytes) else {
            bytes = &[];
            let damaged = "a chunk of the index of words is damaged";
            return Some(Err(Error::Internal(damaged.to_owned())));
        };
        bytes = rest;
        Some(Ok(group))
    })
}

/// A part of a segment, with its first word.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Chunk {
    pub(super) first: Vec<u8>,
    pub(super) postings: Vec<u8>,
}

/// Writes chunks of changes that come in the order of their words.
#[derive(Debug, Default)]
pub(super) struct Encoder(Vec<Chunk>);

impl Encoder {
    /// Adds customers that got or lost a word. None is longer than a property of the document, which is
    /// far below what two bytes count to.
    pub(super) fn push(&mut self, word: &[u8], change: Change, mut ids: &[Uuid]) {
        let head = HEADER + word.len();
        while !ids.is_empty() {
            let Chunk { postings, .. } = self.open(word, head);
            let room = FULL.saturating_sub(postings.len() + head) / ID;
            let (part, rest) = ids.split_at(room.clamp(1, ids.len()));
            for number in [word.len(), part.len()] {
                postings.extend(u16::try_from(number).unwrap_or(u16::MAX).to_be_bytes());
            }
            postings.push((change == Change::Lost).into());
            postings.extend(word);
            postings.extend(part.iter().flat_map(Uuid::as_bytes));
            ids = rest;
        }
    }

    /// The last chunk, if it has room for a group, or a new one that begins with the word.
    fn open(&mut self, word: &[u8], head: usize) -> &mut Chunk {
        let has_room = |last: &Chunk| last.postings.len() + head + ID <= FULL;
        let last = self.0.pop_if(|last| has_room(last));
        self.0.push_mut(last.unwrap_or_else(|| Chunk {
            first: word.to_vec(),
            postings: Vec::with_capacity(FULL),
        }))
    }

    pub(super) fn finish(self) -> Vec<Chunk> {
        self.0
    }
}

/// What the chunks say together, of whichever segments they are.
pub(super) fn merge<'a>(chunks: impl Iterator<Item = &'a [u8]>) -> Result<Vec<Chunk>> {
    let mut changes = Vec::new();
    for group in chunks.flat_map(groups) {
        let group = group?;
        changes.extend(group.sums().map(|(id, sum)| (group.word, id, sum)));
    }
    changes.sort_unstable();
    let mut merged = Encoder::default();
    for of_word in changes.chunk_by(|one, other| one.0 == other.0) {
        let (mut got, mut lost) = (Vec::new(), Vec::new());
        for of_id in of_word.chunk_by(|one, other| one.1 == other.1) {
            let sum: i32 = of_id.iter().map(|(_, _, sum)| sum).sum();
            let ids = if sum > 0 { &mut got } else { &mut lost };
            ids.extend(std::iter::repeat_n(of_id[0].1, sum.unsigned_abs() as usize));
        }
        merged.push(of_word[0].0, Change::Got, &got);
        merged.push(of_word[0].0, Change::Lost, &lost);
    }
    Ok(merged.finish())
}

/// Bytes of a segment that is not merged any more, at most; and how many segments are merged at least.
const LARGEST: i64 = 6 << 20;
const TOGETHER: usize = 16;
/// How much larger than the largest of the segments that are merged all of them must be at least.
const FACTOR: i64 = 4;

/// Which of the segments, of these sizes in bytes, are to be merged: small ones first, so that each
/// change is written again only after its segment has become several times as large.
pub(super) fn choose<T>(mut segments: Vec<(i64, T)>) -> Vec<T> {
    segments.sort_by_key(|(size, _)| *size);
    let mut sum = 0;
    let fits = segments.iter().take_while(|(size, _)| {
        sum += size;
        sum <= LARGEST
    });
    segments.truncate(fits.count());
    let mut sum: i64 = segments.iter().map(|(size, _)| size).sum();
    while let Some((size, _)) = segments.pop_if(|(size, _)| *size * FACTOR > sum) {
        sum -= size;
    }
    if segments.len() < TOGETHER {
        segments.clear();
    }
    segments.into_iter().map(|(_, segment)| segment).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use fastrand::Rng;

    use super::*;

    type Sums = BTreeMap<(Vec<u8>, Uuid), i32>;

    fn encoded(changes: &[(&str, Change, u128)]) -> Vec<Chunk> {
        let mut encoder = Encoder::default();
        for (word, change, id) in changes {
            encoder.push(word.as_bytes(), *change, &[Uuid::from_u128(*id)]);
        }
        encoder.finish()
    }

    fn sums(chunks: &[Chunk]) -> Sums {
        let mut sums = Sums::new();
        for chunk in chunks {
            for group in groups(&chunk.postings).map(Result::unwrap) {
                assert!(*group.word >= *chunk.first);
                for (id, sum) in group.sums() {
                    *sums.entry((group.word.to_vec(), id)).or_default() += sum;
                }
            }
        }
        sums.retain(|_, sum| *sum != 0);
        sums
    }

    fn random(random: &mut Rng) -> Vec<Chunk> {
        let mut words: Vec<_> = (0..random.usize(..300)).map(|_| random.u8(..20)).collect();
        words.sort_unstable();
        let mut encoder = Encoder::default();
        for word in words {
            let change = if random.bool() {
                Change::Got
            } else {
                Change::Lost
            };
            let ids = (0..random.u128(..9)).map(|_| Uuid::from_u128(random.u128(..50)));
            encoder.push(&vec![b'w'; word.into()], change, &ids.collect::<Vec<_>>());
        }
        encoder.finish()
    }

    #[test]
    fn what_is_merged_says_what_its_parts_say() {
        let mut rng = Rng::with_seed(1);
        for _ in 0..200 {
            let parts: Vec<Chunk> = (0..5).flat_map(|_| random(&mut rng)).collect();
            let all = parts.iter().map(|chunk| &chunk.postings[..]);
            let merged = merge(all).unwrap();
            assert_eq!(sums(&merged), sums(&parts));
            assert!(merged.is_sorted_by_key(|chunk| &chunk.first));
        }
    }

    #[test]
    fn a_word_got_and_lost_is_left_out() {
        use Change::{Got, Lost};
        let parts = encoded(&[("a", Got, 1), ("a", Lost, 1), ("b", Lost, 2), ("c", Got, 3)]);
        let merged = merge(parts.iter().map(|chunk| &chunk.postings[..])).unwrap();
        assert_eq!(merged, encoded(&[("b", Lost, 2), ("c", Got, 3)]));
    }

    #[test]
    fn chunks_are_full_and_no_more() {
        let ids: Vec<_> = (0..1000).map(Uuid::from_u128).collect();
        let mut encoder = Encoder::default();
        encoder.push(b"word", Change::Got, &ids);
        encoder.push(&[b'x'; 3000], Change::Got, &ids[..2]);
        let chunks = encoder.finish();
        let (words, long) = chunks.split_last_chunk::<2>().unwrap();
        assert!(words.len() < 12);
        let sizes = words.iter().map(|chunk| chunk.postings.len());
        assert!(
            sizes
                .rev()
                .skip(1)
                .all(|size| (FULL - ID..=FULL).contains(&size))
        );
        assert!(long.iter().all(|chunk| chunk.first == [b'x'; 3000]));
        assert_eq!(sums(&chunks).len(), 1002);
    }

    #[test]
    fn a_damaged_chunk_is_an_error() {
        let [chunk] = &encoded(&[("word", Change::Got, 1)])[..] else {
            panic!("one chunk is expected");
        };
        for length in 1..chunk.postings.len() {
            assert!(merge([&chunk.postings[..length]].into_iter()).is_err());
        }
    }

    #[test]
    fn many_small_segments_are_merged_without_the_large_ones() {
        let of = |sizes: &[i64]| choose(sizes.iter().map(|size| (*size, *size)).collect());
        assert_eq!(of(&[10; 15]), [0; 0]);
        assert_eq!(of(&[10; 16]), [10; 16]);
        let small_and_large = [&[1000][..], &[10; 16]].concat();
        assert_eq!(of(&small_and_large), [10; 16]);
        let alike = [&[160; 3][..], &[10; 16]].concat();
        assert_eq!(of(&alike).len(), 19);
        assert_eq!(of(&[LARGEST / 4; 40]), [0; 0]);
        assert_eq!(of(&[LARGEST / 20; 40]).len(), 20);
    }

    /// However many writes there are, few segments are there, and each change is seldom written again.
    #[test]
    fn segments_stay_few_and_are_seldom_written_again() {
        const WRITES: i64 = 100_000;
        let (mut sizes, mut written) = (Vec::new(), 0);
        for _ in 0..WRITES {
            sizes.push((14_000, 14_000));
            let merged = choose(sizes.clone());
            let size: i64 = merged.iter().sum();
            for one in &merged {
                let place = sizes.iter().position(|(size, _)| size == one).unwrap();
                sizes.swap_remove(place);
            }
            if size > 0 {
                sizes.push((size, size));
                written += size;
            }
        }
        let final_ones = sizes.iter().filter(|(size, _)| *size > LARGEST / 8).count();
        assert!(
            sizes.len() - final_ones < 30,
            "{}",
            sizes.len() - final_ones
        );
        assert!(
            written < 5 * 14_000 * WRITES,
            "{}",
            written / 14_000 / WRITES
        );
    }
}
