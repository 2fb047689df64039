//! Rules on schemas: the subset that the client, the stubs and the comparison carry alike, and the
//! bounds that everything a client may send has.

mod constraints;
mod objects;

use std::collections::BTreeSet;

use serde_json::Value;

use super::Report;
use super::uses::Uses;
use super::view::{Operation, Place};
use crate::Spec;

const RULES: [fn(&Schema<'_>, &mut Report); 4] = [keywords, kind, all_of, nullable];

const KEYWORDS: [&str; 21] = [
    "type",
    "format",
    "description",
    "nullable",
    "enum",
    "example",
    "default",
    "readOnly",
    "properties",
    "required",
    "additionalProperties",
    "items",
    "minLength",
    "maxLength",
    "pattern",
    "minimum",
    "maximum",
    "minItems",
    "maxItems",
    "allOf",
    "$ref",
];

/// What to write instead of the keywords that people reach for.
const REMEDIES: [(&str, &str); 5] = [
    (
        "oneOf",
        "write one object with optional properties, or separate operations",
    ),
    (
        "anyOf",
        "write one object with optional properties, or separate operations",
    ),
    ("not", "state what is allowed"),
    ("discriminator", "write one object with an enum property"),
    ("exclusiveMinimum", "write `minimum`"),
];

/// One schema, named or inside another, with what it is used for.
struct Schema<'a> {
    spec: &'a Spec,
    place: Place<'a>,
    site: Site,
    request: bool,
    update: bool,
    answer: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Site {
    /// Under `/components/schemas`.
    Named,
    Property,
    /// A header of a response.
    Header,
    /// An item, a parameter, a body.
    Inner,
}

pub(super) fn check(spec: &Spec, report: &mut Report) {
    let operations = Operation::all(spec);
    let uses = Uses::of(spec, &operations);
    let root = Place::root(spec);
    for (name, place) in root
        .child("components")
        .iter()
        .flat_map(|c| c.entries("schemas"))
    {
        let among = |names: &BTreeSet<&str>| names.contains(name);
        let [request, update, answer] = [&uses.requests, &uses.updates, &uses.answers].map(among);
        visit(
            &Schema {
                spec,
                place,
                site: Site::Named,
                request,
                update,
                answer,
            },
            report,
        );
    }
    for (site, place) in operations.iter().flat_map(inline) {
        visit(
            &Schema {
                spec,
                place,
                site,
                request: false,
                update: false,
                answer: false,
            },
            report,
        );
    }
}

/// The schemas that operations hold themselves: of parameters, of headers and of bodies.
fn inline<'a>(operation: &Operation<'a>) -> Vec<(Site, Place<'a>)> {
    let bodies = operation
        .responses
        .iter()
        .map(|(_, response)| response)
        .chain(&operation.body);
    let bodies = bodies.flat_map(|holder| holder.entries("content"));
    let headers = operation
        .responses
        .iter()
        .flat_map(|(_, response)| response.entries("headers"));
    let headers = headers.filter_map(|(_, header)| header.follow(operation.spec));
    let parameters = operation.parameters.iter().cloned();
    let inner = parameters.chain(bodies.map(|(_, media)| media));
    let inner = inner.map(|holder| (Site::Inner, holder));
    let holders = inner.chain(headers.map(|header| (Site::Header, header)));
    holders
        .filter_map(|(site, holder)| Some((site, holder.child("schema")?)))
        .collect()
}

fn visit(schema: &Schema<'_>, report: &mut Report) {
    if schema.place.has("$ref") {
        return references_schema(schema, report);
    }
    for rule in RULES {
        rule(schema, report);
    }
    objects::check(schema, report);
    constraints::check(schema, report);
    for (_, property) in schema.place.entries("properties") {
        visit(&schema.inner(property, Site::Property), report);
    }
    if let Some(items) = schema.place.child("items") {
        visit(&schema.inner(items, Site::Inner), report);
    }
}

impl<'a> Schema<'a> {
    fn inner(&self, place: Place<'a>, site: Site) -> Self {
        Self {
            place,
            site,
            ..*self
        }
    }

    fn kind(&self) -> &'a str {
        self.place.text("type")
    }

    fn value(&self, key: &str) -> Option<&'a Value> {
        self.place.value.get(key)
    }
}

fn references_schema(schema: &Schema<'_>, report: &mut Report) {
    if !schema
        .place
        .text("$ref")
        .starts_with("#/components/schemas/")
    {
        let remedy = "write `#/components/schemas/Name`";
        report.fault(
            &schema.place.below("$ref"),
            "this is not the name of a schema",
            remedy,
        );
    }
}

fn keywords(schema: &Schema<'_>, report: &mut Report) {
    for key in schema.place.keys().filter(|key| !KEYWORDS.contains(key)) {
        let special = REMEDIES.iter().find(|(keyword, _)| *keyword == key);
        report.fault(
            &schema.place.below(key),
            format!("the generators cannot carry `{key}`"),
            special.map_or("remove it", |(_, remedy)| *remedy),
        );
    }
}

fn kind(schema: &Schema<'_>, report: &mut Report) {
    let pointer = schema.place.below("type");
    match schema.kind() {
        "string" | "integer" | "number" | "boolean" | "object" => {}
        "array" => match schema.place.child("items") {
            None => report.fault(&pointer, "the array has no items", "write `items:`"),
            Some(items) if items.text("type") == "array" => {
                let problem = "an array of arrays cannot be carried";
                report.fault(&items.pointer, problem, "name an object for the inner ones");
            }
            Some(_) => {}
        },
        "" => report.fault(&pointer, "the schema has no type", "write `type:`"),
        other => report.fault(
            &pointer,
            format!("`{other}` is not a type"),
            "see OpenAPI 3.0.3",
        ),
    }
}

/// A reference with something beside it: null, or a description of its own.
fn all_of(schema: &Schema<'_>, report: &mut Report) {
    let Some(value) = schema.value("allOf") else {
        return;
    };
    let pointer = schema.place.below("allOf");
    let members = schema.place.items("allOf");
    let [member] = &members[..] else {
        let count = value.as_array().map_or(0, Vec::len);
        let problem = format!("`allOf` has {count} members");
        return report.fault(
            &pointer,
            problem,
            "write one reference; list properties in full",
        );
    };
    let target = member.follow(schema.spec).filter(|_| member.has("$ref"));
    let Some(target) = target else {
        let problem = "the member of `allOf` is not a reference";
        return report.fault(&pointer, problem, "name a schema: `allOf: [$ref]`");
    };
    if target.text("type") != schema.kind() {
        report.fault(
            &schema.place.below("type"),
            "the type is not that of the schema which `allOf` names",
            format!("write `type: {}`", target.text("type")),
        );
    }
    let known = ["type", "nullable", "description", "allOf", "example"];
    report.unknown_keys(&schema.place, &known, "a reference in `allOf`");
}

fn nullable(schema: &Schema<'_>, report: &mut Report) {
    let pointer = schema.place.below("nullable");
    if schema.place.flag("nullable") && schema.site == Site::Named {
        let remedy = "say it where the schema is used: `nullable: true` beside `allOf: [$ref]`";
        report.fault(&pointer, "a named schema is nullable", remedy);
    }
    if schema.place.flag("nullable") && schema.place.has("enum") {
        let remedy = "name the enum, and write `nullable: true` beside `allOf: [$ref]`";
        report.fault(
            &pointer,
            "in OpenAPI 3.0 a nullable enum does not take null",
            remedy,
        );
    }
}
