//! Parameters of queries and headers.

use axum::http::{HeaderMap, HeaderValue};
use uuid::Uuid;

use crate::support::Faults;
use crate::support::parameters::Parameters;
use crate::support::values::{Boolean, Formatted, Integer, Text};

fn told(faults: &Faults) -> Vec<String> {
    faults
        .listed()
        .iter()
        .map(|fault| format!("{} {}", fault.target, fault.code))
        .collect()
}

/// What was read of a query, and its faults. What is faulty counts as left out.
fn query(text: &str) -> (Option<i32>, Option<String>, Vec<String>) {
    let mut faults = Faults::default();
    let mut parameters = Parameters::query(text, &["$top", "$select"], &mut faults);
    let top = parameters.optional("$top", &Integer::int32().minimum(1).maximum(1000));
    let select = parameters.optional("$select", &Text::new().min_length(1));
    (top.flatten(), select.flatten(), told(&faults))
}

#[test]
fn queries_are_decoded_once() {
    let (top, select, faults) = query("%24top=5&$select=a%2Cb+c%2520&&");
    assert_eq!((top, select.as_deref()), (Some(5), Some("a,b c%20")));
    assert_eq!(faults, Vec::<String>::new());
    assert_eq!(query(""), (None, None, vec![]));
}

#[test]
fn options_can_be_without_their_dollar_and_in_any_letter_case() {
    for text in ["top=5", "$Top=5", "%24TOP=5", "tOP=5"] {
        assert_eq!(query(text), (Some(5), None, vec![]), "{text}");
    }
}

#[test]
fn names_without_a_dollar_are_as_they_are_declared() {
    let mut faults = Faults::default();
    Parameters::query("A=1&$a=1", &["a"], &mut faults);
    assert_eq!(told(&faults), ["A unknownParameter", "$a unknownParameter"]);
}

#[test]
fn faults_of_queries() {
    for (text, expected) in [
        ("$top=0", "$top minimum"),
        ("$top=1001", "$top maximum"),
        (
            "$top=99999999999999999999999999999999999999999999",
            "$top type",
        ),
        ("$top=", "$top type"),
        ("$top=%2B5", "$top type"),
        ("$top=5.0", "$top type"),
        ("$top=1&%24top=2", "$top duplicateParameter"),
        ("$top=1&top=2", "top duplicateParameter"),
        ("TOP=1&%24Top=2", "$Top duplicateParameter"),
        ("$$top=1", "$$top unknownParameter"),
        ("$orderby=id", "$orderby unknownParameter"),
        ("=1", " unknownParameter"),
        ("$=1", "$ unknownParameter"),
        ("$select=", "$select minLength"),
        ("$select=%ff", "$select format"),
        ("$select=%00", "$select format"),
    ] {
        assert_eq!(query(text).2, [expected], "{text}");
    }
    assert_eq!(
        query("$top=x&a=1&$select=").2,
        ["a unknownParameter", "$top type", "$select minLength"]
    );
}

#[test]
fn booleans_and_guids() {
    let mut faults = Faults::default();
    let declared = ["a", "b", "c", "d"];
    let text =
        "a=true&b=True&c=3B2F52B9-52b9-4b2f-b952-2f3bb9522f3b&d=3b2f52b952b94b2fb9522f3bb9522f3b";
    let mut parameters = Parameters::query(text, &declared, &mut faults);
    assert_eq!(parameters.required("a", &Boolean), Some(true));
    assert_eq!(parameters.required("b", &Boolean), None);
    assert!(
        parameters
            .required("c", &Formatted::<Uuid>::new())
            .is_some()
    );
    assert_eq!(parameters.required("d", &Formatted::<Uuid>::new()), None);
    assert_eq!(told(&faults), ["b type", "d format"]);
}

#[test]
fn headers_of_several_lines_are_lists() {
    let mut headers = HeaderMap::new();
    headers.append("if-none-match", HeaderValue::from_static("\"a\""));
    headers.append("if-none-match", HeaderValue::from_static("\"b\""));
    headers.append("prefer", HeaderValue::from_bytes(b"\xff").unwrap());
    let mut faults = Faults::default();
    let declared = [("if-none-match", "If-None-Match"), ("prefer", "Prefer")];
    let mut parameters = Parameters::headers(&headers, &declared, &mut faults);
    let list = parameters.optional("If-None-Match", &Text::new());
    assert_eq!(list, Some(Some("\"a\", \"b\"".into())));
    assert_eq!(parameters.optional("Prefer", &Text::new()), None);
    assert_eq!(parameters.precondition("If-Match", &Text::new()), None);
    assert_eq!(told(&faults), ["Prefer format", "If-Match required"]);
}
