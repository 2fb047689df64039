//! Certificates of this machine, each its own issuer, and clients that know them.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use tokio_rustls::TlsConnector;

const NAMES: [&str; 2] = ["localhost", "127.0.0.1"];

/// The files of a certificate and its key.
pub struct Certificate {
    pub cert_file: PathBuf,
    pub key_file: PathBuf,
    pem: String,
}

impl Certificate {
    /// Writes a new one, in place of what was in the directory.
    #[expect(
        clippy::disallowed_methods,
        reason = "half a file of a test that crashed harms nobody"
    )]
    pub fn write(directory: &Path) -> Self {
        let CertifiedKey { cert, signing_key } =
            generate_simple_self_signed(NAMES.map(str::to_owned)).expect("a certificate");
        let certificate = Self {
            cert_file: directory.join("cert.pem"),
            key_file: directory.join("key.pem"),
            pem: cert.pem(),
        };
        std::fs::write(&certificate.cert_file, &certificate.pem).expect("a file");
        std::fs::write(&certificate.key_file, signing_key.serialize_pem()).expect("a file");
        certificate
    }

    /// A client that trusts this certificate alone.
    pub fn client(&self) -> reqwest::Client {
        let known = reqwest::Certificate::from_pem(self.pem.as_bytes()).expect("a certificate");
        let client = reqwest::Client::builder().tls_certs_only([known]);
        client.no_proxy().build().expect("a client")
    }

    /// What makes connections ones of TLS that trust this certificate alone and speak these protocols.
    pub fn connector(&self, protocols: &[&str]) -> TlsConnector {
        let known = CertificateDer::from_pem_slice(self.pem.as_bytes()).expect("a certificate");
        let mut roots = RootCertStore::empty();
        roots.add(known).expect("a certificate");
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_root_certificates(roots)
            .with_no_client_auth();
        let protocols = protocols.iter().map(|name| name.as_bytes().to_vec());
        config.alpn_protocols = protocols.collect();
        TlsConnector::from(Arc::new(config))
    }
}
