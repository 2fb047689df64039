//! What goes on on a connection that speaks HTTP/2, for which hyper has no time limits: a client
//! could be silent for ever, or open no window for its answers, as long as it answers pings.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use axum::body::Body as Answer;
use bytes::{Buf, Bytes};
use hyper::body::{Body, Frame, SizeHint};
use tokio::time::{Instant, sleep_until};

use super::Limits;

/// What goes on on one connection.
#[derive(Debug)]
pub(super) struct Activity(Mutex<State>);

#[derive(Debug)]
struct State {
    /// Whether there has been no request yet.
    is_new: bool,
    /// Requests that are being answered; each has a deadline of its own.
    requests: usize,
    /// Pieces of answers that the client has not taken.
    pieces: usize,
    /// When the connection fell idle, or the client took something.
    since: Instant,
}

/// How a connection ends that has gone on for too long as it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Over {
    /// Nothing went on.
    InOrder,
    /// The first request did not come, or the client did not take its answers.
    AtOnce,
}

impl Activity {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self(Mutex::new(State {
            is_new: true,
            requests: 0,
            pieces: 0,
            since: Instant::now(),
        })))
    }

    /// Waits until the connection has gone on for too long as it is.
    pub(super) async fn over(&self, limits: &Limits) -> Over {
        // Whatever begins after a look has not gone on for too long at the next.
        let shortest = limits.headers.min(limits.write).min(limits.idle);
        loop {
            let now = Instant::now();
            let look = now + shortest;
            match self.deadline(limits) {
                Some((deadline, over)) if deadline <= now => return over,
                Some((deadline, _)) => sleep_until(look.min(deadline)).await,
                None => sleep_until(look).await,
            }
        }
    }

    /// How long it may go on as it is, unless that is for its requests' own deadlines to say.
    fn deadline(&self, limits: &Limits) -> Option<(Instant, Over)> {
        let state = self.state();
        match *state {
            State { is_new: true, .. } => Some((state.since + limits.headers, Over::AtOnce)),
            State { pieces: 1.., .. } => Some((state.since + limits.write, Over::AtOnce)),
            State { requests: 1.., .. } => None,
            State { .. } => Some((state.since + limits.idle, Over::InOrder)),
        }
    }

    /// An idle connection has the time that its end takes from now on.
    pub(super) fn end_begins(&self) {
        self.state().settle();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Notes the time if nothing goes on any more.
    fn settle(&mut self) {
        if self.requests == 0 && self.pieces == 0 {
            self.since = Instant::now();
        }
    }
}

/// A request that is being answered.
pub(super) struct Answering(Arc<Activity>);

impl Answering {
    pub(super) fn new(activity: &Arc<Activity>) -> Self {
        let mut state = activity.state();
        state.is_new = false;
        state.requests += 1;
        Self(Arc::clone(activity))
    }

    /// The answer's body, whose way to the client is watched from now on.
    pub(super) fn leaving(&self, body: Answer) -> Leaving {
        Leaving {
            body,
            activity: Arc::clone(&self.0),
        }
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.requests -= 1;
        state.settle();
    }
}

/// The body of an answer on its way.
pub(super) struct Leaving {
    body: Answer,
    activity: Arc<Activity>,
}

impl Body for Leaving {
    type Data = Piece;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Piece>, axum::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(context));
        let piece = |bytes| Piece::new(bytes, &self.activity);
        Poll::Ready(frame.map(|frame| frame.map(|frame| frame.map_data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// A piece of an answer. The connection holds it until the client has taken it.
pub(super) struct Piece {
    bytes: Bytes,
    activity: Arc<Activity>,
}

impl Piece {
    fn new(bytes: Bytes, activity: &Arc<Activity>) -> Self {
        let mut state = activity.state();
        if state.pieces == 0 {
            state.since = Instant::now();
        }
        state.pieces += 1;
        Self {
            bytes,
            activity: Arc::clone(activity),
        }
    }
}

impl Buf for Piece {
    fn remaining(&self) -> usize {
        self.bytes.remaining()
    }

    fn chunk(&self) -> &[u8] {
        self.bytes.chunk()
    }

    fn advance(&mut self, count: usize) {
        self.bytes.advance(count);
        self.activity.state().since = Instant::now();
    }
}

impl Drop for Piece {
    fn drop(&mut self) {
        let mut state = self.activity.state();
        state.pieces -= 1;
        state.settle();
    }
}
