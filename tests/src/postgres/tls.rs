//! Certificates for a PostgreSQL of the tests' own, made by the `openssl` that Debian's PostgreSQL
//! comes with.

use std::fs::Permissions;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::cluster::{Cluster, connect};

/// Keys are made at once of this kind, and certificates last for the tests.
const KEY: &str = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2";
/// PostgreSQL reads its settings anew when it gets round to it.
const RELOAD: Duration = Duration::from_secs(30);

/// Somebody who signs certificates.
pub struct Authority(TempDir);

impl Authority {
    /// A new one, whom nobody knows.
    pub fn new() -> Self {
        let authority = Self(tempfile::tempdir().expect("a temporary directory"));
        let name = uuid::Uuid::now_v7();
        let make = format!("req -x509 {KEY} -subj /CN={name} -keyout ca.key -out ca.pem");
        authority.openssl(&make);
        authority
    }

    /// The file with its own certificate.
    pub fn root(&self) -> PathBuf {
        self.0.path().join("ca.pem")
    }

    /// Has a cluster speak TLS as the host of this name, and only that.
    pub async fn certify(&self, cluster: &Cluster, host: &str) {
        let request = format!("req {KEY} -subj /CN={host} -keyout server.key -out server.csr");
        self.openssl(&request);
        let extensions = format!("subjectAltName=DNS:{host}\nbasicConstraints=CA:FALSE\n");
        self.write("extensions", &extensions);
        self.openssl(
            "x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 \
             -extfile extensions -out server.crt",
        );
        let data = cluster.directory().join("data");
        for file in ["server.key", "server.crt"] {
            install(&self.0.path().join(file), &data);
        }
        let superuser = connect(cluster.url()).await.expect("PostgreSQL answers");
        for statement in ["ALTER SYSTEM SET ssl = on", "SELECT pg_reload_conf()"] {
            let done = superuser.batch_execute(statement).await;
            done.expect("it is the superuser");
        }
        let begun = Instant::now();
        while !speaks_tls(cluster).await {
            assert!(begun.elapsed() < RELOAD, "PostgreSQL does not speak TLS");
        }
    }

    fn openssl(&self, arguments: &str) {
        let mut openssl = Command::new("openssl");
        openssl
            .args(arguments.split_whitespace())
            .current_dir(self.0.path());
        let output = openssl
            .output()
            .expect("the tests need `openssl`: install it (Debian: `apt-get install openssl`)");
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "openssl {arguments}: {error}");
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "half a file of a test that crashed harms nobody"
    )]
    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.0.path().join(name), text).expect("the directory is ours");
    }
}

impl Default for Authority {
    fn default() -> Self {
        Self::new()
    }
}

/// Gives PostgreSQL a file that only it may read.
fn install(file: &Path, data: &Path) {
    let place = data.join(file.file_name().expect("a file has a name"));
    let owner = data.metadata().expect("the cluster has data").uid();
    std::fs::copy(file, &place).expect("the disk has room");
    std::fs::set_permissions(&place, Permissions::from_mode(0o600)).expect("the file is ours");
    chown(&place, Some(owner), None).expect("the file is ours");
}

/// Whether a connection that begins now can.
async fn speaks_tls(cluster: &Cluster) -> bool {
    let superuser = connect(cluster.url()).await.expect("PostgreSQL answers");
    let row = superuser.query_one("SHOW ssl", &[]).await;
    row.expect("a setting").get::<_, &str>(0) == "on"
}
