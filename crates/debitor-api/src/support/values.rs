//! Readers of single values: they check what the document says, from JSON as from text.

use std::marker::PhantomData;
use std::sync::OnceLock;

use chrono::{DateTime, NaiveDate, Utc};
use regex::Regex;
use uuid::Uuid;

use super::Faults;
use super::decode::{Decode, Place};
use super::formats;
use super::json::Json;

/// Reads a value; a fault is noted and `None` returned where it is not what it should be.
pub trait Reader {
    /// What is read.
    type Value;

    /// Reads from JSON that is not null.
    fn read(&self, json: Json, at: &Place<'_>, faults: &mut Faults) -> Option<Self::Value>;
}

/// Reads a value of a path, a query or a header.
pub trait TextReader: Reader {
    /// Reads from text.
    fn read_text(&self, text: &str, at: &Place<'_>, faults: &mut Faults) -> Option<Self::Value>;
}

fn wrong_type<T>(expected: &str, json: &Json, at: &Place<'_>, faults: &mut Faults) -> Option<T> {
    faults.add("type", at, format!("must be {expected}, not {}", json.kind()));
    None
}

/// A pattern of the document, compiled when it is first needed.
#[derive(Debug)]
pub struct Pattern {
    source: &'static str,
    rust: &'static str,
    compiled: OnceLock<Option<Regex>>,
}

impl Pattern {
    /// The pattern as the document has it, and the same for Rust's engine.
    pub const fn new(source: &'static str, rust: &'static str) -> Self {
        Self { source, rust, compiled: OnceLock::new() }
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
        Self { min_length: 0, max_length: None, pattern: None, format: None }
    }

    /// With at least so many characters.
    #[must_use]
    pub const fn min_length(self, min_length: usize) -> Self {
        Self { min_length, ..self }
    }

    /// With at most so many characters.
    #[must_use]
    pub const fn max_length(self, max_length: usize) -> Self {
        Self { max_length: Some(max_length), ..self }
    }

    /// That matches a pattern.
    #[must_use]
    pub const fn pattern(self, pattern: &'static Pattern) -> Self {
        Self { pattern: Some(pattern), ..self }
    }

    /// Of a format.
    #[must_use]
    pub const fn format(self, format: Format) -> Self {
        Self { format: Some(format), ..self }
    }

    fn check(&self, text: &str, at: &Place<'_>, faults: &mut Faults) -> Option<()> {
        let length = text.chars().count();
        if let Some(max) = self.max_length.filter(|max| length > *max) {
            faults.add("maxLength", at, format!("must have at most {}", count(max, "character")));
            // Neither patterns nor formats see text of any length.
            return None;
        }
        if length < self.min_length {
            let least = count(self.min_length, "character");
            faults.add("minLength", at, format!("must have at least {least}"));
            return None;
        }
        self.check_form(text, at, faults)
    }

    fn check_form(&self, text: &str, at: &Place<'_>, faults: &mut Faults) -> Option<()> {
        if let Some(pattern) = self.pattern.filter(|pattern| !pattern.matches(text)) {
            faults.add("pattern", at, format!("must match the pattern {}", pattern.source));
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

/// An integer.
#[derive(Debug, Clone, Copy)]
pub struct Integer<T> {
    minimum: i64,
    maximum: i64,
    kind: PhantomData<T>,
}

impl Integer<i32> {
    /// Any integer of 32 bits.
    pub const fn int32() -> Self {
        Self { minimum: i32::MIN as i64, maximum: i32::MAX as i64, kind: PhantomData }
    }
}

impl Integer<i64> {
    /// Any integer of 64 bits.
    pub const fn int64() -> Self {
        Self { minimum: i64::MIN, maximum: i64::MAX, kind: PhantomData }
    }
}

impl<T> Integer<T> {
    /// No smaller than this.
    #[must_use]
    pub const fn minimum(self, minimum: i64) -> Self {
        Self { minimum, ..self }
    }

    /// No greater than this.
    #[must_use]
    pub const fn maximum(self, maximum: i64) -> Self {
        Self { maximum, ..self }
    }
}

impl<T: TryFrom<i64>> Integer<T> {
    fn check(&self, number: i128, at: &Place<'_>, faults: &mut Faults) -> Option<T> {
        if number < i128::from(self.minimum) {
            faults.add("minimum", at, format!("must be at least {}", self.minimum));
            return None;
        }
        if number > i128::from(self.maximum) {
            faults.add("maximum", at, format!("must be at most {}", self.maximum));
            return None;
        }
        i64::try_from(number).ok().and_then(|number| T::try_from(number).ok())
    }
}

impl<T: TryFrom<i64>> Reader for Integer<T> {
    type Value = T;

    fn read(&self, json: Json, at: &Place<'_>, faults: &mut Faults) -> Option<T> {
        let Json::Number(number) = &json else {
            return wrong_type("an integer", &json, at, faults);
        };
        let Some(number) = number.as_i128().or_else(|| whole(number.as_f64()?)) else {
            return wrong_type("an integer", &json, at, faults);
        };
        self.check(number, at, faults)
    }
}

impl<T: TryFrom<i64>> TextReader for Integer<T> {
    fn read_text(&self, text: &str, at: &Place<'_>, faults: &mut Faults) -> Option<T> {
        // Rust also parses a leading `+`, which a JSON number does not have.
        let number = text.parse::<i128>().ok().filter(|_| !text.starts_with('+'));
        if number.is_none() {
            faults.add("type", at, "must be an integer");
        }
        self.check(number?, at, faults)
    }
}

/// The integer that a number such as `1.0` or `1e3` is.
fn whole(number: f64) -> Option<i128> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if number.fract() != 0.0 || number.abs() > EXACT {
        return None;
    }
    // Within the bounds above the text of a whole number is that of an integer.
    format!("{number}").parse().ok()
}

/// A number of any kind.
#[derive(Debug, Clone, Copy, Default)]
pub struct Real {
    minimum: Option<f64>,
    maximum: Option<f64>,
}

impl Real {
    /// Any number.
    pub const fn new() -> Self {
        Self { minimum: None, maximum: None }
    }

    /// No smaller than this.
    #[must_use]
    pub const fn minimum(self, minimum: f64) -> Self {
        Self { minimum: Some(minimum), ..self }
    }

    /// No greater than this.
    #[must_use]
    pub const fn maximum(self, maximum: f64) -> Self {
        Self { maximum: Some(maximum), ..self }
    }
}

impl Reader for Real {
    type Value = f64;

    fn read(&self, json: Json, at: &Place<'_>, faults: &mut Faults) -> Option<f64> {
        let Json::Number(number) = &json else {
            return wrong_type("a number", &json, at, faults);
        };
        let number = number.as_f64()?;
        if let Some(minimum) = self.minimum.filter(|minimum| number < *minimum) {
            faults.add("minimum", at, format!("must be at least {minimum}"));
            return None;
        }
        if let Some(maximum) = self.maximum.filter(|maximum| number > *maximum) {
            faults.add("maximum", at, format!("must be at most {maximum}"));
            return None;
        }
        Some(number)
    }
}

/// A boolean.
#[derive(Debug, Clone, Copy)]
pub struct Boolean;

impl Reader for Boolean {
    type Value = bool;

    fn read(&self, json: Json, at: &Place<'_>, faults: &mut Faults) -> Option<bool> {
        match json {
            Json::Bool(value) => Some(value),
            other => wrong_type("true or false", &other, at, faults),
        }
    }
}

impl TextReader for Boolean {
    fn read_text(&self, text: &str, at: &Place<'_>, faults: &mut Faults) -> Option<bool> {
        if !matches!(text, "true" | "false") {
            faults.add("type", at, "must be true or false");
            return None;
        }
        Some(text == "true")
    }
}

/// A value of one of the document's schemas.
#[derive(Debug, Clone, Copy)]
pub struct Model<T>(PhantomData<T>);

impl<T> Model<T> {
    /// Any such value.
    pub const fn new() -> Self {
        Self(PhantomData)
    }
}

impl<T> Default for Model<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: Decode> Reader for Model<T> {
    type Value = T;

    fn read(&self, json: Json, at: &Place<'_>, faults: &mut Faults) -> Option<T> {
        T::decode(json, at, faults)
    }
}

/// An array.
#[derive(Debug, Clone, Copy)]
pub struct Array<R> {
    item: R,
    min_items: usize,
    max_items: Option<usize>,
}

impl<R> Array<R> {
    /// Of such items, as many as there are.
    pub const fn of(item: R) -> Self {
        Self { item, min_items: 0, max_items: None }
    }

    /// With at least so many items.
    #[must_use]
    pub fn min_items(self, min_items: usize) -> Self {
        Self { min_items, ..self }
    }

    /// With at most so many items.
    #[must_use]
    pub fn max_items(self, max_items: usize) -> Self {
        Self { max_items: Some(max_items), ..self }
    }
}

impl<R: Reader> Reader for Array<R> {
    type Value = Vec<R::Value>;

    fn read(&self, json: Json, at: &Place<'_>, faults: &mut Faults) -> Option<Self::Value> {
        let Json::Array(items) = json else {
            return wrong_type("an array", &json, at, faults);
        };
        if let Some(max) = self.max_items.filter(|max| items.len() > *max) {
            faults.add("maxItems", at, format!("must have at most {}", count(max, "item")));
            return None;
        }
        if items.len() < self.min_items {
            let least = count(self.min_items, "item");
            faults.add("minItems", at, format!("must have at least {least}"));
            return None;
        }
        // Every item is read, so that every item's faults are noted.
        let read = |(index, item)| match item {
            Json::Null => {
                faults.add("nullNotAllowed", Place::Item(at, index), "must not be null");
                None
            }
            item => self.item.read(item, &Place::Item(at, index), faults),
        };
        let values: Vec<_> = items.into_iter().enumerate().map(read).collect();
        values.into_iter().collect()
    }
}

/// Finds the value of an enumeration by its text.
pub fn one_of<T: Copy>(
    values: &[(&str, T)],
    json: Json,
    at: &Place<'_>,
    faults: &mut Faults,
) -> Option<T> {
    let Json::String(text) = json else {
        return wrong_type("a string", &json, at, faults);
    };
    if let Some((_, value)) = values.iter().find(|(name, _)| *name == text) {
        return Some(*value);
    }
    let names: Vec<String> = values.iter().map(|(name, _)| format!("'{name}'")).collect();
    faults.add("enum", at, format!("must be one of {}", names.join(", ")));
    None
}

fn count(number: usize, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}
