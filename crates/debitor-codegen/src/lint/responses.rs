//! Rules on responses: every status a client can see is declared, with one body for success and one
//! for all errors, and with the headers that belong to it.

use super::names::{collision, snake};
use super::operation::{KEY, VERBS};
use super::view::{Operation, Place};
use super::{Report, uses};

const RULES: [fn(&Operation<'_>, &mut Report); 7] = [
    codes,
    statuses,
    not_modified,
    successes,
    errors,
    shapes,
    headers,
];

/// A status, when it must be declared, and why.
type Requirement = (&'static str, fn(&Operation<'_>) -> bool, &'static str);

const REQUIRED: [Requirement; 16] = [
    ("400", takes_input, "a request may not fit the document"),
    ("401", |o| o.secured(), "the caller may lack a token"),
    ("403", |o| o.secured(), "the caller may lack the permission"),
    (
        "404",
        |o| o.path.contains('{'),
        "what the path names may not exist",
    ),
    (
        "405",
        |_| true,
        "the path may be called with another method",
    ),
    (
        "408",
        |o| o.body.is_some(),
        "the body may not arrive in time",
    ),
    ("409", has_key, "the first request may still run"),
    ("412", requires_if_match, "the ETag may be stale"),
    ("413", |o| o.body.is_some(), "the body may be too large"),
    (
        "415",
        |o| o.body.is_some(),
        "the body may be of another media type",
    ),
    ("422", has_key, "the key may have come with another request"),
    ("428", requires_if_match, "`If-Match` may be missing"),
    ("429", |o| o.secured(), "the caller may ask for too much"),
    ("500", |_| true, "the service may have a fault"),
    ("507", |o| o.method != "get", "the disk may be full"),
    (
        "304",
        |o| o.header("If-None-Match").is_some(),
        "`If-None-Match` may match",
    ),
];

/// Headers without which a response is of little use to its client (RFC 9110).
const HEADERS: [(&str, &str); 5] = [
    ("201", "Location"),
    ("401", "WWW-Authenticate"),
    ("405", "Allow"),
    ("429", "Retry-After"),
    ("503", "Retry-After"),
];

pub(super) fn check(operation: &Operation<'_>, report: &mut Report) {
    for rule in RULES {
        rule(operation, report);
    }
}

fn takes_input(operation: &Operation<'_>) -> bool {
    !operation.parameters.is_empty() || operation.body.is_some()
}

fn requires_if_match(operation: &Operation<'_>) -> bool {
    operation
        .header("If-Match")
        .is_some_and(|header| header.flag("required"))
}

fn has_key(operation: &Operation<'_>) -> bool {
    operation.header(KEY).is_some()
}

fn codes(operation: &Operation<'_>, report: &mut Report) {
    for (code, _) in operation.place.entries("responses") {
        let known = code == "304" || code.len() == 3 && code.starts_with(['2', '4', '5']);
        if !known || !code.bytes().all(|byte| byte.is_ascii_digit()) {
            report.fault(
                &format!("{}/responses/{code}", operation.place.pointer),
                format!("the generators cannot carry the status `{code}`"),
                "list each status by its code: 2xx, 304, 4xx and 5xx",
            );
        }
    }
}

fn statuses(operation: &Operation<'_>, report: &mut Report) {
    for (code, applies, reason) in REQUIRED {
        if applies(operation) && operation.response(code).is_none() {
            report.fault(
                &operation.place.below("responses"),
                format!("the status {code} is not declared, but {reason}"),
                format!("declare `'{code}'`"),
            );
        }
    }
}

fn not_modified(operation: &Operation<'_>, report: &mut Report) {
    let conditional = operation.header("If-None-Match").is_some();
    if operation.response("304").is_some() && !conditional {
        report.fault(
            &operation.place.below("responses"),
            "304 is declared, but the operation has no `If-None-Match`",
            "add the parameter, or remove the response",
        );
    }
}

/// progenitor takes one success; 200 with a body beside 204 is the exception for PATCH, which the
/// client profile knows.
fn successes(operation: &Operation<'_>, report: &mut Report) {
    let found = operation
        .responses
        .iter()
        .map(|(code, _)| *code)
        .filter(|c| c.starts_with('2'));
    let found: Vec<_> = found.collect();
    let pointer = operation.place.below("responses");
    let patched = operation.method == "patch" && found == ["200", "204"];
    if found.len() != 1 && !patched {
        let problem = format!("the operation has {} successes", found.len());
        report.fault(
            &pointer,
            problem,
            "declare one; a PATCH may have 200 and then 204",
        );
    }
    let Some((verb, _, wanted)) = VERBS.iter().find(|(verb, ..)| *verb == operation.verb()) else {
        return;
    };
    for code in found.iter().filter(|code| !wanted.contains(code)) {
        let remedy = format!("answer with {}", wanted.join(" or "));
        report.fault(
            &pointer,
            format!("`{verb}` is not answered with {code}"),
            remedy,
        );
    }
}

/// progenitor takes one error type; clients want one error body.
fn errors(operation: &Operation<'_>, report: &mut Report) {
    let all = Operation::all(operation.spec);
    let mut bodies = all.iter().flat_map(|o| &o.responses).filter_map(error_body);
    let Some(body) = bodies.next() else { return };
    let failed = operation
        .responses
        .iter()
        .filter(|(code, _)| code.starts_with(['4', '5']));
    for (code, response) in failed {
        if error_body(&(*code, response.clone())) != Some(body) {
            report.fault(
                &response.below("content"),
                format!("the body of this error is not `{body}` alone"),
                format!("write `application/json` with `$ref: '#/components/schemas/{body}'`"),
            );
        }
    }
}

/// The name of the schema of an error's one JSON body.
fn error_body<'a>((code, response): &(&str, Place<'a>)) -> Option<&'a str> {
    let content = response.entries("content");
    let [("application/json", media)] = &content[..] else {
        return None;
    };
    let named = uses::references(&media.value["schema"]);
    if code.starts_with(['4', '5']) {
        named.first().copied()
    } else {
        None
    }
}

fn shapes(operation: &Operation<'_>, report: &mut Report) {
    for (code, response) in &operation.responses {
        report.unknown_keys(
            response,
            &["description", "headers", "content"],
            "a response",
        );
        report.needs_text(response, "description", "the response");
        let bodiless = matches!(*code, "204" | "304");
        if bodiless && response.has("content") {
            let problem = format!("a {code} has no body");
            report.fault(&response.below("content"), problem, "remove `content`");
        }
        if matches!(*code, "200" | "201") {
            success_content(operation, response, report);
        }
    }
}

fn success_content(operation: &Operation<'_>, response: &Place<'_>, report: &mut Report) {
    let content = response.entries("content");
    let [(media_type, media)] = &content[..] else {
        let problem = format!("the success has {} bodies", content.len());
        report.fault(
            &response.below("content"),
            problem,
            "write one: `application/json`",
        );
        return;
    };
    report.unknown_keys(media, &["schema", "example", "examples"], "a body");
    let schema = media
        .child("schema")
        .and_then(|schema| schema.follow(operation.spec));
    let kind = schema.as_ref().map_or("", |schema| schema.text("type"));
    let fits = match *media_type {
        "application/json" => kind == "object" && media.value["schema"].get("$ref").is_some(),
        "text/plain" => matches!(kind, "string" | "integer"),
        _ => false,
    };
    if !fits {
        report.fault(
            &media.pointer,
            format!("the generators cannot carry this body of `{media_type}`"),
            "name an object's schema under `application/json`, or a plain value as `text/plain`",
        );
    }
    if operation.verb() == "list" && schema.is_some_and(|schema| !is_page(&schema)) {
        let remedy = "require a property `value` that is an array of the entities";
        report.fault(
            &media.below("schema"),
            "a list is not answered with a page",
            remedy,
        );
    }
}

fn is_page(schema: &Place<'_>) -> bool {
    schema.value["properties"]["value"]["type"] == "array"
        && schema.texts("required").contains(&"value")
}

fn headers(operation: &Operation<'_>, report: &mut Report) {
    for (code, response) in &operation.responses {
        let headers = response.entries("headers");
        for (name, header) in &headers {
            if let Some(header) = header.follow(operation.spec) {
                one_header(operation, name, &header, report);
            }
        }
        let field = |name: &str| snake(&name.to_ascii_lowercase());
        if let Some((first, second)) = collision(headers.iter().map(|(name, _)| *name), field) {
            let problem = format!("the headers `{first}` and `{second}` are one field in code");
            report.fault(&response.below("headers"), problem, "remove one of them");
        }
        for (_, name) in HEADERS.iter().filter(|(status, _)| status == code) {
            needed_header(operation, response, name, report);
        }
    }
}

fn one_header(operation: &Operation<'_>, name: &str, header: &Place<'_>, report: &mut Report) {
    report.unknown_keys(
        header,
        &["description", "required", "schema", "example"],
        "a header",
    );
    report.needs_text(header, "description", &format!("the header `{name}`"));
    if name.eq_ignore_ascii_case("content-type") {
        report.fault(
            &header.pointer,
            "`Content-Type` is said by `content`",
            "remove the header",
        );
    }
    let schema = header
        .child("schema")
        .and_then(|schema| schema.follow(operation.spec));
    let kind = schema.as_ref().map_or("", |schema| schema.text("type"));
    if !matches!(kind, "string" | "integer" | "boolean") {
        let problem = format!("the header `{name}` is not a plain value");
        report.fault(
            &header.below("schema"),
            problem,
            "write a string, integer or boolean",
        );
    }
}

fn needed_header(operation: &Operation<'_>, response: &Place<'_>, name: &str, report: &mut Report) {
    let headers = response.entries("headers").into_iter();
    let found = headers.filter(|(found, _)| found.eq_ignore_ascii_case(name));
    let mut found = found.filter_map(|(_, header)| header.follow(operation.spec));
    if !found.any(|header| header.flag("required")) {
        let remedy = format!("declare `{name}` with `required: true`");
        report.fault(
            &response.below("headers"),
            format!("`{name}` is not always sent"),
            remedy,
        );
    }
}
