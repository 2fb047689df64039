//! What the server lets others see and do: pages of other origins, caches, its own pages.

use debitor_tests::{Answer, Production, Request, TestServer};

use crate::issued::Issued;

const OWN: &str = "https://app.example.com";

/// A server that lets pages of these origins call it, and a token.
async fn server(cors: &str) -> (Production, String) {
    let issued = Issued::start("", cors).await;
    let token = issued.token();
    (issued.server, token)
}

/// Asks as a browser does before a page of this origin may send a PATCH.
async fn preflight(server: &Production, origin: &str) -> Answer {
    // Not through the proxy, whose judge knows no OPTIONS.
    Request::new(
        "OPTIONS",
        &format!("{}{}", server.address, server.customers()),
    )
    .header("Origin", origin)
    .header("Access-Control-Request-Method", "PATCH")
    .header(
        "Access-Control-Request-Headers",
        "authorization,if-match,content-type",
    )
    .send()
    .await
}

#[tokio::test]
async fn pages_of_the_named_origins_alone_may_call_it() {
    let (server, token) = server(&format!(
        "[cors]\norigins = \"{OWN} http://localhost:3000\"\n"
    ))
    .await;
    for origin in [OWN, "http://localhost:3000"] {
        let answer = preflight(&server, origin).await;
        assert_eq!(answer.header("access-control-allow-origin"), Some(origin));
        let methods = answer.header("access-control-allow-methods").unwrap();
        assert!(methods.contains("PATCH"), "{methods}");
        let headers = answer.header("access-control-allow-headers").unwrap();
        assert!(headers.contains("if-match"), "{headers}");
    }
    for origin in [
        "null",
        "*",
        "https://app.example.com.evil.example",
        "https://evil.example",
        "https://evil-app.example.com",
        "https://sub.app.example.com",
        "http://app.example.com",
        "https://app.example.com:8443",
        "https://APP.example.com",
        "https://app.example.com/",
        "https://app.example.com, https://evil.example",
        "http://localhost",
        "http://localhost:30000",
        "http://127.0.0.1:3000",
        "file://",
        "",
    ] {
        let answer = preflight(&server, origin).await;
        assert_eq!(
            answer.header("access-control-allow-origin"),
            None,
            "{origin}"
        );
    }
    let list = Request::new("GET", &format!("{}{}", server.address, server.customers()));
    let list = list.header("Authorization", &format!("Bearer {token}"));
    let answer = list.header("Origin", OWN).send().await.expect(200);
    assert_eq!(answer.header("access-control-allow-origin"), Some(OWN));
    assert_eq!(answer.header("access-control-allow-credentials"), None);
    assert!(answer.header("vary").unwrap().contains("origin"));
    assert!(
        answer
            .header("access-control-expose-headers")
            .unwrap()
            .contains("etag")
    );
}

#[tokio::test]
async fn without_named_origins_no_page_may() {
    let (server, token) = server("").await;
    let answer = preflight(&server, OWN).await;
    assert_eq!(answer.status, 405);
    let list = server.request("GET", &server.customers(), &token);
    let answer = list.header("Origin", OWN).send().await.expect(200);
    assert_eq!(answer.header("access-control-allow-origin"), None);
    assert_eq!(answer.header("cache-control"), Some("no-store"));
}

#[tokio::test]
async fn no_type_is_guessed_and_pages_have_a_policy() {
    let server = TestServer::start().await;
    for path in [
        "/docs/",
        "/openapi.yaml",
        "/livez",
        "/v1.0/$metadata",
        "/v1.0/nothing",
        "/nothing",
    ] {
        let answer = server.anonymous("GET", path).send().await;
        assert_eq!(
            answer.header("x-content-type-options"),
            Some("nosniff"),
            "{path}"
        );
    }
    // The page takes no other document from its address.
    let page = server.anonymous("GET", "/docs/?url=https://evil.example/openapi.json");
    let page = page.send().await.expect(200);
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.contains("default-src 'none'") && policy.contains("connect-src 'self'"));
    assert!(!String::from_utf8_lossy(&page.body).contains("evil.example"));
}
