//! Versions of entities, their ETags, and the preconditions that name them (RFC 9110, section 13).

/// Room for an entity tag of any version.
const ETAG_BYTES: usize = 40;
const HEXADECIMAL: &[u8; 16] = b"0123456789abcdef";

/// A version of an entity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Version {
    /// Counts the writes of the entity, from 1.
    pub number: i64,
    /// Drawn when the entity is made, so that one made later with the same id has other ETags.
    pub incarnation: u32,
}

impl Version {
    /// The version of an entity that is just being made.
    pub fn first(incarnation: u32) -> Self {
        Self {
            number: 1,
            incarnation,
        }
    }

    /// The version after the next write.
    #[must_use]
    pub fn next(self) -> Self {
        Self {
            number: self.number + 1,
            ..self
        }
    }

    /// The weak entity tag, such as `W/"3-9f2c81aa"`.
    pub fn etag(self) -> String {
        let mut tag = String::with_capacity(ETAG_BYTES);
        tag.push_str("W/\"");
        tag.push_str(&self.number.to_string());
        tag.push('-');
        // By hand: every read makes one, and formatting would take longer than finding its row.
        for shift in (0..u32::BITS).step_by(4).rev() {
            let digit = (self.incarnation >> shift) as usize % HEXADECIMAL.len();
            tag.push(char::from(HEXADECIMAL[digit]));
        }
        tag.push('"');
        tag
    }
}

/// The value of `If-Match` or `If-None-Match`: any version, or one of those listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Precondition {
    Any,
    OneOf(Vec<String>),
}

impl Precondition {
    /// Reads a header value that the document's pattern has let through. Tags are compared weakly,
    /// so `W/"x"` and `"x"` are the same.
    pub fn parse(header: &str) -> Self {
        if header.trim() == "*" {
            return Self::Any;
        }
        // The opaque tags are what stands between quotes; they cannot hold a quote themselves.
        Self::OneOf(
            header
                .split('"')
                .skip(1)
                .step_by(2)
                .map(str::to_owned)
                .collect(),
        )
    }

    /// Whether the precondition names the version whose ETag this is.
    pub fn names(&self, etag: &str) -> bool {
        let opaque = etag.trim_start_matches("W/").trim_matches('"');
        match self {
            Self::Any => true,
            Self::OneOf(tags) => tags.iter().any(|tag| tag == opaque),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_precondition_names_weak_and_strong_spellings() {
        let etag = Version {
            number: 3,
            incarnation: 0x9f2c_81aa,
        }
        .etag();
        assert_eq!(etag, "W/\"3-9f2c81aa\"");
        for header in [
            "*",
            " * ",
            "W/\"3-9f2c81aa\"",
            "\"3-9f2c81aa\"",
            "\"a,b\", W/\"3-9f2c81aa\"",
        ] {
            assert!(Precondition::parse(header).names(&etag), "{header}");
        }
        for header in ["W/\"3\"", "\"\"", "\"2-9f2c81aa\"", "\"3-9f2c81aa \""] {
            assert!(!Precondition::parse(header).names(&etag), "{header}");
        }
    }

    #[test]
    fn every_write_has_its_own_tag() {
        let first = Version::first(7);
        assert_ne!(first.etag(), first.next().etag());
        assert_ne!(first.etag(), Version::first(8).etag());
    }
}
