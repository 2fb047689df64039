//! The program `debitor` against the running server.

use std::io::Write;
use std::process::{Command, Output, Stdio};

use debitor_tests::{TestServer, binaries};
use serde_json::Value;

/// Runs `debitor` with the arguments and standard input, off the runtime that serves the proxy.
pub(crate) async fn debitor(server: &TestServer, arguments: &[&str], input: &str) -> Output {
    let mut command = Command::new(binaries::client());
    command
        .args(arguments)
        .env("DEBITOR_URL", server.base_url())
        .env("DEBITOR_TOKEN", server.token())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let input = input.to_owned();
    let run = move || {
        let mut child = command.spawn().unwrap();
        child
            .stdin
            .take()
            .unwrap()
            .write_all(input.as_bytes())
            .unwrap();
        child.wait_with_output().unwrap()
    };
    tokio::task::spawn_blocking(run).await.unwrap()
}

pub(crate) fn json(output: &Output) -> Value {
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    serde_json::from_slice(&output.stdout).unwrap()
}

fn errors(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[tokio::test]
async fn the_main_job_from_a_shell() {
    let server = TestServer::start().await;
    let (company, invoice) = (
        server.company().to_string(),
        server.sales_invoice().to_string(),
    );
    let ids = ["--company-id", &company, "--sales-invoice-id", &invoice];
    let noun = ["sales-invoice", "customer"];
    let create = [
        &noun[..],
        &["create"],
        &ids,
        &["--display-name", "Nordhafen", "--email", "a@b.example"],
    ];
    let created = debitor(&server, &create.concat(), "").await;
    let customer = json(&created);
    let etag = customer["@odata.etag"].as_str().unwrap();
    assert!(errors(&created).contains(etag), "{}", errors(&created));

    let get = debitor(&server, &[&noun[..], &["get"], &ids].concat(), "").await;
    assert_eq!(json(&get), customer);
    let table = debitor(
        &server,
        &[&noun[..], &["get"], &ids, &["--output", "table"]].concat(),
        "",
    )
    .await;
    assert!(table.status.success());
    assert!(String::from_utf8_lossy(&table.stdout).contains("Nordhafen"));

    let update = [
        &noun[..],
        &["update"],
        &ids,
        &["--if-match", etag, "--email", "null"],
    ]
    .concat();
    assert!(json(&debitor(&server, &update, "").await)["email"].is_null());
    let stale = debitor(&server, &update, "").await;
    assert_eq!(stale.status.code(), Some(1));
    assert!(
        errors(&stale).contains("preconditionFailed"),
        "{}",
        errors(&stale)
    );
}

#[tokio::test]
async fn a_body_from_standard_input_keeps_null_absent_and_empty_apart() {
    let server = TestServer::start().await;
    let company = server.company().to_string();
    let create = [
        "customer",
        "create",
        "--company-id",
        &company,
        "--json-body",
        "-",
    ];
    let body = r#"{"displayName": "A", "email": "a@b.example", "website": "w", "address": {"city": "C", "state": "S"}}"#;
    let customer = json(&debitor(&server, &create, body).await);
    let id = customer["id"].as_str().unwrap();
    let update = [
        "customer",
        "update",
        "--company-id",
        &company,
        "--customer-id",
        id,
    ];
    let update = [&update[..], &["--if-match", "*", "--json-body", "-"]].concat();
    let change = r#"{"email": null, "address": {"state": null}}"#;
    let changed = json(&debitor(&server, &update, change).await);
    assert!(changed["email"].is_null() && changed["address"]["state"].is_null());
    assert_eq!(
        (&changed["website"], &changed["address"]["city"]),
        (&"w".into(), &"C".into())
    );
    let same = json(&debitor(&server, &update, r#"{"address": {}}"#).await);
    assert_eq!(same["address"], changed["address"]);
}

#[tokio::test]
async fn the_exit_code_says_what_went_wrong() {
    let server = TestServer::start().await;
    let company = server.company().to_string();
    let create = [
        "customer",
        "create",
        "--company-id",
        &company,
        "--display-name",
        " ",
    ];
    let refused = debitor(&server, &create, "").await;
    assert_eq!(refused.status.code(), Some(1));
    assert!(
        errors(&refused).contains("displayName"),
        "{}",
        errors(&refused)
    );
    assert_eq!(
        debitor(&server, &["customer", "nonsense"], "")
            .await
            .status
            .code(),
        Some(2)
    );
    let nowhere = ["--url", "http://127.0.0.1:1/v1.0", "company", "list"];
    assert_eq!(debitor(&server, &nowhere, "").await.status.code(), Some(3));
    let count = debitor(
        &server,
        &["customer", "count", "--company-id", &company],
        "",
    )
    .await;
    assert_eq!(String::from_utf8_lossy(&count.stdout).trim(), "0");
}
