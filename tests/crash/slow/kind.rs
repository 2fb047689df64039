//! The kinds of slow clients: each does one thing, and tells how long the server put up with it.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, split};
use tokio::net::TcpStream;
use tokio::time::{interval, timeout};
use tokio_rustls::client::TlsStream;

use super::target::{Patience, Target};

/// A server that has done nothing by then will not.
const NEVER: Duration = Duration::from_mins(2);
/// How often a client that does not read looks whether its connection is still there.
const LOOK: Duration = Duration::from_millis(50);
/// A byte is sent this many times within the shortest limit, which it would otherwise meet.
const BYTES: u32 = 10;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Silent,
    HeaderByByte,
    BodyStalled,
    BodyByByte,
    NeverReads,
    SilentSecure,
    HandshakeStalled,
    NoRequest,
    NoWindow,
}

impl Kind {
    pub(super) const ALL: [Self; 9] = [
        Self::Silent,
        Self::HeaderByByte,
        Self::BodyStalled,
        Self::BodyByByte,
        Self::NeverReads,
        Self::SilentSecure,
        Self::HandshakeStalled,
        Self::NoRequest,
        Self::NoWindow,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Silent => "silent",
            Self::HeaderByByte => "header by byte",
            Self::BodyStalled => "body that stalls",
            Self::BodyByByte => "body by byte",
            Self::NeverReads => "never reading a page",
            Self::SilentSecure => "TLS: silent",
            Self::HandshakeStalled => "TLS: handshake that stalls",
            Self::NoRequest => "HTTP/2: no request",
            Self::NoWindow => "HTTP/2: no window for a page",
        }
    }

    /// Whether it is tried on a server with TLS.
    pub(super) fn is_secure(self) -> bool {
        matches!(
            self,
            Self::SilentSecure | Self::HandshakeStalled | Self::NoRequest | Self::NoWindow
        )
    }

    /// How long the server puts up with it.
    pub(super) fn limit(self, patience: &Patience) -> Duration {
        match self {
            Self::Silent | Self::HeaderByByte | Self::NoRequest => patience.headers,
            Self::BodyStalled => patience.body,
            Self::BodyByByte => patience.request,
            Self::NeverReads | Self::NoWindow => patience.write,
            Self::SilentSecure | Self::HandshakeStalled => patience.handshake,
        }
    }

    /// How long it was until the connection was closed.
    pub(super) async fn attack(self, target: Target) -> Result<Duration> {
        let closed = timeout(NEVER, self.closed(&target)).await;
        closed.with_context(|| format!("{}: the connection is never closed", self.name()))?
    }

    async fn closed(self, target: &Target) -> Result<Duration> {
        let pause = target.patience.headers / BYTES;
        match self {
            Self::Silent | Self::SilentSecure => silent(target.connect().await?, b"").await,
            Self::HeaderByByte => {
                let line = format!("GET /livez HTTP/1.1\r\nhost: {}", "x".repeat(10_000));
                byte_by_byte(target.connect().await?, b"", line.as_bytes(), pause).await
            }
            Self::BodyStalled => silent(target.connect().await?, create(target).as_bytes()).await,
            Self::BodyByByte => {
                let body = [b' '; 10_000];
                let head = create(target);
                byte_by_byte(target.connect().await?, head.as_bytes(), &body, pause).await
            }
            Self::NeverReads => never_reads(target).await,
            Self::HandshakeStalled => silent(target.connect().await?, HELLO).await,
            Self::NoRequest => silent(secure(target).await?, b"PRI * HTTP/2.0\r\n\r\n").await,
            Self::NoWindow => no_window(target).await,
        }
    }
}

/// The beginning of a client's first message of TLS.
const HELLO: &[u8] = &[22, 3, 1, 1, 0, 1, 0, 0, 252, 3, 3, 7, 7, 7, 7];

/// The head of a request whose body is to come.
fn create(target: &Target) -> String {
    format!(
        "POST {} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {}\r\n\
         content-type: application/json\r\ncontent-length: 20000\r\n\r\n",
        target.path(),
        target.access.token
    )
}

/// Sends a beginning, and waits until the connection is closed.
async fn silent(mut stream: impl AsyncRead + AsyncWrite + Unpin, start: &[u8]) -> Result<Duration> {
    let begun = Instant::now();
    stream.write_all(start).await?;
    until_closed(&mut stream).await;
    Ok(begun.elapsed())
}

/// However it ends.
async fn until_closed(stream: &mut (impl AsyncRead + Unpin)) {
    let mut piece = [0; 1024];
    while stream.read(&mut piece).await.is_ok_and(|read| read > 0) {}
}

/// Sends a beginning, and then a byte from time to time.
async fn byte_by_byte(
    stream: TcpStream,
    start: &[u8],
    bytes: &[u8],
    pause: Duration,
) -> Result<Duration> {
    let begun = Instant::now();
    let (mut read, mut write) = split(stream);
    write.write_all(start).await?;
    let sending = async {
        let mut pace = interval(pause);
        for byte in bytes.chunks(1) {
            pace.tick().await;
            if write.write_all(byte).await.is_err() {
                return;
            }
        }
        std::future::pending::<()>().await;
    };
    tokio::select! {
        () = sending => {}
        () = until_closed(&mut read) => {}
    }
    Ok(begun.elapsed())
}

/// Asks for a page and does not read it. That the connection is gone is told by a reset, for which
/// there is room where there is none for anything else.
async fn never_reads(target: &Target) -> Result<Duration> {
    let begun = Instant::now();
    let mut stream = target.connect_narrowly().await?;
    let head = format!(
        "GET {}?$top=1000 HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {}\r\n\r\n",
        target.path(),
        target.access.token
    );
    stream.write_all(head.as_bytes()).await?;
    let mut look = interval(LOOK);
    while stream.take_error()?.is_none() {
        look.tick().await;
    }
    Ok(begun.elapsed())
}

/// Asks for a page over HTTP/2 and opens no window for it.
async fn no_window(target: &Target) -> Result<Duration> {
    let stream = secure(target).await?;
    let mut closed = h2::client::Builder::new();
    let (requests, connection) = closed
        .initial_window_size(1)
        .handshake::<_, Bytes>(stream)
        .await?;
    let begun = Instant::now();
    let connection = tokio::spawn(connection);
    let request = axum::http::Request::get(format!(
        "{}{}?$top=1000",
        "https://localhost",
        target.path()
    ))
    .header("authorization", format!("Bearer {}", target.access.token))
    .body(())?;
    let mut requests = requests.ready().await?;
    let (answer, _) = requests.send_request(request, true)?;
    let answer = answer.await?;
    if !answer.status().is_success() {
        bail!("a page is answered {}", answer.status());
    }
    // The answer is held until the end, or the client would give it back.
    drop(connection.await?);
    drop(answer);
    Ok(begun.elapsed())
}

/// A connection over TLS that speaks HTTP/2.
async fn secure(target: &Target) -> Result<TlsStream<TcpStream>> {
    let connector = target.connector(&["h2"]).context("a server with TLS")?;
    let stream = target.connect().await?;
    Ok(connector.connect(target.name(), stream).await?)
}
