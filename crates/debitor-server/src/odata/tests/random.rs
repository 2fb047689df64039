//! Random entities and filters, which a seed repeats. It needs nothing of this crate, so that the
//! tests of the engines, which are in another, include this file too.
//!
//! A filter is made by two sources of chance: one decides its shape, the other its literals. With the
//! same state of the first, the trees of two filters differ in nothing but their literals.

use debitor_api::support::properties::{Property, Type};
use fastrand::Rng;
use serde_json::{Map, Value, json};

/// What texts are made of: few, so that filters find something, and each with a trap.
const PARTS: [&str; 28] = [
    "nord",
    "NORD",
    "Nordhafen",
    "a",
    "A",
    "b",
    "ä",
    "Ä",
    "ß",
    "ẞ",
    "İ",
    "i",
    "ı",
    "ς",
    "Σ",
    "σ",
    "%",
    "_",
    "\\",
    "'",
    "\"",
    " ",
    "100%",
    "e\u{301}",
    "𐐀",
    "𐐨",
    "10",
    "9",
];

const GUIDS: [&str; 5] = [
    "00000000-0000-4000-8000-000000000001",
    "0a000000-0000-4000-8000-00000000000b",
    "7f000000-0000-4000-8000-000000000000",
    "80000000-0000-4000-8000-000000000000",
    "fffffffe-ffff-4fff-bfff-ffffffffffff",
];

const DATES: [&str; 4] = ["2025-12-31", "2026-01-01", "2026-01-31", "2026-02-01"];

const INSTANTS: [&str; 6] = [
    "2025-12-31T23:59:59.999Z",
    "2026-01-01T00:00:00Z",
    "2026-01-01T00:00:00.001Z",
    "2026-01-01T00:00:00.100Z",
    "2026-01-31T12:00:00.120Z",
    "2026-02-01T00:00:00Z",
];

/// Text that is not blank.
fn text(random: &mut Rng) -> String {
    let count = random.usize(1..=3);
    let text: String = (0..count).map(|_| one(random, &PARTS)).collect();
    if text.trim().is_empty() {
        "a".to_owned()
    } else {
        text
    }
}

fn one<T: Copy>(random: &mut Rng, of: &[T]) -> T {
    of[random.usize(..of.len())]
}

/// An entity with these properties, about a third of those that can be null without a value. Only the
/// id is unlike that of others.
pub(crate) fn entity<P: Property>(random: &mut Rng) -> Value {
    let mut entity = Map::new();
    let mut without: Option<&str> = None;
    for property in P::ALL {
        let path = property.path();
        let Some((object, name)) = path.split_once('/') else {
            entity.insert(path.to_owned(), value(random, *property));
            continue;
        };
        if !entity.contains_key(object) {
            let is_null = random.u8(..4) == 0;
            without = is_null.then_some(object);
            let empty = if is_null { Value::Null } else { json!({}) };
            entity.insert(object.to_owned(), empty);
        }
        if without != Some(object) {
            entity[object][name] = value(random, *property);
        }
    }
    let id = uuid_text(random.u128(..));
    entity.insert("id".to_owned(), id.into());
    Value::Object(entity)
}

fn uuid_text(bits: u128) -> String {
    let hex = format!("{bits:032x}");
    let ends = [(0, 8), (8, 12), (12, 16), (16, 20), (20, 32)];
    ends.map(|(start, end)| &hex[start..end]).join("-")
}

fn value<P: Property>(random: &mut Rng, property: P) -> Value {
    if property.nullable() && random.u8(..3) == 0 {
        return Value::Null;
    }
    match property.kind() {
        Type::Text => text(random).into(),
        Type::Enumeration(known) => one(random, known).into(),
        Type::Guid => one(random, &GUIDS).into(),
        Type::Date => one(random, &DATES).into(),
        Type::DateTime => one(random, &INSTANTS).into(),
        Type::Boolean => random.bool().into(),
        Type::Number => random.i32(-9..=9).into(),
    }
}

/// The text of a filter over these properties, within the limits of filters.
pub(crate) fn filter<P: Property>(shape: &mut Rng, literals: &mut Rng) -> String {
    let mut maker = Maker { shape, literals };
    maker.condition::<P>(3)
}

struct Maker<'a> {
    shape: &'a mut Rng,
    literals: &'a mut Rng,
}

const COMPARISONS: [&str; 6] = ["eq", "ne", "gt", "ge", "lt", "le"];
const FUNCTIONS: [&str; 3] = ["contains", "startswith", "endswith"];

impl Maker<'_> {
    /// A condition that anything can stand around.
    fn condition<P: Property>(&mut self, depth: usize) -> String {
        if depth == 0 || self.shape.u8(..3) == 0 {
            return self.simple::<P>();
        }
        let count = self.shape.usize(2..=3);
        match self.shape.u8(..8) {
            0..=2 => format!("({})", self.joined::<P>(" and ", count, depth - 1)),
            3..=5 => format!("({})", self.joined::<P>(" or ", count, depth - 1)),
            6 => format!("not ({})", self.condition::<P>(depth - 1)),
            _ => {
                let inner = self.condition::<P>(depth - 1);
                let operator = one(self.shape, &["eq", "ne"]);
                let truth = one(self.shape, &["true", "false", "null"]);
                format!("(({inner}) {operator} {truth})")
            }
        }
    }

    fn joined<P: Property>(&mut self, word: &str, count: usize, depth: usize) -> String {
        let parts: Vec<_> = (0..count).map(|_| self.condition::<P>(depth)).collect();
        parts.join(word)
    }

    fn simple<P: Property>(&mut self) -> String {
        let property = one(self.shape, P::ALL);
        let path = property.path();
        match self.shape.u8(..12) {
            0..=3 => {
                let operator = one(self.shape, &COMPARISONS);
                let literal = self.literal(property.kind());
                if self.shape.u8(..4) == 0 {
                    format!("({literal} {operator} {path})")
                } else {
                    format!("({path} {operator} {literal})")
                }
            }
            4 => format!("({path} {} null)", one(self.shape, &COMPARISONS)),
            5 => {
                let count = self.shape.usize(1..=4);
                let mut values: Vec<_> =
                    (0..count).map(|_| self.literal(property.kind())).collect();
                if self.shape.u8(..4) == 0 {
                    values.push("null".to_owned());
                }
                format!("({path} in ({}))", values.join(","))
            }
            6 => {
                let other = self.of_kind::<P>(|kind| class(kind) == class(property.kind()));
                format!("({path} {} {other})", one(self.shape, &COMPARISONS))
            }
            7 => self.flag::<P>(),
            8 => {
                let length = self.length::<P>();
                let (operator, literal) =
                    (one(self.shape, &COMPARISONS), self.literal(Type::Number));
                format!("({length} {operator} {literal})")
            }
            _ => self.function::<P>(),
        }
    }

    /// A property of such a type, if there is one, else any.
    fn of_kind<P: Property>(&mut self, wanted: impl Fn(Type) -> bool) -> &'static str {
        let all = P::ALL.iter().copied();
        let such: Vec<P> = all.filter(|one| wanted(one.kind())).collect();
        one(self.shape, &such).path()
    }

    fn text_property<P: Property>(&mut self) -> &'static str {
        self.of_kind::<P>(|kind| class(kind) == 0)
    }

    /// A boolean property by itself, or what is so without any.
    fn flag<P: Property>(&mut self) -> String {
        let flags: Vec<P> = P::ALL
            .iter()
            .copied()
            .filter(|one| one.kind() == Type::Boolean)
            .collect();
        if flags.is_empty() {
            return one(self.shape, &["true", "false", "null"]).to_owned();
        }
        one(self.shape, &flags).path().to_owned()
    }

    fn length<P: Property>(&mut self) -> String {
        let text = self.text_property::<P>();
        let inner = match self.shape.u8(..3) {
            0 => format!("tolower({text})"),
            _ => text.to_owned(),
        };
        format!("length({inner})")
    }

    fn function<P: Property>(&mut self) -> String {
        let function = one(self.shape, &FUNCTIONS);
        let property = self.text_property::<P>();
        let text = match self.shape.u8(..4) {
            0 => format!("toupper({property})"),
            _ => property.to_owned(),
        };
        let (first, second) = match self.shape.u8(..5) {
            0 => (text, self.text_property::<P>().to_owned()),
            1 => (self.literal(Type::Text), text),
            _ => (text, self.literal(Type::Text)),
        };
        format!("{function}({first},{second})")
    }

    /// A literal of the type. Each type takes as much of the other source of chance as it likes: the
    /// shape does not see it.
    fn literal(&mut self, kind: Type) -> String {
        let random = &mut *self.literals;
        match kind {
            Type::Text if random.u8(..20) == 0 => "''".to_owned(),
            Type::Text => format!("'{}'", text(random).replace('\'', "''")),
            Type::Enumeration(known) => format!("'{}'", one(random, known)),
            Type::Guid => one(random, &GUIDS).to_owned(),
            Type::Date => one(random, &DATES).to_owned(),
            Type::DateTime => one(random, &INSTANTS).to_owned(),
            Type::Boolean => random.bool().to_string(),
            Type::Number => random.i32(-1..=9).to_string(),
        }
    }
}

/// Types whose values can be compared are of one class; that of texts is 0.
fn class(kind: Type) -> usize {
    match kind {
        Type::Text | Type::Enumeration(_) => 0,
        Type::Guid => 1,
        Type::Date => 2,
        Type::DateTime => 3,
        Type::Boolean => 4,
        Type::Number => 5,
    }
}
