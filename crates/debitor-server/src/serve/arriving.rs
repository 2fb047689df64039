//! The body of a request on its way. A client that stops sending it, or never comes to its end, is
//! told so while there is somebody to tell it: when the body is read.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::BoxError;
use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use tokio::time::{Instant, Sleep, sleep_until};

use super::Limits;

/// A body that ends with [`io::ErrorKind::TimedOut`] if it does not come in time.
pub struct Arriving {
    body: Incoming,
    /// From one of its pieces to the next.
    patience: Duration,
    /// From the first wait to its end.
    whole: Duration,
    is_waiting: bool,
    /// Made when it is needed first: most requests have no body.
    wait: Option<Wait>,
}

struct Wait {
    alarm: Pin<Box<Sleep>>,
    /// When all of the body must be there.
    end: Instant,
}

impl Arriving {
    pub(super) fn new(body: Incoming, limits: &Limits) -> Self {
        Self {
            body,
            patience: limits.body,
            whole: limits.request,
            is_waiting: false,
            wait: None,
        }
    }

    /// The alarm, set when the wait for the next piece begins.
    fn alarm(&mut self) -> Pin<&mut Sleep> {
        let (patience, whole) = (self.patience, self.whole);
        let now = Instant::now();
        let wait = self.wait.get_or_insert_with(|| Wait {
            alarm: Box::pin(sleep_until(now + patience.min(whole))),
            end: now + whole,
        });
        if !std::mem::replace(&mut self.is_waiting, true) {
            wait.alarm.as_mut().reset(wait.end.min(now + patience));
        }
        wait.alarm.as_mut()
    }
}

impl Body for Arriving {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        if let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(context) {
            self.is_waiting = false;
            return Poll::Ready(frame.map(|frame| frame.map_err(Into::into)));
        }
        ready!(self.alarm().poll(context));
        let late = io::Error::from(io::ErrorKind::TimedOut);
        Poll::Ready(Some(Err(late.into())))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
