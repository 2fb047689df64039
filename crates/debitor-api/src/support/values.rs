//! Readers of single values: they check what the document says, from JSON as from text.

mod number;
mod text;

use std::marker::PhantomData;

pub use number::{Integer, Real};
pub use text::{Format, Formatted, Parsed, Pattern, Text};

use super::Faults;
use super::decode::{Decode, Place};
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
    faults.add(
        "type",
        at,
        format!("must be {expected}, not {}", json.kind()),
    );
    None
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
        Self {
            item,
            min_items: 0,
            max_items: None,
        }
    }

    /// With at least so many items.
    #[must_use]
    pub fn min_items(self, min_items: usize) -> Self {
        Self { min_items, ..self }
    }

    /// With at most so many items.
    #[must_use]
    pub fn max_items(self, max_items: usize) -> Self {
        Self {
            max_items: Some(max_items),
            ..self
        }
    }
}

impl<R: Reader> Reader for Array<R> {
    type Value = Vec<R::Value>;

    fn read(&self, json: Json, at: &Place<'_>, faults: &mut Faults) -> Option<Self::Value> {
        let Json::Array(items) = json else {
            return wrong_type("an array", &json, at, faults);
        };
        if let Some(max) = self.max_items.filter(|max| items.len() > *max) {
            faults.add(
                "maxItems",
                at,
                format!("must have at most {}", count(max, "item")),
            );
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
    json: &Json,
    at: &Place<'_>,
    faults: &mut Faults,
) -> Option<T> {
    let Json::String(text) = json else {
        return wrong_type("a string", json, at, faults);
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
