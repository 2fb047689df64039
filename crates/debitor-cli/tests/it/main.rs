//! The program `debitor` against a mock of the service.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that fails may panic"
)]

mod all;
mod answers;
mod changes;
mod failures;

use std::io::Write;
use std::process::{Command, Stdio};

use debitor_client::types;
use httpmock::MockServer;
use uuid::{Uuid, uuid};

const COMPANY: Uuid = uuid!("5a0c8e4d-3f4b-4f1e-9c57-1d2f6b7a8c90");
const INVOICE: Uuid = uuid!("7d1f4f0a-8a7e-4b0c-9a55-0c7e5d2b9e11");
const CUSTOMER: Uuid = uuid!("3b2f52b9-52b9-4b2f-b952-2f3bb9522f3b");
const ETAG: &str = "W/\"1-8c90\"";

/// What a run of the program left behind.
struct Run {
    code: i32,
    output: String,
    errors: String,
}

impl Run {
    #[track_caller]
    fn ended_with(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{}{}", self.output, self.errors);
        self
    }
}

/// The program, with the service's address and a token from the environment.
fn debitor(server: &MockServer, arguments: &[&str]) -> Run {
    let url = server.base_url();
    run(
        arguments,
        &[("DEBITOR_URL", &url), ("DEBITOR_TOKEN", "a-token")],
        "",
    )
}

fn run(arguments: &[&str], environment: &[(&str, &str)], input: &str) -> Run {
    let mut child = Command::new(env!("CARGO_BIN_EXE_debitor"))
        .args(arguments)
        .env_remove("DEBITOR_URL")
        .env_remove("DEBITOR_TOKEN")
        .envs(environment.iter().copied())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(input.as_bytes())
        .unwrap();
    let run = child.wait_with_output().unwrap();
    Run {
        code: run.status.code().unwrap(),
        output: String::from_utf8(run.stdout).unwrap(),
        errors: String::from_utf8(run.stderr).unwrap(),
    }
}

fn customer() -> types::Customer {
    types::Customer::builder()
        .id(CUSTOMER)
        .odata_etag(ETAG)
        .display_name("Nordhafen Maschinenbau GmbH".to_owned())
        .try_into()
        .unwrap()
}
