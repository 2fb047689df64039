//! The examples of the document, which Swagger UI fills in.

use debitor_tests::TestServer;
use debitor_tests::browser::Browser;
use debitor_tests::document::{Document, Operation};
use serde_json::{Value, json};

use super::{customers, with};

/// A server with what the examples find.
async fn server() -> TestServer {
    let server = TestServer::start().await;
    let body = json!({
        "displayName": "Nordhafen Maschinenbau GmbH",
        "address": {"city": "Hamburg"},
    });
    let request = server.request("POST", &customers(&server)).json(&body);
    request.send().await.expect(201);
    server
}

fn examples(operation: &Operation) -> Vec<(&str, &str)> {
    let options = operation.parameters.iter();
    let options = options.filter(|one| one["in"] == "query");
    options
        .filter_map(|one| Some((one["name"].as_str()?, one["example"].as_str()?)))
        .collect()
}

#[tokio::test]
async fn examples_of_options_find_something() {
    let server = server().await;
    let document = Document::of_repository();
    let mut tried = 0;
    for operation in document.operations() {
        let options = examples(operation);
        let whole = options.iter().map(|one| vec![*one]);
        for options in whole
            .chain([options.clone()])
            .filter(|some| !some.is_empty())
        {
            let company = server.company().to_string();
            let path = format!("/v1.0{}", operation.path.replace("{companyId}", &company));
            let path = with(&path, &options);
            let answer = server.request("GET", &path).send().await.expect(200).json();
            let found = answer["value"]
                .as_array()
                .map_or(answer != 0, |all| !all.is_empty());
            assert!(found, "{} {options:?}: {answer}", operation.id);
            tried += 1;
        }
    }
    assert_eq!(tried, 3 * (3 + 1) + 3 * (2 + 1));
}

const LIST: &str = "#operations-customer-customer_list";

#[tokio::test]
async fn swagger_ui_runs_the_examples_of_a_list() {
    let server = server().await;
    let browser = Browser::start().await;
    browser.open(&format!("{}/docs/", server.origin())).await;
    browser.click("button.authorize").await;
    let field = ".modal-ux input[type=text]";
    browser.enter(field, &server.token()).await;
    browser.click(".modal-ux button.authorize").await;
    browser.click(".modal-ux button.btn-done").await;
    browser
        .click(&format!("{LIST} .opblock-summary-control"))
        .await;
    let company = format!("{LIST} tr[data-param-name=companyId] input");
    browser.enter(&company, &server.company().to_string()).await;
    browser.leave_field().await;
    browser.click(&format!("{LIST} button.execute")).await;
    let status = format!("{LIST} .live-responses-table .response .response-col_status");
    let script = "const e = document.querySelector(arguments[0]); return e && e.textContent.trim()";
    let status = browser.wait_for(script, json!([status])).await;
    assert!(status.as_str().unwrap().starts_with("200"), "{status}");
    let asked = browser.requested().await;
    let filter = examples(operation("customer_list"))[0].1;
    let sent = asked
        .iter()
        .find(|one| one.contains("/customers?"))
        .unwrap();
    let sent = url::Url::parse(sent).unwrap();
    let mut pairs = sent.query_pairs();
    let found = pairs.find(|(name, _)| name == "$filter").unwrap();
    assert_eq!(found.1, filter);
    let body = format!("{LIST} .live-responses-table .response-col_description .highlight-code");
    let body = browser.wait_for(script, json!([body])).await;
    assert!(is_found(&body), "{body}");
}

fn operation(id: &str) -> &'static Operation {
    let mut all = Document::of_repository().operations().iter();
    all.find(|one| one.id == id).unwrap()
}

fn is_found(body: &Value) -> bool {
    let text = body.as_str().unwrap_or_default();
    text.contains("Nordhafen Maschinenbau GmbH")
}
