//! Walking the schemas of a document.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::spec::{Spec, escape, reference_name};

/// Where the component schema `name` stands.
pub(super) fn pointer(name: &str) -> String {
    format!("/components/schemas/{}", escape(name))
}

/// Calls `change` for every schema of a document, the outer before the inner.
pub(super) fn each(document: &mut Value, change: &mut impl FnMut(&mut Map<String, Value>)) {
    match document {
        Value::Array(items) => items.iter_mut().for_each(|item| each(item, change)),
        Value::Object(members) => {
            for (name, member) in members {
                match name.as_str() {
                    "example" | "examples" => {}
                    "schema" => within(member, change),
                    "schemas" => children(member).for_each(|schema| within(schema, change)),
                    _ => each(member, change),
                }
            }
        }
        _ => {}
    }
}

/// Calls `change` for a schema and for all that are written inside it.
pub(super) fn within(schema: &mut Value, change: &mut impl FnMut(&mut Map<String, Value>)) {
    let Some(members) = schema.as_object_mut() else {
        return;
    };
    change(members);
    for (name, member) in members {
        match name.as_str() {
            "properties" => children(member).for_each(|schema| within(schema, change)),
            "items" | "additionalProperties" | "not" => within(member, change),
            "allOf" | "anyOf" | "oneOf" => {
                let listed = member.as_array_mut().into_iter().flatten();
                listed.for_each(|schema| within(schema, change));
            }
            _ => {}
        }
    }
}

fn children(value: &mut Value) -> impl Iterator<Item = &mut Value> {
    value.as_object_mut().into_iter().flat_map(Map::values_mut)
}

/// Adds to `names` the component schemas that `value` refers to, directly or through others.
pub(super) fn reach(spec: &Spec, value: &Value, names: &mut BTreeSet<String>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| reach(spec, item, names)),
        Value::Object(members) => {
            if let Some(name) = reference_name(value)
                && names.insert(name.to_owned())
                && let Some(target) = spec.root().pointer(&pointer(name))
            {
                reach(spec, target, names);
            }
            members
                .values()
                .for_each(|member| reach(spec, member, names));
        }
        _ => {}
    }
}
