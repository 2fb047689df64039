//! What callers see of answers: documented statuses, their headers, and nothing of the inside.

use axum::body::Body;
use axum::http::{StatusCode, header};
use debitor_api::Problem;
use serde_json::Value;

use crate::app::{App, GUID, customers, request};

#[tokio::test]
async fn a_success_has_its_headers() {
    let answer = App::default().create(r#"{"displayName":"A"}"#).await;
    assert_eq!(
        (answer.status, answer.header("etag")),
        (201, Some("W/\"1\""))
    );
    assert_eq!(
        (answer.header("location"), answer.body.as_slice()),
        (Some("A"), &b"{\"id\":1}"[..])
    );
    assert_eq!(answer.header("content-type"), Some("application/json"));
}

#[tokio::test]
async fn numbers_are_plain_text() {
    let answer = App::default().get(&customers("/$count")).await;
    assert_eq!((answer.status, answer.body.as_slice()), (200, &b"42"[..]));
    assert_eq!(
        answer.header("content-type"),
        Some("text/plain; charset=utf-8")
    );
}

#[tokio::test]
async fn a_header_that_cannot_be_sent_is_a_500() {
    let answer = App::default().create(r#"{"displayName":"A\nB"}"#).await;
    assert_eq!((answer.status, answer.header("location")), (500, None));
    assert_eq!(answer.error()["code"], "generalException");
}

#[tokio::test]
async fn problems_become_documented_answers() {
    let busy = Problem::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "serviceNotAvailable",
        "Busy.",
    );
    let answer = App::failing(busy.header(header::RETRY_AFTER, "3"))
        .get(&customers(""))
        .await;
    assert_eq!(
        (answer.status, answer.header("retry-after")),
        (503, Some("3"))
    );
    let not_modified = Problem::new(StatusCode::NOT_MODIFIED, "", "").header(header::ETAG, "\"1\"");
    let answer = App::failing(not_modified)
        .get(&customers(&format!("/{GUID}")))
        .await;
    assert_eq!(
        (answer.status, answer.header("etag"), answer.body.len()),
        (304, Some("\"1\""), 0)
    );
}

#[tokio::test]
async fn a_documented_header_that_need_not_be_there_is_sent_if_it_is() {
    let running = Problem::new(StatusCode::CONFLICT, "requestInProgress", "Wait.");
    let path = customers(&format!("/{GUID}"));
    for (problem, expected) in [
        (running.clone(), None),
        (running.header(header::RETRY_AFTER, "1"), Some("1")),
    ] {
        let request = request("DELETE", &path).header("if-match", "*");
        let answer = App::failing(problem)
            .send(request.body(Body::empty()).unwrap())
            .await;
        assert_eq!(
            (answer.status, answer.header("retry-after")),
            (409, expected)
        );
    }
}

#[tokio::test]
async fn the_inner_error_has_a_closer_code_if_there_is_one() {
    let failed = Problem::internal();
    for (problem, expected) in [
        (failed.clone(), Value::Null),
        (failed.inner_code("outcomeUnknown"), "outcomeUnknown".into()),
    ] {
        let error = App::failing(problem).get(&customers("")).await.error();
        assert_eq!(error["innerError"]["code"], expected);
        assert_eq!(error["code"], "generalException");
    }
}

#[tokio::test]
async fn what_is_not_documented_is_a_500_that_says_nothing() {
    let teapot = Problem::new(StatusCode::IM_A_TEAPOT, "teapot", "secret");
    let no_header = Problem::new(StatusCode::SERVICE_UNAVAILABLE, "busy", "secret");
    let bad_header = no_header.clone().header(header::RETRY_AFTER, "soon");
    for problem in [teapot, no_header, bad_header] {
        let answer = App::failing(problem).get(&customers("")).await;
        assert_eq!((answer.status, answer.undocumented), (500, true));
        assert_eq!(answer.error()["code"], "generalException");
        assert!(!String::from_utf8_lossy(&answer.body).contains("secret"));
    }
}
