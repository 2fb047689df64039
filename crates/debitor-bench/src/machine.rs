//! The machine and the time of a run.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Machine {
    pub(crate) date: String,
    pub(crate) cpu: String,
    pub(crate) cores: usize,
    pub(crate) memory_gib: f64,
    pub(crate) kernel: String,
    /// Of the folder with the data.
    pub(crate) filesystem: String,
}

impl Machine {
    /// This machine, now, with the data in `folder`.
    pub(crate) fn describe(folder: &Path) -> Self {
        let memory = field("/proc/meminfo", "MemTotal");
        let kib = memory
            .split_whitespace()
            .next()
            .and_then(|text| text.parse::<f64>().ok());
        Self {
            date: today(),
            cpu: field("/proc/cpuinfo", "model name"),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            memory_gib: (kib.unwrap_or_default() / 1_048_576.0).round(),
            kernel: read("/proc/sys/kernel/osrelease"),
            filesystem: filesystem(folder),
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the date of a report, which no test looks at"
)]
fn today() -> String {
    chrono::Utc::now().format("%Y-%m-%d").to_string()
}

fn read(path: &str) -> String {
    fs::read_to_string(path)
        .unwrap_or_default()
        .trim()
        .to_owned()
}

/// The value of the first line `name : value`.
fn field(path: &str, name: &str) -> String {
    let text = read(path);
    let line = text.lines().find(|line| line.starts_with(name));
    let value = line.and_then(|line| line.split_once(':'));
    value
        .map(|(_, value)| value.trim().to_owned())
        .unwrap_or_default()
}

fn filesystem(folder: &Path) -> String {
    let output = Command::new("df")
        .arg("--output=fstype")
        .arg(folder)
        .output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
    let text = text.unwrap_or_default();
    text.lines().nth(1).unwrap_or_default().trim().to_owned()
}
