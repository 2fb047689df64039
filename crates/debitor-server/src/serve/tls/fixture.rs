//! Certificates for tests, each its own issuer.

use std::path::Path;

use rcgen::{CertifiedKey, generate_simple_self_signed};

use super::Files;

/// Writes a certificate of `localhost` and its key in place of what was there.
#[expect(
    clippy::disallowed_methods,
    reason = "half a file of a test that crashed harms nobody"
)]
pub(crate) fn write(directory: &Path) -> Files {
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let files = Files {
        certificate: directory.join("cert.pem"),
        key: directory.join("key.pem"),
    };
    std::fs::write(&files.certificate, cert.pem()).unwrap();
    std::fs::write(&files.key, signing_key.serialize_pem()).unwrap();
    files
}
