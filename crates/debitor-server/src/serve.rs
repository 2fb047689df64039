//! The accept loop: connections with a cap, time limits for headers, and an orderly end.
//!
//! `axum::serve` sets no timer, so that a client could hold a connection for ever by sending its
//! headers slowly. Connections speak HTTP/1.1: without TLS nothing says that a client wants HTTP/2,
//! and guessing it from the first bytes has no timeout either.

mod patience;

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::http::Request;
use axum::response::Response;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tower::Service;

use crate::health::Readiness;
use patience::Patience;

/// A link to a next page repeats the options, percent-encoded, beside a token: 25 KiB at the longest.
const MAX_HEADER_BYTES: usize = 32 * 1024;
const MAX_HEADERS: usize = 64;
/// Out of file descriptors, trying again at once would only burn the processor.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// How much patience the server has with clients.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// The connections that are open at once; more wait.
    pub connections: usize,
    /// How long a client may take to send the headers of a request, from the connection's start or
    /// from the request's first byte on.
    pub headers: Duration,
    /// How long a connection stays open after an answer without another request: longer than the
    /// minute after which the usual balancer gives it up, which could else find it closed.
    pub idle: Duration,
    /// How long the server goes on as before once it is told to stop, but for saying that it is not
    /// ready: so long a balancer may take to see that.
    pub announce: Duration,
    /// How long the last requests may take after that.
    pub drain: Duration,
    /// The same once the store has failed, when there is little left to answer.
    pub failed_drain: Duration,
}

/// Why the server stops.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// The process was told to.
    Told,
    /// The store takes no more writes.
    Failed,
}

impl Limits {
    /// The usual patience with this many connections.
    pub fn new(connections: usize) -> Self {
        Self {
            connections,
            headers: Duration::from_secs(10),
            idle: Duration::from_secs(75),
            announce: Duration::ZERO,
            drain: Duration::from_secs(20),
            failed_drain: Duration::from_millis(500),
        }
    }
}

/// Serves until `ending` says why not, and the requests under way are answered.
pub async fn serve<S>(
    listener: TcpListener,
    service: S,
    limits: Limits,
    readiness: Readiness,
    ending: impl Future<Output = Ending>,
) -> Ending
where
    S: Service<Request<Incoming>, Response = Response, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
{
    let permits = Arc::new(Semaphore::new(limits.connections));
    let graceful = GracefulShutdown::new();
    let mut ending = pin!(announced(ending, &readiness, limits.announce));
    let ending = loop {
        let accepted = tokio::select! {
            biased;
            ending = &mut ending => break ending,
            accepted = accept(&listener, &permits) => accepted,
        };
        match accepted {
            Ok((stream, permit)) => {
                let connection = connection(stream, service.clone(), limits, graceful.watcher());
                tokio::spawn(async move {
                    connection.await;
                    drop(permit);
                });
            }
            Err(error) => pause_after(&error).await,
        }
    };
    drop(listener);
    let patience = match ending {
        Ending::Told => limits.drain,
        Ending::Failed => limits.failed_drain,
    };
    drain(graceful, patience).await;
    ending
}

/// Why the server stops, once those who send it requests could see that it will.
async fn announced(
    ending: impl Future<Output = Ending>,
    readiness: &Readiness,
    announce: Duration,
) -> Ending {
    let ending = ending.await;
    readiness.stop();
    if ending == Ending::Told {
        tokio::time::sleep(announce).await;
    }
    ending
}

/// The next connection, once there is room for it; until then clients wait in the system's queue.
async fn accept(
    listener: &TcpListener,
    permits: &Arc<Semaphore>,
) -> io::Result<(TcpStream, OwnedSemaphorePermit)> {
    let permit = permits
        .clone()
        .acquire_owned()
        .await
        .map_err(io::Error::other)?;
    let (stream, _) = listener.accept().await?;
    Ok((stream, permit))
}

/// Answers the requests of a connection until it ends.
fn connection<S>(
    stream: TcpStream,
    service: S,
    limits: Limits,
    watcher: Watcher,
) -> impl Future<Output = ()> + use<S>
where
    S: Service<Request<Incoming>, Response = Response, Error = Infallible> + Clone,
{
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "the connection is gone already");
    }
    let (timer, stream) = Patience::with(stream, limits.headers);
    let connection = http1::Builder::new()
        .timer(timer)
        .header_read_timeout(limits.idle)
        .max_buf_size(MAX_HEADER_BYTES)
        .max_headers(MAX_HEADERS)
        .serve_connection(
            TokioIo::new(stream),
            service_fn(move |request| service.clone().call(request)),
        );
    let ending = watcher.watch(connection);
    async {
        if let Err(error) = ending.await {
            tracing::debug!(%error, "a connection ended early");
        }
    }
}

/// A connection that ended before it was accepted is the client's business; all else is ours.
async fn pause_after(error: &io::Error) {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    if !matches!(
        error.kind(),
        ConnectionAborted | ConnectionRefused | ConnectionReset
    ) {
        tracing::error!(%error, "connections cannot be accepted");
        tokio::time::sleep(ACCEPT_PAUSE).await;
    }
}

async fn drain(graceful: GracefulShutdown, patience: Duration) {
    tracing::info!(connections = graceful.count(), "stopping");
    if tokio::time::timeout(patience, graceful.shutdown())
        .await
        .is_err()
    {
        tracing::warn!("connections were cut: their requests took too long");
    }
}

/// Done when the process is told to stop: by SIGTERM, or by SIGINT from a keyboard.
pub fn stop_signal() -> io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

#[cfg(test)]
mod tests;
