//! From the words of OpenAPI 3.0 to those of 3.1, whose schemas are JSON Schema: for the comparison
//! and for validators.

use serde_json::{Map, Value, json};

/// The same document (or part of one) in the words of OpenAPI 3.1; what is 3.1 already stays.
pub fn lift(value: &Value) -> Value {
    match value {
        Value::Object(object) => lift_object(object),
        Value::Array(items) => items.iter().map(lift).collect(),
        other => other.clone(),
    }
}

fn lift_object(object: &Map<String, Value>) -> Value {
    let lifted = object
        .iter()
        .map(|(key, value)| (key.clone(), lift_member(key, value)));
    let mut lifted: Map<String, Value> = lifted.collect();
    exclusive(&mut lifted, "exclusiveMinimum", "minimum");
    exclusive(&mut lifted, "exclusiveMaximum", "maximum");
    let nullable = lifted.get("nullable").is_some_and(Value::is_boolean)
        && lifted.shift_remove("nullable") == Some(Value::Bool(true));
    annotated_reference(&mut lifted, nullable);
    if nullable {
        take_null(&mut lifted);
    }
    Value::Object(lifted)
}

fn lift_member(key: &str, value: &Value) -> Value {
    match (key, value) {
        // Data, not document.
        ("example" | "examples" | "default" | "enum" | "const", _) => value.clone(),
        // Names of properties are no words of OpenAPI, whatever they are called.
        ("properties", Value::Object(properties)) => properties
            .iter()
            .map(|(name, property)| (name.clone(), lift(property)))
            .collect(),
        ("openapi", Value::String(version)) if version.starts_with("3.0") => json!("3.1.0"),
        _ => lift(value),
    }
}

/// 3.0 ignores what stands beside a reference, so it is wrapped in `allOf`, with a `type` beside it
/// that repeats the reference's own. 3.1 needs neither.
fn annotated_reference(schema: &mut Map<String, Value>, nullable: bool) {
    let Some([member]) = schema
        .get("allOf")
        .and_then(Value::as_array)
        .map(Vec::as_slice)
    else {
        return;
    };
    let Some(reference) = member
        .get("$ref")
        .filter(|_| member.as_object().map(Map::len) == Some(1))
    else {
        return;
    };
    let reference = reference.clone();
    schema.shift_remove("allOf");
    schema.shift_remove("type");
    if nullable {
        schema.insert(
            "oneOf".into(),
            json!([{ "$ref": reference }, { "type": "null" }]),
        );
    } else {
        schema.insert("$ref".into(), reference);
    }
}

fn take_null(schema: &mut Map<String, Value>) {
    if let Some(Value::String(kind)) = schema.get("type").cloned() {
        schema.insert("type".into(), json!([kind, "null"]));
        if let Some(Value::Array(values)) = schema.get_mut("enum")
            && !values.contains(&Value::Null)
        {
            values.push(Value::Null);
        }
    }
}

/// 3.0 says `minimum: 1` and `exclusiveMinimum: true`, 3.1 says `exclusiveMinimum: 1`.
fn exclusive(schema: &mut Map<String, Value>, exclusive: &str, bound: &str) {
    let Some(Value::Bool(applies)) = schema.get(exclusive).cloned() else {
        return;
    };
    schema.shift_remove(exclusive);
    if applies && let Some(limit) = schema.shift_remove(bound) {
        schema.insert(exclusive.into(), limit);
    }
}
