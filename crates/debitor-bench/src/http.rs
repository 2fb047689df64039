//! A small client for what surrounds a measurement: filling, listing, counting.

use anyhow::{Context as _, Result, bail};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1::{self, SendRequest};
use hyper::{Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use crate::request::Request;

/// One connection.
pub(crate) struct Connection {
    host: String,
    sender: SendRequest<Full<Bytes>>,
}

impl Connection {
    pub(crate) async fn open(host: &str) -> Result<Self> {
        let stream = TcpStream::connect(host).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        // Its errors are those of the requests too.
        tokio::spawn(connection);
        let host = host.to_owned();
        Ok(Self { host, sender })
    }

    /// The body of the answer, which must be a success.
    pub(crate) async fn send(&mut self, request: &Request, body: String) -> Result<Bytes> {
        let (status, body) = self.try_send(request, body).await?;
        if status.is_success() {
            return Ok(body);
        }
        let text = String::from_utf8_lossy(&body);
        bail!("{} {}: {status} {text}", request.method, request.path)
    }

    async fn try_send(&mut self, request: &Request, body: String) -> Result<(StatusCode, Bytes)> {
        let mut builder = hyper::Request::builder()
            .method(request.method)
            .uri(&request.path)
            .header("Host", &self.host);
        for (name, value) in &request.headers {
            builder = builder.header(*name, value);
        }
        let request = builder.body(Full::from(body))?;
        self.sender.ready().await?;
        let answer: Response<_> = self.sender.send_request(request).await?;
        let status = answer.status();
        let body = answer
            .into_body()
            .collect()
            .await
            .context("an answer's body")?;
        Ok((status, body.to_bytes()))
    }
}
