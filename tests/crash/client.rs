//! A client: sends requests over connections that stay open, and writes each down twice.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde_json::Value;
use uuid::Uuid;

use crate::journal::{Action, Answer, Event, Invoke, Journal};
use crate::server::Access;

/// An answer that takes longer is taken for lost.
const PATIENCE: Duration = Duration::from_secs(20);
/// A request whose outcome is not known by then will have none.
const SETTLE: Duration = Duration::from_mins(1);
/// Before it is sent again.
const PAUSE: Duration = Duration::from_millis(50);
/// What the server says of a request that it does not know the outcome of.
pub(crate) const OUTCOME_UNKNOWN: &str = "outcomeUnknown";
/// What it says to a repetition while the first is under way.
pub(crate) const IN_PROGRESS: &str = "requestInProgress";

#[derive(Clone)]
pub(crate) struct Client {
    http: reqwest::Client,
    access: Access,
    journal: Arc<Journal>,
    brief: bool,
}

impl Client {
    pub(crate) fn new(access: &Access, journal: &Arc<Journal>) -> Result<Self> {
        Self::build(access, journal, reqwest::Client::builder())
    }

    /// A client whose every request goes over a connection of its own.
    pub(crate) fn one_request_a_connection(
        access: &Access,
        journal: &Arc<Journal>,
    ) -> Result<Self> {
        let connections = reqwest::Client::builder().pool_max_idle_per_host(0);
        Self::build(access, journal, connections)
    }

    fn build(
        access: &Access,
        journal: &Arc<Journal>,
        connections: reqwest::ClientBuilder,
    ) -> Result<Self> {
        Ok(Self {
            http: connections.no_proxy().timeout(PATIENCE).build()?,
            access: access.clone(),
            journal: Arc::clone(journal),
            brief: false,
        })
    }

    /// The same client, that keeps only the id and the name of what it is shown: for long histories.
    pub(crate) fn brief(mut self) -> Self {
        self.brief = true;
        self
    }

    /// The number of a request that is going to be sent.
    pub(crate) fn number(&self) -> u64 {
        self.journal.number()
    }

    /// Sends a request and writes down what became of it.
    pub(crate) async fn perform(&self, op: u64, invoke: Invoke) -> Result<Event> {
        let request = self.request(&invoke);
        self.journal.write(op, Event::Invoke(invoke))?;
        let event = send(request).await;
        let event = if self.brief { brief(event) } else { event };
        self.journal.write(op, event.clone())?;
        Ok(event)
    }

    /// Sends a request that has a key until it is known what became of it, which is written down;
    /// `told` hears of every answer that leaves it open.
    pub(crate) async fn settle(
        &self,
        op: u64,
        invoke: Invoke,
        told: impl Fn(&Event),
    ) -> Result<Event> {
        self.journal.write(op, Event::Invoke(invoke.clone()))?;
        let (begun, mut open) = (Instant::now(), false);
        loop {
            let event = send(self.request(&invoke)).await;
            match &event {
                Event::Unknown { .. } => open = true,
                // Of a repetition only: the first is still under way, or cannot be looked for now.
                Event::Fail { status, code } if open && is_for_now(*status, code) => {}
                _ => {
                    self.journal.write(op, event.clone())?;
                    return Ok(event);
                }
            }
            told(&event);
            ensure!(
                begun.elapsed() < SETTLE,
                "request {op} stays open: {event:?}"
            );
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Writes down what became of a request that was not sent by [`Client::perform`].
    pub(crate) fn note(&self, op: u64, event: Event) -> Result<()> {
        self.journal.write(op, event)
    }

    /// The request of an action.
    pub(crate) fn request(&self, invoke: &Invoke) -> RequestBuilder {
        let request = match &invoke.action {
            Action::Draft { id } => {
                let body = serde_json::json!({"id": id, "currencyCode": "EUR"});
                json(self.begin(Method::POST, "salesInvoices"), &body)
            }
            Action::Create { invoice, body } => {
                let path = invoice.map_or("customers".to_owned(), of_invoice);
                json(self.begin(Method::POST, &path), body)
            }
            Action::Update { id, etag, body } => {
                let request = self.begin(Method::PATCH, &format!("customers/{id}"));
                json(request.header("If-Match", etag), body)
            }
            Action::Delete { invoice, id, etag } => {
                let path = invoice.map_or(format!("customers/{id}"), of_invoice);
                self.begin(Method::DELETE, &path).header("If-Match", etag)
            }
            Action::Read { id } => self.begin(Method::GET, &format!("customers/{id}")),
        };
        match &invoke.key {
            Some(key) => request.header("Idempotency-Key", key),
            None => request,
        }
    }

    fn begin(&self, method: Method, path: &str) -> RequestBuilder {
        let Access {
            base_url,
            company_id,
            token,
        } = &self.access;
        let address = format!("{base_url}/financials/companies/{company_id}/{path}");
        self.http.request(method, address).bearer_auth(token)
    }

    /// All entities of a collection, as the pages of the list show them.
    pub(crate) async fn list(&self, collection: &str) -> Result<Vec<Value>> {
        let mut entities = Vec::new();
        let mut request = self.begin(Method::GET, &format!("{collection}?$top=1000"));
        loop {
            let response = request.send().await?.error_for_status()?;
            let mut page: Value = serde_json::from_slice(&response.bytes().await?)?;
            let Value::Array(value) = page["value"].take() else {
                anyhow::bail!("a page of {collection} has no `value`");
            };
            entities.extend(value);
            let Some(next) = page["@odata.nextLink"].as_str() else {
                return Ok(entities);
            };
            request = self.http.get(next).bearer_auth(&self.access.token);
        }
    }

    /// Fails unless the server says that it is ready.
    pub(crate) async fn ready(&self) -> Result<()> {
        let origin = self.access.base_url.trim_end_matches("/v1.0");
        let answer = self.http.get(format!("{origin}/readyz")).send().await;
        let status = answer.context("`/readyz` is not answered")?.status();
        ensure!(status.is_success(), "`/readyz` answers {status}");
        Ok(())
    }
}

fn of_invoice(id: Uuid) -> String {
    format!("salesInvoices/{id}/customer")
}

fn json(request: RequestBuilder, body: &Value) -> RequestBuilder {
    request.json(body)
}

async fn send(request: RequestBuilder) -> Event {
    match request.send().await {
        Ok(response) => outcome(response).await,
        Err(error) => unknown(&error),
    }
}

/// Whether a repetition says nothing of the first request.
fn is_for_now(status: u16, code: &str) -> bool {
    status == 503 || code == IN_PROGRESS
}

/// What an answer says became of the request.
async fn outcome(response: Response) -> Event {
    let status = response.status();
    let etag = response.headers().get("etag");
    let etag = etag
        .and_then(|value| value.to_str().ok())
        .map(str::to_owned);
    let bytes = match response.bytes().await {
        Ok(bytes) => bytes,
        // The status is an answer already, but without the body nobody can use it.
        Err(error) => return unknown(&error),
    };
    let mut body: Value = serde_json::from_slice(&bytes).unwrap_or_default();
    if status.is_success() {
        if let Some(body) = body.as_object_mut() {
            body.shift_remove("@odata.context");
        }
        return Event::Ok(Answer { etag, body });
    }
    refusal(status, &body)
}

/// Every refusal promises that nothing was changed, but for the one that says it does not know.
fn refusal(status: StatusCode, body: &Value) -> Event {
    let error = &body["error"];
    let inner = ["innerError", "innererror"].map(|key| error[key]["code"].as_str());
    if inner.contains(&Some(OUTCOME_UNKNOWN)) {
        return Event::Unknown {
            why: OUTCOME_UNKNOWN.to_owned(),
        };
    }
    Event::Fail {
        status: status.as_u16(),
        code: error["code"].as_str().unwrap_or_default().to_owned(),
    }
}

fn brief(event: Event) -> Event {
    let Event::Ok(Answer { etag, body }) = event else {
        return event;
    };
    let body = serde_json::json!({"id": body["id"], "displayName": body["displayName"]});
    Event::Ok(Answer { etag, body })
}

fn unknown(error: &reqwest::Error) -> Event {
    Event::Unknown {
        why: error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_unknown_outcome_is_unknown() {
        let body = serde_json::json!({"error": {"code": "serviceNotAvailable",
            "innerError": {"code": "outcomeUnknown"}}});
        let event = refusal(StatusCode::SERVICE_UNAVAILABLE, &body);
        assert_eq!(
            event,
            Event::Unknown {
                why: "outcomeUnknown".into()
            }
        );
        let body = serde_json::json!({"error": {"code": "serviceNotAvailable"}});
        let event = refusal(StatusCode::SERVICE_UNAVAILABLE, &body);
        assert_eq!(
            event,
            Event::Fail {
                status: 503,
                code: "serviceNotAvailable".into()
            }
        );
    }
}
