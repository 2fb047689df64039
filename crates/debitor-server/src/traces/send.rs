//! Sending spans by OTLP over HTTP: a collector that is slow, away or refuses costs its spans and no more.
//!
//! Batches come from a thread of their own, one after the other, while what is behind them waits in a queue
//! that has an end.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::transform::common::tonic::ResourceAttributesWithSchema;
use opentelemetry_proto::transform::trace::tonic::group_spans_by_resource_and_scope;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{SpanData, SpanExporter};
use prost::Message as _;
use reqwest::Client;
use reqwest::header::CONTENT_TYPE;
use reqwest::redirect::Policy;
use tokio::runtime::Handle;
use url::Url;

use crate::auth::source::chain;

/// How long a batch may take to be sent and answered.
const PATIENCE: Duration = Duration::from_secs(5);
/// How often it is told that spans are lost.
const SILENCE: Duration = Duration::from_mins(1);

#[derive(Debug)]
pub(super) struct Exporter {
    client: Client,
    endpoint: Url,
    /// Where the client works: the thread of the batches has no runtime.
    runtime: Handle,
    resource: ResourceAttributesWithSchema,
    lost: Mutex<Lost>,
}

/// The spans that were lost since that was told.
#[derive(Debug, Default)]
struct Lost {
    spans: usize,
    told: Option<Instant>,
}

impl Exporter {
    pub(super) fn new(endpoint: Url) -> anyhow::Result<Self> {
        let client = Client::builder()
            .redirect(Policy::none())
            .no_proxy()
            .timeout(PATIENCE)
            .build()?;
        Ok(Self {
            client,
            endpoint,
            runtime: Handle::current(),
            resource: ResourceAttributesWithSchema::default(),
            lost: Mutex::default(),
        })
    }

    async fn send(&self, message: Vec<u8>) -> Result<(), String> {
        let request = self
            .client
            .post(self.endpoint.clone())
            .header(CONTENT_TYPE, "application/x-protobuf")
            .body(message);
        // Also the call: its timer is of the runtime.
        let sent = self.runtime.spawn(async { request.send().await }).await;
        let answer = sent.map_err(|_| "the server has stopped".to_owned())?;
        let answer = answer.map_err(|error| chain(&error.without_url()))?;
        if answer.status().is_success() {
            Ok(())
        } else {
            Err(format!("the collector answers {}", answer.status()))
        }
    }

    /// Tells that spans are lost, unless it has done so just now.
    fn lose(&self, spans: usize, reason: &str) {
        let Ok(mut lost) = self.lost.lock() else {
            return;
        };
        lost.spans += spans;
        if lost.told.is_none_or(|told| told.elapsed() >= SILENCE) {
            tracing::warn!(spans = lost.spans, reason, "traces could not be sent");
            *lost = Lost {
                spans: 0,
                told: Some(Instant::now()),
            };
        }
    }
}

impl SpanExporter for Exporter {
    /// Always well: of each error the caller would log a line.
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let spans = batch.len();
        let resource_spans = group_spans_by_resource_and_scope(batch, &self.resource);
        let request = ExportTraceServiceRequest { resource_spans };
        if let Err(reason) = self.send(request.encode_to_vec()).await {
            self.lose(spans, &reason);
        }
        Ok(())
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.resource = resource.into();
    }
}
