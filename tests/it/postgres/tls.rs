//! A database on another machine: the server speaks TLS to it, and knows whom it speaks to.

use std::sync::Arc;

use debitor_tests::postgres::tls::Authority;
use debitor_tests::postgres::{Database, Host};
use debitor_tests::{Place, TestServer, binaries};

use super::migrate::{CONFIGURATION, program, refused, told};

/// The name in the database's certificate, and another address of the same machine.
const NAME: &str = "localhost";
const ADDRESS: &str = "127.0.0.1";

/// The address of a database at this host, with the certificate of whom to trust.
fn address(url: &str, host: &str, root: &Authority) -> String {
    let url = url.replace(ADDRESS, host);
    format!(
        "{url}?sslmode=verify-full&sslrootcert={}",
        root.root().display()
    )
}

async fn database() -> (Arc<Host>, Database) {
    let host = Host::own(&[]).await;
    let database = Database::on(&host, &binaries::server()).await;
    (host, database)
}

#[tokio::test]
async fn a_database_whose_certificate_is_trusted_is_spoken_to_over_tls() {
    let (host, database) = database().await;
    let authority = Authority::new();
    authority.certify(host.cluster(), NAME).await;
    let url = address(&database.url(), NAME, &authority);
    let owner = address(&database.owner_url(), NAME, &authority);
    let migrated = program(&["migrate", "--store", &owner]);
    assert!(migrated.status.success(), "{}", told(&migrated));
    let sql = database.superuser().await;
    let server = TestServer::start_in(Place::at(url, database)).await;
    let company = server.request("GET", &server.company_path());
    company.send().await.expect(200);
    let connections = "SELECT count(*), bool_and(ssl), min(version) FROM pg_stat_ssl
                       JOIN pg_stat_activity USING (pid) WHERE application_name = 'debitor-server'";
    let row = sql.query_one(connections, &[]).await.unwrap();
    assert!(row.get::<_, i64>(0) > 0 && row.get::<_, bool>(1), "{row:?}");
    assert_eq!(row.get::<_, &str>(2), "TLSv1.3");
}

/// Whoever it is could have the password and the data.
#[tokio::test]
async fn a_database_that_cannot_prove_who_it_is_is_refused() {
    let (host, database) = database().await;
    let (authority, other) = (Authority::new(), Authority::new());
    let none = address(&database.url(), NAME, &authority);
    let none = refused(&none);
    assert_eq!(none.status.code(), CONFIGURATION, "{}", told(&none));
    assert!(
        told(&none).contains("does not support TLS"),
        "{}",
        told(&none)
    );
    authority.certify(host.cluster(), NAME).await;
    for (host, root, why) in [
        (NAME, &other, "UnknownIssuer"),
        (ADDRESS, &authority, "not valid for name"),
    ] {
        let url = address(&database.url(), host, root);
        let owner = address(&database.owner_url(), host, root);
        for output in [refused(&url), program(&["migrate", "--store", &owner])] {
            assert!(!output.status.success());
            let message = told(&output);
            assert!(
                message.contains("certificate") && message.contains(why),
                "{message}"
            );
        }
        assert_eq!(refused(&url).status.code(), CONFIGURATION);
    }
}
