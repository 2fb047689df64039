//! Identifiers: from the document's names to Rust's, with every clash found rather than hidden.

use std::collections::BTreeMap;

use heck::{ToSnakeCase, ToUpperCamelCase};

/// Words that a field or module cannot be called; an underscore is put after them.
const KEYWORDS: [&str; 54] = [
    "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "crate",
    "do", "dyn", "else", "enum", "extern", "false", "final", "fn", "for", "gen", "if", "impl",
    "in", "let", "loop", "macro", "match", "mod", "move", "mut", "override", "priv", "pub", "raw",
    "ref", "return", "safe", "self", "static", "struct", "super", "trait", "true", "try", "type",
    "typeof", "union", "unsafe", "unsized", "use", "virtual", "where", "while", "yield",
];

/// Types that the generated code uses itself.
const TYPES: [&str; 15] = [
    "Box",
    "DateTime",
    "Decode",
    "Faults",
    "Field",
    "Json",
    "NaiveDate",
    "None",
    "Object",
    "Option",
    "Place",
    "Self",
    "String",
    "Uuid",
    "Vec",
];

/// A field or module: `@odata.etag` becomes `odata_etag`, `$top` `top`, `type` `type_`.
pub fn field(name: &str) -> Option<String> {
    let snake = name.to_snake_case();
    let first = snake.chars().next()?;
    if !snake.is_ascii() {
        return None;
    }
    if first.is_ascii_digit() {
        return Some(format!("n{snake}"));
    }
    Some(if KEYWORDS.contains(&snake.as_str()) {
        format!("{snake}_")
    } else {
        snake
    })
}

/// A type's name in camel case, for names that are not types in the document.
pub fn camel(name: &str) -> String {
    name.to_upper_camel_case()
}

/// Whether a schema's name can be a type's as it stands.
pub fn is_type(name: &str) -> bool {
    let mut characters = name.chars();
    characters
        .next()
        .is_some_and(|first| first.is_ascii_uppercase())
        && characters.all(|c| c.is_ascii_alphanumeric())
        && !TYPES.contains(&name)
}

/// The variant of an enumeration's value, such as `InReview` for `In Review`.
///
/// Values without letters or digits are named after their characters.
pub fn variant(value: &str) -> String {
    let camel = value.to_upper_camel_case();
    match camel.chars().next() {
        Some(first) if first.is_ascii_digit() => format!("N{camel}"),
        Some(_) if camel == "Self" => "Self_".to_owned(),
        Some(_) if camel.is_ascii() => camel,
        _ if value.is_empty() => "Empty".to_owned(),
        _ => value.chars().map(character).collect(),
    }
}

fn character(c: char) -> String {
    match c {
        ' ' => "Blank".to_owned(),
        '_' => "Underscore".to_owned(),
        '-' => "Minus".to_owned(),
        '+' => "Plus".to_owned(),
        '*' => "Star".to_owned(),
        '.' => "Dot".to_owned(),
        c if c.is_ascii_alphanumeric() => c.to_string(),
        c => format!("U{:04X}", u32::from(c)),
    }
}

/// The variant of a status, named after its reason phrase.
pub fn status(code: u16) -> Option<&'static str> {
    STATUSES
        .iter()
        .find(|(known, _)| *known == code)
        .map(|(_, name)| *name)
}

/// The names that several of the document's names would get, each with those names.
pub fn clashes<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)>) -> Vec<(String, Vec<String>)> {
    let mut owners: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (rust, document) in pairs {
        owners.entry(rust).or_default().push(document.to_owned());
    }
    let shared = owners.into_iter().filter(|(_, names)| names.len() > 1);
    shared
        .map(|(rust, names)| (rust.to_owned(), names))
        .collect()
}

/// Statuses and their reasons, as the `http` crate names its constants.
const STATUSES: [(u16, &str); 41] = [
    (200, "Ok"),
    (201, "Created"),
    (202, "Accepted"),
    (203, "NonAuthoritativeInformation"),
    (204, "NoContent"),
    (205, "ResetContent"),
    (206, "PartialContent"),
    (301, "MovedPermanently"),
    (302, "Found"),
    (303, "SeeOther"),
    (304, "NotModified"),
    (307, "TemporaryRedirect"),
    (308, "PermanentRedirect"),
    (400, "BadRequest"),
    (401, "Unauthorized"),
    (402, "PaymentRequired"),
    (403, "Forbidden"),
    (404, "NotFound"),
    (405, "MethodNotAllowed"),
    (406, "NotAcceptable"),
    (408, "RequestTimeout"),
    (409, "Conflict"),
    (410, "Gone"),
    (411, "LengthRequired"),
    (412, "PreconditionFailed"),
    (413, "PayloadTooLarge"),
    (414, "UriTooLong"),
    (415, "UnsupportedMediaType"),
    (416, "RangeNotSatisfiable"),
    (417, "ExpectationFailed"),
    (422, "UnprocessableEntity"),
    (423, "Locked"),
    (428, "PreconditionRequired"),
    (429, "TooManyRequests"),
    (431, "RequestHeaderFieldsTooLarge"),
    (500, "InternalServerError"),
    (501, "NotImplemented"),
    (502, "BadGateway"),
    (503, "ServiceUnavailable"),
    (504, "GatewayTimeout"),
    (507, "InsufficientStorage"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields() {
        for (name, expected) in [
            ("@odata.etag", "odata_etag"),
            ("@odata.nextLink", "odata_next_link"),
            ("$top", "top"),
            ("type", "type_"),
            ("If-None-Match", "if_none_match"),
            ("ETag", "e_tag"),
            ("2nd", "n2nd"),
        ] {
            assert_eq!(field(name).as_deref(), Some(expected), "{name}");
        }
        assert_eq!(field("$"), None);
    }

    #[test]
    fn variants() {
        for (value, expected) in [
            ("", "Empty"),
            (" ", "Blank"),
            ("  ", "BlankBlank"),
            ("_", "Underscore"),
            ("_x0020_", "X0020"),
            ("In Review", "InReview"),
            ("4.0", "N40"),
            ("return=minimal", "ReturnMinimal"),
            ("ä", "U00E4"),
            ("Self", "Self_"),
        ] {
            assert_eq!(variant(value), expected, "{value:?}");
        }
    }

    #[test]
    fn clashes_name_their_owners() {
        let pairs = [("a", "A"), ("b", "B"), ("a", "a")];
        assert_eq!(
            clashes(pairs.into_iter()),
            [("a".to_owned(), vec!["A".to_owned(), "a".to_owned()])]
        );
    }
}
