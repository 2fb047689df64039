//! Rules on objects: named, described, closed in requests and open in answers.

use super::{Schema, Site};
use crate::lint::Report;
use crate::lint::names::{collision, snake};

const RULES: [fn(&Schema<'_>, &mut Report); 7] = [
    named,
    described,
    names,
    required,
    open_or_closed,
    stray,
    update,
];

pub(super) fn check(schema: &Schema<'_>, report: &mut Report) {
    for rule in RULES {
        rule(schema, report);
    }
}

/// Code needs a name for each structure and enumeration.
fn named(schema: &Schema<'_>, report: &mut Report) {
    let object = schema.kind() == "object" && !schema.place.has("allOf");
    // The one value of a header is a constant, which needs no name.
    let listed = schema.place.has("enum") && schema.site != Site::Header;
    if (object || listed) && schema.site != Site::Named {
        let what = if object { "object" } else { "enum" };
        report.fault(
            &schema.place.pointer,
            format!("this {what} has no name"),
            "move it to `/components/schemas` and refer to it",
        );
    }
}

fn described(schema: &Schema<'_>, report: &mut Report) {
    if schema.site == Site::Named {
        report.needs_text(&schema.place, "description", "the schema");
    }
    for (name, property) in schema.place.entries("properties") {
        // A bare reference speaks with the description of what it names.
        let speaker = property.follow(schema.spec).unwrap_or(property);
        report.needs_text(&speaker, "description", &format!("the property `{name}`"));
    }
}

fn names(schema: &Schema<'_>, report: &mut Report) {
    let properties = schema.place.entries("properties");
    if let Some((first, second)) = collision(properties.iter().map(|(name, _)| *name), snake) {
        report.fault(
            &schema.place.below("properties"),
            format!("the properties `{first}` and `{second}` are one field in code"),
            "rename one of them",
        );
    }
    for (name, property) in properties
        .iter()
        .filter(|(name, _)| !snake(name).is_ascii())
    {
        let problem = format!("`{name}` is not ASCII");
        report.fault(&property.pointer, problem, "rename the property");
    }
}

fn required(schema: &Schema<'_>, report: &mut Report) {
    let properties = schema.place.entries("properties");
    for name in schema.place.texts("required") {
        if !properties.iter().any(|(property, _)| *property == name) {
            report.fault(
                &schema.place.below("required"),
                format!("`{name}` is required but is not a property"),
                "add the property, or remove the name",
            );
        }
    }
}

/// A client that sends a misspelt property must hear of it; a client that receives a new one must
/// survive it.
fn open_or_closed(schema: &Schema<'_>, report: &mut Report) {
    if schema.kind() != "object" || schema.site != Site::Named {
        return;
    }
    let closed = schema
        .value("additionalProperties")
        .is_some_and(|value| value == false);
    let pointer = schema.place.below("additionalProperties");
    match (schema.request, schema.answer) {
        (true, true) => report.fault(
            &schema.place.pointer,
            "the schema is used in requests and in answers",
            "write two: the one for requests closed, the one for answers open",
        ),
        (true, false) if !closed => report.fault(
            &pointer,
            "the schema is used in requests but takes any property",
            "write `additionalProperties: false`",
        ),
        (false, true) if closed => report.fault(
            &pointer,
            "the schema is used in answers, where clients would fail on a new property",
            "remove `additionalProperties: false`",
        ),
        _ => {}
    }
    if !closed && schema.place.has("additionalProperties") {
        report.fault(
            &pointer,
            "maps cannot be carried",
            "remove it, or write `false`",
        );
    }
}

/// Words of objects where there is no object.
fn stray(schema: &Schema<'_>, report: &mut Report) {
    if schema.kind() == "object" {
        return;
    }
    for key in ["properties", "required", "additionalProperties"] {
        if schema.place.has(key) {
            let remedy = "write `type: object`, or remove it";
            report.fault(
                &schema.place.below(key),
                format!("`{key}` is for objects"),
                remedy,
            );
        }
    }
}

/// In an update, absent means "keep": a default would overwrite.
fn update(schema: &Schema<'_>, report: &mut Report) {
    if !schema.update {
        return;
    }
    for key in ["default", "readOnly"] {
        if schema.place.has(key) {
            report.fault(
                &schema.place.below(key),
                format!("`{key}` in the body of a PATCH"),
                "remove it: what is absent stays as it is",
            );
        }
    }
}
