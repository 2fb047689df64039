//! A proxy before PostgreSQL that stands for a network: it can be faulty, and it can drop the reply to
//! a COMMIT, so that the transaction is durable and the server that asked for it never hears so.

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use url::Url;

pub use super::fault::Fault;
use super::fault::{Line, Network, Way};

/// Every message of PostgreSQL begins with its type, a letter, and its length without that letter.
const HEADER: usize = 5;
/// The message that says that a COMMIT is done.
const COMMITTED: &[u8] = b"COMMIT\0";

/// A running proxy; it ends with the runtime.
pub struct WireProxy {
    address: SocketAddr,
    wire: Arc<Wire>,
}

/// What all connections have in common.
struct Wire {
    network: Network,
    /// Of so many replies to COMMIT one is dropped, at random; 0, none is.
    cut_one_in: AtomicUsize,
    cuts: AtomicUsize,
    /// What the network fails with at the next such reply.
    at_commit: Mutex<Option<Fault>>,
}

impl WireProxy {
    /// Starts a proxy before the PostgreSQL of this address.
    pub async fn start(url: &Url) -> io::Result<Self> {
        let host = url.host_str().unwrap_or("127.0.0.1").to_owned();
        let port = url.port().unwrap_or(5432);
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let wire = Arc::new(Wire {
            network: Network::new(),
            cut_one_in: AtomicUsize::new(0),
            cuts: AtomicUsize::new(0),
            at_commit: Mutex::default(),
        });
        tokio::spawn({
            let wire = Arc::clone(&wire);
            async move {
                while let Ok((client, _)) = listener.accept().await {
                    let (host, wire) = (host.clone(), Arc::clone(&wire));
                    tokio::spawn(async move { pass(client, (&host, port), &wire).await });
                }
            }
        });
        Ok(Self { address, wire })
    }

    /// The same address by way of this proxy.
    pub fn before(&self, url: &str) -> String {
        let mut url: Url = url.parse().expect("an address");
        let host = self.address.ip().to_string();
        url.set_host(Some(&host)).expect("the address has a host");
        url.set_port(Some(self.address.port()))
            .expect("the address has a host");
        url.to_string()
    }

    /// What is wrong with the network from now on.
    pub fn fail(&self, fault: Fault) {
        self.wire.network.set(fault);
    }

    /// What is wrong with the network from the next COMMIT on: that is done, and its answer meets it.
    pub fn fail_at_commit(&self, fault: Fault) {
        *self.wire.at_commit() = Some(fault);
    }

    /// Nothing is wrong any more for new connections; for those that there are it stays as it is.
    pub fn forget(&self) {
        self.wire.network.forget();
    }

    /// From now on drops one reply of so many; with 0, none.
    pub fn cut_one_in(&self, replies: usize) {
        self.wire.cut_one_in.store(replies, Ordering::SeqCst);
    }

    /// The replies that were dropped so far.
    pub fn cuts(&self) -> usize {
        self.wire.cuts.load(Ordering::SeqCst)
    }
}

impl Wire {
    /// A COMMIT is done; whether its reply is dropped.
    fn committed(&self) -> bool {
        if let Some(fault) = self.at_commit().take() {
            self.network.set(fault);
        }
        let one_in = self.cut_one_in.load(Ordering::SeqCst);
        let cut = one_in > 0 && fastrand::usize(..one_in) == 0;
        self.cuts.fetch_add(usize::from(cut), Ordering::SeqCst);
        cut
    }

    fn at_commit(&self) -> MutexGuard<'_, Option<Fault>> {
        self.at_commit
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// Passes a connection on until one side ends, it is reset, or a reply is dropped and both are cut off.
async fn pass(client: TcpStream, upstream: (&str, u16), wire: &Wire) -> io::Result<()> {
    let line = wire.network.line();
    let server = TcpStream::connect(upstream).await?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let mut reset = line.clone();
    tokio::select! {
        ended = requests(&mut from_client, &mut to_server, line.clone()) => ended,
        ended = answers(&mut from_server, &mut to_client, wire, line) => ended,
        () = reset.reset() => {
            to_server.as_ref().set_zero_linger()?;
            to_client.as_ref().set_zero_linger()
        }
    }
}

/// Passes the client's bytes on.
async fn requests(
    from: &mut OwnedReadHalf,
    to: &mut OwnedWriteHalf,
    mut line: Line,
) -> io::Result<()> {
    let mut buffer = BytesMut::new();
    loop {
        let ended = from.read_buf(&mut buffer).await? == 0;
        line.pass(Way::ToServer).await;
        if ended {
            return Ok(());
        }
        to.write_all_buf(&mut buffer).await?;
    }
}

/// Passes the server's messages on, each as a whole.
async fn answers(
    from: &mut OwnedReadHalf,
    to: &mut OwnedWriteHalf,
    wire: &Wire,
    mut line: Line,
) -> io::Result<()> {
    let mut buffer = BytesMut::new();
    loop {
        let ended = from.read_buf(&mut buffer).await? == 0;
        let mut whole = 0;
        while let Some(length) = length(&buffer[whole..]) {
            if is_committed(&buffer[whole..whole + length]) && wire.committed() {
                return Ok(());
            }
            whole += length;
        }
        line.pass(Way::ToClient).await;
        if ended {
            return Ok(());
        }
        to.write_all(&buffer[..whole]).await?;
        buffer.advance(whole);
    }
}

/// The length of the first message, if it is there as a whole.
fn length(bytes: &[u8]) -> Option<usize> {
    let header = bytes.get(1..HEADER)?.try_into().ok()?;
    let length = usize::try_from(u32::from_be_bytes(header)).ok()? + 1;
    (bytes.len() >= length).then_some(length)
}

fn is_committed(message: &[u8]) -> bool {
    message.first() == Some(&b'C') && message.get(HEADER..) == Some(COMMITTED)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_told_apart() {
        let commit = b"C\0\0\0\x0bCOMMIT\0";
        assert_eq!(length(commit), Some(12));
        assert!(is_committed(commit));
        assert!(!is_committed(b"C\0\0\0\x0aBEGIN\0"));
        assert_eq!(length(&commit[..11]), None);
        assert_eq!(length(b"Z\0\0\0\x05IZ"), Some(6));
    }
}
