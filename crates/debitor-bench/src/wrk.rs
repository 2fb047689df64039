//! The closed loop: wrk with a script of ours, on one thread.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;

use crate::customer::WORD;
use crate::process;

const SCRIPT: &str = include_str!("wrk.lua");

/// What wrk is to do.
pub(crate) struct Load<'a> {
    /// The server's `host:port`.
    pub(crate) host: &'a str,
    /// The function `request` in Lua.
    pub(crate) request: String,
    /// The customers that exist, if the requests need any.
    pub(crate) customers: Option<&'a Path>,
    pub(crate) clients: usize,
    pub(crate) seconds: u64,
    pub(crate) seed: u64,
    /// Where the script is put.
    pub(crate) folder: &'a Path,
}

/// What wrk found; times in microseconds.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Outcome {
    pub(crate) requests: u64,
    pub(crate) seconds: f64,
    errors: u64,
    pub(crate) p50: f64,
    pub(crate) p90: f64,
    pub(crate) p99: f64,
    pub(crate) p999: f64,
    pub(crate) max: f64,
}

impl Load<'_> {
    /// Runs wrk; an answer that is no success, or none, fails the run.
    pub(crate) fn run(&self) -> Result<Outcome> {
        let script = self.folder.join("request.lua");
        std::fs::File::create(&script)?.write_all(self.script().as_bytes())?;
        let output = process::command("wrk")
            .args(["--threads", "1", "--timeout", "30s", "--connections"])
            .arg(self.clients.to_string())
            .args(["--duration", &format!("{}s", self.seconds), "--script"])
            .arg(&script)
            .arg(format!("http://{}", self.host))
            .output()
            .context("wrk cannot be started")?;
        let text = String::from_utf8_lossy(&output.stdout);
        let found = text.lines().find_map(|line| line.strip_prefix("BENCH "));
        let said = || format!("wrk: {text}{}", String::from_utf8_lossy(&output.stderr));
        let outcome: Outcome = serde_json::from_str(found.with_context(said)?)?;
        ensure!(outcome.errors == 0, "{} errors: {text}", outcome.errors);
        ensure!(outcome.requests > 0, "not one answer: {text}");
        Ok(outcome)
    }

    fn script(&self) -> String {
        let customers = self
            .customers
            .map(Path::to_string_lossy)
            .unwrap_or_default();
        let mut script = format!(
            "WORD, CLIENTS, SEED = {WORD}, {}, {}\n",
            self.clients, self.seed
        );
        // Writing to a string cannot fail.
        let _ = writeln!(script, "IDS = {customers:?}\n{SCRIPT}\n{}", self.request);
        script
    }
}
