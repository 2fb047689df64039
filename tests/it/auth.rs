//! Who may do what: tokens, permissions and tenants.

use debitor_tests::TestServer;
use debitor_tests::server::READ_WRITE;
use serde_json::json;
use uuid::Uuid;

#[tokio::test]
async fn another_tenants_company_does_not_exist() {
    let server = TestServer::start().await;
    let token = server.token_for(Some(Uuid::from_u128(42)), &[READ_WRITE]);
    let bearer = format!("Bearer {token}");
    let as_other = |method: &str, path: &str| {
        server
            .anonymous(method, path)
            .header("Authorization", &bearer)
            .header("If-Match", "*")
    };
    let company = server.company_path();
    let invoice = format!("{company}/salesInvoices/{}", server.sales_invoice());
    let body = json!({"displayName": "X"});
    for (method, path) in [
        ("GET", company.clone()),
        ("GET", format!("{company}/customers")),
        ("GET", format!("{company}/customers/$count")),
        ("POST", format!("{company}/customers")),
        ("GET", invoice.clone()),
        ("DELETE", invoice.clone()),
        ("POST", format!("{invoice}/customer")),
    ] {
        let request = as_other(method, &path);
        let request = if method == "POST" {
            request.json(&body)
        } else {
            request
        };
        let foreign = request.send().await.expect(404).json()["error"].clone();
        let missing = path.replace(
            &server.company().to_string(),
            &Uuid::from_u128(7).to_string(),
        );
        let request = as_other(method, &missing);
        let request = if method == "POST" {
            request.json(&body)
        } else {
            request
        };
        let missing = request.send().await.expect(404).json()["error"].clone();
        assert_eq!(foreign["message"], missing["message"], "{method} {path}");
        assert_eq!(foreign["code"], missing["code"]);
    }
    let companies = as_other("GET", "/v1.0/financials/companies")
        .send()
        .await
        .expect(200)
        .json();
    assert_eq!(companies["value"], json!([]));
}

#[tokio::test]
async fn a_reader_reads_and_does_not_write() {
    let server = TestServer::start().await;
    let path = format!("{}/customers", server.company_path());
    server.as_reader("GET", &path).send().await.expect(200);
    let body = json!({"displayName": "X"});
    let refused = server
        .as_reader("POST", &path)
        .json(&body)
        .send()
        .await
        .expect(403);
    let challenge = refused.header("www-authenticate").unwrap();
    assert!(challenge.contains("insufficient_scope"), "{challenge}");
}

#[tokio::test]
async fn without_a_valid_token_nothing_is_told() {
    let server = TestServer::start().await;
    let path = server.company_path();
    let missing = server.anonymous("GET", &path).send().await.expect(401);
    assert!(
        missing
            .header("www-authenticate")
            .unwrap()
            .starts_with("Bearer")
    );
    let token = server.token();
    let (head, signature) = token.rsplit_once('.').unwrap();
    let forged = format!("{head}.{}", signature.chars().rev().collect::<String>());
    for header in [
        format!("Bearer {forged}"),
        format!("Bearer {head}."),
        "Bearer".to_owned(),
        "Bearer x".to_owned(),
        format!("Basic {token}"),
        format!("Bearer {token} {token}"),
    ] {
        let request = server
            .anonymous("GET", &path)
            .header("Authorization", &header);
        request.send().await.expect(401);
    }
    let lower = server
        .anonymous("GET", &path)
        .header("Authorization", &format!("bearer {token}"));
    lower.send().await.expect(200);
}

#[tokio::test]
async fn the_log_has_no_token_and_no_body() {
    let server = TestServer::start().await;
    let path = format!("{}/customers?$select=email", server.company_path());
    let body = json!({"displayName": "Canary Name", "email": "canary@mail.example"});
    let create = format!("{}/customers", server.company_path());
    server
        .request("POST", &create)
        .json(&body)
        .send()
        .await
        .expect(201);
    let answer = server.request("GET", &path).send().await.expect(200);
    let log = std::fs::read_to_string(server.data_dir().join("server.log")).unwrap();
    let request_id = answer.header("request-id").unwrap();
    assert!(
        log.contains("customer_list") && log.contains(request_id),
        "{log}"
    );
    for secret in ["Canary", "canary@", &server.token(), "$select"] {
        assert!(!log.contains(secret), "the log has {secret}");
    }
}
