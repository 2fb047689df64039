//! Rules on an operation: its names, its prose, its permissions and its request body.

use super::Report;
use super::names::{RESERVED_OPERATIONS, snake};
use super::view::{Operation, Place};

const RULES: [fn(&Operation<'_>, &mut Report); 10] = [
    keys,
    tag,
    prose,
    identifier,
    verb,
    method,
    permissions,
    security,
    key,
    body,
];

/// The header that makes a request safe to repeat (the IETF's draft of that name).
pub(super) const KEY: &str = "Idempotency-Key";

/// The verbs of every resource, with the method and the successes of each.
pub(super) const VERBS: [(&str, &str, &[&str]); 6] = [
    ("list", "get", &["200"]),
    ("get", "get", &["200"]),
    ("count", "get", &["200"]),
    ("create", "post", &["201"]),
    ("update", "patch", &["200", "204"]),
    ("delete", "delete", &["204"]),
];

pub(super) fn check(operation: &Operation<'_>, report: &mut Report) {
    for rule in RULES {
        rule(operation, report);
    }
}

fn keys(operation: &Operation<'_>, report: &mut Report) {
    let known = [
        "operationId",
        "tags",
        "summary",
        "description",
        "x-permissions",
        "security",
        "parameters",
        "requestBody",
        "responses",
    ];
    report.unknown_keys(&operation.place, &known, "an operation");
}

fn tag(operation: &Operation<'_>, report: &mut Report) {
    let tags = operation.place.texts("tags");
    let declared = Place::root(operation.spec).items("tags");
    if tags.len() != 1 {
        report.fault(
            &operation.place.below("tags"),
            format!("the operation has {} tags", tags.len()),
            "name exactly one: it is the trait that has the operation",
        );
    }
    for tag in tags
        .iter()
        .filter(|tag| !declared.iter().any(|d| d.text("name") == **tag))
    {
        report.fault(
            &operation.place.below("tags"),
            format!("the tag `{tag}` is not declared"),
            "declare it under `/tags`, with a description",
        );
    }
}

fn prose(operation: &Operation<'_>, report: &mut Report) {
    report.needs_text(&operation.place, "summary", "the operation");
    report.needs_text(&operation.place, "description", "the operation");
}

fn identifier(operation: &Operation<'_>, report: &mut Report) {
    let pointer = operation.place.below("operationId");
    let id = operation.id;
    if id.is_empty() {
        report.fault(
            &pointer,
            "the operation has no operationId",
            "write `noun_verb`",
        );
    } else if id != snake(id) || !id.is_ascii() {
        let remedy = format!("write `{}`", snake(id));
        report.fault(&pointer, format!("`{id}` is not snake_case"), remedy);
    }
    if RESERVED_OPERATIONS.contains(&id) {
        let problem = format!("`{id}` is a method of the generated client");
        report.fault(&pointer, problem, "write `noun_verb`");
    }
}

fn verb(operation: &Operation<'_>, report: &mut Report) {
    let Some(tag) = operation.place.texts("tags").first().copied() else {
        return;
    };
    let verb = operation.verb();
    let known = VERBS.iter().any(|(known, ..)| *known == verb);
    if operation.id.is_empty() || known || !verb.is_empty() && is_action(operation, verb) {
        return;
    }
    let verbs = VERBS.map(|(verb, ..)| verb).join(", ");
    report.fault(
        &operation.place.below("operationId"),
        format!("`{}` is not `{}_` and a verb", operation.id, snake(tag)),
        format!("use one of {verbs}; an action is a POST on a path that ends in its name"),
    );
}

/// Whether the path says what is done, as `POST /invoices/{id}/send` does.
fn is_action(operation: &Operation<'_>, verb: &str) -> bool {
    let last = operation.path.rsplit('/').next().unwrap_or_default();
    operation.method == "post" && snake(last) == verb
}

fn method(operation: &Operation<'_>, report: &mut Report) {
    let found = VERBS.iter().find(|(verb, ..)| *verb == operation.verb());
    if let Some((verb, method, _)) = found.filter(|(_, method, _)| *method != operation.method) {
        report.fault(
            &operation.place.pointer,
            format!("`{verb}` is a {}", operation.method.to_uppercase()),
            format!("make it a {}", method.to_uppercase()),
        );
    }
}

fn permissions(operation: &Operation<'_>, report: &mut Report) {
    let permissions = operation.place.texts("x-permissions");
    let pointer = operation.place.below("x-permissions");
    if operation.secured() && permissions.is_empty() {
        let remedy = "list the permissions of which the caller needs one";
        report.fault(
            &pointer,
            "the operation is secured but names no permission",
            remedy,
        );
    }
    if !operation.secured() && operation.place.has("x-permissions") {
        let remedy = "remove `x-permissions`, or add `security`";
        report.fault(
            &pointer,
            "the operation is open but names permissions",
            remedy,
        );
    }
}

fn security(operation: &Operation<'_>, report: &mut Report) {
    let root = Place::root(operation.spec);
    let schemes = root
        .child("components")
        .and_then(|c| c.child("securitySchemes"));
    for requirement in operation.security() {
        for name in requirement.keys() {
            if !schemes.as_ref().is_some_and(|schemes| schemes.has(name)) {
                report.fault(
                    &requirement.pointer,
                    format!("the security scheme `{name}` is not declared"),
                    "declare it under `/components/securitySchemes`",
                );
            }
        }
    }
}

/// The other methods do the same however often they are called.
fn key(operation: &Operation<'_>, report: &mut Report) {
    let takes_key = matches!(operation.method, "post" | "patch");
    let method = operation.method.to_uppercase();
    if takes_key && operation.header(KEY).is_none() {
        report.fault(
            &operation.place.below("parameters"),
            format!("a {method} without `{KEY}` cannot be repeated safely"),
            format!("add the header `{KEY}`"),
        );
    }
    if !takes_key && operation.header(KEY).is_some() {
        report.fault(
            &operation.place.below("parameters"),
            format!("a {method} can be repeated without `{KEY}`"),
            "remove the header",
        );
    }
}

fn body(operation: &Operation<'_>, report: &mut Report) {
    let takes_body = matches!(operation.method, "post" | "put" | "patch");
    let Some(body) = &operation.body else { return };
    if !takes_body {
        let problem = format!("a {} has no body", operation.method.to_uppercase());
        report.fault(
            &operation.place.below("requestBody"),
            problem,
            "remove `requestBody`",
        );
    }
    report.unknown_keys(
        body,
        &["description", "required", "content"],
        "a request body",
    );
    report.needs_text(body, "description", "the request body");
    if !body.flag("required") {
        let remedy = "write `required: true`; make its properties optional instead";
        report.fault(&body.pointer, "the request body is optional", remedy);
    }
    body_content(operation, body, report);
}

fn body_content(operation: &Operation<'_>, body: &Place<'_>, report: &mut Report) {
    let content = body.entries("content");
    if content.len() != 1 || content[0].0 != "application/json" {
        report.fault(
            &body.below("content"),
            "the request body is not exactly `application/json`",
            "write that one media type",
        );
    }
    for (_, media) in content {
        let named = media.value["schema"].get("$ref").is_some();
        if !named {
            let remedy = "name a schema: `$ref: '#/components/schemas/NameCreate'`";
            report.fault(
                &media.below("schema"),
                "the body's schema has no name",
                remedy,
            );
        }
        flags(operation, &media, report);
    }
}

/// The command line gives parameters and properties of the body one flag each, by name.
fn flags(operation: &Operation<'_>, media: &Place<'_>, report: &mut Report) {
    let schema = media
        .child("schema")
        .and_then(|schema| schema.follow(operation.spec));
    let Some(schema) = schema else { return };
    for (name, property) in schema.entries("properties") {
        let same = |p: &&Place<'_>| snake(p.text("name")) == snake(name);
        if let Some(parameter) = operation.parameters.iter().find(same) {
            report.fault(
                &property.pointer,
                format!(
                    "`{name}` and the parameter `{}` are one flag",
                    parameter.text("name")
                ),
                format!("rename one of them for `{}`", operation.id),
            );
        }
    }
}
