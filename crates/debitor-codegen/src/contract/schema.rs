//! The canonical form of a lifted schema: sets sorted, defaults dropped, one way to say null.

use serde_json::{Map, Value, json};

use super::{number, prose, set};

pub(super) fn canonical(schema: &Value) -> Value {
    let Some(object) = schema.as_object() else {
        return schema.clone();
    };
    let mut result = Map::new();
    for (key, value) in object
        .iter()
        .filter(|(key, value)| !says_nothing(key, value))
    {
        result.insert(key.clone(), member(key, value));
    }
    described_reference(&mut result);
    implied_type(&mut result);
    one_example(&mut result);
    Value::Object(result)
}

fn member(key: &str, value: &Value) -> Value {
    match key {
        "required" => set(value),
        "description" | "title" => json!(prose(value.as_str().unwrap_or_default())),
        "type" | "enum" => unordered(value, Clone::clone),
        "oneOf" | "anyOf" | "allOf" => unordered(value, canonical),
        "properties" => {
            let properties = value.as_object().into_iter().flatten();
            properties
                .map(|(name, property)| (name.clone(), canonical(property)))
                .collect()
        }
        "items" | "additionalProperties" => canonical(value),
        _ => number(value),
    }
}

/// Members whose order says nothing, in the order of their text. A single type stays single.
fn unordered(value: &Value, member: fn(&Value) -> Value) -> Value {
    let Some(items) = value.as_array() else {
        return value.clone();
    };
    let mut items: Vec<Value> = items.iter().map(member).collect();
    items.sort_by_key(Value::to_string);
    Value::Array(items)
}

/// What holds anyway. `propertyNames` of strings comes from utoipa's maps: names are strings.
/// Extensions of schemas are for generators, not for clients.
fn says_nothing(key: &str, value: &Value) -> bool {
    let empty = value.as_array().is_some_and(Vec::is_empty)
        || value.as_object().is_some_and(Map::is_empty)
        || value.as_str() == Some("");
    match key {
        "deprecated" | "readOnly" | "writeOnly" => value == false,
        "additionalProperties" => value == true,
        "propertyNames" => value == &json!({ "type": "string" }),
        "required" | "properties" | "description" => empty,
        _ => key.starts_with("x-"),
    }
}

/// Of a reference that may be null, utoipa puts the description and the example on the reference,
/// the document on the whole.
fn described_reference(schema: &mut Map<String, Value>) {
    let null = json!({ "type": "null" });
    let members = schema.get_mut("oneOf").and_then(Value::as_array_mut);
    let reference = match members.map(Vec::as_mut_slice) {
        Some([reference, other] | [other, reference]) if *other == null => reference,
        _ => return,
    };
    let reference = reference
        .as_object_mut()
        .filter(|member| member.contains_key("$ref"));
    let annotations = reference.into_iter().flat_map(|member| {
        ["description", "example"].map(|key| (key.to_owned(), member.shift_remove(key)))
    });
    let annotations = annotations.collect::<Vec<_>>().into_iter();
    schema.extend(annotations.filter_map(|(key, value)| Some((key, value?))));
}

fn implied_type(schema: &mut Map<String, Value>) {
    if schema.contains_key("properties") && !schema.contains_key("type") {
        schema.insert("type".into(), json!("object"));
    }
}

/// 3.1 prefers a list of examples; one is one.
fn one_example(schema: &mut Map<String, Value>) {
    let Some([example]) = schema
        .get("examples")
        .and_then(Value::as_array)
        .map(Vec::as_slice)
    else {
        return;
    };
    let example = example.clone();
    schema.shift_remove("examples");
    schema.insert("example".into(), example);
}
