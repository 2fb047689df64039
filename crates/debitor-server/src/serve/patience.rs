//! How long a connection waits for the headers of a request: not long once the client has begun them,
//! and longer for one that sends nothing after an answer, as it may want the connection again.
//!
//! hyper has one time limit for both, and asks its timer for a new sleep before each request. This
//! timer's become shorter with the request's first byte, and share one entry among the runtime's
//! timers: making one for each request took longer than reading its headers.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use hyper::rt::{Sleep, Timer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time;
use tokio_util::io::InspectReader;

/// The timer of one connection.
pub(super) struct Patience {
    connection: Arc<Connection>,
    /// A new connection is for a request that comes at once.
    is_new: AtomicBool,
}

/// What the sleeps of a connection share.
struct Connection {
    headers: Duration,
    /// Whether the client has sent a byte since the last sleep began.
    heard: AtomicBool,
    alarm: Mutex<Alarm>,
}

impl Patience {
    /// The timer of a connection, and the connection as the timer must see it.
    pub(super) fn with<S: AsyncRead + AsyncWrite>(
        stream: S,
        headers: Duration,
    ) -> (Self, InspectReader<S, impl FnMut(&[u8])>) {
        let connection = Arc::new(Connection {
            headers,
            heard: AtomicBool::new(false),
            alarm: Mutex::new(Alarm(Box::pin(time::sleep(headers)))),
        });
        let timer = Self {
            connection: Arc::clone(&connection),
            is_new: AtomicBool::new(true),
        };
        let stream = InspectReader::new(stream, move |_: &[u8]| {
            connection.heard.store(true, Ordering::Relaxed);
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
        self.connection.heard.store(is_new, Ordering::Relaxed);
        Box::pin(Waiting {
            connection: Arc::clone(&self.connection),
            has_begun: false,
            deadline: deadline.into(),
        })
    }

    fn now(&self) -> Instant {
        time::Instant::now().into()
    }
}

/// The wait for the headers of one request.
struct Waiting {
    connection: Arc<Connection>,
    /// Whether the request's first byte has come.
    has_begun: bool,
    deadline: time::Instant,
}

impl Future for Waiting {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if !self.has_begun && self.connection.heard.load(Ordering::Relaxed) {
            self.has_begun = true;
            self.deadline = time::Instant::now() + self.connection.headers;
        }
        let alarm = self.connection.alarm.lock();
        alarm
            .unwrap_or_else(PoisonError::into_inner)
            .poll(self.deadline, context)
    }
}

impl Sleep for Waiting {}

/// A sleep that stays set for an earlier wait, as most waits end long before it; one that ends too
/// early is set anew.
struct Alarm(Pin<Box<time::Sleep>>);

impl Alarm {
    fn poll(&mut self, deadline: time::Instant, context: &mut Context<'_>) -> Poll<()> {
        if self.0.deadline() > deadline {
            self.0.as_mut().reset(deadline);
        }
        while self.0.as_mut().poll(context).is_ready() {
            if self.0.deadline() >= deadline {
                return Poll::Ready(());
            }
            self.0.as_mut().reset(deadline);
        }
        Poll::Pending
    }
}
