//! What can be wrong with the network between a server and PostgreSQL.

use std::future::pending;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

/// What becomes of the bytes of every connection, and of those who connect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// They arrive.
    None,
    /// Nothing arrives, not even that a side has closed; whoever connects is let in.
    BlackHole,
    /// What PostgreSQL is sent arrives, and its answers do not.
    NoAnswers,
    /// PostgreSQL's answers arrive, and what it is sent does not.
    NoRequests,
    /// Every piece takes so long.
    Slow(Duration),
    /// Connections are reset, and so are new ones.
    Reset,
}

/// Which way bytes go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    ToServer,
    ToClient,
}

impl Fault {
    fn lets_pass(self, way: Way) -> bool {
        match self {
            Self::None | Self::Slow(_) => true,
            Self::BlackHole | Self::Reset => false,
            Self::NoAnswers => way == Way::ToServer,
            Self::NoRequests => way == Way::ToClient,
        }
    }
}

/// The network of a proxy.
pub(super) struct Network(Mutex<watch::Sender<Fault>>);

impl Network {
    pub(super) fn new() -> Self {
        Self(Mutex::new(watch::Sender::new(Fault::None)))
    }

    /// What the network is like from now on. Bytes that were held go on their way, as TCP would send
    /// them again.
    pub(super) fn set(&self, fault: Fault) {
        self.sender().send_replace(fault);
    }

    /// The network is sound again for new connections. It does not know the old ones any more: what
    /// was wrong with them lasts.
    pub(super) fn forget(&self) {
        *self.sender() = watch::Sender::new(Fault::None);
    }

    /// How a new connection fares.
    pub(super) fn line(&self) -> Line {
        Line(self.sender().subscribe())
    }

    fn sender(&self) -> std::sync::MutexGuard<'_, watch::Sender<Fault>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the network is like for a connection.
#[derive(Clone)]
pub(super) struct Line(watch::Receiver<Fault>);

impl Line {
    /// Waits until what goes this way arrives.
    pub(super) async fn pass(&mut self, way: Way) {
        let fault = self.until(|fault| fault.lets_pass(way)).await;
        if let Fault::Slow(time) = fault {
            tokio::time::sleep(time).await;
        }
    }

    /// Waits until the connection is reset.
    pub(super) async fn reset(&mut self) {
        self.until(|fault| fault == Fault::Reset).await;
    }

    async fn until(&mut self, is_so: impl Fn(Fault) -> bool) -> Fault {
        let found = self.0.wait_for(|fault| is_so(*fault)).await;
        match found.ok().map(|fault| *fault) {
            Some(fault) => fault,
            None => pending().await,
        }
    }
}
