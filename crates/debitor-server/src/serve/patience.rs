//! How long a connection waits for the headers of a request: not long once the client has begun them,
//! and longer for one that sends nothing after an answer, as it may want the connection again.
//!
//! hyper has one time limit for both. It asks its timer for a new sleep before each request; this
//! timer's become shorter with the request's first byte.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use hyper::rt::{Sleep, Timer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time;
use tokio_util::io::InspectReader;

/// The timer of one connection.
pub(super) struct Patience {
    headers: Duration,
    /// Whether the client has sent a byte since the last sleep began.
    heard: Arc<AtomicBool>,
    /// A new connection is for a request that comes at once.
    is_new: AtomicBool,
}

impl Patience {
    /// The timer of a connection, and the connection as the timer must see it.
    pub(super) fn with<S: AsyncRead + AsyncWrite>(
        stream: S,
        headers: Duration,
    ) -> (Self, InspectReader<S, impl FnMut(&[u8])>) {
        let heard = Arc::new(AtomicBool::new(false));
        let timer = Self {
            headers,
            heard: Arc::clone(&heard),
            is_new: AtomicBool::new(true),
        };
        let stream = InspectReader::new(stream, move |_: &[u8]| {
            heard.store(true, Ordering::Relaxed);
        });
        (timer, stream)
    }
}

impl Timer for Patience {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Sleep>> {
        self.sleep_until(self.now() + duration)
    }

    fn sleep_until(&self, deadline: Instant) -> Pin<Box<dyn Sleep>> {
        let is_new = self.is_new.swap(false, Ordering::Relaxed);
        self.heard.store(is_new, Ordering::Relaxed);
        Box::pin(Waiting {
            headers: self.headers,
            heard: Arc::clone(&self.heard),
            has_begun: false,
            sleep: Box::pin(time::sleep_until(deadline.into())),
        })
    }

    fn now(&self) -> Instant {
        time::Instant::now().into()
    }
}

/// The wait for the headers of one request.
struct Waiting {
    headers: Duration,
    heard: Arc<AtomicBool>,
    /// Whether the request's first byte has come.
    has_begun: bool,
    sleep: Pin<Box<time::Sleep>>,
}

impl Future for Waiting {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if !self.has_begun && self.heard.load(Ordering::Relaxed) {
            self.has_begun = true;
            let deadline = time::Instant::now() + self.headers;
            self.sleep.as_mut().reset(deadline);
        }
        self.sleep.as_mut().poll(context)
    }
}

impl Sleep for Waiting {}
