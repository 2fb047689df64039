//! Failures: what the person reads, and the code the script gets.

use debitor_client::httpmock::MockServerExt;
use debitor_client::types;
use httpmock::MockServer;
use serde_json::json;

use crate::{COMPANY, debitor, run};

fn error_body() -> types::ODataErrorBody {
    let body = json!({ "error": {
        "code": "invalidRequest",
        "message": "The request has faults.",
        "details": [
            { "code": "maxLength", "message": "It is too long.", "target": "address/city" },
            { "code": "required", "message": "It is missing.", "target": "displayName" },
        ],
        "innerError": { "date": "2026-01-31T12:00:00Z", "request-id": COMPANY },
    }});
    serde_json::from_value(body).unwrap()
}

fn create(server: &MockServer) -> crate::Run {
    let company = COMPANY.to_string();
    debitor(
        server,
        &[
            "customer",
            "create",
            "--company-id",
            &company,
            "--display-name",
            "x",
        ],
    )
}

#[test]
fn every_detail_of_an_error_is_told() {
    let server = MockServer::start();
    server.customer_create(|when, then| {
        when.company_id(&COMPANY);
        then.bad_request(&error_body())
            .into_inner()
            .header("request-id", "r-1");
    });
    let run = create(&server).ended_with(1);
    let expected = "\
error: 400 Bad Request: invalidRequest: The request has faults.
  address/city: maxLength: It is too long.
  displayName: required: It is missing.
  request-id: r-1
";
    assert_eq!(run.errors, expected);
    assert_eq!(run.output, "");
}

#[test]
fn a_refusal_says_when_to_try_again() {
    let server = MockServer::start();
    let body = json!({ "error": {
        "code": "activityLimitReached",
        "message": "There were more than 20 writes a second.",
        "innerError": { "date": "2026-01-31T12:00:00Z", "request-id": COMPANY },
    }});
    let body = serde_json::from_value(body).unwrap();
    server.customer_create(|when, then| {
        when.company_id(&COMPANY);
        then.too_many_requests(&body)
            .into_inner()
            .header("retry-after", "7");
    });
    let run = create(&server).ended_with(1);
    let expected = "\
error: 429 Too Many Requests: activityLimitReached: There were more than 20 writes a second.
  try again after 7 s
";
    assert_eq!(run.errors, expected);
}

#[test]
fn an_answer_that_the_document_does_not_know_is_the_servers_error() {
    let check = |status: u16, body: &str, expected: &str| {
        let server = MockServer::start();
        server.mock(|when, then| {
            when.any_request();
            then.status(status).body(body);
        });
        let run = create(&server).ended_with(1);
        assert!(run.errors.contains(expected), "{}", run.errors);
    };
    check(
        502,
        "<html>",
        "the document does not know the answer 502 Bad Gateway",
    );
    check(201, "<html>", "the answer is not what the document says");
    check(400, "<html>", "the answer is not what the document says");
}

#[test]
fn a_server_that_is_not_there_has_a_code_of_its_own() {
    let arguments = [
        "company",
        "list",
        "--url",
        "http://127.0.0.1:1",
        "--token",
        "a-secret",
    ];
    let run = run(&arguments, &[], "").ended_with(3);
    assert!(
        run.errors.starts_with("error: the server was not reached"),
        "{}",
        run.errors
    );
    assert!(!run.errors.contains("a-secret"));
}

#[test]
fn wrong_usage_has_a_code_of_its_own() {
    let check = |arguments: &[&str], expected: &str| {
        let run = run(arguments, &[], "").ended_with(2);
        assert!(run.errors.contains(expected), "{}", run.errors);
    };
    check(&["company", "list"], "`--url` or DEBITOR_URL is required");
    check(
        &["company", "list", "--url", "http://x"],
        "`--token` or DEBITOR_TOKEN is required",
    );
    check(
        &["company", "list", "--url", "x", "--token", "t"],
        "`x` is not an absolute",
    );
    check(&["company", "get"], "--company-id <COMPANY_ID>");
    check(
        &["company", "get", "--company-id", "x"],
        "invalid value 'x'",
    );
    check(&["company", "fly"], "unrecognized subcommand 'fly'");
}

#[test]
fn help_is_no_failure_and_hides_the_token() {
    let help = run(
        &["customer", "list", "--help"],
        &[("DEBITOR_TOKEN", "a-secret")],
        "",
    );
    let help = help.ended_with(0);
    assert!(
        help.output.contains("[env: DEBITOR_TOKEN]"),
        "{}",
        help.output
    );
    assert!(!help.output.contains("a-secret"));
    assert!(!help.output.contains("json-body-template"));
}
