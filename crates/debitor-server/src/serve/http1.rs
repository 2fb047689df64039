//! A connection that speaks HTTP/1.1.

use std::pin::pin;

use axum::http::Request;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};

use super::Limits;
use super::arriving::Arriving;
use super::connection::{Answers, MAX_HEADER_BYTES, Told};
use super::patience::Patience;

pub(super) async fn serve<S: Answers>(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    service: S,
    limits: Limits,
    mut told: Told,
) {
    let (timer, stream) = Patience::with(stream, limits.headers);
    let answer = service_fn(move |request: Request<_>| {
        service.answer(request.map(|body| Arriving::new(body, &limits)))
    });
    let connection = http1::Builder::new()
        .timer(timer)
        .header_read_timeout(limits.idle)
        .max_buf_size(MAX_HEADER_BYTES as usize)
        .serve_connection(TokioIo::new(stream), answer);
    let mut connection = pin!(connection);
    let ended = tokio::select! {
        biased;
        ended = connection.as_mut() => ended,
        () = told.told() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended early");
    }
}
