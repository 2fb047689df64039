//! A small balancer before several servers: gives each connection to the next server that is ready.
//!
//! It asks each server's `/readyz` all the time, as balancers do, and passes bytes on as they are. A
//! server that takes no connections any more is passed over.

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use anyhow::Result;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};

/// How often servers are asked whether they are ready, and how long they may take to answer.
const EVERY: Duration = Duration::from_millis(50);
const PATIENCE: Duration = Duration::from_secs(2);

/// A running balancer; it ends with the runtime.
pub(crate) struct Balancer {
    pub(crate) address: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    /// In the order in which they were added; one that has been replaced keeps its place.
    servers: RwLock<Vec<Arc<Backend>>>,
    next: AtomicUsize,
}

struct Backend {
    address: SocketAddr,
    is_ready: AtomicBool,
}

impl Balancer {
    pub(crate) async fn start() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let shared = Arc::<Shared>::default();
        tokio::spawn(accept(listener, Arc::clone(&shared)));
        Ok(Self { address, shared })
    }

    /// Adds a server, which gets connections once it is ready.
    pub(crate) fn add(&self, address: SocketAddr) {
        let backend = Arc::new(Backend {
            address,
            is_ready: AtomicBool::new(false),
        });
        tokio::spawn(watch(Arc::clone(&backend)));
        let servers = &self.shared.servers;
        servers
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .push(backend);
    }

    /// Whether the server gets connections.
    pub(crate) fn uses(&self, address: SocketAddr) -> bool {
        let servers = self.shared.ready();
        servers.iter().any(|backend| backend.address == address)
    }
}

impl Shared {
    fn ready(&self) -> Vec<Arc<Backend>> {
        let servers = self.servers.read().unwrap_or_else(PoisonError::into_inner);
        let ready = servers
            .iter()
            .filter(|one| one.is_ready.load(Ordering::SeqCst));
        ready.cloned().collect()
    }

    /// A connection to the next server that takes one.
    async fn connect(&self) -> io::Result<TcpStream> {
        let ready = self.ready();
        let first = self.next.fetch_add(1, Ordering::SeqCst);
        for n in 0..ready.len() {
            let backend = &ready[(first + n) % ready.len()];
            match TcpStream::connect(backend.address).await {
                Ok(stream) => return Ok(stream),
                Err(_) => backend.is_ready.store(false, Ordering::SeqCst),
            }
        }
        Err(io::ErrorKind::ConnectionRefused.into())
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    while let Ok((mut client, _)) = listener.accept().await {
        let shared = Arc::clone(&shared);
        tokio::spawn(async move {
            let mut server = shared.connect().await?;
            client.set_nodelay(true)?;
            server.set_nodelay(true)?;
            copy_bidirectional(&mut client, &mut server).await
        });
    }
}

/// Asks a server again and again whether it is ready.
async fn watch(backend: Arc<Backend>) {
    let address = format!("http://{}/readyz", backend.address);
    let client = reqwest::Client::builder()
        .no_proxy()
        .timeout(PATIENCE)
        .build();
    let client = client.unwrap_or_default();
    loop {
        let answer = client.get(&address).send().await;
        let is_ready = answer.is_ok_and(|answer| answer.status().is_success());
        backend.is_ready.store(is_ready, Ordering::SeqCst);
        tokio::time::sleep(EVERY).await;
    }
}
