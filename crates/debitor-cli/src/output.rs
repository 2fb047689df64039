//! Where answers go: the body to standard output, its version to standard error.

use std::io::{self, Write};

use clap::ValueEnum;
use debitor_client::{Error, Etag, ResponseValue};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use crate::generated::CliConfig;
use crate::table;

/// How a body is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum Format {
    /// JSON, indented.
    #[default]
    Json,
    /// Aligned columns of the plain values.
    Table,
}

/// Writes what the generated commands receive.
pub(crate) struct Printer {
    pub(crate) format: Format,
}

impl Printer {
    fn body<T: Serialize>(&self, body: &T) {
        match serde_json::to_value(body) {
            Ok(body) => print(&self.render(&body)),
            Err(error) => note(&format!("error: the answer cannot be written: {error}")),
        }
    }

    fn render(&self, body: &Value) -> String {
        match self.format {
            Format::Json => format!("{body:#}\n"),
            Format::Table => table::render(body),
        }
    }
}

/// Failures are not told here: each comes back from the command as well, and `failure` tells it.
impl CliConfig for Printer {
    fn success_item<T>(&self, value: &ResponseValue<T>)
    where
        T: JsonSchema + Serialize + std::fmt::Debug,
    {
        self.body(value.as_ref());
        version(value);
    }

    fn success_no_item(&self, value: &ResponseValue<()>) {
        version(value);
    }

    fn error<T>(&self, _: &Error<T>)
    where
        T: JsonSchema + Serialize + std::fmt::Debug,
    {
    }

    fn list_start<T>(&self)
    where
        T: JsonSchema + Serialize + std::fmt::Debug,
    {
    }

    fn list_item<T>(&self, value: &T)
    where
        T: JsonSchema + Serialize + std::fmt::Debug,
    {
        self.body(value);
    }

    fn list_end_success<T>(&self)
    where
        T: JsonSchema + Serialize + std::fmt::Debug,
    {
    }

    fn list_end_error<T>(&self, _: &Error<T>)
    where
        T: JsonSchema + Serialize + std::fmt::Debug,
    {
    }
}

fn version(answer: &impl Etag) {
    if let Some(etag) = answer.etag() {
        note(&format!("ETag: {etag}"));
    }
}

/// Writes to standard output. A reader that has seen enough (`| head`) is not an error.
fn print(text: &str) {
    let mut output = io::stdout().lock();
    let _ = output
        .write_all(text.as_bytes())
        .and_then(|()| output.flush());
}

/// Writes a line to standard error.
pub(crate) fn note(line: &str) {
    let _ = writeln!(io::stderr(), "{line}");
}
