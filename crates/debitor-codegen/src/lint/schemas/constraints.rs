//! Rules on values: formats, lengths, ranges, patterns, enumerations, defaults.

use serde_json::Value;

use super::{Schema, Site};
use crate::lint::names::{camel, collision};
use crate::lint::{Report, pattern};

const RULES: [fn(&Schema<'_>, &mut Report); 7] = [
    format,
    size,
    bounded,
    ranges,
    patterns,
    enumeration,
    default,
];

/// The formats that client and stubs know, by type.
const FORMATS: [(&str, &[&str]); 4] = [
    ("string", &["uuid", "date", "date-time", "email", "uri"]),
    ("integer", &["int32", "int64"]),
    ("number", &["double"]),
    ("boolean", &[]),
];

/// Which constraint is for which type.
const CONSTRAINTS: [(&str, &[&str]); 8] = [
    ("minLength", &["string"]),
    ("maxLength", &["string"]),
    ("pattern", &["string"]),
    ("enum", &["string"]),
    ("minimum", &["integer", "number"]),
    ("maximum", &["integer", "number"]),
    ("minItems", &["array"]),
    ("maxItems", &["array"]),
];

pub(super) fn check(schema: &Schema<'_>, report: &mut Report) {
    for rule in RULES {
        rule(schema, report);
    }
}

fn format(schema: &Schema<'_>, report: &mut Report) {
    let Some(format) = schema
        .value("format")
        .map(|f| f.as_str().unwrap_or_default())
    else {
        return;
    };
    let known = FORMATS.iter().find(|(kind, _)| *kind == schema.kind());
    let known = known.map_or(&[][..], |(_, formats)| *formats);
    if !known.contains(&format) {
        report.fault(
            &schema.place.below("format"),
            format!(
                "the generators do not know `{format}` of a {}",
                schema.kind()
            ),
            format!("remove it, or use one of: {}", known.join(", ")),
        );
    }
}

/// Code has no numbers without a size, and utoipa states the least of an integer of its own accord.
fn size(schema: &Schema<'_>, report: &mut Report) {
    for (kind, key) in [
        ("integer", "format"),
        ("integer", "minimum"),
        ("number", "format"),
    ] {
        if schema.kind() == kind && !schema.place.has(key) {
            let problem = format!("the {kind} has no `{key}`");
            report.fault(&schema.place.pointer, problem, format!("write `{key}:`"));
        }
    }
}

/// Nothing that a client may send is without an end.
fn bounded(schema: &Schema<'_>, report: &mut Report) {
    let text = schema.kind() == "string" && !schema.place.has("allOf");
    let by_format = matches!(schema.place.text("format"), "uuid" | "date" | "date-time");
    let bounded = by_format || schema.place.has("maxLength") || schema.place.has("enum");
    if schema.request && text && !bounded {
        report.fault(
            &schema.place.pointer,
            "a string that clients send has no length",
            "write `maxLength:`",
        );
    }
}

fn ranges(schema: &Schema<'_>, report: &mut Report) {
    for (key, kinds) in CONSTRAINTS {
        if schema.place.has(key) && !kinds.contains(&schema.kind()) {
            let problem = format!("`{key}` says nothing about a {}", schema.kind());
            report.fault(&schema.place.below(key), problem, "remove it");
        }
    }
    for (low, high) in [
        ("minimum", "maximum"),
        ("minLength", "maxLength"),
        ("minItems", "maxItems"),
    ] {
        let number = |key: &str| schema.value(key).and_then(Value::as_f64);
        if let (Some(least), Some(most)) = (number(low), number(high))
            && least > most
        {
            let problem = format!("`{low}` {least} is above `{high}` {most}");
            report.fault(&schema.place.below(low), problem, "exchange or mend them");
        }
    }
}

fn patterns(schema: &Schema<'_>, report: &mut Report) {
    let Some(text) = schema
        .value("pattern")
        .map(|p| p.as_str().unwrap_or_default())
    else {
        return;
    };
    if let Err((problem, remedy)) = pattern::check(text) {
        report.fault(&schema.place.below("pattern"), problem, remedy);
    }
}

fn enumeration(schema: &Schema<'_>, report: &mut Report) {
    let Some(values) = schema
        .value("enum")
        .map(|v| v.as_array().map_or(&[][..], Vec::as_slice))
    else {
        return;
    };
    let pointer = schema.place.below("enum");
    let texts = schema.place.texts("enum");
    if texts.is_empty() || texts.len() != values.len() {
        let remedy = "quote each value, and list at least one";
        report.fault(
            &pointer,
            "the values of the enum are not all strings",
            remedy,
        );
    }
    for (index, text) in texts.iter().enumerate() {
        if texts[..index].contains(text) {
            report.fault(
                &pointer,
                format!("the value `{text}` is listed twice"),
                "list it once",
            );
        }
    }
    // Blank spellings of "none" get names of their own from the generators.
    let mut spelt: Vec<_> = texts
        .into_iter()
        .filter(|text| !camel(text).is_empty())
        .collect();
    spelt.dedup();
    if let Some((first, second)) = collision(spelt, camel).filter(|(a, b)| a != b) {
        let problem = format!("the values `{first}` and `{second}` are one variant in code");
        report.fault(&pointer, problem, "remove one of them");
    }
}

fn default(schema: &Schema<'_>, report: &mut Report) {
    let Some(value) = schema.value("default") else {
        return;
    };
    let fits = match schema.kind() {
        "string" => value.is_string(),
        "integer" => value.is_i64(),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        _ => false,
    };
    if !fits || schema.site == Site::Named {
        report.fault(
            &schema.place.below("default"),
            format!("`{value}` cannot be the default of a {}", schema.kind()),
            "write a plain value of that type, where the schema is used",
        );
    }
}
