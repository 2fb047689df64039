//! `Accept`, `Content-Type` and `Content-Encoding`.

use axum::http::HeaderMap;
use axum::http::header::{ACCEPT, CONTENT_ENCODING, CONTENT_TYPE};

use crate::support::negotiate::{accept, content_type};

fn accepts(value: &str, produced: &str) -> bool {
    let headers = HeaderMap::from_iter([(ACCEPT, value.parse().unwrap())]);
    accept(&headers, &[produced]).is_ok()
}

#[test]
fn what_takes_json() {
    for value in [
        "application/json",
        "APPLICATION/JSON",
        "application/json;odata.metadata=minimal",
        "application/json; charset=utf-8; q=0.1",
        "*/*",
        "application/*",
        "text/html, */*;q=0.1",
        "text/html;q=1, application/json;q=0.001",
        "application/*;q=0, application/json",
        "nonsense",
        "",
        "application/json;q=nonsense",
        "application/json ; Q=0.5",
    ] {
        assert!(accepts(value, "application/json"), "{value}");
    }
}

#[test]
fn what_does_not_take_json() {
    for value in [
        "text/html",
        "application/xml, text/*",
        "application/json;q=0",
        "application/json;q=0.000",
        "*/*, application/json;q=0",
        "*/*;q=0",
        "application/*;q=0, */*",
    ] {
        assert!(!accepts(value, "application/json"), "{value}");
    }
}

#[test]
fn several_lines_are_one_list() {
    let mut headers = HeaderMap::new();
    headers.append(ACCEPT, "text/html".parse().unwrap());
    assert!(accept(&headers, &["application/json"]).is_err());
    headers.append(ACCEPT, "application/json".parse().unwrap());
    assert!(accept(&headers, &["application/json"]).is_ok());
}

#[test]
fn without_a_wish_everything_is_taken() {
    assert!(accept(&HeaderMap::new(), &["application/json"]).is_ok());
    assert!(accepts("text/html", "text/html"));
    let headers = HeaderMap::from_iter([(ACCEPT, "text/html".parse().unwrap())]);
    assert!(accept(&headers, &[]).is_ok());
}

#[test]
fn bodies_are_json() {
    let sent = |value: &str| {
        content_type(&HeaderMap::from_iter([(
            CONTENT_TYPE,
            value.parse().unwrap(),
        )]))
        .is_ok()
    };
    assert!(sent("application/json"));
    assert!(sent("Application/JSON ; charset=utf-8"));
    assert!(sent(
        "application/json;odata.metadata=full;IEEE754Compatible=true"
    ));
    assert!(!sent("application/jsonp"));
    assert!(!sent("application/merge-patch+json"));
    assert!(!sent("text/plain"));
    assert!(!sent(""));
    assert!(content_type(&HeaderMap::new()).is_err());
}

#[test]
fn bodies_are_not_encoded() {
    let encoded = |value: &str| {
        let json = (CONTENT_TYPE, "application/json".parse().unwrap());
        let problem = content_type(&HeaderMap::from_iter([
            json,
            (CONTENT_ENCODING, value.parse().unwrap()),
        ]));
        problem.err().and_then(|problem| problem.target)
    };
    assert_eq!(encoded("identity"), None);
    assert_eq!(encoded("Identity"), None);
    assert_eq!(encoded("gzip").as_deref(), Some("Content-Encoding"));
}
