//! The flags and the body of a change.

use debitor_client::httpmock::MockServerExt;
use httpmock::MockServer;
use serde_json::{Value, json};

use crate::{COMPANY, CUSTOMER, Run, customer, run};

/// Runs `customer update` with these flags and this standard input.
fn update(flags: &[&str], input: &str, server: &MockServer) -> Run {
    let (company, customer) = (COMPANY.to_string(), CUSTOMER.to_string());
    let arguments = [
        "customer",
        "update",
        "--company-id",
        &company,
        "--customer-id",
        &customer,
    ];
    let arguments = [&arguments[..], &["--if-match", "*"], flags].concat();
    let url = server.base_url();
    run(
        &arguments,
        &[("DEBITOR_URL", &url), ("DEBITOR_TOKEN", "a-token")],
        input,
    )
}

/// The flags send exactly this body, with the token.
fn check(flags: &[&str], input: &str, expected: Value) {
    let server = MockServer::start();
    let mock = server.customer_update(|when, then| {
        when.into_inner()
            .header("Authorization", "Bearer a-token")
            .json_body(expected);
        then.ok(&customer());
    });
    let run = update(flags, input, &server);
    mock.assert();
    run.ended_with(0);
}

#[test]
fn a_flag_that_is_left_out_keeps() {
    check(&[], "", json!({}));
}

#[test]
fn null_clears_and_a_value_sets() {
    let flags = [
        "--email",
        "null",
        "--type",
        "Person",
        "--tax-liable",
        "false",
        "--website",
        "",
    ];
    let expected = json!({ "email": null, "taxLiable": false, "type": "Person", "website": "" });
    check(&flags, "", expected);
}

#[test]
fn a_body_is_read_from_standard_input() {
    let body = json!({ "address": { "city": null, "street": "Am Sandtorkai 30" }, "email": null });
    check(&["--json-body", "-"], &body.to_string(), body);
}

#[test]
fn a_body_is_read_from_a_file() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::io::Write::write_all(&mut file.as_file(), b"{\"address\": {}}").unwrap();
    check(
        &["--json-body", file.path().to_str().unwrap()],
        "",
        json!({ "address": {} }),
    );
}

#[test]
fn flags_win_over_the_body() {
    let flags = [
        "--json-body",
        "-",
        "--email",
        "null",
        "--phone-number",
        "+49 40",
    ];
    let expected = json!({ "email": null, "phoneNumber": "+49 40", "website": "w" });
    check(
        &flags,
        r#"{"email": "a@b.example", "website": "w"}"#,
        expected,
    );
}

#[test]
fn a_body_that_cannot_be_sent_is_wrong_usage() {
    let check = |flags: &[&str], input: &str, expected: &str| {
        let run = update(flags, input, &MockServer::start()).ended_with(2);
        assert!(run.errors.contains(expected), "{}", run.errors);
    };
    check(&["--json-body", "-"], "{", "failed to parse -");
    check(
        &["--json-body", "-"],
        r#"{"displayname": "x"}"#,
        "unknown field `displayname`",
    );
    check(
        &["--json-body", "-"],
        r#"{"displayName": null}"#,
        "invalid type: null",
    );
    check(
        &["--json-body", "/nowhere/at/all"],
        "",
        "failed to read /nowhere/at/all",
    );
}
