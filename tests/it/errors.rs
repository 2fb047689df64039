//! The error body and the headers that every answer has.

use debitor_tests::TestServer;
use serde_json::json;
use uuid::Uuid;

#[tokio::test]
async fn every_answer_has_its_ids() {
    let server = TestServer::start().await;
    let own = Uuid::from_u128(77).to_string();
    let unknown = format!("{}/nothing", server.company_path());
    for (path, status) in [(server.company_path(), 200), (unknown, 404)] {
        let request = server
            .request("GET", &path)
            .header("client-request-id", &own);
        let answer = request.send().await.expect(status);
        assert_eq!(answer.header("client-request-id"), Some(own.as_str()));
        assert!(answer.header("request-id").unwrap().parse::<Uuid>().is_ok());
        if status == 404 {
            let inner = &answer.json()["error"]["innerError"];
            assert_eq!(inner["client-request-id"], json!(own));
            assert_eq!(inner["request-id"].as_str(), answer.header("request-id"));
            assert!(inner["date"].is_string());
        }
        let request = server
            .request("GET", &path)
            .header("client-request-id", "no guid");
        assert_eq!(
            request
                .send()
                .await
                .expect(status)
                .header("client-request-id"),
            None
        );
    }
}

#[tokio::test]
async fn an_unknown_method_names_those_that_there_are() {
    let server = TestServer::start().await;
    let path = format!("{}/customers", server.company_path());
    for method in ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "QUERY"] {
        let answer = server.request(method, &path).send().await.expect(405);
        assert_eq!(answer.header("allow"), Some("GET, HEAD, POST"), "{method}");
    }
    let head = server.request("HEAD", &path).send().await.expect(200);
    assert!(head.body.is_empty());
}

#[tokio::test]
async fn health_and_documents_need_no_token() {
    let server = TestServer::start().await;
    for path in ["/livez", "/readyz"] {
        server.anonymous("GET", path).send().await.expect(200);
    }
    let root = debitor_tests::binaries::root();
    let by_hand = std::fs::read(root.join("openapi/debitor.yaml")).unwrap();
    let yaml = server
        .anonymous("GET", "/openapi.yaml")
        .send()
        .await
        .expect(200);
    assert_eq!(yaml.body, by_hand);
    let json = server
        .anonymous("GET", "/openapi.json")
        .send()
        .await
        .expect(200)
        .json();
    let text = String::from_utf8(by_hand).unwrap();
    assert_eq!(&json, debitor_codegen::Spec::parse(&text).unwrap().root());
}
