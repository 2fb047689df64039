//! Logs: to standard error, one span for each request. Never tokens, bodies or query strings.
//!
//! That is so at every level for what this program says. Libraries say at the levels of bugs and traces
//! whatever passes through them, people's data and tokens among it: of them nothing below `info` is logged,
//! whatever the filter lets through.

use std::io;
use std::panic::PanicHookInfo;

use anyhow::Context as _;
use tracing::field::Empty;
use tracing::{Level, Metadata, Span};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt as _;
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
    let own = filter_fn(is_own_or_important);
    match format {
        // Colours would be bytes that a client's text can imitate, and noise in a file.
        LogFormat::Text => Box::new(builder.with_ansi(false).finish().with(own)),
        LogFormat::Json => Box::new(
            builder
                .json()
                .flatten_event(true)
                .with_span_list(false)
                .finish()
                .with(own),
        ),
    }
}

/// Asked once for each place in the code that logs.
fn is_own_or_important(metadata: &Metadata<'_>) -> bool {
    metadata.target().starts_with("debitor") || *metadata.level() <= Level::INFO
}

/// The span of a request; the operation adds its route and operationId.
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

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    /// What was logged, as a writer that can be read.
    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn logged(format: LogFormat, work: impl FnOnce()) -> String {
        let lines = Lines::default();
        let writer = lines.clone();
        let subscriber = subscriber(EnvFilter::new("trace"), format, move || writer.clone());
        tracing::subscriber::with_default(subscriber, work);
        String::from_utf8(lines.0.lock().unwrap().clone()).unwrap()
    }

    #[test]
    fn a_line_of_json_has_the_requests_fields() {
        let text = logged(LogFormat::Json, || {
            let span = request_span(Uuid::nil(), "GET");
            span.record("operationId", "customer_get");
            span.in_scope(|| tracing::info!(status = 200, "answered"));
        });
        let line: serde_json::Value = serde_json::from_str(text.trim_end()).unwrap();
        assert_eq!(line["message"], "answered");
        assert_eq!(line["status"], 200);
        assert_eq!(line["span"]["operationId"], "customer_get");
        assert_eq!(line["span"]["requestId"], Uuid::nil().to_string());
    }

    #[test]
    fn libraries_tell_no_more_than_what_is_important() {
        let text = logged(LogFormat::Text, || {
            tracing::debug!(target: "h2::codec", "theirs: a header");
            tracing::info!(target: "h2::codec", "theirs: a warning");
            tracing::trace!("ours: a trace");
        });
        assert!(!text.contains("a header"), "{text}");
        assert!(
            text.contains("a warning") && text.contains("a trace"),
            "{text}"
        );
    }

    #[test]
    fn a_clients_text_makes_no_lines_of_its_own() {
        for format in [LogFormat::Text, LogFormat::Json] {
            let text = logged(format, || tracing::info!(name = "a\n\u{1b}[31mb", "said"));
            assert_eq!(text.lines().count(), 1, "{text}");
            assert!(!text.contains('\u{1b}'), "{text}");
        }
    }
}
