//! Which requests are the same, by their fingerprints.

use axum::http::Request;
use axum::http::request::Parts;

use crate::support::fingerprint;

const KEY: (&str, &str) = ("idempotency-key", "k");
const JSON: (&str, &str) = ("content-type", "application/json");

fn parts(method: &str, uri: &str, headers: &[(&str, &str)]) -> Parts {
    let mut request = Request::builder().method(method).uri(uri);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(()).unwrap().into_parts().0
}

#[test]
fn only_a_request_with_a_key_has_one() {
    let with = |headers: &[(&str, &str)]| fingerprint::of(&parts("POST", "/a", headers), b"{}");
    assert_eq!(with(&[JSON]), None);
    assert!(with(&[JSON, KEY]).is_some());
    assert_eq!(
        with(&[JSON, KEY]),
        with(&[JSON, ("Repeatability-Request-ID", "another")])
    );
}

/// A byte that moves from one field to the next makes another request, too.
#[test]
fn every_field_counts() {
    let requests = [
        ("POST", "/a?b", JSON, "{}"),
        ("PATCH", "/a?b", JSON, "{}"),
        ("POST", "/ab", JSON, "{}"),
        ("POST", "/a?b=", JSON, "{}"),
        ("POST", "/a", JSON, "{}"),
        ("POST", "/a?b", ("content-type", "application/json;x"), "{}"),
        ("POST", "/a?b", ("content-type", "application/json{"), "}"),
        ("POST", "/a?b", ("x-other", "application/json"), "{}"),
        ("POST", "/a?b", JSON, "{} "),
        ("POST", "/a?b", JSON, ""),
    ];
    let prints = requests.map(|(method, uri, header, body)| {
        fingerprint::of(&parts(method, uri, &[header, KEY]), body.as_bytes()).unwrap()
    });
    for (index, print) in prints.iter().enumerate() {
        let twin = prints[..index].iter().position(|other| other == print);
        assert_eq!(twin, None, "{:?}", requests[index]);
    }
}

/// Stores keep fingerprints for a day: another way to make them would refuse honest repetitions.
#[test]
fn it_stays_what_it_is_from_version_to_version() {
    let print = fingerprint::of(&parts("POST", "/a?b", &[JSON, KEY]), b"{}").unwrap();
    let hex = print.map(|byte| format!("{byte:02x}")).concat();
    assert_eq!(
        hex,
        "7eda17661a11bec0e463acd397405369f43d974d47ff3014fc501c0b9056b4ca"
    );
}
