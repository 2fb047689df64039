//! TLS 1.2 and 1.3, with a certificate that can be renewed while connections are open: they go on
//! with the one that they were shown.

use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::version::{TLS12, TLS13};
use tokio::signal::unix::{SignalKind, signal};
use tokio_rustls::TlsAcceptor;

/// What connections can speak, the better one first.
pub(super) const HTTP2: &[u8] = b"h2";
const HTTP1: &[u8] = b"http/1.1";

/// The files are looked at so often, for those who cannot send signals.
const LOOK: Duration = Duration::from_secs(30);

/// Why files cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Unusable {
    #[error("cannot be read: {0}")]
    Unreadable(#[from] io::Error),
    #[error("must be certificates as PEM")]
    NoCertificate,
    #[error("must be a private key as PEM")]
    NoKey,
    #[error("must be the key of the certificate")]
    Mismatch,
}

/// TLS as the server offers it.
pub struct Tls {
    server: Arc<ServerConfig>,
    certificate: Arc<Certificate>,
    files: Files,
    /// What the files held when they were tried last.
    tried: Mutex<Contents>,
}

/// The files of a certificate and its key.
#[derive(Debug, Clone)]
pub struct Files {
    pub certificate: PathBuf,
    pub key: PathBuf,
}

/// What such files hold.
#[derive(PartialEq, Eq)]
struct Contents {
    certificate: Vec<u8>,
    key: Vec<u8>,
}

/// The certificate that new connections are shown.
#[derive(Debug)]
struct Certificate(RwLock<Arc<CertifiedKey>>);

impl ResolvesServerCert for Certificate {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let current = self.0.read().unwrap_or_else(PoisonError::into_inner);
        Some(Arc::clone(&current))
    }
}

impl Tls {
    pub fn open(files: Files) -> anyhow::Result<Self> {
        let contents = files.read()?;
        let current = Arc::new(contents.certified()?);
        let certificate = Arc::new(Certificate(RwLock::new(current)));
        let mut server =
            ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
                .with_protocol_versions(&[&TLS13, &TLS12])?
                .with_no_client_auth()
                .with_cert_resolver(Arc::clone(&certificate) as _);
        server.alpn_protocols = vec![HTTP2.to_vec(), HTTP1.to_vec()];
        Ok(Self {
            server: Arc::new(server),
            certificate,
            files,
            tried: Mutex::new(contents),
        })
    }

    pub(super) fn acceptor(&self) -> TlsAcceptor {
        Arc::clone(&self.server).into()
    }

    /// Takes what the files hold on every SIGHUP, and from time to time.
    pub fn renewals(self: Arc<Self>) -> io::Result<impl Future<Output = ()>> {
        let mut hangup = signal(SignalKind::hangup())?;
        Ok(async move {
            let mut look = tokio::time::interval(LOOK);
            loop {
                tokio::select! {
                    _ = hangup.recv() => {}
                    _ = look.tick() => {}
                }
                let tls = Arc::clone(&self);
                // Were it to panic, the certificate would stay what it is.
                drop(tokio::task::spawn_blocking(move || tls.renew()).await);
            }
        })
    }

    /// Shows new connections what the files hold now. What cannot be used is told once, and changes
    /// nothing.
    pub(super) fn renew(&self) {
        match self.try_renew() {
            Ok(true) => tracing::info!("the certificate was renewed"),
            Ok(false) => {}
            Err(error) => tracing::error!(%error, "the certificate was not renewed"),
        }
    }

    fn try_renew(&self) -> Result<bool, Unusable> {
        let contents = self.files.read()?;
        let mut tried = self.tried.lock().unwrap_or_else(PoisonError::into_inner);
        if *tried == contents {
            return Ok(false);
        }
        *tried = contents;
        let renewed = Arc::new(tried.certified()?);
        let current = self.certificate.0.write();
        *current.unwrap_or_else(PoisonError::into_inner) = renewed;
        Ok(true)
    }
}

impl Files {
    fn read(&self) -> io::Result<Contents> {
        Ok(Contents {
            certificate: std::fs::read(&self.certificate)?,
            key: std::fs::read(&self.key)?,
        })
    }

    /// Whether the key is that of the certificate, and both can be used.
    pub fn check(&self) -> Result<(), Unusable> {
        self.read()?.certified().map(drop)
    }
}

impl Contents {
    fn certified(&self) -> Result<CertifiedKey, Unusable> {
        let chain = certificates(&self.certificate)?;
        let key = private_key(&self.key)?;
        CertifiedKey::from_der(chain, key, &aws_lc_rs::default_provider())
            .map_err(|_| Unusable::Mismatch)
    }
}

/// A certificate, and those that lead from it to one that clients know.
pub(crate) fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, Unusable> {
    match CertificateDer::pem_slice_iter(pem).collect() {
        Ok::<Vec<_>, _>(chain) if !chain.is_empty() => Ok(chain),
        _ => Err(Unusable::NoCertificate),
    }
}

pub(crate) fn private_key(pem: &[u8]) -> Result<PrivateKeyDer<'static>, Unusable> {
    PrivateKeyDer::from_pem_slice(pem).map_err(|_| Unusable::NoKey)
}

#[cfg(test)]
pub(crate) mod fixture;
