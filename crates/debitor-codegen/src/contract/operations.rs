//! The canonical form of paths: references followed, what is shared put where it applies, lists
//! keyed by what tells their members apart.

use serde_json::{Value, json};

use super::{canonical, remove, schema, set};
use crate::spec::METHODS;

/// Everything under `/paths` of a lifted document, as path, method, operation.
pub(super) fn paths(document: &Value) -> Value {
    let paths = document["paths"].as_object().into_iter().flatten();
    paths
        .map(|(path, item)| (path.clone(), path_item(document, item)))
        .collect()
}

fn path_item(document: &Value, item: &Value) -> Value {
    let methods = METHODS
        .iter()
        .filter_map(|method| Some((*method, item.get(method)?)));
    methods
        .map(|(name, value)| (name.to_owned(), operation(document, item, value)))
        .collect()
}

fn operation(document: &Value, item: &Value, operation: &Value) -> Value {
    let mut result = json!({
        "operationId": operation["operationId"],
        "summary": operation["summary"],
        "description": operation["description"],
        "deprecated": operation["deprecated"],
        "parameters": parameters(document, item, operation),
        "responses": responses(document, &operation["responses"]),
        "security": security(document, operation),
        "tags": set(&operation["tags"]),
        "x-permissions": set(&operation["x-permissions"]),
    });
    if let Some(body) = operation.get("requestBody") {
        result["requestBody"] = request_body(document, body);
    }
    canonical(&result)
}

/// A requirement of the document holds for every operation without one of its own. Alternatives
/// are a set; the empty one, which lets everybody in, is kept.
fn security(document: &Value, operation: &Value) -> Value {
    let own = operation.get("security").filter(|value| !value.is_null());
    let alternatives = own.unwrap_or(&document["security"]).as_array();
    let mut alternatives: Vec<Value> = alternatives.into_iter().flatten().map(schemes).collect();
    alternatives.sort_by_key(Value::to_string);
    Value::Array(alternatives)
}

fn schemes(alternative: &Value) -> Value {
    let schemes = alternative.as_object().into_iter().flatten();
    schemes
        .map(|(name, scopes)| (name.clone(), set(scopes)))
        .collect()
}

/// Parameters of the path hold for each of its operations, whose own ones win. A parameter is
/// known by where it is and what it is called; headers in any letter case.
fn parameters(document: &Value, item: &Value, operation: &Value) -> Value {
    let shared = item["parameters"].as_array().into_iter().flatten();
    let own = operation["parameters"].as_array().into_iter().flatten();
    let keyed = shared.chain(own).map(|found| {
        let found = follow(document, found);
        let name = found["name"].as_str().unwrap_or_default();
        let place = found["in"].as_str().unwrap_or_default();
        let name = if place == "header" {
            name.to_ascii_lowercase()
        } else {
            name.to_owned()
        };
        (format!("{place} {name}"), parameter(found))
    });
    Value::Object(keyed.collect())
}

fn parameter(parameter: &Value) -> Value {
    let mut result = parameter.clone();
    result["schema"] = schema::canonical(&parameter["schema"]);
    for key in ["name", "in"] {
        remove(&mut result, key);
    }
    default_style(&mut result, parameter["in"].as_str().unwrap_or_default());
    result
}

/// `style` and `explode` say nothing where they say what holds anyway.
fn default_style(parameter: &mut Value, place: &str) {
    let style = if place == "query" { "form" } else { "simple" };
    if parameter["style"] == style {
        remove(parameter, "style");
    }
    if parameter["explode"] == (place == "query") {
        remove(parameter, "explode");
    }
}

fn request_body(document: &Value, body: &Value) -> Value {
    let mut result = follow(document, body).clone();
    result["content"] = content(&result["content"]);
    result
}

fn responses(document: &Value, responses: &Value) -> Value {
    let responses = responses.as_object().into_iter().flatten();
    responses
        .map(|(code, found)| {
            let mut response = follow(document, found).clone();
            response["headers"] = headers(document, &response["headers"]);
            response["content"] = content(&response["content"]);
            (code.to_ascii_uppercase(), response)
        })
        .collect()
}

/// Names of headers have no letter case.
fn headers(document: &Value, headers: &Value) -> Value {
    let headers = headers.as_object().into_iter().flatten();
    headers
        .map(|(name, found)| {
            let mut header = follow(document, found).clone();
            header["schema"] = schema::canonical(&header["schema"]);
            forget_required(&mut header);
            (name.to_ascii_lowercase(), header)
        })
        .collect()
}

/// utoipa cannot say that a header is always sent. The stubs can: there a required header is a
/// plain field of the response, an optional one an `Option`; the end-to-end suite checks the rest.
fn forget_required(header: &mut Value) {
    remove(header, "required");
}

/// Media types have no letter case, and their parameters no order.
fn content(content: &Value) -> Value {
    let content = content.as_object().into_iter().flatten();
    content
        .map(|(media_type, media)| {
            let mut media = media.clone();
            media["schema"] = schema::canonical(&media["schema"]);
            (media_type_name(media_type), media)
        })
        .collect()
}

fn media_type_name(media_type: &str) -> String {
    let lower = media_type.to_ascii_lowercase();
    let mut parts = lower.split(';').map(str::trim);
    let name = parts.next().unwrap_or_default();
    let mut parameters: Vec<_> = parts.collect();
    parameters.sort_unstable();
    std::iter::once(name)
        .chain(parameters)
        .collect::<Vec<_>>()
        .join(";")
}

fn follow<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    let mut value = value;
    for _ in 0..32 {
        let reference = value.get("$ref").and_then(Value::as_str);
        let target = reference
            .and_then(|r| r.strip_prefix('#'))
            .and_then(|p| document.pointer(p));
        let Some(target) = target else { break };
        value = target;
    }
    value
}
