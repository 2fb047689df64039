//! A production server that trusts a key of the test's own.

use debitor_server::auth::signing::{AUDIENCE, Grant, ISSUER, SigningKey};
use debitor_server::clock::{Clock as _, SystemClock};
use debitor_server::dev;
use debitor_tests::Production;
use tempfile::TempDir;
use uuid::Uuid;

/// The server, whose company is the development tenant's, and the key.
pub(crate) struct Issued {
    pub(crate) server: Production,
    key: SigningKey,
}

impl Issued {
    /// Starts one with these settings that are in no table, and these tables.
    pub(crate) async fn start(settings: &str, tables: &str) -> Self {
        let directory = TempDir::new().unwrap();
        let key = SigningKey::open_or_create(directory.path()).unwrap();
        let keys = directory.path().join("jwks.json");
        write(&keys, &key.key_set());
        let tables = format!(
            "[[auth.issuers]]\nissuer = \"{ISSUER}\"\naudience = \"{AUDIENCE}\"\n\
             jwks_file = \"{}\"\n{tables}",
            keys.display()
        );
        Self {
            server: Production::start_with(dev::TENANT, settings, &tables).await,
            key,
        }
    }

    /// A token as the development server's.
    pub(crate) fn token(&self) -> String {
        self.sign(&dev::grant())
    }

    /// A token of this program, for this tenant.
    pub(crate) fn token_of(&self, tenant: Uuid, app: &str) -> String {
        let app = app.to_owned();
        self.sign(&Grant {
            tenant,
            app,
            ..dev::grant()
        })
    }

    fn sign(&self, grant: &Grant) -> String {
        let now = SystemClock::default().now();
        self.key.token(grant, now).unwrap()
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "half a file of a test that crashed harms nobody"
)]
fn write(path: &std::path::Path, text: &str) {
    std::fs::write(path, text).unwrap();
}
