//! Reading a body: every member is looked at, and every fault is noted before anything is refused.

use std::fmt;

use super::json::Json;
use super::values::Reader;
use super::{Faults, Field};

/// How much of an unknown name is repeated to the caller.
const NAME_LENGTH: usize = 100;

/// A type that is read from a tree of JSON.
pub trait Decode: Sized {
    /// Reads it, noting every fault; `None` only if there was one.
    fn decode(json: Json, at: &Place<'_>, faults: &mut Faults) -> Option<Self>;
}

/// Where in a request something is; it is written as a fault's target.
#[derive(Debug, Clone, Copy)]
pub enum Place<'a> {
    /// The whole body.
    Body,
    /// A parameter, or a member of the body itself.
    Named(&'a str),
    /// A member of a place.
    Member(&'a Place<'a>, &'a str),
    /// An item of a place.
    Item(&'a Place<'a>, usize),
}

impl<'a> Place<'a> {
    fn member(&'a self, name: &'a str) -> Self {
        match self {
            Place::Body => Place::Named(name),
            inner => Place::Member(inner, name),
        }
    }
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Body => Ok(()),
            Place::Named(name) => f.write_str(name),
            Place::Member(outer, name) => write!(f, "{outer}/{name}"),
            Place::Item(Place::Body, index) => write!(f, "{index}"),
            Place::Item(outer, index) => write!(f, "{outer}/{index}"),
        }
    }
}

/// The start of a name, as much as is repeated to the caller.
pub fn shortened(name: &str) -> &str {
    name.char_indices()
        .nth(NAME_LENGTH)
        .map_or(name, |(end, _)| &name[..end])
}

/// What becomes of members that the document does not name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unknown {
    /// Each is a fault.
    Refused,
    /// They are passed over.
    Ignored,
}

/// The members of an object that is being read.
///
/// Readers return `None` for a fault, and `Some` of what they found otherwise.
pub struct Object<'a> {
    names: &'static [&'static str],
    members: Vec<Option<Json>>,
    at: &'a Place<'a>,
    faults: &'a mut Faults,
}

impl<'a> Object<'a> {
    /// Takes an object apart, noting duplicate and unknown members.
    pub fn open(
        json: Json,
        names: &'static [&'static str],
        unknown: Unknown,
        at: &'a Place<'a>,
        faults: &'a mut Faults,
    ) -> Option<Self> {
        let Json::Object(found) = json else {
            faults.add(
                "type",
                at,
                format!("must be an object, not {}", json.kind()),
            );
            return None;
        };
        let mut members = vec![None; names.len()];
        for (name, value) in found {
            match names.iter().position(|own| *own == name) {
                Some(index) if members[index].is_none() => members[index] = Some(value),
                Some(_) => faults.add("duplicateProperty", at.member(&name), "is there twice"),
                None if unknown == Unknown::Ignored => {}
                None => {
                    let place = at.member(shortened(&name));
                    faults.add("unknownProperty", place, "is not a property of this object");
                }
            }
        }
        Some(Self {
            names,
            members,
            at,
            faults,
        })
    }

    /// A required property that is never null.
    pub fn required<R: Reader>(&mut self, name: &str, reader: &R) -> Option<R::Value> {
        match self.take(name) {
            None => self.fault("required", name, "is required"),
            Some(Json::Null) => self.null(name),
            Some(json) => self.read(name, json, reader),
        }
    }

    /// A required property that may be null.
    pub fn required_nullable<R: Reader>(
        &mut self,
        name: &str,
        reader: &R,
    ) -> Option<Option<R::Value>> {
        match self.take(name) {
            None => self.fault("required", name, "is required"),
            Some(Json::Null) => Some(None),
            Some(json) => self.read(name, json, reader).map(Some),
        }
    }

    /// A property that may be absent but not null.
    pub fn optional<R: Reader>(&mut self, name: &str, reader: &R) -> Option<Option<R::Value>> {
        match self.take(name) {
            None => Some(None),
            Some(Json::Null) => self.null(name),
            Some(json) => self.read(name, json, reader).map(Some),
        }
    }

    /// A property that may be absent, null or a value.
    pub fn field<R: Reader>(&mut self, name: &str, reader: &R) -> Option<Field<R::Value>> {
        match self.take(name) {
            None => Some(Field::Absent),
            Some(Json::Null) => Some(Field::Null),
            Some(json) => self.read(name, json, reader).map(Field::Value),
        }
    }

    fn take(&mut self, name: &str) -> Option<Json> {
        let index = self.names.iter().position(|own| *own == name)?;
        self.members.get_mut(index)?.take()
    }

    fn read<R: Reader>(&mut self, name: &str, json: Json, reader: &R) -> Option<R::Value> {
        reader.read(json, &self.at.member(name), self.faults)
    }

    fn null<T>(&mut self, name: &str) -> Option<T> {
        self.fault("nullNotAllowed", name, "must not be null")
    }

    fn fault<T>(&mut self, code: &'static str, name: &str, message: &str) -> Option<T> {
        self.faults.add(code, self.at.member(name), message);
        None
    }
}

/// Reads a whole body.
pub fn body<T: Decode>(json: Json, faults: &mut Faults) -> Option<T> {
    T::decode(json, &Place::Body, faults)
}
