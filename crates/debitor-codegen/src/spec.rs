//! The parsed document: a JSON value with its order kept, and the following of references.

use serde_json::Value;

use crate::Fault;

/// The methods an OpenAPI 3.0 path item can have, in the order of the generated code.
pub const METHODS: [&str; 8] = [
    "get", "post", "put", "patch", "delete", "head", "options", "trace",
];

/// A parsed OpenAPI document.
#[derive(Debug, Clone)]
pub struct Spec {
    root: Value,
}

/// One operation as it stands in the document, with where it stands.
#[derive(Debug, Clone)]
pub struct RawOperation<'a> {
    /// The path template.
    pub path: &'a str,
    /// The method in lower case.
    pub method: &'a str,
    /// JSON pointer of the operation.
    pub pointer: String,
    /// The path item that holds it.
    pub item: &'a Value,
    /// The operation object.
    pub value: &'a Value,
}

impl Spec {
    /// Parses YAML (and so JSON) text.
    pub fn parse(text: &str) -> Result<Self, Fault> {
        let root: Value = yaml_serde::from_str(text).map_err(|error| {
            Fault::new(
                "",
                format!("the document is not YAML: {error}"),
                "mend the syntax there",
            )
        })?;
        Ok(Self { root })
    }

    /// The document as a value.
    pub fn root(&self) -> &Value {
        &self.root
    }

    /// Follows `$ref`s until a value without one; `None` when a reference leads nowhere or round.
    pub fn resolve<'a>(&'a self, value: &'a Value) -> Option<&'a Value> {
        let mut value = value;
        for _ in 0..32 {
            let Some(reference) = value.get("$ref").and_then(Value::as_str) else {
                return Some(value);
            };
            value = self.root.pointer(reference.strip_prefix('#')?)?;
        }
        None
    }

    /// Every operation, in the order of the document.
    pub fn operations(&self) -> Vec<RawOperation<'_>> {
        let Some(paths) = self.root.get("paths").and_then(Value::as_object) else {
            return Vec::new();
        };
        paths
            .iter()
            .flat_map(|(path, item)| operations_of(path, item))
            .collect()
    }

    /// The parameters of an operation, those of its path first; an operation's own ones win.
    pub fn parameters<'a>(&'a self, operation: &RawOperation<'a>) -> Vec<&'a Value> {
        let mut parameters: Vec<&Value> = Vec::new();
        for holder in [operation.item, operation.value] {
            let listed = holder.get("parameters").and_then(Value::as_array);
            for parameter in listed.into_iter().flatten().filter_map(|p| self.resolve(p)) {
                parameters.retain(|p| p["name"] != parameter["name"] || p["in"] != parameter["in"]);
                parameters.push(parameter);
            }
        }
        parameters
    }
}

impl From<Value> for Spec {
    fn from(root: Value) -> Self {
        Self { root }
    }
}

fn operations_of<'a>(path: &'a str, item: &'a Value) -> Vec<RawOperation<'a>> {
    METHODS
        .iter()
        .filter_map(|method| {
            let value = item.get(method)?;
            let pointer = format!("/paths/{}/{method}", escape(path));
            Some(RawOperation {
                path,
                method,
                pointer,
                item,
                value,
            })
        })
        .collect()
}

/// Escapes one segment of a JSON pointer (RFC 6901).
pub fn escape(segment: &str) -> String {
    segment.replace('~', "~0").replace('/', "~1")
}

/// The name at the end of a reference such as `#/components/schemas/Customer`.
pub fn reference_name(value: &Value) -> Option<&str> {
    value.get("$ref")?.as_str()?.rsplit('/').next()
}
