//! Strings: their lengths, patterns and formats.

use std::marker::PhantomData;
use std::sync::OnceLock;

use chrono::{DateTime, NaiveDate, Utc};
use regex::Regex;
use uuid::Uuid;

use super::{Reader, TextReader, count, wrong_type};
use crate::support::decode::Place;
use crate::support::json::Json;
use crate::support::{Faults, formats};

/// A pattern of the document, compiled when it is first needed.
#[derive(Debug)]
pub struct Pattern {
    source: &'static str,
    rust: &'static str,
    meaning: &'static str,
    compiled: OnceLock<Option<Regex>>,
}

impl Pattern {
    /// The pattern as the document has it, the same for Rust's engine, and the document's words on
    /// what has to match it.
    pub const fn new(source: &'static str, rust: &'static str, meaning: &'static str) -> Self {
        Self {
            source,
            rust,
            meaning,
            compiled: OnceLock::new(),
        }
    }

    /// Whether the text matches; nothing matches a pattern that is none.
    fn matches(&self, text: &str) -> bool {
        let compiled = self.compiled.get_or_init(|| Regex::new(self.rust).ok());
        compiled.as_ref().is_some_and(|regex| regex.is_match(text))
    }
}

/// A format that leaves a string a string.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// An e-mail address.
    Email,
    /// An absolute URI.
    Uri,
}

/// A string.
#[derive(Debug, Clone, Copy, Default)]
pub struct Text {
    min_length: usize,
    max_length: Option<usize>,
    pattern: Option<&'static Pattern>,
    format: Option<Format>,
}

impl Text {
    /// Any string.
    pub const fn new() -> Self {
        Self {
            min_length: 0,
            max_length: None,
            pattern: None,
            format: None,
        }
    }

    /// With at least so many characters.
    #[must_use]
    pub const fn min_length(self, min_length: usize) -> Self {
        Self { min_length, ..self }
    }

    /// With at most so many characters.
    #[must_use]
    pub const fn max_length(self, max_length: usize) -> Self {
        Self {
            max_length: Some(max_length),
            ..self
        }
    }

    /// That matches a pattern.
    #[must_use]
    pub const fn pattern(self, pattern: &'static Pattern) -> Self {
        Self {
            pattern: Some(pattern),
            ..self
        }
    }

    /// Of a format.
    #[must_use]
    pub const fn format(self, format: Format) -> Self {
        Self {
            format: Some(format),
            ..self
        }
    }

    fn check(&self, text: &str, at: &Place<'_>, faults: &mut Faults) -> Option<()> {
        let length = text.chars().count();
        if let Some(max) = self.max_length.filter(|max| length > *max) {
            faults.add(
                "maxLength",
                at,
                format!("must have at most {}", count(max, "character")),
            );
            // Neither patterns nor formats see text of any length.
            return None;
        }
        if length < self.min_length {
            let least = count(self.min_length, "character");
            faults.add("minLength", at, format!("must have at least {least}"));
            return None;
        }
        if text.contains('\0') {
            faults.add("character", at, "must not have the character U+0000");
            return None;
        }
        self.check_form(text, at, faults)
    }

    fn check_form(&self, text: &str, at: &Place<'_>, faults: &mut Faults) -> Option<()> {
        if let Some(pattern) = self.pattern.filter(|pattern| !pattern.matches(text)) {
            faults.add(
                "pattern",
                at,
                format!(
                    "must match the pattern {}: {}",
                    pattern.source, pattern.meaning
                ),
            );
            return None;
        }
        let fits = match self.format {
            None => true,
            Some(Format::Email) => formats::email(text),
            Some(Format::Uri) => formats::uri(text),
        };
        if !fits {
            let expected = match self.format {
                Some(Format::Email) => "must be an e-mail address",
                _ => "must be an absolute URI",
            };
            faults.add("format", at, expected);
            return None;
        }
        Some(())
    }
}

impl Reader for Text {
    type Value = String;

    fn read(&self, json: Json, at: &Place<'_>, faults: &mut Faults) -> Option<String> {
        let Json::String(text) = json else {
            return wrong_type("a string", &json, at, faults);
        };
        self.check(&text, at, faults)?;
        Some(text)
    }
}

impl TextReader for Text {
    fn read_text(&self, text: &str, at: &Place<'_>, faults: &mut Faults) -> Option<String> {
        self.check(text, at, faults)?;
        Some(text.to_owned())
    }
}

/// A type that a string is parsed into.
pub trait Parsed: Sized {
    /// What the string must be.
    const EXPECTED: &'static str;

    /// The value of the text, if it is one.
    fn parse(text: &str) -> Option<Self>;
}

impl Parsed for Uuid {
    const EXPECTED: &'static str = "must be a GUID such as 00000000-0000-0000-0000-000000000000";

    fn parse(text: &str) -> Option<Self> {
        formats::uuid(text)
    }
}

impl Parsed for NaiveDate {
    const EXPECTED: &'static str = "must be a date such as 2026-04-01";

    fn parse(text: &str) -> Option<Self> {
        formats::date(text)
    }
}

impl Parsed for DateTime<Utc> {
    const EXPECTED: &'static str = "must be a date and time such as 2026-04-01T10:30:00Z";

    fn parse(text: &str) -> Option<Self> {
        formats::date_time(text)
    }
}

/// A string of a format that has a type of its own.
#[derive(Debug, Clone, Copy)]
pub struct Formatted<T>(PhantomData<T>);

impl<T> Formatted<T> {
    /// Any such string.
    pub const fn new() -> Self {
        Self(PhantomData)
    }
}

impl<T> Default for Formatted<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: Parsed> Reader for Formatted<T> {
    type Value = T;

    fn read(&self, json: Json, at: &Place<'_>, faults: &mut Faults) -> Option<T> {
        let Json::String(text) = json else {
            return wrong_type("a string", &json, at, faults);
        };
        self.read_text(&text, at, faults)
    }
}

impl<T: Parsed> TextReader for Formatted<T> {
    fn read_text(&self, text: &str, at: &Place<'_>, faults: &mut Faults) -> Option<T> {
        let parsed = T::parse(text);
        if parsed.is_none() {
            faults.add("format", at, T::EXPECTED);
        }
        parsed
    }
}
