//! An identity server that others have written: a provider of OpenID Connect on Node.js.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::Value;

use crate::binaries;

/// Who its access tokens are for.
pub const AUDIENCE: &str = "api://debitor";

/// A running identity server; it ends with its standard input.
pub struct Identity {
    pub issuer: String,
    process: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Identity {
    /// Starts one, with a key for ES256.
    pub fn start() -> Self {
        let program = binaries::root().join("target/tools/identity/provider.mjs");
        assert!(
            program.exists(),
            "{} is missing: `cargo xtask test` installs it",
            program.display()
        );
        let mut process = Command::new("node")
            .arg(program)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("Node.js is installed: `cargo xtask test` says how");
        let input = process.stdin.take().expect("the input is piped");
        let output = process.stdout.take().expect("the output is piped");
        let mut identity = Self {
            issuer: String::new(),
            process,
            input,
            output: BufReader::new(output),
        };
        identity.issuer = identity.line();
        identity
    }

    /// An access token for a program: `writer`, `reader` or `other`, each with a scope of its own.
    pub async fn token(&self, program: &str, scope: &str) -> String {
        let form = [
            ("grant_type", "client_credentials"),
            ("resource", AUDIENCE),
            ("scope", scope),
        ];
        let form = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(form)
            .finish();
        let answer = reqwest::Client::new()
            .post(format!("{}/token", self.issuer))
            .basic_auth(program, Some("secret"))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(form)
            .send()
            .await
            .expect("an answer");
        let answer: Value = answer.json().await.expect("JSON");
        let token = answer["access_token"].as_str();
        token.unwrap_or_else(|| panic!("{answer}")).to_owned()
    }

    /// Takes other keys in place of its own; its tokens are signed by RS256 from now on.
    pub fn rotate(&mut self) {
        self.input.write_all(b"\n").expect("it listens");
        assert_eq!(self.line(), "rotated");
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.output.read_line(&mut line).expect("it prints text");
        line.trim().to_owned()
    }
}

impl Drop for Identity {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
