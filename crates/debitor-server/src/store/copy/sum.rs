//! What tells whether two stores have the same rows of a table, in whatever order they give them.

use aws_lc_rs::digest::{Context as Digest, SHA256};

use super::{Row, Value};

/// The number of rows, and the sum of their SHA-256.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Sum {
    pub(crate) rows: u64,
    words: [u64; 4],
}

impl Sum {
    pub(crate) fn add(&mut self, row: &Row) {
        self.rows += 1;
        let mut digest = Digest::new(&SHA256);
        for value in row {
            add(&mut digest, value);
        }
        let digest = digest.finish();
        let (words, _) = digest.as_ref().as_chunks();
        for (sum, word) in self.words.iter_mut().zip(words) {
            *sum = sum.wrapping_add(u64::from_be_bytes(*word));
        }
    }
}

/// Each value with its kind, and with its length where that varies, so that no two rows read the same.
fn add(digest: &mut Digest, value: &Value) {
    match value {
        Value::Null => digest.update(b"-"),
        Value::Id(id) => sized(digest, b"i", id.as_bytes()),
        Value::Number(number) => sized(digest, b"n", &number.to_be_bytes()),
        Value::Flag(flag) => sized(digest, b"f", &[u8::from(*flag)]),
        Value::Text(text) => sized(digest, b"t", text.as_bytes()),
        Value::Bytes(bytes) => sized(digest, b"b", bytes),
    }
}

fn sized(digest: &mut Digest, kind: &[u8], bytes: &[u8]) {
    digest.update(kind);
    digest.update(&(bytes.len() as u64).to_be_bytes());
    digest.update(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sum(rows: &[&[&str]]) -> Sum {
        let mut sum = Sum::default();
        for row in rows {
            sum.add(
                &row.iter()
                    .map(|text| Value::Text((*text).to_owned()))
                    .collect(),
            );
        }
        sum
    }

    #[test]
    fn only_the_same_rows_have_the_same_sum() {
        let both = sum(&[&["a", "b"], &["c", "d"]]);
        assert_eq!(both, sum(&[&["c", "d"], &["a", "b"]]));
        for other in [
            sum(&[&["a", "b"]]),
            sum(&[&["a", "b"], &["c", "d"], &["c", "d"]]),
            sum(&[&["a", "d"], &["c", "b"]]),
            sum(&[&["ab", ""], &["c", "d"]]),
        ] {
            assert_ne!(both, other);
        }
        let mut null = Sum::default();
        null.add(&vec![Value::Null]);
        assert_ne!(null, sum(&[&[""]]));
    }
}
