//! One connection: what it speaks, and with whom.

use std::convert::Infallible;
use std::io;

use axum::http::Request;
use axum::response::Response;
use socket2::SockRef;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tower::Service;

use super::arriving::Arriving;
use super::socket::Socket;
use super::{Limits, http1, http2, tls};
use crate::network::Peer;

/// What hyper takes of a request's line and headers, in bytes: a little more than the layers, whose
/// refusals say what is wrong.
pub(super) const MAX_HEADER_BYTES: u32 = 40 * 1024;

/// What the system takes of an answer that it cannot send yet.
const MAX_UNSENT_BYTES: u32 = 128 * 1024;

/// What answers requests.
pub trait Answers: Clone + Send + Sync + 'static {
    type Answer: Future<Output = Result<Response, Infallible>> + Send;

    fn answer(&self, request: Request<Arriving>) -> Self::Answer;
}

impl<S> Answers for S
where
    S: Service<Request<Arriving>, Response = Response, Error = Infallible>,
    S: Clone + Send + Sync + 'static,
    S::Future: Send,
{
    type Answer = S::Future;

    /// Services that are always ready, as routers are.
    fn answer(&self, request: Request<Arriving>) -> S::Future {
        self.clone().call(request)
    }
}

/// What answers the requests of one connection: it says where they come from.
#[derive(Clone)]
pub(super) struct OfPeer<S> {
    service: S,
    peer: Peer,
}

impl<S> OfPeer<S> {
    pub(super) fn new(service: S, peer: Peer) -> Self {
        Self { service, peer }
    }
}

impl<S: Answers> Answers for OfPeer<S> {
    type Answer = S::Answer;

    fn answer(&self, mut request: Request<Arriving>) -> S::Answer {
        request.extensions_mut().insert(self.peer);
        self.service.answer(request)
    }
}

/// How a connection hears that it must end.
#[derive(Clone)]
pub(super) struct Told(watch::Receiver<bool>);

impl Told {
    pub(super) fn new(told: watch::Receiver<bool>) -> Self {
        Self(told)
    }

    /// Done once it must.
    pub(super) async fn told(&mut self) {
        // It must as well if nobody is left to tell it.
        drop(self.0.wait_for(|told| *told).await);
    }
}

/// Answers the requests of a connection until it ends.
pub(super) async fn serve<S: Answers>(
    stream: TcpStream,
    tls: Option<TlsAcceptor>,
    service: S,
    limits: Limits,
    told: Told,
) {
    if let Err(error) = prepare(&stream) {
        tracing::debug!(%error, "the connection is gone already");
    }
    let socket = Socket::new(stream, limits.write);
    match tls {
        None => http1::serve(socket, service, limits, told).await,
        // In a box: connections without TLS should not take up the room of those with it.
        Some(tls) => Box::pin(secure(socket, tls, service, limits, told)).await,
    }
}

/// The system sends at once, and takes no more than it can send soon: for a client that does not read
/// it would take megabytes.
fn prepare(stream: &TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    SockRef::from(stream).set_tcp_notsent_lowat(MAX_UNSENT_BYTES)
}

async fn secure<S: Answers>(
    socket: Socket,
    tls: TlsAcceptor,
    service: S,
    limits: Limits,
    told: Told,
) {
    match timeout(limits.handshake, tls.accept(socket)).await {
        Ok(Ok(stream)) if stream.get_ref().1.alpn_protocol() == Some(tls::HTTP2) => {
            http2::serve(stream, service, limits, told).await;
        }
        Ok(Ok(stream)) => http1::serve(stream, service, limits, told).await,
        Ok(Err(error)) => tracing::debug!(%error, "a handshake failed"),
        Err(_) => tracing::debug!("a handshake took too long"),
    }
}
