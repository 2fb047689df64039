//! A server that says what no honest one would, and knows who has connected.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use uuid::Uuid;

/// A server that takes one request from each connection; it ends with the test's runtime.
pub(crate) struct Fake {
    address: SocketAddr,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Fake {
    /// Starts a server on a port of its own, with answers made of its origin and the path and query.
    pub(crate) async fn start(
        answer: impl Fn(&str, &str) -> String + Send + Sync + 'static,
    ) -> Self {
        Self::start_at((Ipv4Addr::LOCALHOST, 0).into(), answer).await
    }

    /// The same at this address.
    pub(crate) async fn start_at(
        address: SocketAddr,
        answer: impl Fn(&str, &str) -> String + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let fake = Self {
            address: listener.local_addr().unwrap(),
            requests: Arc::default(),
        };
        let (origin, requests) = (fake.origin(), Arc::clone(&fake.requests));
        tokio::spawn(async move {
            while let Ok((connection, _)) = listener.accept().await {
                let place = requests.lock().unwrap().len();
                requests.lock().unwrap().push(String::new());
                let request = serve(connection, |path| answer(&origin, path)).await;
                requests.lock().unwrap()[place] = request;
            }
        });
        fake
    }

    pub(crate) fn origin(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }

    /// What was sent, up to the body; empty for a connection on which nothing came.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }

    pub(crate) fn connections(&self) -> usize {
        self.requests().len()
    }
}

/// Reads the head of a request and answers it.
async fn serve(mut connection: TcpStream, answer: impl Fn(&str) -> String) -> String {
    let mut request = Vec::new();
    while !request.windows(4).any(|end| end == b"\r\n\r\n") {
        if connection.read_buf(&mut request).await.unwrap_or(0) == 0 {
            return String::new();
        }
    }
    let request = String::from_utf8_lossy(&request).into_owned();
    let path = request.split(' ').nth(1).unwrap_or_default();
    let _ = connection.write_all(answer(path).as_bytes()).await;
    request
}

/// An answer that ends the connection.
fn response(head: &str, body: &str) -> String {
    let length = body.len();
    format!("HTTP/1.1 {head}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}")
}

/// A page of one company and a link.
pub(crate) fn page(id: u128, link: Option<String>) -> String {
    pages(&[id], link)
}

/// A page of companies and a link.
pub(crate) fn pages(ids: &[u128], link: Option<String>) -> String {
    let value: Vec<_> = ids
        .iter()
        .map(|id| json!({ "id": Uuid::from_u128(*id) }))
        .collect();
    let mut page = json!({ "@odata.context": "c", "value": value });
    if let Some(link) = link {
        page["@odata.nextLink"] = Value::from(link);
    }
    let head = "200 OK\r\nContent-Type: application/json";
    response(head, &page.to_string())
}

/// A redirect, which keeps the method and the body if it is 307.
pub(crate) fn redirect(status: u16, location: &str) -> String {
    response(&format!("{status} Elsewhere\r\nLocation: {location}"), "")
}

/// An error that the document does not know.
pub(crate) fn failure() -> String {
    response("502 Bad Gateway", "")
}
