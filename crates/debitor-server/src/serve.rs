//! The accept loop: connections with caps, time limits for whatever a client can do slowly, and an
//! orderly end.
//!
//! `axum::serve` sets no timer, so that a client could hold a connection for ever by sending its
//! headers slowly. Without TLS connections speak HTTP/1.1: nothing says there that a client wants
//! HTTP/2, and guessing it from the first bytes has no time limit either.

mod activity;
mod arriving;
mod connection;
mod crowd;
mod http1;
mod http2;
mod patience;
mod socket;
pub mod tls;

use std::future::Future;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use crate::health::Readiness;
use crate::network::Peer;
use connection::{Answers, OfPeer, Told};
use crowd::{Crowd, Place};
use tls::Tls;

/// Out of file descriptors, trying again at once would only burn the processor.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// How much patience the server has with clients.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// The connections that are open at once; more wait.
    pub connections: usize,
    /// Those of one address, if that is limited; more are closed.
    pub connections_per_address: Option<usize>,
    /// How long a handshake of TLS may take.
    pub handshake: Duration,
    /// How long a client may take to send the headers of a request, from the connection's start or
    /// from the request's first byte on.
    pub headers: Duration,
    /// How long it may send nothing of a body.
    pub body: Duration,
    /// How long a request may take, with its body.
    pub request: Duration,
    /// How long a client may take nothing of an answer.
    pub write: Duration,
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
            connections_per_address: None,
            handshake: Duration::from_secs(5),
            headers: Duration::from_secs(10),
            body: Duration::from_secs(10),
            request: Duration::from_secs(30),
            write: Duration::from_secs(30),
            idle: Duration::from_secs(75),
            announce: Duration::ZERO,
            drain: Duration::from_secs(20),
            failed_drain: Duration::from_millis(500),
        }
    }
}

/// Where connections come in.
pub struct Entrance {
    pub listener: TcpListener,
    pub tls: Option<Arc<Tls>>,
}

/// Serves until `ending` says why not, and the requests under way are answered.
pub async fn serve(
    entrance: Entrance,
    service: impl Answers,
    limits: Limits,
    readiness: Readiness,
    ending: impl Future<Output = Ending>,
) -> Ending {
    let (tell, told) = watch::channel(false);
    let told = Told::new(told);
    let mut crowd = Crowd::new(limits.connections, limits.connections_per_address);
    let mut ending = pin!(announced(ending, &readiness, limits.announce));
    let ending = loop {
        let accepted = tokio::select! {
            biased;
            ending = &mut ending => break ending,
            accepted = accept(&entrance.listener, &mut crowd) => accepted,
        };
        match accepted {
            Ok(Some((stream, peer, place))) => {
                let tls = entrance.tls.as_ref().map(|tls| tls.acceptor());
                let service = OfPeer::new(service.clone(), peer);
                let connection = connection::serve(stream, tls, service, limits, told.clone());
                tokio::spawn(async move {
                    connection.await;
                    drop(place);
                });
            }
            Ok(None) => {}
            Err(error) => pause_after(&error).await,
        }
    };
    drop((entrance, told));
    let patience = match ending {
        Ending::Told => limits.drain,
        Ending::Failed => limits.failed_drain,
    };
    drain(&tell, patience).await;
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
/// One whose address has too many is closed at once: in the queue it would hold up others.
async fn accept(
    listener: &TcpListener,
    crowd: &mut Crowd,
) -> io::Result<Option<(TcpStream, Peer, Place)>> {
    let room = crowd.room().await?;
    let (stream, peer) = listener.accept().await?;
    let place = crowd.admit(room, peer.ip());
    if place.is_none() {
        tracing::debug!("an address has as many connections as it may");
    }
    let peer = Peer(peer.ip().to_canonical());
    Ok(place.map(|place| (stream, peer, place)))
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

async fn drain(tell: &watch::Sender<bool>, patience: Duration) {
    tracing::info!(connections = tell.receiver_count(), "stopping");
    tell.send_replace(true);
    // Every connection has a receiver until its end.
    if tokio::time::timeout(patience, tell.closed()).await.is_err() {
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
