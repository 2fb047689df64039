//! Connections over TLS, and certificates that are renewed under them.

use rustls::ClientConfig;
use rustls::RootCertStore;
use rustls::pki_types::{CertificateDer, ServerName, pem::PemObject};
use tempfile::TempDir;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::*;
use crate::serve::tls::{Files, fixture};

/// A server with TLS, and where its certificate is.
pub(super) struct Secure {
    pub(super) world: World,
    tls: Arc<Tls>,
    files: Files,
    directory: TempDir,
}

pub(super) async fn secure(limits: Limits) -> Secure {
    let directory = tempfile::tempdir().unwrap();
    let files = fixture::write(directory.path());
    let tls = Arc::new(Tls::open(files.clone()).unwrap());
    Secure {
        world: world_with(limits, Some(tls.clone())).await,
        tls,
        files,
        directory,
    }
}

impl Secure {
    fn certificate(&self) -> CertificateDer<'static> {
        CertificateDer::from_pem_file(&self.files.certificate).unwrap()
    }

    /// A connection of a client that knows this certificate and speaks these protocols.
    async fn try_connect(
        &self,
        certificate: CertificateDer<'static>,
        protocols: &[&str],
    ) -> io::Result<TlsStream<TcpStream>> {
        let mut roots = RootCertStore::empty();
        roots.add(certificate).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = protocols
            .iter()
            .map(|name| name.as_bytes().to_vec())
            .collect();
        let stream = TcpStream::connect(self.world.address).await?;
        let name = ServerName::try_from("localhost").unwrap();
        TlsConnector::from(Arc::new(config))
            .connect(name, stream)
            .await
    }

    pub(super) async fn connect(&self, protocols: &[&str]) -> TlsStream<TcpStream> {
        self.try_connect(self.certificate(), protocols)
            .await
            .unwrap()
    }
}

async fn get(stream: &mut TlsStream<TcpStream>) {
    stream
        .write_all(b"GET /fast HTTP/1.1\r\nhost: x\r\n\r\n")
        .await
        .unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"fast") {
        assert_ne!(stream.read_buf(&mut answer).await.unwrap(), 0);
    }
}

#[tokio::test]
async fn clients_choose_what_they_speak() {
    let server = secure(Limits::new(10)).await;
    for (protocols, chosen) in [
        (&["h2", "http/1.1"][..], Some(&b"h2"[..])),
        (&["http/1.1"], Some(b"http/1.1")),
        (&[], None),
    ] {
        let mut stream = server.connect(protocols).await;
        assert_eq!(stream.get_ref().1.alpn_protocol(), chosen);
        if chosen != Some(b"h2") {
            get(&mut stream).await;
        }
    }
    let refused = server.try_connect(server.certificate(), &["spdy/1"]).await;
    assert!(refused.is_err());
}

/// The first message of a client that knows nothing newer than this version, to the letter.
fn client_hello(version: [u8; 2]) -> Vec<u8> {
    let ciphers = [0xc0, 0x13, 0xc0, 0x14, 0xc0, 0x2f, 0xc0, 0x2b];
    let groups = [0, 0x0a, 0, 4, 0, 2, 0, 0x17];
    let formats = [0, 0x0b, 0, 2, 1, 0];
    let signatures = [0, 0x0d, 0, 6, 0, 4, 4, 3, 4, 1];
    let extensions = [&groups[..], &formats, &signatures].concat();
    let mut body = version.to_vec();
    body.extend([7; 32]);
    body.extend([0, 0, u8::try_from(ciphers.len()).unwrap()]);
    body.extend(ciphers);
    body.extend([1, 0, 0, u8::try_from(extensions.len()).unwrap()]);
    body.extend(extensions);
    let length = u8::try_from(body.len()).unwrap();
    [&[22, 3, 1, 0, length + 4, 1, 0, 0, length][..], &body].concat()
}

#[tokio::test]
async fn nothing_older_than_tls_1_2_is_spoken() {
    const ALERT: u8 = 21;
    const HANDSHAKE: u8 = 22;
    const PROTOCOL_VERSION: u8 = 70;
    let server = secure(Limits::new(10)).await;
    let answer = async |version| {
        let mut stream = TcpStream::connect(server.world.address).await.unwrap();
        stream.write_all(&client_hello(version)).await.unwrap();
        let mut answer = [0; 7];
        stream.read_exact(&mut answer).await.unwrap();
        answer
    };
    for old in [[3, 0], [3, 1], [3, 2]] {
        let answer = answer(old).await;
        assert_eq!((answer[0], answer[6]), (ALERT, PROTOCOL_VERSION), "{old:?}");
    }
    // The same words are good if the version is.
    assert_eq!(answer([3, 3]).await[0], HANDSHAKE);
}

#[tokio::test]
async fn a_handshake_that_stalls_is_let_go() {
    let server = secure(Limits {
        handshake: Duration::from_millis(50),
        ..Limits::new(10)
    })
    .await;
    let hello = client_hello([3, 3]);
    for start in [&[][..], &hello[..1], &hello[..20]] {
        let mut stream = TcpStream::connect(server.world.address).await.unwrap();
        stream.write_all(start).await.unwrap();
        rest(stream).await;
    }
    let plain = server
        .world
        .send("GET /fast HTTP/1.1\r\nhost: x\r\n\r\n")
        .await;
    let mut answer = Vec::new();
    let mut plain = plain;
    drop(plain.read_to_end(&mut answer).await);
    assert!(!answer.starts_with(b"HTTP"), "{answer:?}");
}

#[tokio::test]
async fn a_certificate_is_renewed_under_connections() {
    let server = secure(Limits::new(10)).await;
    let old = server.certificate();
    let mut before = server.connect(&[]).await;
    get(&mut before).await;
    fixture::write(server.directory.path());
    let knows = async |certificate| server.try_connect(certificate, &[]).await.is_ok();
    assert!(knows(old.clone()).await, "nobody has said so yet");
    server.tls.renew();
    assert!(!knows(old.clone()).await && knows(server.certificate()).await);
    get(&mut before).await;
}

#[tokio::test]
#[expect(
    clippy::disallowed_methods,
    reason = "half a file of a test that crashed harms nobody"
)]
async fn a_certificate_that_cannot_be_used_replaces_none() {
    let server = secure(Limits::new(10)).await;
    let good = server.certificate();
    let other = fixture::write(tempfile::tempdir().unwrap().path());
    let other = std::fs::read(other.certificate).unwrap_or_default();
    let garbage = b"-----BEGIN CERTIFICATE-----\n".to_vec();
    for content in [Vec::new(), garbage, other] {
        std::fs::write(&server.files.certificate, content).unwrap();
        server.tls.renew();
        let mut stream = server.try_connect(good.clone(), &[]).await.unwrap();
        get(&mut stream).await;
    }
    std::fs::remove_file(&server.files.key).unwrap();
    server.tls.renew();
    assert!(server.try_connect(good, &[]).await.is_ok());
}
