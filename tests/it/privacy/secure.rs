//! Requests over HTTP/2 and TLS, and bodies that stop on their way.

use std::net::SocketAddr;

use axum::http;
use bytes::Bytes;
use debitor_tests::certificate::Certificate;
use h2::SendStream;
use h2::client::{ResponseFuture, SendRequest};
use tokio::net::TcpStream;

/// A connection.
pub(super) struct Secure {
    requests: SendRequest<Bytes>,
}

/// A request of whose body not all has been sent.
pub(super) struct Stalled {
    answer: ResponseFuture,
    /// The stream is reset when this goes.
    _body: SendStream<Bytes>,
}

impl Secure {
    pub(super) async fn connect(certificate: &Certificate, address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        let connector = certificate.connector(&["h2"]);
        let stream = connector.connect(address.ip().into(), stream).await;
        let stream = stream.unwrap();
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
        let (requests, connection) = h2::client::handshake(stream).await.unwrap();
        tokio::spawn(connection);
        Self { requests }
    }

    /// The status; none for a request that has no answer, as its headers are too large.
    pub(super) async fn send(
        &self,
        request: http::Request<()>,
        body: Option<Vec<u8>>,
    ) -> Option<u16> {
        let mut requests = self.requests.clone().ready().await.ok()?;
        let (answer, mut stream) = requests.send_request(request, body.is_none()).ok()?;
        if let Some(body) = body {
            // One that is refused is not read to its end.
            let _ = stream.send_data(body.into(), true);
        }
        Some(answer.await.ok()?.status().as_u16())
    }

    /// Sends a request with the beginning of its body.
    pub(super) async fn stall(&self, request: http::Request<()>, beginning: Vec<u8>) -> Stalled {
        let mut requests = self.requests.clone().ready().await.unwrap();
        let (answer, mut body) = requests.send_request(request, false).unwrap();
        body.send_data(beginning.into(), false).unwrap();
        Stalled {
            answer,
            _body: body,
        }
    }
}

impl Stalled {
    pub(super) async fn status(self) -> u16 {
        self.answer.await.unwrap().status().as_u16()
    }
}
