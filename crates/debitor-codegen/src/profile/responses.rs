//! One success body and one error body per operation, all of them JSON.

use serde_json::{Value, json};

use crate::Fault;
use crate::spec::{RawOperation, Spec, escape};

/// Drops and rewrites what progenitor would panic on, and reports what it cannot be spared.
pub(super) fn settle(spec: &Spec, document: &mut Value, faults: &mut Vec<Fault>) {
    for operation in spec.operations() {
        let known = faults.len();
        let bodies = bodies(spec, &operation, faults);
        for body in bodies.iter().filter(|body| body.is_text) {
            mark_as_json(document, &body.pointer);
        }
        drop_bodiless(document, &operation, &bodies);
        // What cannot be read would only cause further faults here.
        if faults.len() == known {
            check(&operation, &bodies, faults);
        }
    }
}

/// One response of an operation.
struct Body<'a> {
    status: &'a str,
    /// Where the response stands, after references.
    pointer: String,
    schema: Option<&'a Value>,
    is_text: bool,
}

impl Body<'_> {
    fn is_success(&self) -> bool {
        self.status.starts_with('2')
    }

    fn is_error(&self) -> bool {
        self.status.starts_with(['4', '5'])
    }
}

fn bodies<'a>(
    spec: &'a Spec,
    operation: &RawOperation<'a>,
    faults: &mut Vec<Fault>,
) -> Vec<Body<'a>> {
    let responses = operation.value.get("responses").and_then(Value::as_object);
    let mut bodies = Vec::new();
    for (status, response) in responses.into_iter().flatten() {
        let stated = format!("{}/responses/{}", operation.pointer, escape(status));
        let pointer = follow(spec, response).unwrap_or_else(|| stated.clone());
        match spec.resolve(response).and_then(schema) {
            Some((schema, is_text)) => bodies.push(Body {
                status,
                pointer,
                schema,
                is_text,
            }),
            None => faults.push(Fault::new(
                stated,
                "the body is neither JSON nor a number as plain text",
                "describe one `application/json` body with a schema, or none",
            )),
        }
    }
    bodies
}

/// The place a reference leads to; `None` if there is no reference.
fn follow(spec: &Spec, response: &Value) -> Option<String> {
    let pointer = response.get("$ref")?.as_str()?.strip_prefix('#')?;
    let target = spec.root().pointer(pointer)?;
    Some(follow(spec, target).unwrap_or_else(|| pointer.to_owned()))
}

/// The schema of a response and whether it is plain text; `None` if progenitor cannot read it.
fn schema(response: &Value) -> Option<(Option<&Value>, bool)> {
    let Some(content) = response.get("content").and_then(Value::as_object) else {
        return Some((None, false));
    };
    let (media_type, media) = content.iter().next().filter(|_| content.len() == 1)?;
    let schema = media.get("schema")?;
    let is_scalar = matches!(
        schema["type"].as_str(),
        Some("integer" | "number" | "boolean")
    );
    match media_type.as_str() {
        "application/json" => Some((Some(schema), false)),
        "text/plain" if is_scalar => Some((Some(schema), true)),
        _ => None,
    }
}

/// A number or a truth value as plain text is the same text as in JSON: progenitor then types it.
fn mark_as_json(document: &mut Value, pointer: &str) {
    if let Some(content) = document.pointer_mut(&format!("{pointer}/content"))
        && let Some(media) = content.get("text/plain").cloned()
    {
        *content = json!({ "application/json": media });
    }
}

/// Where one success has a body, those without (as for `Prefer: return=minimal`) are dropped.
fn drop_bodiless(document: &mut Value, operation: &RawOperation<'_>, bodies: &[Body<'_>]) {
    let successes = || bodies.iter().filter(|body| body.is_success());
    let pointer = format!("{}/responses", operation.pointer);
    let responses = document
        .pointer_mut(&pointer)
        .and_then(Value::as_object_mut);
    if let Some(responses) = responses.filter(|_| successes().any(|body| body.schema.is_some())) {
        for body in successes().filter(|body| body.schema.is_none()) {
            responses.shift_remove(body.status);
        }
    }
}

fn check(operation: &RawOperation<'_>, bodies: &[Body<'_>], faults: &mut Vec<Fault>) {
    let mut fault = |problem: &str, remedy: &str| {
        faults.push(Fault::new(
            format!("{}/responses", operation.pointer),
            problem,
            remedy,
        ));
    };
    if bodies.iter().any(|body| body.status == "default") {
        fault("`default` is success and error at once", "name each status");
    }
    if !bodies.iter().any(Body::is_success) {
        fault("there is no success", "name a status from 200 to 299");
    }
    let successes = bodies
        .iter()
        .filter(|b| b.is_success() && b.schema.is_some());
    if differ(successes.map(|body| body.schema)) {
        fault(
            "the successes have different bodies",
            "give them one schema",
        );
    }
    if differ(
        bodies
            .iter()
            .filter(|b| b.is_error())
            .map(|body| body.schema),
    ) {
        fault(
            "the errors have different bodies",
            "give every 4xx and 5xx one schema",
        );
    }
}

fn differ<T: PartialEq>(mut schemas: impl Iterator<Item = T>) -> bool {
    let first = schemas.next();
    first.is_some_and(|first| schemas.any(|schema| schema != first))
}
