//! Rules on the document as a whole: version, head, tags, servers, security, paths, names.

use std::collections::BTreeMap;

use super::names::{OPERATION_TYPES, camel};
use super::view::{Operation, Place};
use super::{Report, names};
use crate::Spec;
use crate::metadata::{EXTENSION, is_identifier};

const RULES: [fn(&Place<'_>, &mut Report); 7] =
    [version, head, tags, servers, schemes, paths, odata];

pub(super) fn check(spec: &Spec, report: &mut Report) {
    let root = Place::root(spec);
    for rule in RULES {
        rule(&root, report);
    }
    let operations = Operation::all(spec);
    unique_ids(&operations, report);
    type_names(&root, &operations, report);
}

/// progenitor reads nothing newer, utoipa and Swagger UI nothing older.
fn version(root: &Place<'_>, report: &mut Report) {
    let version = root.text("openapi");
    if !version.starts_with("3.0.") {
        let problem = format!("the document is of version `{version}`");
        report.fault("/openapi", problem, "write `openapi: 3.0.3`");
    }
    let known = [
        "openapi",
        "info",
        "servers",
        "security",
        "tags",
        "paths",
        "components",
        EXTENSION,
    ];
    report.unknown_keys(root, &known, "the document");
}

fn head(root: &Place<'_>, report: &mut Report) {
    let info = root.child("info").unwrap_or(Place {
        pointer: "/info".into(),
        value: root.value,
    });
    for key in ["title", "version", "description"] {
        report.needs_text(&info, key, "the document's `info`");
    }
}

/// The two names that the metadata needs and nothing else in the document says.
fn odata(root: &Place<'_>, report: &mut Report) {
    let Some(names) = root.child(EXTENSION) else {
        return;
    };
    report.unknown_keys(&names, &["namespace", "container"], "OData's names");
    let identifiers = |key: &str| names.text(key).split('.').all(is_identifier);
    if !identifiers("namespace") {
        let problem = "the namespace is not made of identifiers";
        let remedy = "write identifiers with dots between them, such as `acme.api`";
        report.fault(&names.below("namespace"), problem, remedy);
    }
    if !is_identifier(names.text("container")) {
        let problem = "the container's name is not an identifier";
        let remedy = "write letters, digits and underscores, such as `Service`";
        report.fault(&names.below("container"), problem, remedy);
    }
}

fn tags(root: &Place<'_>, report: &mut Report) {
    for tag in root.items("tags") {
        report.needs_text(&tag, "name", "the tag");
        report.needs_text(&tag, "description", "the tag");
    }
    let tags = root.items("tags");
    if let Some((first, second)) = names::collision(tags.iter().map(|t| t.text("name")), camel) {
        report.fault(
            "/tags",
            format!("the tags `{first}` and `{second}` would be one trait"),
            "rename one of them",
        );
    }
}

fn servers(root: &Place<'_>, report: &mut Report) {
    if root.items("servers").is_empty() {
        let remedy = "write the prefix of all paths, such as `servers: [{url: /v1.0}]`";
        report.fault("/servers", "the document names no server", remedy);
    }
    for server in root.items("servers") {
        if !server.text("url").starts_with('/') {
            report.fault(
                &server.below("url"),
                format!("`{}` is not a path", server.text("url")),
                "write a path such as `/v1.0`, so that the page of docs calls its own origin",
            );
        }
    }
}

fn schemes(root: &Place<'_>, report: &mut Report) {
    let Some(components) = root.child("components") else {
        return;
    };
    for (name, scheme) in components.entries("securitySchemes") {
        if (scheme.text("type"), scheme.text("scheme")) != ("http", "bearer") {
            report.fault(
                &scheme.pointer,
                format!("the security scheme `{name}` is not a bearer token"),
                "write `type: http` and `scheme: bearer`",
            );
        }
        report.needs_text(&scheme, "description", "the security scheme");
    }
}

fn paths(root: &Place<'_>, report: &mut Report) {
    let entries = root.entries("paths");
    if entries.is_empty() {
        report.fault(
            "/paths",
            "the document has no paths",
            "write at least one operation",
        );
    }
    let known = [
        "get",
        "post",
        "put",
        "patch",
        "delete",
        "parameters",
        "summary",
        "description",
    ];
    for (path, item) in &entries {
        report.unknown_keys(item, &known, "a path");
        segments(path, item, report);
    }
    let anonymous = |path: &str| {
        path.split('/')
            .map(blank_parameter)
            .collect::<Vec<_>>()
            .join("/")
    };
    if let Some((first, second)) = names::collision(entries.iter().map(|(p, _)| *p), anonymous) {
        report.fault(
            "/paths",
            format!("`{first}` and `{second}` are the same path but for the parameters' names"),
            "write one path",
        );
    }
}

fn blank_parameter(segment: &str) -> &str {
    if segment.starts_with('{') {
        "{}"
    } else {
        segment
    }
}

/// The router takes a parameter for a whole segment only.
fn segments(path: &str, item: &Place<'_>, report: &mut Report) {
    if !path.starts_with('/') || path.len() > 1 && path.ends_with('/') || path.contains("//") {
        let problem = format!("the path `{path}` has an empty segment or no leading `/`");
        report.fault(&item.pointer, problem, "write it as `/one/{two}`");
    }
    let embedded = |segment: &&str| {
        let inner = segment
            .strip_prefix('{')
            .and_then(|rest| rest.strip_suffix('}'));
        inner.unwrap_or(segment).contains(['{', '}'])
    };
    if let Some(segment) = path.split('/').find(embedded) {
        report.fault(
            &item.pointer,
            format!("in `{segment}` a parameter is only a part of its segment"),
            "give each parameter a segment of its own",
        );
    }
}

fn unique_ids(operations: &[Operation<'_>], report: &mut Report) {
    let mut seen: BTreeMap<&str, &str> = BTreeMap::new();
    for operation in operations
        .iter()
        .filter(|operation| !operation.id.is_empty())
    {
        if let Some(first) = seen.insert(operation.id, &operation.place.pointer) {
            report.fault(
                &operation.place.below("operationId"),
                format!("`{}` is the operationId of {first} too", operation.id),
                "give each operation an operationId of its own",
            );
        }
    }
}

/// Types of schemas and of operations share one module.
fn type_names(root: &Place<'_>, operations: &[Operation<'_>], report: &mut Report) {
    let Some(components) = root.child("components") else {
        return;
    };
    let made: Vec<String> = operations
        .iter()
        .flat_map(|o| OPERATION_TYPES.map(|suffix| format!("{}{suffix}", camel(o.id))))
        .chain(
            root.items("tags")
                .iter()
                .map(|tag| format!("{}Api", camel(tag.text("name")))),
        )
        .collect();
    for (name, schema) in components.entries("schemas") {
        if name != camel(name).as_str() && !is_camel(name) {
            let remedy = format!("write `{}`", camel(name));
            report.fault(
                &schema.pointer,
                format!("`{name}` is not a type's name"),
                remedy,
            );
        }
        if made.iter().any(|other| other == name) {
            report.fault(
                &schema.pointer,
                format!("`{name}` is the name of a generated type"),
                "rename the schema",
            );
        }
    }
}

/// Names such as `ODataError`, which case conversion would spell differently.
fn is_camel(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_uppercase())
        && name.chars().all(|c| c.is_ascii_alphanumeric())
}
