//! Swagger UI in a real browser: authorise, try out, execute the main job.

use debitor_tests::TestServer;
use debitor_tests::browser::Browser;
use serde_json::{Value, json};

const MAIN_JOB: &str = "#operations-salesInvoiceCustomer-sales_invoice_customer_create";

#[tokio::test]
async fn a_reviewer_runs_the_main_job_on_the_page() {
    let server = TestServer::start().await;
    let browser = Browser::start().await;
    browser.open(&format!("{}/docs/", server.origin())).await;

    browser.click("button.authorize").await;
    browser
        .enter(".modal-ux input[type=text]", &server.token())
        .await;
    browser.click(".modal-ux button.authorize").await;
    browser.click(".modal-ux button.btn-done").await;

    browser
        .click(&format!("{MAIN_JOB} .opblock-summary-control"))
        .await;
    let (company, invoice) = (server.company(), server.sales_invoice());
    let fields = [
        ("tr[data-param-name=companyId] input", company.to_string()),
        (
            "tr[data-param-name=salesInvoiceId] input",
            invoice.to_string(),
        ),
        (
            "textarea.body-param__text",
            json!({"displayName": "From the page"}).to_string(),
        ),
    ];
    for (selector, value) in fields {
        browser
            .enter(&format!("{MAIN_JOB} {selector}"), &value)
            .await;
        browser.leave_field().await;
    }
    browser.click(&format!("{MAIN_JOB} button.execute")).await;

    let status = format!("{MAIN_JOB} .live-responses-table .response .response-col_status");
    let script = "const e = document.querySelector(arguments[0]); return e && e.textContent.trim()";
    let status = browser.wait_for(script, json!([status])).await;
    assert!(status.as_str().unwrap().starts_with("201"), "{status}");
    let path = format!("{}/salesInvoices/{invoice}/customer", server.company_path());
    let customer = server.request("GET", &path).send().await.expect(200).json();
    assert_eq!(customer["displayName"], "From the page");

    assert_eq!(browser.console_errors().await, Vec::<String>::new());
    let requested = browser.requested().await;
    assert!(
        requested
            .iter()
            .any(|address| address.ends_with("/customer")),
        "{requested:?}"
    );
    for address in requested {
        let inside = address.starts_with(&server.origin())
            || ["data:", "blob:", "about:", "chrome:", "chrome-untrusted:"]
                .iter()
                .any(|own| address.starts_with(own));
        assert!(inside, "the page asked for {address}");
    }
}

#[tokio::test]
async fn the_page_shows_the_document_by_hand() {
    let server = TestServer::start().await;
    let browser = Browser::start().await;
    browser.open(&format!("{}/docs/", server.origin())).await;
    let script = "const e = document.querySelectorAll('.opblock').length; return e || false";
    let shown = browser.wait_for(script, Value::Array(Vec::new())).await;
    let document = debitor_tests::document::Document::of_repository();
    assert_eq!(shown, json!(document.operations().len()));
}
