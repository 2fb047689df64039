//! Rules on references: each leads somewhere inside the document, and stands alone.

use serde_json::Value;

use super::Report;
use super::view::Place;
use crate::Spec;

/// Keys whose values are data, not document.
const DATA: [&str; 4] = ["example", "examples", "default", "enum"];

pub(super) fn check(spec: &Spec, report: &mut Report) {
    walk(&Place::root(spec), spec, report);
    for (name, schema) in Place::root(spec)
        .child("components")
        .iter()
        .flat_map(schemas)
    {
        if reaches(spec, schema.value, name, &mut Vec::new()) {
            report.fault(
                &schema.pointer,
                format!("the schema `{name}` contains itself"),
                "name the inner one by its id instead",
            );
        }
    }
}

fn schemas<'a>(components: &Place<'a>) -> Vec<(&'a str, Place<'a>)> {
    components.entries("schemas")
}

fn walk(place: &Place<'_>, spec: &Spec, report: &mut Report) {
    reference(place, spec, report);
    for key in place.keys().filter(|key| !DATA.contains(key)) {
        if let Some(child) = place.child(key) {
            walk(&child, spec, report);
        }
        for item in place.items(key) {
            walk(&item, spec, report);
        }
    }
}

fn reference(place: &Place<'_>, spec: &Spec, report: &mut Report) {
    let Some(target) = place.value.get("$ref").and_then(Value::as_str) else {
        return;
    };
    if place.follow(spec).is_none() {
        report.fault(
            &place.below("$ref"),
            format!("`{target}` leads nowhere"),
            "name a component of this document, such as `#/components/schemas/Name`",
        );
    }
    if place.keys().count() > 1 {
        report.fault(
            &place.pointer,
            "what stands beside `$ref` is ignored in OpenAPI 3.0",
            "write `type`, `allOf: [$ref]` and the rest beside them",
        );
    }
    let item = place
        .pointer
        .strip_prefix("/paths/")
        .is_some_and(|rest| !rest.contains('/'));
    if item {
        let remedy = "write the operations of the path here";
        report.fault(&place.pointer, "a path cannot be a reference", remedy);
    }
}

/// Whether the schema `name` can be reached from `value` through references to schemas.
fn reaches(spec: &Spec, value: &Value, name: &str, seen: &mut Vec<String>) -> bool {
    super::uses::references(value).into_iter().any(|target| {
        if target == name {
            return true;
        }
        if seen.iter().any(|other| other == target) {
            return false;
        }
        seen.push(target.to_owned());
        let schema = &spec.root()["components"]["schemas"][target];
        reaches(spec, schema, name, seen)
    })
}
