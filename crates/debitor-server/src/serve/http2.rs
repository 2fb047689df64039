//! A connection that speaks HTTP/2.

use std::convert::Infallible;
use std::pin::pin;
use std::time::Duration;

use axum::http::Request;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};

use super::Limits;
use super::activity::{Activity, Answering, Over};
use super::arriving::Arriving;
use super::connection::{Answers, MAX_HEADER_BYTES, Told};

const MAX_STREAMS: u32 = 100;
/// After so long without a word a client is asked whether it is there, and must answer in time.
const PING: Duration = Duration::from_secs(20);
const PONG: Duration = Duration::from_secs(10);

pub(super) async fn serve<S: Answers>(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    service: S,
    limits: Limits,
    mut told: Told,
) {
    let activity = Activity::new();
    let answer = service_fn(|request: Request<_>| {
        let answering = Answering::new(&activity);
        let answer = service.answer(request.map(|body| Arriving::new(body, &limits)));
        async move {
            let answer = answer.await?;
            Ok::<_, Infallible>(answer.map(|body| answering.leaving(body)))
        }
    });
    let connection = http2::Builder::new(TokioExecutor::new())
        .timer(TokioTimer::new())
        .max_concurrent_streams(MAX_STREAMS)
        .max_header_list_size(MAX_HEADER_BYTES)
        .keep_alive_interval(PING)
        .keep_alive_timeout(PONG)
        .serve_connection(TokioIo::new(stream), answer);
    let mut connection = pin!(connection);
    tokio::select! {
        biased;
        ended = connection.as_mut() => return tell(ended),
        () = told.told() => {}
        over = activity.over(&limits) => match over {
            Over::InOrder => {}
            Over::AtOnce => return tracing::debug!("a connection was cut"),
        }
    }
    connection.as_mut().graceful_shutdown();
    activity.end_begins();
    let limits = Limits {
        idle: limits.headers,
        ..limits
    };
    tokio::select! {
        biased;
        ended = connection => tell(ended),
        _ = activity.over(&limits) => tracing::debug!("a connection was cut"),
    }
}

fn tell(ended: hyper::Result<()>) {
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended early");
    }
}
