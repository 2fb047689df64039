//! The client profile: the copy of the document that progenitor can digest.
//!
//! progenitor takes one success body and one error body per operation, sends neither `null` nor
//! `[]`, and always sends properties that have a default. Each step below takes one such thing
//! away. The profile is derived and committed for review; nobody edits it.

mod placeholders;
mod responses;
mod schemas;

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::{Fault, Spec};
pub use placeholders::{Placeholder, Shape};

/// What the client is generated from.
#[derive(Debug, Clone)]
pub struct Profile {
    /// The derived document.
    pub document: Value,
    /// The component schemas in it that stand for types written by hand.
    pub placeholders: Vec<Placeholder>,
    /// The component schemas that bodies of PATCH are made of: there absent, null and a value are
    /// three different things.
    pub patched: BTreeSet<String>,
}

/// What the server checks and the client need not: progenitor would make a type of each length.
const CONSTRAINTS: [&str; 8] = [
    "minLength",
    "maxLength",
    "pattern",
    "minItems",
    "maxItems",
    "uniqueItems",
    "minProperties",
    "maxProperties",
];

/// Derives the profile, or says what of the document no client can be generated from.
pub fn profile(spec: &Spec) -> Result<Profile, Vec<Fault>> {
    let mut faults = Vec::new();
    let mut document = spec.root().clone();
    responses::settle(spec, &mut document, &mut faults);
    let (requested, patched) = bodies(spec, &mut faults);
    schemas::each(&mut document, &mut simplify);
    for name in &requested {
        drop_blanks(&mut document, name);
    }
    let placeholders = placeholders::insert(spec, &mut document, &requested, &patched, &mut faults);
    if faults.is_empty() {
        Ok(Profile {
            document,
            placeholders,
            patched,
        })
    } else {
        Err(faults)
    }
}

/// The names of the component schemas that request bodies are made of: all, and those of PATCH.
fn bodies(spec: &Spec, faults: &mut Vec<Fault>) -> (BTreeSet<String>, BTreeSet<String>) {
    let (mut requested, mut patched) = (BTreeSet::new(), BTreeSet::new());
    for operation in spec.operations() {
        let Some(body) = operation
            .value
            .get("requestBody")
            .and_then(|b| spec.resolve(b))
        else {
            continue;
        };
        let content = body.get("content").and_then(Value::as_object);
        let schema = content
            .filter(|c| c.len() == 1)
            .and_then(|c| c.get("application/json"));
        let Some(schema) = schema.and_then(|media| media.get("schema")) else {
            faults.push(Fault::new(
                format!("{}/requestBody", operation.pointer),
                "the body has not exactly one media type, `application/json`, with a schema",
                "keep that one alone",
            ));
            continue;
        };
        schemas::reach(spec, schema, &mut requested);
        if operation.method == "patch" {
            schemas::reach(spec, schema, &mut patched);
        }
    }
    (requested, patched)
}

/// Takes away what a client must not act on: constraints are the server's to check, and a default
/// would be sent, or made up for an answer that does not have the property.
fn simplify(schema: &mut Map<String, Value>) {
    for constraint in CONSTRAINTS {
        schema.shift_remove(constraint);
    }
    schema.shift_remove("default");
}

/// Drops the spellings of "none" from the enum of a request: a client says null.
fn drop_blanks(document: &mut Value, name: &str) {
    let schema = document.pointer_mut(&schemas::pointer(name));
    if let Some(values) = schema
        .and_then(|s| s.get_mut("enum"))
        .and_then(Value::as_array_mut)
    {
        values.retain(|value| !value.as_str().is_some_and(is_blank));
    }
}

/// Whether a text is blank, also as XML and OData escape a space in an identifier: `_x0020_`.
fn is_blank(text: &str) -> bool {
    text.replace("_x0020_", " ").trim().is_empty()
}
