//! Spans, begun where a request comes in and ended with its answer.

use std::time::Duration;

use axum::extract::Request;
use axum::http::{HeaderMap, StatusCode, Version};
use axum::response::Response;
use debitor_api::Operation;
use opentelemetry::propagation::{Extractor, TextMapPropagator};
use opentelemetry::trace::{FutureExt, SpanKind, Status, TraceContextExt, Tracer, TracerProvider};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{
    BatchConfigBuilder, BatchSpanProcessor, Sampler, SdkTracer, SdkTracerProvider, SpanLimits,
};

use super::{Asked, send::Exporter};
use crate::config;
use crate::layers::BASES;

/// The spans that wait to be sent at most; above that they are dropped.
const QUEUE: usize = 2048;
/// Those that are sent together at most.
const BATCH: usize = 512;
/// How long a span waits for others to be sent with.
const DELAY: Duration = Duration::from_secs(1);
/// How long a server that stops waits for the last ones to be sent.
const LAST: Duration = Duration::from_secs(2);
const PARENT: &str = "traceparent";

/// Where traces are sent, if anywhere; clones share it.
#[derive(Clone, Default)]
pub struct Traces(Option<Running>);

#[derive(Clone)]
struct Running {
    provider: SdkTracerProvider,
    tracer: SdkTracer,
}

/// What is told of a request, if it is to be told.
pub(crate) struct Trace(Option<Context>);

/// The method of the request, beside its span.
struct Method(&'static str);

impl Traces {
    /// Traces that are sent where the configuration says, if it does. Called within the runtime that sends.
    ///
    /// # Errors
    ///
    /// The client cannot be made, as without the system's certificates.
    pub fn start(config: &config::Traces) -> anyhow::Result<Self> {
        let Some(endpoint) = &config.endpoint else {
            return Ok(Self::default());
        };
        let exporter = Exporter::new(endpoint.clone())?;
        let batches = BatchConfigBuilder::default()
            .with_max_queue_size(QUEUE)
            .with_max_export_batch_size(BATCH)
            .with_scheduled_delay(DELAY)
            .build();
        let processor = BatchSpanProcessor::new(exporter, batches);
        #[expect(clippy::cast_precision_loss, reason = "at most a thousand")]
        let ratio = config.sampled_per_mille as f64 / 1000.0;
        // Each setting is given, as what is not would be read from the environment.
        let provider = SdkTracerProvider::builder()
            .with_resource(resource())
            .with_span_limits(SpanLimits::default())
            .with_sampler(Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(
                ratio,
            ))))
            .with_span_processor(processor)
            .build();
        let tracer = provider.tracer(env!("CARGO_PKG_NAME"));
        Ok(Self(Some(Running { provider, tracer })))
    }

    /// Begins the span of a request that is to have one, in its caller's trace if it names one.
    pub(crate) fn begin(&self, request: &Request, asked: impl FnOnce() -> Option<Asked>) -> Trace {
        let begun = self.0.as_ref().and_then(|running| {
            let asked = asked()?;
            let parent = parent(request.headers());
            let method = Method(asked.method);
            let span = running
                .tracer
                .span_builder(method.name())
                .with_kind(SpanKind::Server)
                .with_attributes(attributes(&asked, request.version()))
                .start_with_context(&running.tracer, &parent);
            Some(parent.with_span(span).with_value(method))
        });
        Trace(begun)
    }

    /// Sends what is left, if that is done in time.
    pub async fn end(&self) {
        let Some(Running { provider, .. }) = self.0.clone() else {
            return;
        };
        // It waits in its thread. What becomes of the last spans was told by who sends them.
        let ended = tokio::task::spawn_blocking(move || provider.shutdown_with_timeout(LAST));
        if !matches!(ended.await, Ok(Ok(()))) {
            tracing::warn!("the last traces were not sent in time");
        }
    }
}

impl Trace {
    /// The answer, of which the span tells; one that nobody waits for any more ends it without.
    pub(crate) async fn around(self, answering: impl Future<Output = Response>) -> Response {
        let Some(context) = self.0 else {
            return answering.await;
        };
        let response = answering.with_context(context.clone()).await;
        answered(&context, response.status());
        response
    }
}

/// Tells of what operation the request is.
pub(crate) fn entered(operation: &'static Operation) {
    let context = Context::current();
    let span = context.span();
    let Some(Method(method)) = context.get().filter(|_| span.is_recording()) else {
        return;
    };
    let route = [BASES[0], operation.path].concat();
    span.update_name(format!("{method} {route}"));
    span.set_attribute(KeyValue::new("http.route", route));
    span.set_attribute(KeyValue::new("debitor.operation_id", operation.id));
}

fn answered(context: &Context, status: StatusCode) {
    let span = context.span();
    let code = status.as_u16();
    span.set_attribute(KeyValue::new("http.response.status_code", i64::from(code)));
    if status.is_server_error() {
        span.set_attribute(KeyValue::new("error.type", code.to_string()));
        span.set_status(Status::error(""));
    }
    span.end();
}

impl Method {
    /// As a span's name has it that has nothing else.
    fn name(&self) -> &'static str {
        match self.0 {
            "other" => "HTTP",
            known => known,
        }
    }
}

/// As the semantic conventions for HTTP name them.
fn attributes(asked: &Asked, version: Version) -> [KeyValue; 4] {
    let method = match asked.method {
        "other" => "_OTHER",
        known => known,
    };
    let version = match version {
        Version::HTTP_2 => "2",
        Version::HTTP_10 => "1.0",
        _ => "1.1",
    };
    [
        KeyValue::new("http.request.method", method),
        KeyValue::new("url.scheme", asked.scheme),
        KeyValue::new("network.protocol.version", version),
        KeyValue::new("debitor.request_id", asked.id.to_string()),
    ]
}

/// What the server is, and nothing of the machine.
fn resource() -> Resource {
    Resource::builder_empty()
        .with_attributes([
            KeyValue::new("service.name", env!("CARGO_PKG_NAME")),
            KeyValue::new("service.version", env!("CARGO_PKG_VERSION")),
        ])
        .build()
}

/// The span that the caller says it is in; what is not well-formed is not there.
fn parent(headers: &HeaderMap) -> Context {
    let none = Context::new();
    if has_parent(headers) {
        TraceContextPropagator::new().extract_with_context(&none, &Headers(headers))
    } else {
        none
    }
}

/// Whether there is one parent, of the form that W3C's Trace Context has in section 3.2.2: what reads it
/// would take more.
fn has_parent(headers: &HeaderMap) -> bool {
    let mut named = headers.get_all(PARENT).iter();
    let (Some(parent), None) = (named.next(), named.next()) else {
        return false;
    };
    let parts: Vec<_> = parent.as_bytes().split(|byte| *byte == b'-').collect();
    let is_hex = |part: &[u8]| {
        let mut bytes = part.iter();
        bytes.all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    };
    let lengths: Vec<_> = parts.iter().take(4).map(|part| part.len()).collect();
    lengths == [2, 32, 16, 2] && parts[..4].iter().all(|part| is_hex(part))
}

/// Of the headers, the parent's alone: `tracestate` is the caller's own text, of which nothing may be told.
struct Headers<'a>(&'a HeaderMap);

impl Extractor for Headers<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        let header = self.0.get(key).filter(|_| key == PARENT);
        header?.to_str().ok()
    }

    fn keys(&self) -> Vec<&str> {
        Vec::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_continued(parents: &[&str]) -> bool {
        let mut headers = HeaderMap::new();
        for parent in parents {
            headers.append(PARENT, parent.parse().unwrap());
        }
        parent(&headers).span().span_context().is_valid()
    }

    const GOOD: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    #[test]
    fn a_caller_is_believed_if_it_names_one_parent_in_the_form_of_one() {
        assert!(is_continued(&[GOOD]));
        assert!(is_continued(&[&GOOD.replace("-01", "-00")]));
        let later = GOOD.replace("00-0af", "01-0af") + "-more";
        assert!(is_continued(&[&later]));
        assert!(!is_continued(&[]));
        assert!(!is_continued(&[GOOD, GOOD]));
        for bad in [
            "",
            "-",
            "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            "00-af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-+1",
        ] {
            assert!(!is_continued(&[bad]), "{bad}");
        }
    }
}
