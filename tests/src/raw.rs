//! Raw requests: what a client of another make, or a careless one, would send.

use bytes::Bytes;
use reqwest::header::HeaderMap;
use serde_json::Value;

/// A request to be sent.
#[derive(Debug, Clone)]
pub struct Request {
    method: String,
    address: String,
    headers: Vec<(String, String)>,
    body: Option<Bytes>,
}

/// What was answered.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Request {
    /// A request without headers or body.
    pub fn new(method: &str, address: &str) -> Self {
        let (method, address) = (method.to_owned(), address.to_owned());
        Self {
            method,
            address,
            headers: Vec::new(),
            body: None,
        }
    }

    /// Sets a header, in place of one of the same name.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers
            .retain(|(own, _)| !own.eq_ignore_ascii_case(name));
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Sets a JSON body.
    #[must_use]
    pub fn json(self, body: &Value) -> Self {
        self.bytes(body.to_string())
            .header("Content-Type", "application/json")
    }

    /// Sets a body as it is.
    #[must_use]
    pub fn bytes(mut self, body: impl Into<Bytes>) -> Self {
        self.body = Some(body.into());
        self
    }

    /// Sends the request; an answer that does not come is a panic.
    pub async fn send(self) -> Answer {
        self.try_send().await.expect("an answer")
    }

    /// Sends the request.
    pub async fn try_send(self) -> reqwest::Result<Answer> {
        self.try_send_by(&reqwest::Client::new()).await
    }

    /// Sends the request by a client that is kept, as makes sense for many.
    pub async fn try_send_by(self, client: &reqwest::Client) -> reqwest::Result<Answer> {
        let method = self.method.parse().expect("a method");
        let mut request = client.request(method, &self.address);
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        if let Some(body) = self.body {
            request = request.body(body);
        }
        let response = request.send().await?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Ok(Answer {
            status,
            headers,
            body: response.bytes().await?,
        })
    }
}

impl Answer {
    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&self.body)))
    }

    /// The value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The ETag.
    pub fn etag(&self) -> String {
        self.header("etag").expect("an ETag").to_owned()
    }

    /// The targets of the error's details, or the error's own.
    pub fn targets(&self) -> Vec<String> {
        let error = &self.json()["error"];
        let details = error["details"].as_array().cloned().unwrap_or_default();
        details
            .iter()
            .filter_map(|d| d["target"].as_str().map(str::to_owned))
            .collect()
    }

    /// The error's code.
    pub fn code(&self) -> String {
        self.json()["error"]["code"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    }

    /// Panics with the whole answer if the status is another.
    #[expect(
        clippy::return_self_not_must_use,
        reason = "an expectation can be the whole point"
    )]
    pub fn expect(self, status: u16) -> Self {
        let body = String::from_utf8_lossy(&self.body);
        assert_eq!(self.status, status, "{body}");
        self
    }
}
