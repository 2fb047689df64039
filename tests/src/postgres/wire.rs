//! A proxy before PostgreSQL that can drop the reply to a COMMIT: the transaction is durable, and the
//! server that asked for it never hears so.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use url::Url;

/// Every message of PostgreSQL begins with its type, a letter, and its length without that letter.
const HEADER: usize = 5;
/// The message that says that a COMMIT is done.
const COMMITTED: &[u8] = b"COMMIT\0";

/// A running proxy; it ends with the runtime.
pub struct WireProxy {
    address: SocketAddr,
    cuts: Arc<Cuts>,
}

/// Which replies to COMMITs are dropped.
struct Cuts {
    /// Of so many one goes, at random; 0, none does.
    one_in: AtomicUsize,
    made: AtomicUsize,
}

impl WireProxy {
    /// Starts a proxy before the PostgreSQL of this address.
    pub async fn start(url: &Url) -> io::Result<Self> {
        let host = url.host_str().unwrap_or("127.0.0.1").to_owned();
        let port = url.port().unwrap_or(5432);
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let cuts = Arc::new(Cuts {
            one_in: AtomicUsize::new(0),
            made: AtomicUsize::new(0),
        });
        tokio::spawn({
            let cuts = Arc::clone(&cuts);
            async move {
                while let Ok((client, _)) = listener.accept().await {
                    let (host, cuts) = (host.clone(), Arc::clone(&cuts));
                    tokio::spawn(async move { pass(client, (&host, port), &cuts).await });
                }
            }
        });
        Ok(Self { address, cuts })
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

    /// From now on drops one reply of so many; with 0, none.
    pub fn cut_one_in(&self, replies: usize) {
        self.cuts.one_in.store(replies, Ordering::SeqCst);
    }

    /// The replies that were dropped so far.
    pub fn cuts(&self) -> usize {
        self.cuts.made.load(Ordering::SeqCst)
    }
}

impl Cuts {
    fn is_due(&self) -> bool {
        let one_in = self.one_in.load(Ordering::SeqCst);
        let due = one_in > 0 && fastrand::usize(..one_in) == 0;
        self.made.fetch_add(usize::from(due), Ordering::SeqCst);
        due
    }
}

/// Passes a connection on until one side ends, or a reply is dropped and both are cut off.
async fn pass(client: TcpStream, upstream: (&str, u16), cuts: &Cuts) -> io::Result<()> {
    let server = TcpStream::connect(upstream).await?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let (mut from_client, to_client) = client.into_split();
    let (from_server, mut to_server) = server.into_split();
    tokio::select! {
        ended = copy(&mut from_client, &mut to_server) => ended.map(drop),
        ended = answers(from_server, to_client, cuts) => ended,
    }
}

/// Passes the server's messages on, each as a whole.
async fn answers(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, cuts: &Cuts) -> io::Result<()> {
    let mut buffer = BytesMut::new();
    while from.read_buf(&mut buffer).await? > 0 {
        let mut whole = 0;
        while let Some(length) = length(&buffer[whole..]) {
            if is_committed(&buffer[whole..whole + length]) && cuts.is_due() {
                return Ok(());
            }
            whole += length;
        }
        to.write_all(&buffer[..whole]).await?;
        buffer.advance(whole);
    }
    Ok(())
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
