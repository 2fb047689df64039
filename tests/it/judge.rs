//! The judge is shown exchanges that do not fit the document, and must say so.

use std::sync::Arc;

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::{Json, Router};
use debitor_tests::Request;
use debitor_tests::document::Document;
use debitor_tests::judge::{Exchange, Judge, judge};
use debitor_tests::proxy::Proxy;

const GET: &str = "/v1.0/financials/companies/5a0c8e4d-3f4b-4f1e-9c57-1d2f6b7a8c90";
const COMPANY: &str = r#"{"@odata.context": "http://h/v1.0/$metadata#x", "id": "5a0c8e4d-3f4b-4f1e-9c57-1d2f6b7a8c90"}"#;

fn headers(more: &[(&'static str, &'static str)]) -> HeaderMap {
    let always = [
        ("content-type", "application/json"),
        ("odata-version", "4.0"),
        ("request-id", "5a0c8e4d-3f4b-4f1e-9c57-1d2f6b7a8c90"),
    ];
    let mut headers = HeaderMap::new();
    for (name, value) in always.iter().chain(more) {
        headers.insert(
            HeaderName::from_static(name),
            HeaderValue::from_static(value),
        );
    }
    headers
}

fn judged(path: &str, status: u16, headers: &HeaderMap, body: &str) -> String {
    let exchange = Exchange {
        method: "GET",
        path,
        query: "",
        request_headers: &HeaderMap::new(),
        request_body: b"",
        status,
        headers,
        body: body.as_bytes(),
    };
    judge(Document::of_repository(), &exchange).1.join("\n")
}

#[test]
fn what_fits_passes() {
    assert_eq!(judged(GET, 200, &headers(&[]), COMPANY), "");
    assert_eq!(judged("/docs", 200, &HeaderMap::new(), "<html>"), "");
}

#[test]
fn what_does_not_fit_is_named() {
    let fine = headers(&[]);
    let mut bare = fine.clone();
    bare.remove("request-id");
    let mut text = fine.clone();
    text.insert("content-type", HeaderValue::from_static("text/plain"));
    for (status, headers, body, fault) in [
        (202, &fine, COMPANY, "the status is not documented"),
        (
            200,
            &headers(&[("x-powered-by", "rust")]),
            COMPANY,
            "`x-powered-by` is not documented",
        ),
        (200, &bare, COMPANY, "`request-id` is missing"),
        (
            200,
            &headers(&[("odata-version", "5.0")]),
            COMPANY,
            "`OData-Version`",
        ),
        (200, &text, COMPANY, "the media type"),
        (200, &fine, "{}", "id"),
        (200, &fine, r#"{"id": 7}"#, "/id"),
        (
            200,
            &fine,
            r#"{"id": "5a0c8e4d-3f4b-4f1e-9c57-1d2f6b7a8c90", "extra": 1}"#,
            "extra",
        ),
        (404, &fine, COMPANY, "error"),
        (
            401,
            &fine,
            r#"{"error": {"code": "c", "message": "m"}}"#,
            "`WWW-Authenticate` is missing",
        ),
    ] {
        let faults = judged(GET, status, headers, body);
        assert!(faults.contains(fault), "{fault}: {faults}");
    }
    let unknown = judged("/v1.0/nothing", 200, &fine, COMPANY);
    assert!(unknown.contains("404 was expected"), "{unknown}");
}

#[test]
fn an_accepted_request_must_fit_too() {
    let faults = judged(&GET.replace("5a0c8e4d", "x"), 200, &headers(&[]), COMPANY);
    assert!(faults.contains("accepted `companyId`"), "{faults}");
}

/// A server that answers what no document has, behind the proxy as every server under test.
#[tokio::test]
async fn the_proxy_shows_the_judge_what_passes() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let upstream = format!("http://{}", listener.local_addr().unwrap());
    let wrong = Router::new().fallback(|| async { Json(serde_json::json!({"id": 7})) });
    tokio::spawn(async move { axum::serve(listener, wrong).await });
    let judge = Arc::new(Judge::new());
    let proxy = Proxy::start(upstream, Arc::clone(&judge)).await;
    Request::new("GET", &format!("{}{GET}", proxy.origin()))
        .send()
        .await
        .expect(200);
    let violations = judge.take_violations().join("\n");
    assert!(
        violations.contains("`request-id` is missing"),
        "{violations}"
    );
    assert!(violations.contains("/id"), "{violations}");
}
