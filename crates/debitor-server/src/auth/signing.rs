//! The development server's own issuer: a key of its own, and the tokens that it signs.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use anyhow::Context as _;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use chrono::{DateTime, TimeDelta, Utc};
use jsonwebtoken::jwk::{Jwk, ThumbprintHash};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::json;
use uuid::Uuid;

use super::Issuer;
use super::keys::KeySet;
use super::rotation::Keys;

/// What the development server's tokens say in `iss`; no real issuer can have this name.
pub const ISSUER: &str = "https://debitor.invalid/dev";
/// What they say in `aud`.
pub const AUDIENCE: &str = "api://debitor";
/// The key's file in the data directory: PKCS#8, readable by its owner alone.
pub const FILE: &str = "dev-signing-key.pk8";

/// A key that signs tokens.
pub struct SigningKey {
    id: String,
    public: Jwk,
    private: EncodingKey,
}

/// What a token is to say.
#[derive(Debug, Clone)]
pub struct Grant {
    pub tenant: Uuid,
    pub subject: Uuid,
    pub app: String,
    /// The only companies that it is for.
    pub companies: Option<Vec<Uuid>>,
    pub permissions: Vec<String>,
    pub valid_for: TimeDelta,
}

impl SigningKey {
    /// The data directory's key, made if there is none yet.
    pub fn open_or_create(directory: &Path) -> anyhow::Result<Self> {
        let path = directory.join(FILE);
        if !path
            .try_exists()
            .with_context(|| format!("cannot look for {}", path.display()))?
        {
            create(&path).with_context(|| format!("cannot make {}", path.display()))?;
        }
        Self::open(directory)
    }

    /// The data directory's key.
    pub fn open(directory: &Path) -> anyhow::Result<Self> {
        let path = directory.join(FILE);
        let key = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        Self::from_pkcs8(&key).with_context(|| format!("{} is not a P-256 key", path.display()))
    }

    fn from_pkcs8(key: &[u8]) -> anyhow::Result<Self> {
        let private = EncodingKey::from_ec_der(key);
        let mut public = Jwk::from_encoding_key(&private, Algorithm::ES256)?;
        let id = public.thumbprint(ThumbprintHash::SHA256)?;
        public.common.key_id = Some(id.clone());
        Ok(Self {
            id,
            public,
            private,
        })
    }

    /// The public key as a JSON Web Key Set (RFC 7517), for whoever is to trust it.
    pub fn key_set(&self) -> String {
        json!({ "keys": [self.public] }).to_string()
    }

    /// The issuer whose tokens this key signs.
    pub fn issuer(&self) -> anyhow::Result<Issuer> {
        let keys = KeySet::from_json(self.key_set().as_bytes())?;
        Ok(Issuer {
            name: ISSUER.to_owned(),
            audience: AUDIENCE.to_owned(),
            tenant: None,
            keys: Keys::fixed(keys),
        })
    }

    /// Signs a token.
    pub fn token(&self, grant: &Grant, now: DateTime<Utc>) -> anyhow::Result<String> {
        let header = Header {
            kid: Some(self.id.clone()),
            ..Header::new(Algorithm::ES256)
        };
        let mut claims = json!({
            "iss": ISSUER,
            "aud": AUDIENCE,
            "tid": grant.tenant,
            "oid": grant.subject,
            "sub": grant.subject,
            "azp": grant.app,
            "scp": grant.permissions.join(" "),
            "iat": now.timestamp(),
            "nbf": now.timestamp(),
            "exp": (now + grant.valid_for).timestamp(),
        });
        if let Some(companies) = &grant.companies {
            claims["companies"] = json!(companies);
        }
        Ok(jsonwebtoken::encode(&header, &claims, &self.private)?)
    }
}

/// Makes a key beside its place and moves it there, so that a crash leaves no half of it.
fn create(path: &Path) -> anyhow::Result<()> {
    let key = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new())?;
    let draft = path.with_extension(format!("pk8.{}", std::process::id()));
    write_private(&draft, key.as_ref())?;
    fs::rename(&draft, path)?;
    if let Some(directory) = path.parent() {
        File::open(directory)?.sync_all()?;
    }
    Ok(())
}

fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    // A draft that a crash left behind may have been opened by someone: never reuse it.
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_key_is_made_once_and_is_its_owners_alone() {
        let directory = tempfile::tempdir().unwrap();
        let first = SigningKey::open_or_create(directory.path()).unwrap();
        let again = SigningKey::open_or_create(directory.path()).unwrap();
        assert_eq!(first.id, again.id);
        let file = fs::metadata(directory.path().join(FILE)).unwrap();
        assert_eq!(file.permissions().mode() & 0o777, 0o600);
        assert_eq!(
            fs::read_dir(directory.path()).unwrap().count(),
            1,
            "no draft is left"
        );
    }

    #[test]
    fn a_missing_or_broken_key_is_named() {
        let directory = tempfile::tempdir().unwrap();
        let missing = SigningKey::open(directory.path()).err().unwrap();
        assert!(missing.to_string().contains(FILE), "{missing}");
        write_private(&directory.path().join(FILE), b"broken").unwrap();
        let broken = SigningKey::open_or_create(directory.path()).err().unwrap();
        assert!(
            broken.to_string().contains("is not a P-256 key"),
            "{broken}"
        );
    }
}
