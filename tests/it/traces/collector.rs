//! A collector of traces, which keeps what it gets, or behaves badly.

use std::collections::BTreeMap;
use std::future::pending;
use std::net::TcpListener;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use bytes::Bytes;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{KeyValue, any_value::Value};
use opentelemetry_proto::tonic::trace::v1::{self, span::SpanKind, status::StatusCode as Code};
use prost::Message;

/// What it does with what it is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Conduct {
    Take,
    Refuse,
    BeSilent,
    BeAway,
}

type Messages = Arc<Mutex<Vec<Bytes>>>;

pub(crate) struct Collector {
    endpoint: String,
    taken: Messages,
}

/// A span, as far as tests look at it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) name: String,
    pub(crate) trace: String,
    pub(crate) parent: String,
    pub(crate) state: String,
    pub(crate) is_server: bool,
    pub(crate) is_error: bool,
    pub(crate) attributes: BTreeMap<String, String>,
    pub(crate) resource: BTreeMap<String, String>,
}

impl Span {
    /// An attribute, or nothing.
    pub(crate) fn text(&self, name: &str) -> &str {
        self.attributes.get(name).map_or("", String::as_str)
    }
}

impl Collector {
    pub(crate) fn start(conduct: Conduct) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let taken = Messages::default();
        let kept = Arc::clone(&taken);
        let take = async move |headers: HeaderMap, body: Bytes| {
            assert_eq!(headers["content-type"], "application/x-protobuf");
            match conduct {
                Conduct::Take => kept.lock().unwrap().push(body),
                Conduct::Refuse => return StatusCode::INTERNAL_SERVER_ERROR,
                Conduct::BeSilent | Conduct::BeAway => pending().await,
            }
            StatusCode::OK
        };
        let router = Router::new().route("/v1/traces", post(take));
        if conduct != Conduct::BeAway {
            std::thread::spawn(|| serve(listener, router));
        }
        Self {
            endpoint: format!("http://{address}/v1/traces"),
            taken,
        }
    }

    pub(crate) fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Whatever came, as it came.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.taken.lock().unwrap().concat()
    }

    /// What came so far, in the order of its beginnings.
    pub(crate) fn spans(&self) -> Vec<Span> {
        let mut spans = Vec::new();
        for message in self.taken.lock().unwrap().iter() {
            let message = ExportTraceServiceRequest::decode(message.clone()).unwrap();
            for group in message.resource_spans {
                let resource = texts(&group.resource.unwrap().attributes);
                let of_scopes = group.scope_spans.into_iter().flat_map(|scope| scope.spans);
                let read =
                    of_scopes.map(|span| (span.start_time_unix_nano, read(&span, &resource)));
                spans.extend(read);
            }
        }
        spans.sort_by_key(|(start, _)| *start);
        spans.into_iter().map(|(_, span)| span).collect()
    }
}

/// In a thread of its own: a test's waits while it waits for a process to end.
fn serve(listener: TcpListener, router: Router) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    listener.set_nonblocking(true).unwrap();
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::from_std(listener).unwrap();
        axum::serve(listener, router).await.unwrap();
    });
}

fn read(span: &v1::Span, resource: &BTreeMap<String, String>) -> Span {
    assert!(span.events.is_empty() && span.links.is_empty(), "{span:?}");
    Span {
        name: span.name.clone(),
        trace: hex(&span.trace_id),
        parent: hex(&span.parent_span_id),
        state: span.trace_state.clone(),
        is_server: span.kind() == SpanKind::Server,
        is_error: span
            .status
            .as_ref()
            .is_some_and(|status| status.code() == Code::Error),
        attributes: texts(&span.attributes),
        resource: resource.clone(),
    }
}

fn texts(attributes: &[KeyValue]) -> BTreeMap<String, String> {
    let text = |attribute: &KeyValue| match attribute.value.as_ref()?.value.as_ref()? {
        Value::StringValue(text) => Some(text.clone()),
        Value::IntValue(number) => Some(number.to_string()),
        _ => None,
    };
    let named = |attribute: &KeyValue| Some((attribute.key.clone(), text(attribute)?));
    attributes.iter().filter_map(named).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect::<Vec<_>>()
        .concat()
}
