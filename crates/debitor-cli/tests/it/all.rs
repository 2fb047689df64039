//! `--all`: a list in pages, written as one.

use std::fs::File;
use std::process::{Command, Stdio};

use debitor_client::httpmock::MockServerExt;
use debitor_client::types;
use httpmock::{Mock, MockServer};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{COMPANY, Run, debitor};

/// A page of these customers, and the link to the one that this token names.
fn page(server: &MockServer, names: &[&str], token: Option<&str>) -> Value {
    let customer = |(id, name)| json!({ "@odata.etag": "W/\"1-0\"", "id": Uuid::from_u128(id), "displayName": name });
    let value: Vec<_> = (1..).zip(names).map(customer).collect();
    let mut page = json!({ "@odata.context": "c", "@odata.count": 3, "value": value });
    if let Some(token) = token {
        let path = format!("/financials/companies/{COMPANY}/customers?$top=2&$skiptoken={token}");
        page["@odata.nextLink"] = server.url(path).into();
    }
    page
}

/// The server answers this page to a request with the token.
fn answers<'a>(server: &'a MockServer, token: Option<&str>, page: Value) -> Mock<'a> {
    let page: types::CustomerPage = serde_json::from_value(page).unwrap();
    server.customer_list(|when, then| {
        when.company_id(&COMPANY)
            .top(std::num::NonZeroU32::new(2).unwrap())
            .skiptoken(token);
        then.ok(&page);
    })
}

/// A server of two pages.
fn two_pages() -> MockServer {
    let server = MockServer::start();
    answers(&server, None, page(&server, &["A", "B"], Some("2")));
    answers(&server, Some("2"), page(&server, &["C"], None));
    server
}

/// A server whose second page is an error that the document does not know.
fn failing() -> MockServer {
    let server = MockServer::start();
    answers(&server, None, page(&server, &["A", "B"], Some("2")));
    server.mock(|when, then| {
        when.query_param("$skiptoken", "2");
        then.status(502);
    });
    server
}

fn list(server: &MockServer, flags: &[&str]) -> Run {
    let company = COMPANY.to_string();
    let list = ["customer", "list", "--company-id", &company, "--top", "2"];
    debitor(server, &[&list[..], flags].concat())
}

#[test]
fn json_is_that_of_one_page_without_a_link() {
    let whole = list(&two_pages(), &["--all"]).ended_with(0);
    let server = MockServer::start();
    let mut one = page(&server, &["A", "B", "C"], None);
    // The numbers of the mock's customers begin anew on each page.
    one["value"][2]["id"] = one["value"][0]["id"].clone();
    answers(&server, None, one);
    assert_eq!(whole.output, list(&server, &[]).ended_with(0).output);
    assert_eq!(whole.errors, "");
}

#[test]
fn without_it_there_is_one_page_and_its_link() {
    let run = list(&two_pages(), &[]).ended_with(0);
    let page: Value = serde_json::from_str(&run.output).unwrap();
    assert_eq!(page["value"].as_array().map(Vec::len), Some(2));
    assert!(page["@odata.nextLink"].is_string());
}

#[test]
fn a_table_has_one_header_and_columns_as_wide_as_all_pages_need() {
    let server = MockServer::start();
    answers(&server, None, page(&server, &["A", "B"], Some("2")));
    answers(
        &server,
        Some("2"),
        page(&server, &["A much longer name"], None),
    );
    let run = list(&server, &["--all", "--output", "table"]).ended_with(0);
    let lines: Vec<_> = run.output.lines().collect();
    assert_eq!(lines.len(), 4, "{}", run.output);
    assert!(lines[0].starts_with("ID ") && lines[3].ends_with("A much longer name"));
}

#[test]
fn an_error_after_some_pages_leaves_no_list_that_looks_whole() {
    let run = list(&failing(), &["--all"]).ended_with(1);
    assert!(
        run.output.contains("\"displayName\": \"B\""),
        "{}",
        run.output
    );
    assert!(
        serde_json::from_str::<Value>(&run.output).is_err(),
        "{}",
        run.output
    );
    let expected = "\
error: the list is not complete: it ends after 2 entities
error: the document does not know the answer 502 Bad Gateway
";
    assert_eq!(run.errors, expected);

    let table = list(&failing(), &["--all", "--output", "table"]).ended_with(1);
    assert_eq!(table.output, "");
}

#[test]
fn an_error_on_the_first_page_writes_nothing() {
    let server = MockServer::start();
    let run = list(&server, &["--all"]).ended_with(1);
    assert_eq!(run.output, "");
    assert!(!run.errors.contains("not complete"), "{}", run.errors);
}

#[test]
fn a_link_to_another_host_is_the_servers_error() {
    let (server, other) = (MockServer::start(), MockServer::start());
    let stolen = other.mock(|when, then| {
        when.any_request();
        then.status(200);
    });
    answers(&server, None, page(&other, &["A"], Some("2")));
    let run = list(&server, &["--all"]).ended_with(1);
    assert!(
        run.errors.contains("the next link is not followed"),
        "{}",
        run.errors
    );
    assert!(run.errors.contains("another port"), "{}", run.errors);
    assert_eq!(stolen.calls(), 0);
}

#[test]
fn a_redirect_to_another_host_is_the_servers_error() {
    let (server, other) = (MockServer::start(), MockServer::start());
    let stolen = other.mock(|when, then| {
        when.any_request();
        then.status(200);
    });
    server.mock(|when, then| {
        when.any_request();
        then.status(302).header("Location", other.base_url());
    });
    let run = list(&server, &["--all"]).ended_with(1);
    assert!(
        run.errors.contains("the redirect is not followed"),
        "{}",
        run.errors
    );
    assert!(run.errors.contains("another port"), "{}", run.errors);
    assert_eq!(stolen.calls(), 0);
}

/// Runs the program with this standard output; what it writes to standard error, and its code.
fn into(output: Stdio, server: &MockServer, flags: &[&str]) -> (Option<i32>, String) {
    let company = COMPANY.to_string();
    let list = ["customer", "list", "--company-id", &company, "--top", "2"];
    let mut child = Command::new(env!("CARGO_BIN_EXE_debitor"))
        .args(list)
        .args(flags)
        .args(["--url", &server.base_url(), "--token", "t"])
        .stdout(output)
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let run = child.wait_with_output().unwrap();
    (run.status.code(), String::from_utf8(run.stderr).unwrap())
}

#[test]
fn no_page_is_asked_for_that_nobody_reads() {
    let server = MockServer::start();
    answers(&server, None, page(&server, &["A", "B"], Some("2")));
    let second = answers(&server, Some("2"), page(&server, &["C"], None));
    let run = into(Stdio::piped(), &server, &["--all"]);
    assert_eq!(run, (Some(0), String::new()));
    assert_eq!(second.calls(), 0);
}

#[test]
fn an_answer_that_cannot_be_written_has_a_code_of_its_own() {
    let server = two_pages();
    for flags in [&["--all"][..], &["--all", "--output", "table"], &[]] {
        let full = File::options().write(true).open("/dev/full").unwrap();
        let (code, errors) = into(full.into(), &server, flags);
        assert_eq!(code, Some(74), "{errors}");
        assert!(
            errors.starts_with("error: the answer cannot be written: "),
            "{errors}"
        );
    }
}
