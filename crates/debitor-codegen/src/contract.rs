//! Two documents, one contract: the one by hand (OpenAPI 3.0) and the one that utoipa derives from
//! what is mounted (3.1) are brought into one canonical form and compared in full.
//!
//! The canonical form keeps everything that a client can observe and everything that a reader is
//! told: descriptions, constraints, headers, security, tags, info, servers. It forgets only the
//! ways of saying the same thing, and what utoipa cannot say; each such rule is a function of its
//! own with the reason beside it, here and in `contract/`.

mod difference;
mod lift;
mod operations;
mod schema;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

pub use difference::{Difference, compare};
pub use lift::lift;

/// A document in its canonical form.
#[derive(Debug, Clone, PartialEq)]
pub struct Contract {
    value: Value,
}

impl Contract {
    /// The contract that a document of OpenAPI 3.0 or 3.1 states.
    pub fn from_value(document: &Value) -> Self {
        let document = lift(document);
        let value = json!({
            "info": info(&document["info"]),
            "servers": canonical(&document["servers"]),
            "tags": by_name(&document["tags"]),
            "securitySchemes": canonical(&document["components"]["securitySchemes"]),
            "paths": operations::paths(&document),
            "schemas": schemas(&document),
        });
        Self { value }
    }

    /// The canonical form.
    pub fn value(&self) -> &Value {
        &self.value
    }
}

/// utoipa writes a license with an empty name where none is given.
fn info(info: &Value) -> Value {
    let mut info = canonical(info);
    if info["license"]["name"] == "" {
        remove(&mut info, "license");
    }
    info
}

/// Named schemas, as far as an operation leads to them: what nobody can reach is no contract.
fn schemas(document: &Value) -> Value {
    let all = &document["components"]["schemas"];
    let mut names = BTreeSet::new();
    reach(document, &document["paths"], &mut names);
    let found = names
        .into_iter()
        .map(|name| (name.to_owned(), schema::canonical(&all[name])));
    Value::Object(found.collect())
}

/// Collects the schemas that `value` leads to, through references to components of any kind.
fn reach<'a>(document: &'a Value, value: &'a Value, names: &mut BTreeSet<&'a str>) {
    match value {
        Value::Object(object) => {
            let reference = object
                .get("$ref")
                .and_then(Value::as_str)
                .unwrap_or_default();
            let name = reference.strip_prefix("#/components/schemas/");
            if name.is_none_or(|name| names.insert(name))
                && let Some(target) = reference
                    .strip_prefix('#')
                    .and_then(|p| document.pointer(p))
            {
                reach(document, target, names);
            }
            object
                .values()
                .for_each(|value| reach(document, value, names));
        }
        Value::Array(items) => items.iter().for_each(|item| reach(document, item, names)),
        _ => {}
    }
}

/// A list of named things is a map: the position of a tag says nothing.
fn by_name(list: &Value) -> Value {
    let items = list.as_array().into_iter().flatten();
    let named = items.map(|item| {
        let mut item = canonical(item);
        let name = remove(&mut item, "name").and_then(|name| name.as_str().map(str::to_owned));
        (name.unwrap_or_default(), item)
    });
    Value::Object(named.collect())
}

/// The rules for every place that is not a schema: what says nothing is dropped, prose is trimmed.
/// Schemas have rules of their own and examples are data: both stay as they are.
fn canonical(value: &Value) -> Value {
    match value {
        Value::Object(object) => {
            let kept = object
                .iter()
                .filter(|(key, value)| !says_nothing(key, value));
            kept.map(|(key, value)| (key.clone(), canonical_member(key, value)))
                .collect()
        }
        Value::Array(items) => items.iter().map(canonical).collect(),
        other => other.clone(),
    }
}

fn canonical_member(key: &str, value: &Value) -> Value {
    match (key, value) {
        ("schema" | "example" | "examples", _) => value.clone(),
        ("description" | "summary", Value::String(text)) => Value::String(prose(text)),
        _ => canonical(value),
    }
}

fn says_nothing(key: &str, value: &Value) -> bool {
    let flag = matches!(key, "deprecated" | "required") && value == false;
    let empty = matches!(key, "description" | "summary") && value == "";
    value.is_null() || flag || empty
}

/// A YAML block ends with a newline, a Rust attribute does not; blanks before a line's end are
/// nobody's intention.
fn prose(text: &str) -> String {
    let lines: Vec<_> = text.lines().map(str::trim_end).collect();
    lines.join("\n").trim().to_owned()
}

/// `1.0` and `1` are one number.
fn number(value: &Value) -> Value {
    let whole = value
        .as_f64()
        .filter(|number| number.fract() == 0.0 && number.abs() < 1e15);
    match whole {
        #[expect(clippy::cast_possible_truncation, reason = "whole and below 1e15")]
        Some(number) => json!(number as i64),
        None => value.clone(),
    }
}

/// A set of strings: sorted, each once.
fn set(value: &Value) -> Value {
    let texts: BTreeSet<_> = value
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    json!(texts)
}

fn remove(value: &mut Value, key: &str) -> Option<Value> {
    value
        .as_object_mut()
        .and_then(|object: &mut Map<String, Value>| object.shift_remove(key))
}
