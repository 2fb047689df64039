//! Which of several faults is answered: caller, `Accept`, media type, size, then all others at once.

use axum::body::Body;
use axum::http::{Request, header};

use crate::app::{App, GUID, customers, json, request};

fn post() -> axum::http::request::Builder {
    Request::builder().method("POST").uri(customers("?bad=1"))
}

#[tokio::test]
async fn the_caller_comes_first() {
    let request = post()
        .header(header::ACCEPT, "text/html")
        .body(Body::from("{"))
        .unwrap();
    let answer = App::default().send(request).await;
    assert_eq!(
        (answer.status, answer.header("www-authenticate")),
        (401, Some("Bearer"))
    );
    assert_eq!(answer.error()["code"], "unauthenticated");
}

#[tokio::test]
async fn then_accept() {
    let request = post()
        .header(header::AUTHORIZATION, "x")
        .header(header::ACCEPT, "text/html")
        .body(Body::from("{"))
        .unwrap();
    let answer = App::default().send(request).await;
    assert_eq!(
        (answer.status, answer.error()["target"].as_str()),
        (406, Some("Accept"))
    );
}

#[tokio::test]
async fn then_the_media_type() {
    for kind in ["text/plain", "application/xml"] {
        let request = post()
            .header(header::AUTHORIZATION, "x")
            .header(header::CONTENT_TYPE, kind)
            .body(Body::from("x".repeat(20_000)))
            .unwrap();
        let answer = App::default().send(request).await;
        assert_eq!(
            (answer.status, answer.error()["target"].as_str()),
            (415, Some("Content-Type"))
        );
    }
}

#[tokio::test]
async fn then_the_size_announced_or_not() {
    for announced in [true, false] {
        let mut request = json("POST", &customers("?bad=1"));
        if announced {
            request = request.header(header::CONTENT_LENGTH, "20000");
        }
        let answer = App::default()
            .send(request.body(Body::from("x".repeat(20_000))).unwrap())
            .await;
        assert_eq!(
            (answer.status, answer.error()["code"].as_str()),
            (413, Some("payloadTooLarge"))
        );
    }
}

#[tokio::test]
async fn then_the_json() {
    let answer = App::default().create("{\"displayName\":").await;
    assert_eq!(
        (answer.status, answer.error()["code"].as_str()),
        (400, Some("malformedJson"))
    );
}

#[tokio::test]
async fn then_all_others_at_once() {
    let path = format!("/financials/companies/1/customers/{GUID}?a=1&a=2");
    let request = json("PATCH", &path)
        .header("if-match", "x")
        .body(Body::from(
            r#"{"email":"x","address":{"city":1,"x":1},"x":1}"#,
        ))
        .unwrap();
    let answer = App::default().send(request).await;
    assert_eq!(answer.status, 400);
    assert_eq!(
        answer.details(),
        [
            "companyId format",
            "a unknownParameter",
            "a unknownParameter",
            "If-Match pattern",
            "x unknownProperty",
            "address/x unknownProperty",
            "address/city type",
            "email pattern",
        ]
    );
    assert_eq!(answer.error()["message"], "The request has 8 faults.");
}

#[tokio::test]
async fn a_missing_precondition_alone_is_428() {
    let one = customers(&format!("/{GUID}"));
    for (path, status) in [(one.clone(), 428), (format!("{one}?x=1"), 400)] {
        let answer = App::default()
            .send(request("DELETE", &path).body(Body::empty()).unwrap())
            .await;
        assert_eq!(answer.status, status, "{path}");
        assert!(answer.details().contains(&"If-Match required".to_owned()));
    }
}
