//! Segments of the index of words: what some writes changed, in the order of words, cut into chunks.
//!
//! A change says that a customer got a word, or lost it. What the index says is the sum of all changes,
//! in whatever order and segments they come; a word that was got and lost is nothing, and is left out
//! where the two meet.
//!
//! A chunk is groups, one after the other, each of one word: the length of the word and the number of
//! customers (two bytes each, the higher first), a byte that is 1 if they lost it, the word, and 16
//! bytes for each customer.

use std::collections::HashSet;

use uuid::Uuid;

use super::super::{Error, Result};

/// Bytes in a chunk, with its first word, up to which it is filled: PostgreSQL keeps its row in one piece
/// then, and four of them in a page.
const FULL: usize = 1920;
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

/// Adds a group to a chunk.
fn write<'a>(
    chunk: &mut Vec<u8>,
    word: &[u8],
    change: Change,
    ids: impl ExactSizeIterator<Item = &'a [u8; ID]>,
) {
    for number in [word.len(), ids.len()] {
        chunk.extend(u16::try_from(number).unwrap_or(u16::MAX).to_be_bytes());
    }
    chunk.push((change == Change::Lost).into());
    chunk.extend(word);
    chunk.extend(ids.flatten());
}

/// What is left of a chunk without some customers; a word that nobody else has goes with them. One without
/// any word begins before all words.
pub(super) fn without(chunk: &[u8], gone: &HashSet<Uuid>) -> Result<Chunk> {
    let mut left = Chunk::default();
    for group in groups(chunk) {
        let Group { word, change, ids } = group?;
        let ids = ids
            .iter()
            .filter(|id| !gone.contains(&Uuid::from_bytes(**id)));
        let ids: Vec<_> = ids.collect();
        if ids.is_empty() {
            continue;
        }
        if left.postings.is_empty() {
            left.first = word.to_vec();
        }
        write(&mut left.postings, word, change, ids.into_iter());
    }
    Ok(left)
}

/// A part of a segment, with its first word.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Chunk {
    pub(super) first: Vec<u8>,
    pub(super) postings: Vec<u8>,
}

impl Chunk {
    /// What of it makes its row as long as it is.
    fn size(&self) -> usize {
        self.first.len() + self.postings.len()
    }
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
            let chunk = self.open(word, head);
            let room = FULL.saturating_sub(chunk.size() + head) / ID;
            let (part, rest) = ids.split_at(room.clamp(1, ids.len()));
            let part = part.iter().map(Uuid::as_bytes);
            write(&mut chunk.postings, word, change, part);
            ids = rest;
        }
    }

    /// The last chunk, if it has room for a group, or a new one that begins with the word.
    fn open(&mut self, word: &[u8], head: usize) -> &mut Chunk {
        let has_room = |last: &Chunk| last.size() + head + ID <= FULL;
        let last = self.0.pop_if(|last| has_room(last));
        self.0.push_mut(last.unwrap_or_else(|| Chunk {
            first: word.to_vec(),
            postings: Vec::with_capacity(FULL),
        }))
    }

    /// The chunks that nothing more is added to.
    pub(super) fn full(&mut self) -> Vec<Chunk> {
        let last = self.0.pop();
        std::mem::replace(&mut self.0, last.into_iter().collect())
    }

    pub(super) fn finish(self) -> Vec<Chunk> {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

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

    #[test]
    fn chunks_are_full_and_no_more() {
        let ids: Vec<_> = (0..1000).map(Uuid::from_u128).collect();
        let mut encoder = Encoder::default();
        encoder.push(b"word", Change::Got, &ids);
        encoder.push(&[b'x'; 3000], Change::Got, &ids[..2]);
        let chunks = encoder.finish();
        let (words, long) = chunks.split_last_chunk::<2>().unwrap();
        assert!(words.len() < 12);
        let sizes = words.iter().map(Chunk::size);
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
    fn a_chunk_without_some_customers_has_nothing_of_theirs() {
        let (got, lost) = (Change::Got, Change::Lost);
        let [chunk] = &encoded(&[
            ("alone", got, 1),
            ("both", got, 1),
            ("both", got, 2),
            ("both", lost, 1),
            ("other", got, 2),
        ])[..] else {
            panic!("one chunk is expected");
        };
        let of = |ids: &[u128]| ids.iter().copied().map(Uuid::from_u128).collect();
        let left = without(&chunk.postings, &of(&[1, 7])).unwrap();
        assert_eq!(
            left,
            encoded(&[("both", got, 2), ("other", got, 2)]).remove(0)
        );
        assert_eq!(without(&chunk.postings, &of(&[7])).unwrap(), *chunk);
        assert_eq!(
            without(&chunk.postings, &of(&[1, 2])).unwrap(),
            Chunk::default()
        );
        assert!(without(&chunk.postings[1..], &of(&[1])).is_err());
    }

    #[test]
    fn a_damaged_chunk_is_an_error() {
        let [chunk] = &encoded(&[("word", Change::Got, 1)])[..] else {
            panic!("one chunk is expected");
        };
        for length in 1..chunk.postings.len() {
            assert!(groups(&chunk.postings[..length]).any(|group| group.is_err()));
        }
    }
}
