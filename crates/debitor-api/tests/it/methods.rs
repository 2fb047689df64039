//! Paths and methods that the document does not have.

use axum::body::Body;

use crate::app::{App, GUID, customers, request};

#[tokio::test]
async fn unknown_paths_are_404_in_the_error_body() {
    for path in [
        "/",
        "/financials",
        "/financials/companies/",
        "/financials/companies/x/y",
        "/%ff",
    ] {
        let answer = App::default().get(path).await;
        assert_eq!(answer.status, 404, "{path}");
        assert_eq!(answer.error()["code"], "itemNotFound", "{path}");
    }
}

#[tokio::test]
async fn unknown_methods_are_405_with_allow() {
    let one = customers(&format!("/{GUID}"));
    for (path, allow) in [
        ("/financials/companies", "GET, HEAD"),
        (&customers(""), "GET, HEAD, POST"),
        (&customers("/$count"), "GET, HEAD"),
        (&one, "DELETE, GET, HEAD, PATCH"),
    ] {
        for method in ["PUT", "OPTIONS", "TRACE", "CONNECT", "PROPFIND", "get"] {
            let answer = App::default()
                .send(request(method, path).body(Body::empty()).unwrap())
                .await;
            assert_eq!(
                (answer.status, answer.header("allow")),
                (405, Some(allow)),
                "{method} {path}"
            );
            assert_eq!(answer.error()["code"], "methodNotAllowed");
        }
    }
}

#[tokio::test]
async fn head_answers_as_get_without_a_body() {
    let head = request("HEAD", &customers("/$count"))
        .body(Body::empty())
        .unwrap();
    let answer = App::default().send(head).await;
    assert_eq!(
        (answer.status, answer.header("content-length")),
        (200, Some("2"))
    );
    assert_eq!(answer.body, b"");
}

#[test]
fn operations_are_described() {
    let operations: Vec<_> = debitor_api::operations().collect();
    assert_eq!(operations.len(), 19);
    let create = operations
        .iter()
        .find(|one| one.id == "customer_create")
        .unwrap();
    assert_eq!((create.method, create.secured), ("POST", true));
    assert_eq!(create.permissions, ["Financials.ReadWrite.All"]);
    assert!(create.documents(201) && !create.documents(204));
}
