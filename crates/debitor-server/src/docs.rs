//! The document by hand, as it is and as JSON, and Swagger UI on it. No network is needed.

use anyhow::Context as _;
use axum::Router;
use axum::extract::Request;
use axum::http::HeaderValue;
use axum::http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY};
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::routing::get;
use bytes::Bytes;
use utoipa_swagger_ui::{Config, SwaggerUi};

/// The document, as it is in the repository.
pub const YAML: &str = include_str!("../../../openapi/debitor.yaml");

/// Nothing from elsewhere, no script but the page's own files. Swagger UI sets styles by itself.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
    img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; \
    frame-ancestors 'none'";

/// `/openapi.yaml` and `/openapi.json`: the same document, its properties in the same order.
pub fn document() -> anyhow::Result<Router> {
    let value: serde_json::Value = yaml_serde::from_str(YAML).context("openapi/debitor.yaml")?;
    let json = Bytes::from(serde_json::to_vec(&value)?);
    let answer = |media_type: &'static str, bytes: Bytes| {
        get(move || async move { ([(CONTENT_TYPE, media_type)], bytes) })
    };
    Ok(Router::new()
        .route(
            "/openapi.yaml",
            answer("application/yaml", Bytes::from_static(YAML.as_bytes())),
        )
        .route("/openapi.json", answer("application/json", json)))
}

/// `/docs`: Swagger UI on the document, ready to try the operations out.
pub fn swagger_ui() -> Router {
    let config = Config::new(["/openapi.json"])
        .try_it_out_enabled(true)
        .persist_authorization(true)
        // Without it the page asks a validator elsewhere what it thinks of the document.
        .validator_url("none");
    Router::from(SwaggerUi::new("/docs").config(config)).layer(middleware::from_fn(protect))
}

async fn protect(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use axum::http::StatusCode;
    use http_body_util::BodyExt;
    use tower::ServiceExt;

    use super::*;

    async fn fetch(router: Router, path: &str) -> (StatusCode, String, String) {
        let request = Request::get(path).body(Body::empty()).unwrap();
        let response = router.oneshot(request).await.unwrap();
        let header = |name| response.headers().get(name).cloned();
        let media_type = header(CONTENT_TYPE).map(|value| value.to_str().unwrap().to_owned());
        let status = response.status();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        (
            status,
            media_type.unwrap_or_default(),
            String::from_utf8_lossy(&body).into_owned(),
        )
    }

    #[tokio::test]
    async fn the_document_is_served_to_the_byte() {
        let (status, media_type, body) = fetch(document().unwrap(), "/openapi.yaml").await;
        assert_eq!(
            (status, media_type.as_str()),
            (StatusCode::OK, "application/yaml")
        );
        assert!(body == YAML);
    }

    #[tokio::test]
    async fn its_json_says_the_same_in_the_same_order() {
        let (_, media_type, body) = fetch(document().unwrap(), "/openapi.json").await;
        assert_eq!(media_type, "application/json");
        let keys = |value: &serde_json::Value| {
            value["paths"]
                .as_object()
                .unwrap()
                .keys()
                .cloned()
                .collect::<Vec<_>>()
        };
        let json: serde_json::Value = serde_json::from_str(&body).unwrap();
        let yaml: serde_json::Value = yaml_serde::from_str(YAML).unwrap();
        assert_eq!((keys(&json), &json), (keys(&yaml), &yaml));
        assert!(keys(&json)[0].ends_with("/companies"), "{:?}", keys(&json));
    }

    #[tokio::test]
    async fn swagger_ui_is_told_where_the_document_is() {
        let (status, media_type, page) = fetch(swagger_ui(), "/docs/").await;
        assert_eq!((status, media_type.as_str()), (StatusCode::OK, "text/html"));
        assert!(
            !page.contains("http://") && !page.contains("https://"),
            "{page}"
        );
        let (_, _, script) = fetch(swagger_ui(), "/docs/swagger-initializer.js").await;
        for setting in [
            r#""url": "/openapi.json""#,
            r#""tryItOutEnabled": true"#,
            r#""persistAuthorization": true"#,
            r#""validatorUrl": "none""#,
        ] {
            assert!(script.contains(setting), "{setting} is not in {script}");
        }
        assert_eq!(fetch(swagger_ui(), "/docs").await.0, StatusCode::SEE_OTHER);
        assert_eq!(
            fetch(swagger_ui(), "/docs/nothing").await.0,
            StatusCode::NOT_FOUND
        );
    }
}
