//! Placeholder schemas: what progenitor would lose is replaced by a type written by hand.
//!
//! progenitor reads a nullable optional property as `Option<T>` and an optional array as `Vec<T>`,
//! so that neither `null` nor `[]` can be sent. A reference to a placeholder becomes
//! `Option<Nullable<T>>` and `Option<Vec<T>>` instead.

use std::collections::{BTreeMap, BTreeSet};

use heck::ToPascalCase;
use serde_json::{Map, Value, json};

use super::{is_blank, schemas};
use crate::Fault;
use crate::spec::{Spec, reference_name};

/// A component schema of the profile that stands for a type written by hand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placeholder {
    /// The schema's name, such as `NullableUuid`.
    pub name: String,
    /// What it stands for.
    pub shape: Shape,
}

/// The type that a placeholder stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shape {
    /// A type of Rust or of a library: its short name and its path.
    Scalar(&'static str, &'static str),
    /// A component schema; `text` if it is an enumeration and so is written as text.
    Named {
        /// The component's name in Rust.
        name: String,
        /// Whether it can be read from text.
        text: bool,
    },
    /// A list that may be empty.
    List(Box<Shape>),
    /// Named values, of which there may be none.
    Map(Box<Shape>),
    /// A value or null.
    Nullable(Box<Shape>),
}

impl Shape {
    /// The name of the placeholder for this type.
    pub fn name(&self) -> String {
        match self {
            Self::Scalar(name, _) => (*name).to_owned(),
            Self::Named { name, .. } => name.clone(),
            Self::List(inner) => format!("ListOf{}", inner.name()),
            Self::Map(inner) => format!("MapOf{}", inner.name()),
            Self::Nullable(inner) => format!("Nullable{}", inner.name()),
        }
    }

    /// The type in Rust, where `client` is the path of the crate that holds the generated types.
    pub fn rust(&self, client: &str) -> String {
        match self {
            Self::Scalar(_, path) => (*path).to_owned(),
            Self::Named { name, .. } => format!("{client}::types::{name}"),
            Self::List(inner) => format!("::std::vec::Vec<{}>", inner.rust(client)),
            Self::Map(inner) => format!(
                "::std::collections::BTreeMap<::std::string::String, {}>",
                inner.rust(client)
            ),
            Self::Nullable(inner) => format!("{client}::Nullable<{}>", inner.rust(client)),
        }
    }

    /// Whether the type is written as text, so that a flag of a command line can carry it.
    pub fn is_text(&self) -> bool {
        match self {
            Self::Scalar(..) => true,
            Self::Named { text, .. } => *text,
            Self::List(_) | Self::Map(_) => false,
            Self::Nullable(inner) => inner.is_text(),
        }
    }
}

/// Puts placeholders where the bodies of requests need them, and adds them to the components.
pub(super) fn insert(
    spec: &Spec,
    document: &mut Value,
    requested: &BTreeSet<String>,
    patched: &BTreeSet<String>,
    faults: &mut Vec<Fault>,
) -> Vec<Placeholder> {
    let mut shapes = BTreeMap::new();
    for name in requested {
        let pointer = schemas::pointer(name);
        let three_states = patched.contains(name);
        let Some(schema) = document.pointer_mut(&pointer) else {
            continue;
        };
        schemas::within(schema, &mut |schema| {
            for (property, schema) in optional_properties(schema) {
                match needed(spec, schema, three_states) {
                    Ok(Some(shape)) => {
                        refer(schema, &shape.name(), values(spec, schema));
                        shapes.insert(shape.name(), shape);
                    }
                    Ok(None) => {}
                    Err(problem) => faults.push(Fault::new(
                        format!("{pointer}/properties/{}", crate::spec::escape(property)),
                        problem,
                        "move the schema to `components/schemas` and refer to it",
                    )),
                }
            }
        });
    }
    shapes
        .into_values()
        .filter_map(|shape| add(document, shape, faults))
        .collect()
}

fn optional_properties(
    schema: &mut Map<String, Value>,
) -> impl Iterator<Item = (&String, &mut Value)> {
    let required = schema
        .get("required")
        .and_then(Value::as_array)
        .cloned()
        .unwrap_or_default();
    let properties = schema.get_mut("properties").and_then(Value::as_object_mut);
    let properties = properties.into_iter().flat_map(Map::iter_mut);
    properties.filter(move |(name, _)| !required.iter().any(|r| r.as_str() == Some(name.as_str())))
}

/// The type that has to stand in for an optional property, if progenitor's own would lose a value.
fn needed(spec: &Spec, schema: &Value, three_states: bool) -> Result<Option<Shape>, &'static str> {
    if three_states && schema["nullable"] == true {
        return Ok(Some(Shape::Nullable(Box::new(shape(spec, schema)?))));
    }
    let is_map = schema["type"] == "object" && schema["additionalProperties"].is_object();
    let is_collection = schema["type"] == "array" || is_map;
    is_collection.then(|| shape(spec, schema)).transpose()
}

/// The type of a schema, as progenitor would have it.
fn shape(spec: &Spec, schema: &Value) -> Result<Shape, &'static str> {
    if let Some(name) = reference_name(schema.pointer("/allOf/0").unwrap_or(schema)) {
        let target = spec.root().pointer(&schemas::pointer(name));
        let text = target.is_some_and(|target| target.get("enum").is_some());
        return Ok(Shape::Named {
            name: name.to_pascal_case(),
            text,
        });
    }
    if schema.get("enum").is_some() {
        return Err("an enumeration inside a property that may be null has no name");
    }
    let format = schema["format"].as_str().unwrap_or_default();
    match (schema["type"].as_str().unwrap_or_default(), format) {
        ("string", "uuid") => Ok(Shape::Scalar("Uuid", "::uuid::Uuid")),
        ("string", "date") => Ok(Shape::Scalar("Date", "::chrono::naive::NaiveDate")),
        ("string", "date-time") => Ok(Shape::Scalar(
            "DateTime",
            "::chrono::DateTime<::chrono::offset::Utc>",
        )),
        ("string", _) => Ok(Shape::Scalar("String", "::std::string::String")),
        ("boolean", _) => Ok(Shape::Scalar("Boolean", "bool")),
        ("integer", "int32") => Ok(Shape::Scalar("Int32", "i32")),
        ("integer", _) => Ok(Shape::Scalar("Int64", "i64")),
        ("number", _) => Ok(Shape::Scalar("Number", "f64")),
        ("array", _) => Ok(Shape::List(Box::new(shape(spec, &schema["items"])?))),
        ("object", _) if schema.get("properties").is_none() => Ok(Shape::Map(Box::new(shape(
            spec,
            &schema["additionalProperties"],
        )?))),
        _ => Err("an object inside a property that may be null or empty has no name"),
    }
}

/// The values that the enumeration behind a property allows, as a sentence for its description.
fn values(spec: &Spec, schema: &Value) -> Option<String> {
    let name = reference_name(schema.pointer("/allOf/0")?)?;
    let values = spec
        .root()
        .pointer(&schemas::pointer(name))?
        .get("enum")?
        .as_array()?;
    let values = values
        .iter()
        .filter_map(Value::as_str)
        .filter(|value| !is_blank(value));
    let values: Vec<String> = values.map(|value| format!("`{value}`")).collect();
    Some(format!("One of {}, or null.", values.join(", ")))
}

/// Replaces a property's schema by a reference, and keeps what a reader is told of it.
fn refer(schema: &mut Value, name: &str, values: Option<String>) {
    let description = schema["description"].as_str().map(str::to_owned);
    let sentences: Vec<String> = description.into_iter().chain(values).collect();
    *schema = json!({ "allOf": [{ "$ref": format!("#/components/schemas/{name}") }] });
    if !sentences.is_empty() {
        schema["description"] = Value::String(sentences.join(" "));
    }
}

fn add(document: &mut Value, shape: Shape, faults: &mut Vec<Fault>) -> Option<Placeholder> {
    let name = shape.name();
    let components = document
        .pointer_mut("/components/schemas")?
        .as_object_mut()?;
    let text = "A placeholder: the client has a type written by hand here.";
    if components
        .insert(name.clone(), json!({ "description": text }))
        .is_some()
    {
        faults.push(Fault::new(
            schemas::pointer(&name),
            "the client profile needs this name for a placeholder",
            "choose another name",
        ));
    }
    Some(Placeholder { name, shape })
}
