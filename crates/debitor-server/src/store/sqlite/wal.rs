//! The form of SQLite's write-ahead log (<https://www.sqlite.org/fileformat2.html#walformat>): a
//! header, then frames, each a page with a checksum over everything before it.
//!
//! What follows the last frame whose checksum holds is left from earlier transactions, or belongs to
//! one that is not committed yet.

use std::io::{self, Read};

pub(super) const HEADER: usize = 32;
pub(super) const FRAME_HEADER: usize = 24;

/// With this magic number checksums read little-endian words, with its successor big-endian ones.
const MAGIC: u32 = 0x377f_0682;

/// A place in a log between two frames, from which the next frame can be checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    page: usize,
    big_endian: bool,
    /// What tells the frames of one life of the log from those of an earlier one.
    salts: (u32, u32),
    sum: (u32, u32),
    /// The number of bytes before it.
    pub(super) offset: u64,
}

/// A frame whose checksum holds.
pub(super) struct Frame {
    /// The place after it.
    pub(super) end: Place,
    /// Whether it is the last of a transaction.
    pub(super) commits: bool,
}

impl Place {
    /// The place after the log's header, if that is one.
    pub(super) fn after(header: &[u8; HEADER]) -> Option<Self> {
        let word = |index: usize| be(&header[4 * index..]);
        let (magic, page) = (word(0), word(2) as usize);
        let mut place = Self {
            page,
            big_endian: magic == MAGIC + 1,
            salts: (word(4), word(5)),
            sum: (0, 0),
            offset: HEADER as u64,
        };
        place.add(&header[..24]);
        let is_sound = magic & !1 == MAGIC
            && (512..=65_536).contains(&page)
            && place.sum == (word(6), word(7));
        is_sound.then_some(place)
    }

    /// The bytes of a frame.
    pub(super) fn frame_bytes(&self) -> usize {
        FRAME_HEADER + self.page
    }

    /// Whether both are places of the same life of the log.
    pub(super) fn is_same_life(&self, other: &Self) -> bool {
        self.salts == other.salts
    }

    /// Whether this is a place of the life that came right after the other's: SQLite counts.
    pub(super) fn is_next_life(&self, other: &Self) -> bool {
        self.salts.0 == other.salts.0.wrapping_add(1)
    }

    /// The frame in `bytes`, if it is the next one.
    pub(super) fn frame(&self, bytes: &[u8]) -> Option<Frame> {
        let (header, page) = bytes.split_at_checked(FRAME_HEADER)?;
        let mut end = *self;
        end.add(&header[..8]);
        end.add(page);
        end.offset += bytes.len() as u64;
        let is_sound = (be(&header[8..]), be(&header[12..])) == self.salts
            && sum_of(header) == end.sum
            && page.len() == self.page;
        is_sound.then_some(Frame {
            end,
            commits: be(&header[4..]) != 0,
        })
    }

    /// Whether the frame whose header this is may be the one before this place.
    pub(super) fn ends(&self, header: &[u8; FRAME_HEADER]) -> bool {
        sum_of(header) == self.sum
    }

    /// Where the header of the frame before this place is, if there is one.
    pub(super) fn last_frame(&self) -> Option<u64> {
        (self.offset > HEADER as u64).then(|| self.offset - self.frame_bytes() as u64)
    }

    fn add(&mut self, bytes: &[u8]) {
        let word = if self.big_endian { be } else { le };
        let (mut a, mut b) = self.sum;
        for pair in bytes.chunks_exact(8) {
            a = a.wrapping_add(word(pair)).wrapping_add(b);
            b = b.wrapping_add(word(&pair[4..])).wrapping_add(a);
        }
        self.sum = (a, b);
    }
}

/// Reads the log's header; `None` if there is none, or one that is just being written.
pub(super) fn header(log: &mut impl Read) -> io::Result<Option<([u8; HEADER], Place)>> {
    let mut header = [0; HEADER];
    match log.read_exact(&mut header) {
        Ok(()) => Ok(Place::after(&header).map(|place| (header, place))),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
        Err(error) => Err(error),
    }
}

/// Hands each frame of the log from `place` on to `take`, until `limit` bytes into the log or to the
/// last one that holds. Returns the place after the last transaction that is whole.
pub(super) fn walk(
    log: &mut impl Read,
    place: Place,
    limit: u64,
    mut take: impl FnMut(&[u8]) -> io::Result<()>,
) -> io::Result<Place> {
    let (mut here, mut committed) = (place, place);
    let mut bytes = vec![0; place.frame_bytes()];
    while here.offset < limit && read_whole(log, &mut bytes)? {
        let Some(frame) = here.frame(&bytes) else {
            break;
        };
        take(&bytes)?;
        here = frame.end;
        if frame.commits {
            committed = here;
        }
    }
    Ok(committed)
}

/// Fills the buffer, or says that the log ends before.
fn read_whole(log: &mut impl Read, bytes: &mut [u8]) -> io::Result<bool> {
    match log.read_exact(bytes) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}

fn sum_of(frame_header: &[u8]) -> (u32, u32) {
    (be(&frame_header[16..]), be(&frame_header[20..]))
}

fn be(bytes: &[u8]) -> u32 {
    u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])
}

fn le(bytes: &[u8]) -> u32 {
    u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    use super::*;

    /// A log as SQLite writes it, of three transactions; the connection keeps it.
    fn log() -> (tempfile::TempDir, Connection, Vec<u8>) {
        let directory = tempfile::tempdir().unwrap();
        let connection = Connection::open(directory.path().join("db")).unwrap();
        connection
            .execute_batch("PRAGMA journal_mode = WAL; CREATE TABLE t (n); INSERT INTO t VALUES (1); INSERT INTO t VALUES (2);")
            .unwrap();
        let log = std::fs::read(directory.path().join("db-wal")).unwrap();
        (directory, connection, log)
    }

    fn committed(log: &[u8]) -> u64 {
        let mut rest = log;
        let Some((_, place)) = header(&mut rest).unwrap() else {
            return 0;
        };
        walk(&mut rest, place, u64::MAX, |_| Ok(())).unwrap().offset
    }

    #[test]
    fn a_log_of_sqlite_holds_to_its_end() {
        let (_directory, _connection, log) = log();
        assert_eq!(committed(&log), log.len() as u64);
    }

    #[test]
    fn a_cut_ends_with_a_whole_transaction_and_a_flipped_bit_ends_it() {
        let (_directory, _connection, log) = log();
        let ends: Vec<u64> = (0..log.len())
            .step_by(97)
            .map(|cut| committed(&log[..cut]))
            .collect();
        assert!(ends.is_sorted() && ends.first() == Some(&0));
        for at in (0..log.len()).step_by(101) {
            let mut damaged = log.clone();
            damaged[at] ^= 1;
            assert!(committed(&damaged) <= at as u64, "byte {at}");
        }
    }
}
