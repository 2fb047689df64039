//! Logs: to standard error, one span for each request. Never tokens, bodies or query strings.

use std::io;
use std::panic::PanicHookInfo;

use anyhow::Context as _;
use tracing::Span;
use tracing::field::Empty;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;
use uuid::Uuid;

use crate::config::{Log, LogFormat};

/// Starts logging for the whole process.
pub fn start(log: &Log) -> anyhow::Result<()> {
    let filter = EnvFilter::builder()
        .parse(&log.filter)
        .context("log.filter")?;
    tracing::subscriber::set_global_default(subscriber(filter, log.format, io::stderr))?;
    std::panic::set_hook(Box::new(log_panic));
    Ok(())
}

fn subscriber<W>(
    filter: EnvFilter,
    format: LogFormat,
    writer: W,
) -> Box<dyn tracing::Subscriber + Send + Sync>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(writer);
    match format {
        // Colours would be bytes that a client's text can imitate, and noise in a file.
        LogFormat::Text => Box::new(builder.with_ansi(false).finish()),
        LogFormat::Json => Box::new(builder.json().flatten_event(true).finish()),
    }
}

/// The span of a request; the router adds its route, the operation its operationId.
pub fn request_span(request_id: Uuid, method: &str) -> Span {
    tracing::info_span!(
        "request",
        requestId = %request_id,
        method,
        route = Empty,
        operationId = Empty,
    )
}

/// Where the program panicked, and its message if the program's text alone made it: what is
/// formatted into a message may be someone's data.
fn log_panic(panic: &PanicHookInfo<'_>) {
    let location = panic
        .location()
        .map(ToString::to_string)
        .unwrap_or_default();
    let message = panic
        .payload()
        .downcast_ref::<&'static str>()
        .copied()
        .unwrap_or("(withheld)");
    tracing::error!(
        panic.location = location,
        panic.message = message,
        "panicked"
    );
}
