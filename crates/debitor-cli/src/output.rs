//! Where answers go: the body to standard output, its version to standard error.

use std::cell::Cell;
use std::fmt;
use std::io::{self, Write};

use clap::{ArgMatches, ValueEnum};
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

impl Format {
    /// The format that the command line asks for.
    pub(crate) fn of(matches: &ArgMatches) -> Self {
        matches.get_one("output").copied().unwrap_or_default()
    }
}

/// What is added to an error of writing to standard output.
#[derive(Debug)]
pub(crate) struct Unwritten;

impl fmt::Display for Unwritten {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the answer cannot be written")
    }
}

/// Writes what the generated commands receive.
pub(crate) struct Printer<'a> {
    pub(crate) format: Format,
    /// Why an answer was not written: the generated commands take no errors from here.
    pub(crate) failure: &'a Cell<Option<anyhow::Error>>,
}

impl Printer<'_> {
    fn body<T: Serialize>(&self, body: &T) {
        let body = serde_json::to_value(body).map_err(anyhow::Error::new);
        let printed = body.and_then(|body| print(&self.render(&body)));
        self.failure.set(printed.err());
    }

    fn render(&self, body: &Value) -> String {
        match self.format {
            Format::Json => format!("{body:#}\n"),
            Format::Table => table::render(body),
        }
    }
}

/// Failures are not told here: each comes back from the command as well, and `failure` tells it.
impl CliConfig for Printer<'_> {
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

/// Writes to standard output and tells whether more is wanted: a reader that has seen enough
/// (`| head`) is not an error.
pub(crate) fn print(text: &str) -> anyhow::Result<bool> {
    let mut output = io::stdout().lock();
    let written = output.write_all(text.as_bytes());
    match written.and_then(|()| output.flush()) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(anyhow::Error::new(error).context(Unwritten)),
    }
}

/// Writes a line to standard error.
pub(crate) fn note(line: &str) {
    let _ = writeln!(io::stderr(), "{line}");
}
