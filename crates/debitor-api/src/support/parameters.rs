//! Reading the parameters of paths, queries and headers.

use std::borrow::Cow;

/// The parameters of a path, decoded.
pub use axum::extract::RawPathParams as PathParameters;
use axum::http::HeaderMap;

use super::Faults;
use super::decode::{Place, shortened};
use super::values::TextReader;

/// Parameters by name; readers return `None` for a fault, and `Some` of what they found otherwise.
pub struct Parameters<'a> {
    found: Found<'a>,
    faults: &'a mut Faults,
}

enum Found<'a> {
    Path(&'a PathParameters),
    Pairs(Vec<(Cow<'a, str>, Cow<'a, str>)>),
}

impl Found<'_> {
    fn get(&self, name: &str) -> Option<&str> {
        match self {
            Self::Path(found) => found
                .iter()
                .find_map(|(own, value)| (own == name).then_some(value)),
            Self::Pairs(found) => found
                .iter()
                .find_map(|(own, value)| (own == name).then_some(value.as_ref())),
        }
    }
}

impl<'a> Parameters<'a> {
    /// The parameters of a path, decoded.
    pub fn path(found: &'a PathParameters, faults: &'a mut Faults) -> Self {
        let found = Found::Path(found);
        Self { found, faults }
    }

    /// The parameters of a query, decoded once; undeclared and repeated ones are faults. Those that
    /// are declared with a `$` may be without it, and in any letter case.
    pub fn query(query: &'a str, declared: &[&'static str], faults: &'a mut Faults) -> Self {
        let mut found: Vec<(Cow<'a, str>, Cow<'a, str>)> = Vec::new();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            let place = Place::Named(shortened(&name));
            let Some(meant) = declared.iter().find(|own| is_meant(own, &name)) else {
                faults.add(
                    "unknownParameter",
                    place,
                    "is not a parameter of this operation",
                );
                continue;
            };
            if found.iter().any(|(other, _)| other == meant) {
                faults.add("duplicateParameter", place, "is there twice");
            } else {
                found.push((Cow::from(*meant), value));
            }
        }
        let found = Found::Pairs(found);
        Self { found, faults }
    }

    /// The declared headers; one that is repeated reads as a list, as HTTP has it.
    ///
    /// Each is declared by its name in lower case and by its name in the document.
    pub fn headers(
        headers: &'a HeaderMap,
        declared: &[(&str, &'static str)],
        faults: &'a mut Faults,
    ) -> Self {
        let mut found = Vec::new();
        for (key, name) in declared {
            let lines: Vec<_> = headers
                .get_all(*key)
                .iter()
                .map(|line| line.to_str())
                .collect();
            if lines.is_empty() {
                continue;
            }
            match lines.into_iter().collect::<Result<Vec<_>, _>>() {
                Ok(lines) => found.push((Cow::from(*name), Cow::from(lines.join(", ")))),
                // The replacement character is refused below, where the value is read.
                Err(_) => found.push((Cow::from(*name), Cow::from("\u{fffd}"))),
            }
        }
        let found = Found::Pairs(found);
        Self { found, faults }
    }

    /// A parameter that must be there.
    pub fn required<R: TextReader>(&mut self, name: &str, reader: &R) -> Option<R::Value> {
        if let Some(found) = self.optional(name, reader)? {
            return Some(found);
        }
        self.faults.add("required", name, "is required");
        None
    }

    /// A header that must be there, without which the operation asks for a precondition.
    pub fn precondition<R: TextReader>(&mut self, name: &str, reader: &R) -> Option<R::Value> {
        if let Some(found) = self.optional(name, reader)? {
            return Some(found);
        }
        self.faults.missing_precondition(name);
        None
    }

    /// A parameter that may be left out.
    pub fn optional<R: TextReader>(&mut self, name: &str, reader: &R) -> Option<Option<R::Value>> {
        let Some(value) = self.found.get(name) else {
            return Some(None);
        };
        if value.contains('\0') || value.contains('\u{fffd}') {
            self.faults
                .add("format", name, "must be text in UTF-8 without U+0000");
            return None;
        }
        reader
            .read_text(value, &Place::Named(name), self.faults)
            .map(Some)
    }
}

/// Whether a name in a query is that of the declared parameter.
fn is_meant(declared: &str, name: &str) -> bool {
    match declared.strip_prefix('$') {
        Some(option) => {
            let name = name.strip_prefix('$').unwrap_or(name);
            name.eq_ignore_ascii_case(option)
        }
        None => name == declared,
    }
}
