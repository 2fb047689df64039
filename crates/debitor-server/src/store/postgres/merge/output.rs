//! The segment that comes of a merge, which is written as it is made. Its first chunk is written last, as
//! it says how large the segment is.

use uuid::Uuid;

use super::super::super::CompanyKey;
use super::super::failure::Failure;
use super::super::segment::Chunk;
use super::super::session::Parameter;
use super::super::transaction::{Owned, Transaction};
use super::super::words::{INSERT, values};

pub(super) struct Output {
    scope: CompanyKey,
    segment: Uuid,
    first: Option<Chunk>,
    /// The next chunk's place.
    place: i64,
    size: usize,
}

impl Output {
    pub(super) fn new(scope: CompanyKey) -> Self {
        Self {
            scope,
            segment: Uuid::new_v4(),
            first: None,
            place: 1,
            size: 0,
        }
    }

    /// Bytes of all chunks.
    pub(super) fn size(&self) -> usize {
        self.size
    }

    /// Writes the next chunks.
    pub(super) async fn write(
        &mut self,
        transaction: &mut Transaction,
        chunks: Vec<Chunk>,
    ) -> Result<(), Failure> {
        if let Some(values) = self.next(chunks) {
            let values: Vec<_> = values.iter().map(|one| &**one as Parameter<'_>).collect();
            transaction.query(INSERT, &values).await?;
        }
        Ok(())
    }

    /// Adds the last chunks, and the first, to what the transaction writes at its end.
    pub(super) fn end(&mut self, transaction: &mut Transaction, chunks: Vec<Chunk>) {
        if let Some(values) = self.next(chunks) {
            transaction.write(INSERT, values);
        }
        if let Some(first) = self.first.take() {
            let values = values(self.scope, self.segment, 0, self.size, vec![first]);
            transaction.write(INSERT, values);
        }
    }

    /// The values of the next chunks, but for the first.
    fn next(&mut self, chunks: Vec<Chunk>) -> Option<Vec<Owned>> {
        self.size += chunks
            .iter()
            .map(|chunk| chunk.postings.len())
            .sum::<usize>();
        let mut chunks = chunks.into_iter();
        self.first = self.first.take().or_else(|| chunks.next());
        let chunks: Vec<_> = chunks.collect();
        let (place, count) = (self.place, i64::try_from(chunks.len()).ok()?);
        self.place += count;
        (count > 0).then(|| values(self.scope, self.segment, place, self.size, chunks))
    }
}
