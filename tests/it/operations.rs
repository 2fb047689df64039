//! Walks every operation of the document on a running server: each is mounted, asks for a token and
//! a permission, and answers what the framework answers.

use debitor_tests::document::{Document, Operation};
use debitor_tests::{Answer, Request, TestServer};
use serde_json::json;
use uuid::Uuid;

const MANY: usize = 1024 * 1024 + 1;

/// The operation's path with ids that exist, but for the customer's.
fn path(server: &TestServer, operation: &Operation, customer: &str) -> String {
    let path = operation
        .path
        .replace("{companyId}", &server.company().to_string());
    let path = path.replace("{salesInvoiceId}", &server.sales_invoice().to_string());
    format!("/v1.0{}", path.replace("{customerId}", customer))
}

fn documents(operation: &Operation, status: &str) -> bool {
    operation.value["responses"].get(status).is_some()
}

fn has_body(operation: &Operation) -> bool {
    operation.value.get("requestBody").is_some()
}

/// A request that the operation would accept, were its customer there.
fn complete(request: Request, operation: &Operation) -> Request {
    let request = request.header("If-Match", "*");
    if has_body(operation) {
        request.json(&json!({}))
    } else {
        request
    }
}

async fn each(
    server: &TestServer,
    status: u16,
    send: impl AsyncFn(&Operation, String) -> Option<Answer>,
) {
    for operation in Document::of_repository().operations() {
        let path = path(server, operation, &Uuid::from_u128(1).to_string());
        if let Some(answer) = send(operation, path).await {
            assert_eq!(answer.status, status, "{}", operation.id);
        }
    }
}

#[tokio::test]
async fn each_asks_for_a_token_and_a_permission() {
    let server = TestServer::start().await;
    each(&server, 401, async |operation, path| {
        Some(
            complete(server.anonymous(&operation.method, &path), operation)
                .send()
                .await,
        )
    })
    .await;
    let bearer = format!("Bearer {}", server.token_for(None, &["Something.Else"]));
    each(&server, 403, async |operation, path| {
        let request = server
            .anonymous(&operation.method, &path)
            .header("Authorization", &bearer);
        Some(complete(request, operation).send().await)
    })
    .await;
}

#[tokio::test]
async fn each_refuses_unknown_methods_options_and_ids() {
    let server = TestServer::start().await;
    each(&server, 405, async |_, path| {
        Some(server.request("TRACE", &path).send().await)
    })
    .await;
    each(&server, 400, async |operation, path| {
        let path = format!("{path}?$nonsense=1");
        let request = complete(server.request(&operation.method, &path), operation);
        let answer = request.send().await;
        assert!(
            answer.targets().contains(&"$nonsense".to_owned()),
            "{}",
            operation.id
        );
        Some(answer)
    })
    .await;
    each(&server, 404, async |operation, path| {
        let missing = path.replace(
            &server.company().to_string(),
            &Uuid::from_u128(2).to_string(),
        );
        let named = operation.id.ends_with("customer_create");
        let body = if named {
            json!({"displayName": "X"})
        } else {
            json!({})
        };
        let request = complete(server.request(&operation.method, &missing), operation);
        let request = if has_body(operation) {
            request.json(&body)
        } else {
            request
        };
        documents(operation, "404")
            .then_some(request)?
            .send()
            .await
            .into()
    })
    .await;
}

#[tokio::test]
async fn each_refuses_media_types_that_it_cannot_serve() {
    let server = TestServer::start().await;
    each(&server, 406, async |operation, path| {
        let request = complete(server.request(&operation.method, &path), operation);
        let request = request.header("Accept", "text/html, application/json;q=0");
        documents(operation, "406")
            .then_some(request)?
            .send()
            .await
            .into()
    })
    .await;
    each(&server, 415, async |operation, path| {
        let request = complete(server.request(&operation.method, &path), operation);
        let request = request.header("Content-Type", "text/plain");
        has_body(operation).then_some(request)?.send().await.into()
    })
    .await;
    each(&server, 413, async |operation, path| {
        let request = complete(server.request(&operation.method, &path), operation);
        has_body(operation)
            .then_some(request.bytes(vec![b' '; MANY]))?
            .send()
            .await
            .into()
    })
    .await;
}
