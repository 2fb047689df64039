//! Holds every exchange against the document, and keeps account of what has been seen.

use std::collections::BTreeSet;
use std::io::Write;
use std::sync::Mutex;

use axum::http::HeaderMap;
use serde_json::Value;

use crate::binaries;
use crate::document::{Document, Operation, path_values};

/// Headers that belong to HTTP itself and not to the contract (RFC 9110, 9111 and 9112, Fetch).
const TRANSPORT: [&str; 7] = [
    "cache-control",
    "connection",
    "content-length",
    "content-type",
    "date",
    "transfer-encoding",
    "x-content-type-options",
];

/// A request and its answer.
pub struct Exchange<'a> {
    pub method: &'a str,
    pub path: &'a str,
    pub query: &'a str,
    pub request_headers: &'a HeaderMap,
    pub request_body: &'a [u8],
    pub status: u16,
    pub headers: &'a HeaderMap,
    pub body: &'a [u8],
}

/// The judge of one server's exchanges.
pub struct Judge {
    violations: Mutex<Vec<String>>,
    seen: Mutex<BTreeSet<(String, u16)>>,
}

impl Judge {
    /// A judge who has seen nothing.
    #[expect(
        clippy::new_without_default,
        reason = "a judge by default would be an accident"
    )]
    pub fn new() -> Self {
        Self {
            violations: Mutex::default(),
            seen: Mutex::default(),
        }
    }

    /// Judges an exchange.
    pub fn see(&self, exchange: &Exchange<'_>) {
        let (seen, faults) = judge(Document::of_repository(), exchange);
        // What does not fit the document is no sight of what the document says.
        if faults.is_empty() {
            self.seen.lock().expect("no holder panics").extend(seen);
        }
        let exchange = format!(
            "{} {}?{} -> {}",
            exchange.method, exchange.path, exchange.query, exchange.status
        );
        let mut violations = self.violations.lock().expect("no holder panics");
        violations.extend(
            faults
                .into_iter()
                .map(|fault| format!("{exchange}: {fault}")),
        );
    }

    /// The violations so far, which are forgotten.
    pub fn take_violations(&self) -> Vec<String> {
        std::mem::take(&mut self.violations.lock().expect("no holder panics"))
    }
}

impl Drop for Judge {
    /// Adds what was seen to the account of this run, which `cargo xtask test` reads at the end.
    fn drop(&mut self) {
        let folder = binaries::target().join("contract-coverage");
        let seen = self.seen.lock().expect("no holder panics");
        let pairs: Vec<_> = seen
            .iter()
            .map(|(id, status)| format!("{id} {status}\n"))
            .collect();
        let lines = pairs.concat();
        std::fs::create_dir_all(&folder).expect("the target folder can be written");
        let file = std::fs::File::options()
            .create(true)
            .append(true)
            .open(folder.join("seen.txt"));
        file.and_then(|mut file| file.write_all(lines.as_bytes()))
            .expect("the account is kept");
    }
}

/// The documented pairs of operation and status that the exchange shows, and what is wrong in it.
pub fn judge(document: &Document, exchange: &Exchange<'_>) -> (Vec<(String, u16)>, Vec<String>) {
    let Some(operations) = document.operations_at(exchange.path) else {
        return (Vec::new(), Vec::new());
    };
    if operations.is_empty() {
        let response = document.shared_response("NotFound");
        return (
            Vec::new(),
            without_operation(document, exchange, 404, &response),
        );
    }
    let method = if exchange.method == "HEAD" {
        "GET"
    } else {
        exchange.method
    };
    let Some(operation) = operations.iter().find(|o| o.method == method) else {
        let response = document.shared_response("MethodNotAllowed");
        let mut faults = without_operation(document, exchange, 405, &response);
        faults.extend(allow_faults(&operations, exchange));
        // The answer belongs to the path, and so to each of its operations.
        return (
            operations.iter().map(|o| (o.id.clone(), 405)).collect(),
            faults,
        );
    };
    let Some(response) = document.response(operation, exchange.status) else {
        return (Vec::new(), vec!["the status is not documented".to_owned()]);
    };
    let mut faults = answer_faults(document, exchange, &response);
    if exchange.status < 400 {
        faults.extend(request_faults(document, exchange, operation));
    }
    (vec![(operation.id.clone(), exchange.status)], faults)
}

fn without_operation(
    document: &Document,
    exchange: &Exchange<'_>,
    status: u16,
    response: &Value,
) -> Vec<String> {
    if exchange.status != status {
        return vec![format!(
            "the document has no such operation, so {status} was expected"
        )];
    }
    answer_faults(document, exchange, response)
}

fn allow_faults(operations: &[&Operation], exchange: &Exchange<'_>) -> Option<String> {
    let allow = exchange
        .headers
        .get("allow")
        .and_then(|value| value.to_str().ok());
    let named: BTreeSet<&str> = allow
        .unwrap_or_default()
        .split(',')
        .map(str::trim)
        .filter(|m| *m != "HEAD")
        .collect();
    let methods: BTreeSet<&str> = operations.iter().map(|o| o.method.as_str()).collect();
    (named != methods).then(|| format!("`Allow` is {allow:?}, the path has {methods:?}"))
}

fn answer_faults(document: &Document, exchange: &Exchange<'_>, response: &Value) -> Vec<String> {
    let mut faults = header_faults(document, exchange.headers, &response["headers"]);
    if exchange.method != "HEAD" {
        faults.extend(body_faults(document, exchange, &response["content"]));
    }
    faults
}

fn header_faults(document: &Document, headers: &HeaderMap, documented: &Value) -> Vec<String> {
    let documented = documented.as_object().cloned().unwrap_or_default();
    let mut faults = Vec::new();
    for name in headers.keys().map(axum::http::HeaderName::as_str) {
        let known = documented.keys().any(|own| own.eq_ignore_ascii_case(name));
        if !known && !TRANSPORT.contains(&name) {
            faults.push(format!("the header `{name}` is not documented"));
        }
    }
    for (name, header) in documented {
        let header = document.resolved(&header);
        match headers.get(&name).map(|value| value.to_str()) {
            None if header["required"] == true => faults.push(format!("`{name}` is missing")),
            None => {}
            Some(Err(_)) => faults.push(format!("`{name}` is not text")),
            Some(Ok(text)) => {
                let value = typed(text, &header["schema"]);
                let wrong = document.faults_of_answer(&header["schema"], &value);
                faults.extend(wrong.into_iter().map(|fault| format!("`{name}`: {fault}")));
            }
        }
    }
    faults
}

fn body_faults(document: &Document, exchange: &Exchange<'_>, content: &Value) -> Vec<String> {
    let Some((media_type, media)) = content.as_object().and_then(|c| c.iter().next()) else {
        let faults = if exchange.body.is_empty() {
            None
        } else {
            Some("a body, undocumented")
        };
        return faults.map(str::to_owned).into_iter().collect();
    };
    let sent = exchange
        .headers
        .get("content-type")
        .and_then(|value| value.to_str().ok());
    if sent.and_then(|value| value.split(';').next()) != Some(media_type.as_str()) {
        return vec![format!(
            "the media type is {sent:?}, documented is {media_type}"
        )];
    }
    // Digits, the one text that the document has, are JSON too.
    match serde_json::from_slice(exchange.body) {
        Ok(body) => document.faults_of_answer(&media["schema"], &body),
        Err(error) => vec![format!("the body cannot be read: {error}")],
    }
}

/// What was accepted must be what the document lets a client send.
fn request_faults(
    document: &Document,
    exchange: &Exchange<'_>,
    operation: &Operation,
) -> Vec<String> {
    let mut faults = Vec::new();
    let query: Vec<(String, String)> = url::form_urlencoded::parse(exchange.query.as_bytes())
        .into_owned()
        .collect();
    for (name, _) in &query {
        if !operation.parameters.iter().any(|p| {
            p["in"] == "query" && p["name"].as_str().is_some_and(|own| is_called(own, name))
        }) {
            faults.push(format!("`{name}` was accepted and is not documented"));
        }
    }
    let path = path_values(&operation.path, exchange.path);
    for parameter in &operation.parameters {
        let name = parameter["name"].as_str().unwrap_or_default();
        let named = |pairs: &[(String, String)]| {
            pairs
                .iter()
                .find(|(own, _)| is_called(name, own))
                .map(|(_, value)| value.clone())
        };
        let sent = match parameter["in"].as_str() {
            Some("path") => named(&path),
            Some("query") => named(&query),
            _ => exchange
                .request_headers
                .get(name)
                .and_then(|v| Some(v.to_str().ok()?.to_owned())),
        };
        let Some(text) = sent else {
            if parameter["required"] == true {
                faults.push(format!("was accepted without `{name}`"));
            }
            continue;
        };
        let value = typed(&text, &parameter["schema"]);
        let wrong = document.faults_of_request(&parameter["schema"], &value);
        faults.extend(
            wrong
                .into_iter()
                .map(|fault| format!("accepted `{name}`: {fault}")),
        );
    }
    faults.extend(request_body_faults(document, exchange, operation));
    faults
}

/// Options of queries can be without their `$`, and in any letter case.
fn is_called(documented: &str, name: &str) -> bool {
    documented == name
        || documented.strip_prefix('$').is_some_and(|option| {
            option.eq_ignore_ascii_case(name.strip_prefix('$').unwrap_or(name))
        })
}

fn request_body_faults(
    document: &Document,
    exchange: &Exchange<'_>,
    operation: &Operation,
) -> Vec<String> {
    let Some(body) = operation.value.get("requestBody") else {
        return Vec::new();
    };
    let schema = &document.resolved(body)["content"]["application/json"]["schema"];
    match serde_json::from_slice(exchange.request_body) {
        Ok(sent) => document
            .faults_of_request(schema, &sent)
            .into_iter()
            .map(|fault| format!("the body was accepted: {fault}"))
            .collect(),
        Err(error) => vec![format!("a body was accepted that cannot be read: {error}")],
    }
}

/// The text of a header or parameter as a value of the schema's type.
fn typed(text: &str, schema: &Value) -> Value {
    match schema["type"].as_str() {
        Some("integer" | "number" | "boolean") => {
            serde_json::from_str(text).unwrap_or_else(|_| Value::from(text))
        }
        _ => Value::from(text),
    }
}
