//! Ids, contexts, panics and slow answers, through a router.

use std::collections::BTreeMap;

use axum::Extension;
use axum::body::Body;
use axum::extract::Path;
use axum::routing::{any, get};
use chrono::{DateTime, TimeDelta};
use http_body_util::BodyExt;
use serde_json::Value;
use tower::ServiceExt;

use super::*;
use crate::clock::FixedClock;

const GUID: &str = "3B2F52B9-52b9-3b2f-b952-2f3bb9522f3b";

/// Answers with what a handler sees: the key, the base of links and the query.
fn router(public_url: Option<&str>) -> Surrounded {
    let seen = |Path(path): Path<BTreeMap<String, String>>,
                Extension(context): Extension<Context>,
                uri: Uri| async move {
        let query = uri.query().unwrap_or_default();
        format!("{} {} {query}", path["key"], context.base_url)
    };
    let operations = Router::new()
        .route("/customers/{key}", get(seen))
        .route("/never", any(std::future::pending::<StatusCode>))
        .route(
            "/panic",
            get(async || -> StatusCode { panic!("a customer's name") }),
        );
    let router = Router::new()
        .nest("/v1.0", operations)
        .route("/livez", get("alive"));
    let now = DateTime::UNIX_EPOCH + TimeDelta::days(20_000);
    let clock = Arc::new(FixedClock::at(now));
    surround(
        router,
        Surroundings::new(clock, public_url.map(str::to_owned), Admission::new(PLACES)),
    )
}

/// Requests that the router answers at once.
const PLACES: usize = 2;

async fn send(router: Surrounded, path: &str, headers: &[(&str, &str)]) -> (Response<()>, String) {
    let mut request = Request::get(path).body(Body::empty()).unwrap();
    for (name, value) in headers {
        let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
        let value = HeaderValue::from_bytes(value.as_bytes()).unwrap();
        request.headers_mut().append(name, value);
    }
    let (parts, body) = router.oneshot(request).await.unwrap().into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    (
        Response::from_parts(parts, ()),
        String::from_utf8(body.to_vec()).unwrap(),
    )
}

async fn body(path: &str) -> String {
    send(router(None), path, &[("host", "localhost:8080")])
        .await
        .1
}

#[tokio::test]
async fn keys_are_rewritten_before_routing() {
    let expected = format!("{GUID} http://localhost:8080/v1.0 $top=1&a=(b)");
    for path in [
        "/v1.0/customers/GUID",
        "/v1.0/customers(GUID)",
        "/v1.0/customers('GUID')",
        "/v1.0/customers%28%27GUID%27%29",
    ] {
        let path = path.replace("GUID", GUID) + "?$top=1&a=(b)";
        assert_eq!(body(&path).await, expected, "{path}");
    }
}

#[tokio::test]
async fn links_start_with_the_public_url_else_with_the_host() {
    assert_eq!(
        body("/beta/customers/1").await,
        "1 http://localhost:8080/beta "
    );
    let public = router(Some("https://customers.example.com/debitor"));
    let (_, seen) = send(public, "/v1.0/customers/1", &[("host", "evil.example")]).await;
    assert_eq!(seen, "1 https://customers.example.com/debitor/v1.0 ");
}

#[tokio::test]
async fn a_nonsensical_host_is_not_repeated() {
    for host in ["user:pass@evil.example", "a b", "\u{e9}", "a/b", ""] {
        let (_, seen) = send(router(None), "/v1.0/customers/1", &[("host", host)]).await;
        assert_eq!(seen, "1 http://localhost/v1.0 ", "{host}");
    }
    let forwarded = [
        ("host", "here"),
        ("x-forwarded-host", "evil"),
        ("forwarded", "host=evil"),
    ];
    let (_, seen) = send(router(None), "/v1.0/customers/1", &forwarded).await;
    assert_eq!(seen, "1 http://here/v1.0 ");
}

#[tokio::test]
async fn every_answer_has_a_request_id_of_its_own() {
    let router = router(None);
    let mut ids = Vec::new();
    for path in [
        "/livez",
        "/nothing",
        "/v1.0/nothing",
        "/v1.0/customers/1",
        "/v1.0/panic",
    ] {
        let (response, _) = send(router.clone(), path, &[("request-id", GUID)]).await;
        let id = response.headers()["request-id"]
            .to_str()
            .unwrap()
            .to_owned();
        assert!(
            Uuid::parse_str(&id).is_ok() && !ids.contains(&id),
            "{path} {id}"
        );
        ids.push(id);
    }
}

#[tokio::test]
async fn the_odata_version_is_on_the_apis_answers_alone() {
    for (path, expected) in [
        ("/v1.0", true),
        ("/beta/nothing", true),
        ("/livez", false),
        ("/v1.0x", false),
    ] {
        let (response, _) = send(router(None), path, &[]).await;
        assert_eq!(
            response.headers().contains_key("odata-version"),
            expected,
            "{path}"
        );
    }
}

#[tokio::test]
async fn the_client_request_id_is_echoed_when_it_is_a_guid() {
    let echoed = async |value: &str| {
        let (response, _) = send(router(None), "/livez", &[("client-request-id", value)]).await;
        response
            .headers()
            .get("client-request-id")
            .map(|id| id.to_str().unwrap().to_owned())
    };
    assert_eq!(echoed(GUID).await, Some(GUID.to_lowercase()));
    for value in [
        "",
        "1",
        "{3b2f52b9-52b9-3b2f-b952-2f3bb9522f3b}",
        "\u{e9}",
        "<script>",
    ] {
        assert_eq!(echoed(value).await, None, "{value}");
    }
    assert_eq!(echoed(&GUID.replace('-', "")).await, None);
}

#[tokio::test]
async fn a_panic_is_answered_in_the_error_body() {
    let (response, body) = send(router(None), "/v1.0/panic", &[]).await;
    assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(response.headers()["content-type"], "application/json");
    let body: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(body["error"]["code"], "generalException");
    let id = response.headers()["request-id"].to_str().unwrap();
    assert_eq!(body["error"]["innerError"]["request-id"], id);
    assert!(!body.to_string().contains("customer's name"));
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_never_comes_is_503() {
    let (response, body) = send(router(None), "/v1.0/never", &[]).await;
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(response.headers()["retry-after"], "1");
    assert!(body.contains("serviceNotAvailable"), "{body}");
    assert!(!body.contains("outcomeUnknown"), "{body}");
}

#[tokio::test(start_paused = true)]
async fn a_write_without_an_answer_may_have_been_made() {
    let request = Request::post("/v1.0/never").body(Body::empty()).unwrap();
    let response = router(None).oneshot(request).await.unwrap();
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    let body = response.into_body().collect().await.unwrap().to_bytes();
    let body: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(body["error"]["innerError"]["code"], "outcomeUnknown");
}

#[tokio::test]
async fn answers_are_not_stored_and_types_not_guessed() {
    let (api, _) = send(router(None), "/v1.0/nothing", &[]).await;
    assert_eq!(api.headers()["cache-control"], "no-store");
    let (probe, _) = send(router(None), "/livez", &[]).await;
    for answer in [api, probe] {
        assert_eq!(answer.headers()["x-content-type-options"], "nosniff");
    }
}

async fn check_size(path: &str, headers: &[(&str, &str)], expected: (u16, &str)) {
    let (response, body) = send(router(None), path, headers).await;
    let body: Value = serde_json::from_str(&body).unwrap_or_default();
    let code = body["error"]["code"].as_str().unwrap_or_default();
    assert_eq!(
        (response.status().as_u16(), code),
        expected,
        "{}",
        path.len()
    );
    assert!(response.headers().contains_key(REQUEST_ID));
}

#[tokio::test]
async fn lines_and_headers_have_limits() {
    const OK: (u16, &str) = (200, "");
    const URI: (u16, &str) = (414, "uriTooLong");
    const HEADERS: (u16, &str) = (431, "requestHeaderFieldsTooLarge");
    let key = |length: usize| format!("/v1.0/customers/{}", "x".repeat(length - 16));
    check_size(&key(8192), &[], OK).await;
    check_size(&key(8193), &[], URI).await;
    check_size("/v1.0/customers/1", &[("a", "b"); 64], OK).await;
    check_size("/v1.0/customers/1", &[("a", "b"); 65], HEADERS).await;
    // `GET`, this path, and a header of five bytes beside its value.
    let long = "x".repeat(32 * 1024 - 3 - 19 - 5);
    check_size("/v1.0/customers/1?a", &[("a", &long)], OK).await;
    check_size("/v1.0/customers/1?ab", &[("a", &long)], HEADERS).await;
}

#[tokio::test]
async fn links_say_https_over_tls() {
    let (clock, router) = (
        Arc::new(FixedClock::at(DateTime::UNIX_EPOCH)),
        Router::new(),
    );
    let seen = |Extension(context): Extension<Context>| async move { context.base_url.to_string() };
    let router = router.route("/v1.0", get(seen));
    let secure = surround(
        router,
        Surroundings::new(clock, None, Admission::new(PLACES)).secure(true),
    );
    let (_, seen) = send(secure, "/v1.0", &[("host", "here:8443")]).await;
    assert_eq!(seen, "https://here:8443/v1.0");
}
