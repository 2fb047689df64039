//! Where each named schema is used: what a request may hold is checked, what an answer holds may
//! grow, and what a PATCH holds must be able to be absent.

use std::collections::BTreeSet;

use serde_json::Value;

use super::view::{Operation, Place};
use crate::Spec;

/// Names of schemas by use; a name may be in several.
#[derive(Default)]
pub(super) struct Uses<'a> {
    pub(super) requests: BTreeSet<&'a str>,
    pub(super) updates: BTreeSet<&'a str>,
    pub(super) answers: BTreeSet<&'a str>,
}

impl<'a> Uses<'a> {
    pub(super) fn of(spec: &'a Spec, operations: &[Operation<'a>]) -> Self {
        let mut uses = Self::default();
        for operation in operations {
            if let Some(body) = &operation.body {
                collect(spec, content(body), &mut uses.requests);
            }
            if let Some(body) = operation
                .body
                .as_ref()
                .filter(|_| operation.method == "patch")
            {
                collect(spec, content(body), &mut uses.updates);
            }
            for (_, response) in &operation.responses {
                collect(spec, content(response), &mut uses.answers);
            }
        }
        uses
    }
}

fn content<'a>(holder: &Place<'a>) -> &'a Value {
    &holder.value["content"]
}

fn collect<'a>(spec: &'a Spec, value: &'a Value, names: &mut BTreeSet<&'a str>) {
    for name in references(value) {
        if names.insert(name) {
            collect(spec, &spec.root()["components"]["schemas"][name], names);
        }
    }
}

/// The names of the schemas that `value` refers to itself.
pub(super) fn references(value: &Value) -> Vec<&str> {
    match value {
        Value::Object(object) => {
            let own = object.get("$ref").and_then(Value::as_str);
            let own = own.and_then(|target| target.strip_prefix("#/components/schemas/"));
            own.into_iter()
                .chain(object.values().flat_map(references))
                .collect()
        }
        Value::Array(items) => items.iter().flat_map(references).collect(),
        _ => Vec::new(),
    }
}
