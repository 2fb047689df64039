//! What is written of an answer, and where.

use std::process::{Command, Stdio};

use debitor_client::httpmock::MockServerExt;
use debitor_client::types;
use httpmock::MockServer;
use serde_json::{Value, json};

use crate::{COMPANY, CUSTOMER, ETAG, INVOICE, customer, debitor};

fn page() -> types::CustomerPage {
    let page = json!({
        "@odata.context": "http://127.0.0.1/v1.0/$metadata#customers",
        "value": [serde_json::to_value(customer()).unwrap()]
    });
    serde_json::from_value(page).unwrap()
}

#[test]
fn the_body_goes_to_output_and_the_version_to_errors() {
    let server = MockServer::start();
    server.sales_invoice_customer_create(|when, then| {
        when.company_id(&COMPANY).sales_invoice_id(&INVOICE);
        then.created(&customer()).into_inner().header("ETag", ETAG);
    });
    let (company, invoice) = (COMPANY.to_string(), INVOICE.to_string());
    let arguments = [
        "sales-invoice",
        "customer",
        "create",
        "--company-id",
        &company,
    ];
    let more = [
        "--sales-invoice-id",
        &invoice,
        "--display-name",
        "Nordhafen Maschinenbau GmbH",
    ];
    let run = debitor(&server, &[&arguments[..], &more[..]].concat()).ended_with(0);
    let body: Value = serde_json::from_str(&run.output).unwrap();
    assert_eq!(body["id"], CUSTOMER.to_string());
    assert_eq!(run.errors, format!("ETag: {ETAG}\n"));
}

#[test]
fn a_page_can_be_a_table() {
    let server = MockServer::start();
    server.customer_list(|when, then| {
        when.company_id(&COMPANY)
            .count(true)
            .top(std::num::NonZeroU32::new(5).unwrap());
        then.ok(&page());
    });
    let company = COMPANY.to_string();
    let arguments = [
        "customer",
        "list",
        "--company-id",
        &company,
        "--count",
        "--top",
        "5",
    ];
    let run = debitor(&server, &[&arguments[..], &["--output", "table"]].concat()).ended_with(0);
    assert!(run.output.starts_with("ID "), "{}", run.output);
    assert!(
        run.output
            .contains(&format!("{CUSTOMER}  Nordhafen Maschinenbau GmbH\n"))
    );
}

#[test]
fn a_count_is_a_number() {
    let server = MockServer::start();
    server.customer_count(|when, then| {
        when.company_id(&COMPANY);
        then.ok(42);
    });
    let company = COMPANY.to_string();
    let run = debitor(&server, &["customer", "count", "--company-id", &company]).ended_with(0);
    assert_eq!(run.output, "42\n");
}

#[test]
fn what_is_not_modified_is_no_failure() {
    let server = MockServer::start();
    server.mock(|when, then| {
        when.header("If-None-Match", ETAG);
        then.status(304).header("ETag", ETAG);
    });
    let (company, customer) = (COMPANY.to_string(), CUSTOMER.to_string());
    let arguments = [
        "customer",
        "get",
        "--company-id",
        &company,
        "--customer-id",
        &customer,
    ];
    let run = debitor(
        &server,
        &[&arguments[..], &["--if-none-match", ETAG]].concat(),
    );
    let run = run.ended_with(0);
    assert_eq!(run.output, "");
    assert_eq!(run.errors, format!("304 Not Modified\nETag: {ETAG}\n"));
}

#[test]
fn a_reader_that_is_gone_is_no_failure() {
    let server = MockServer::start();
    server.customer_list(|when, then| {
        when.company_id(&COMPANY);
        then.ok(&page());
    });
    let mut child = Command::new(env!("CARGO_BIN_EXE_debitor"))
        .args(["customer", "list", "--company-id", &COMPANY.to_string()])
        .args(["--url", &server.base_url(), "--token", "t"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let run = child.wait_with_output().unwrap();
    assert_eq!(
        (run.status.code(), run.stderr.as_slice()),
        (Some(0), &b""[..])
    );
}
