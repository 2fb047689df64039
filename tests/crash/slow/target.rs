//! The server that is tried, and what its clients know of it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use debitor_tests::certificate::Certificate;
use futures::{StreamExt, TryStreamExt, stream};
use reqwest::header::LOCATION;
use rustls::pki_types::ServerName;
use serde_json::json;
use tokio::net::{TcpSocket, TcpStream};
use tokio_rustls::TlsConnector;

use crate::Run;
use crate::server::{Access, Launch, Server};

/// Customers of the page that nobody reads: twice what the system takes for such a client.
const CUSTOMERS: usize = 500;
/// Who makes them, at once.
const CLIENTS: usize = 8;
/// The buffer of such a client, in bytes.
const SMALL: u32 = 4096;

/// How long the server waits for whom.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    usual: bool,
    pub(super) handshake: Duration,
    pub(super) headers: Duration,
    pub(super) body: Duration,
    pub(super) request: Duration,
    pub(super) write: Duration,
}

impl Patience {
    /// The server's own limits, or a fraction of them.
    pub(super) fn new(usual: bool) -> Self {
        let time = |seconds: u64| Duration::from_secs(seconds) / if usual { 1 } else { 10 };
        Self {
            usual,
            handshake: time(5),
            headers: time(10),
            body: time(10),
            request: time(30),
            write: time(30),
        }
    }

    /// What a server is told to have these; nothing if it has them by itself.
    fn settings(&self) -> Vec<(String, String)> {
        let settings = [
            ("HANDSHAKE", self.handshake),
            ("HEADER", self.headers),
            ("BODY", self.body),
            ("REQUEST", self.request),
            ("WRITE", self.write),
        ];
        let named = settings.into_iter().filter(|_| !self.usual);
        named
            .map(|(name, time)| {
                let name = format!("DEBITOR_LIMITS_{name}_TIMEOUT_MS");
                (name, time.as_millis().to_string())
            })
            .collect()
    }
}

#[derive(Clone)]
pub(super) struct Target {
    pub(super) patience: Patience,
    pub(super) access: Access,
    address: SocketAddr,
    http: reqwest::Client,
    certificate: Option<Arc<Certificate>>,
    /// The address of the customer that honest clients read.
    customer: String,
    server: Arc<Server>,
}

impl Target {
    /// Starts a server, with TLS or without, that has a page of customers.
    pub(super) async fn start(run: &Run, patience: Patience, secure: bool) -> Result<Self> {
        std::fs::create_dir_all(&run.folder)?;
        let mut launch = Launch::new(&run.server, &run.folder.join("store"), &run.folder);
        for (name, value) in patience.settings() {
            launch = launch.with(&name, value);
        }
        let certificate = secure.then(|| Arc::new(Certificate::write(&run.folder)));
        if let Some(certificate) = &certificate {
            launch = launch
                .with("DEBITOR_TLS_CERT_FILE", &certificate.cert_file)
                .with("DEBITOR_TLS_KEY_FILE", &certificate.key_file);
        }
        let server = launch.start().await?;
        let access = server.access.clone();
        let http = match &certificate {
            Some(certificate) => certificate.client(),
            None => reqwest::Client::builder().no_proxy().build()?,
        };
        let mut target = Self {
            patience,
            address: address(&access)?,
            access,
            http,
            certificate,
            customer: String::new(),
            server: Arc::new(server),
        };
        target.customer = target.fill().await?;
        Ok(target)
    }

    /// Makes the customers; the address of one of them.
    async fn fill(&self) -> Result<String> {
        let made = stream::iter(0..CUSTOMERS).map(|number| self.create(number));
        let made: Vec<String> = made.buffer_unordered(CLIENTS).try_collect().await?;
        made.into_iter().next().context("a customer")
    }

    /// Makes a customer; its address.
    async fn create(&self, number: usize) -> Result<String> {
        let customers = format!("{}{}", self.origin(), self.path());
        let body = json!({
            "displayName": format!("Customer {number}"),
            "address": {"street": "x".repeat(100), "city": "x".repeat(30)},
        });
        let request = self.http.post(&customers).bearer_auth(&self.access.token);
        let answer = request.json(&body).send().await?.error_for_status()?;
        let location = answer.headers().get(LOCATION).context("a location")?;
        Ok(location.to_str()?.to_owned())
    }

    fn origin(&self) -> &str {
        self.access.base_url.trim_end_matches("/v1.0")
    }

    /// The path of the customers.
    pub(super) fn path(&self) -> String {
        format!(
            "/v1.0/financials/companies/{}/customers",
            self.access.company_id
        )
    }

    /// What an honest client asks for.
    pub(super) fn get(&self) -> reqwest::RequestBuilder {
        self.http
            .get(&self.customer)
            .bearer_auth(&self.access.token)
    }

    pub(super) async fn connect(&self) -> Result<TcpStream> {
        Ok(TcpStream::connect(self.address).await?)
    }

    /// A connection of a client that can take little at once.
    pub(super) async fn connect_narrowly(&self) -> Result<TcpStream> {
        let socket = TcpSocket::new_v4()?;
        socket.set_recv_buffer_size(SMALL)?;
        Ok(socket.connect(self.address).await?)
    }

    /// What makes a connection one of TLS that speaks these protocols, if the server has TLS.
    pub(super) fn connector(&self, protocols: &[&str]) -> Option<TlsConnector> {
        let certificate = self.certificate.as_ref();
        certificate.map(|certificate| certificate.connector(protocols))
    }

    pub(super) fn name(&self) -> ServerName<'static> {
        self.address.ip().into()
    }

    /// The memory of the server that is its own and in use, in bytes.
    pub(super) fn memory(&self) -> Result<u64> {
        self.server.memory()
    }

    /// Stops the server, which must end in order.
    pub(super) async fn stop(self) -> Result<()> {
        let mut server = Arc::into_inner(self.server).context("somebody still uses the server")?;
        let status = server.terminate().await?;
        ensure!(status.success(), "the server does not end in order");
        Ok(())
    }
}

fn address(access: &Access) -> Result<SocketAddr> {
    let url = access.base_url.parse::<url::Url>()?;
    let found = url.socket_addrs(|| None)?.into_iter().next();
    found.context("the server's address")
}
