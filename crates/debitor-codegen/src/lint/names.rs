//! Names as the generated code will have them, and the ones it has already.

use heck::{ToSnakeCase, ToUpperCamelCase};

/// operationIds that collide with methods and fields of the generated client.
pub(super) const RESERVED_OPERATIONS: [&str; 8] = [
    "post",
    "pre",
    "exec",
    "client",
    "inner",
    "new",
    "baseurl",
    "api_version",
];

/// Parameters that collide with what generated request builders have.
pub(super) const RESERVED_PARAMETERS: [&str; 9] = [
    "body", "body_map", "client", "exchange", "new", "pages", "request", "send", "stream",
];

/// What the stub generator appends to the name of an operation.
pub(super) const OPERATION_TYPES: [&str; 5] = ["Path", "Query", "Headers", "Request", "Response"];

/// The name as an identifier: `$top` is `top`, `@odata.etag` is `odata_etag`.
pub(super) fn snake(name: &str) -> String {
    name.to_snake_case()
}

/// The name as a type or a variant.
pub(super) fn camel(name: &str) -> String {
    name.to_upper_camel_case()
}

/// The first pair of names that are one name once converted.
pub(super) fn collision<'n>(
    names: impl IntoIterator<Item = &'n str>,
    convert: fn(&str) -> String,
) -> Option<(&'n str, &'n str)> {
    let mut seen: Vec<(String, &str)> = Vec::new();
    for name in names {
        let converted = convert(name);
        if let Some((_, first)) = seen.iter().find(|(other, _)| *other == converted) {
            return Some((first, name));
        }
        seen.push((converted, name));
    }
    None
}
