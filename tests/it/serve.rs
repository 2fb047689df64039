//! `debitor-server serve`: production, with issuers, companies and a public address of its own.

use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use debitor_server::auth::signing::{AUDIENCE, ISSUER, SigningKey};
use debitor_server::clock::{Clock, SystemClock};
use debitor_server::dev;
use debitor_tests::{Engine, Place, Request, binaries};
use serde_json::json;
use tempfile::TempDir;

const PUBLIC_URL: &str = "https://customers.example.com";

/// A production server; it is killed at the end.
pub(crate) struct Production {
    process: Child,
    pub(crate) origin: String,
}

impl Drop for Production {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn program(arguments: &[&str]) -> Output {
    Command::new(binaries::server())
        .args(arguments)
        .output()
        .unwrap()
}

/// Writes a configuration, with the issuer whose key is in the directory.
pub(crate) fn configure(directory: &Path, key: &SigningKey, port: u16, store: &str) -> String {
    let jwks = directory.join("jwks.json");
    write(&jwks, &key.key_set());
    let text = format!(
        "listen = \"127.0.0.1:{port}\"\npublic_url = \"{PUBLIC_URL}\"\n\
         [store]\nurl = \"{store}\"\n\
         [[auth.issuers]]\nissuer = \"{ISSUER}\"\naudience = \"{AUDIENCE}\"\njwks_file = \"{}\"\n",
        jwks.display()
    );
    let file = directory.join("debitor.toml");
    write(&file, &text);
    file.display().to_string()
}

#[expect(
    clippy::disallowed_methods,
    reason = "half a file of a test that crashed harms nobody"
)]
fn write(path: &Path, text: &str) {
    std::fs::write(path, text).unwrap();
}

pub(crate) async fn serve(configuration: &str, port: u16) -> Production {
    let process = Command::new(binaries::server())
        .args(["serve", "--config", configuration])
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let production = Production {
        process,
        origin: format!("http://127.0.0.1:{port}"),
    };
    let ready = format!("{}/readyz", production.origin);
    while Request::new("GET", &ready).try_send().await.is_err() {
        tokio::task::yield_now().await;
    }
    production
}

pub(crate) fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port()
}

#[tokio::test]
async fn a_company_is_made_without_http_and_links_have_the_public_address() {
    let directory = TempDir::new().unwrap();
    let key = SigningKey::open_or_create(directory.path()).unwrap();
    let port = free_port();
    let store = Place::new(Engine::of_run(), &directory.path().join("store")).await;
    let configuration = configure(directory.path(), &key, port, store.url());
    let tenant = dev::TENANT.to_string();
    let create = [
        "company",
        "create",
        "--config",
        &configuration,
        "--tenant",
        &tenant,
    ];
    let made = program(&[&create[..], &["--name", "Nordhafen"]].concat());
    assert!(
        made.status.success(),
        "{}",
        String::from_utf8_lossy(&made.stderr)
    );
    let company = String::from_utf8(made.stdout).unwrap().trim().to_owned();

    let server = serve(&configuration, port).await;
    let token = key
        .token(&dev::grant(), SystemClock::default().now())
        .unwrap();
    let customers = format!("/v1.0/financials/companies/{company}/customers");
    let created = Request::new("POST", &format!("{}{customers}", server.origin))
        .header("Authorization", &format!("Bearer {token}"))
        .json(&json!({"displayName": "A"}))
        .send()
        .await
        .expect(201);
    let location = created.header("location").unwrap();
    assert!(
        location.starts_with(&format!("{PUBLIC_URL}{customers}/")),
        "{location}"
    );
    let other = SigningKey::open_or_create(TempDir::new().unwrap().path()).unwrap();
    let foreign = other
        .token(&dev::grant(), SystemClock::default().now())
        .unwrap();
    let request = Request::new("GET", &format!("{}{customers}", server.origin));
    request
        .header("Authorization", &format!("Bearer {foreign}"))
        .send()
        .await
        .expect(401);
    Request::new("GET", &format!("{}/docs/", server.origin))
        .send()
        .await
        .expect(404);
}

#[test]
fn without_an_issuer_it_refuses_and_names_every_fault() {
    let directory = TempDir::new().unwrap();
    let file = directory.path().join("debitor.toml");
    write(
        &file,
        "listen = \"nowhere\"\nlisten_on = 1\n[store]\nurl = \"mysql:x\"\n",
    );
    let refused = program(&["serve", "--config", &file.display().to_string()]);
    assert!(!refused.status.success());
    let message = String::from_utf8_lossy(&refused.stderr);
    for place in ["listen", "listen_on", "store.url", "auth.issuers"] {
        assert!(message.contains(place), "{place}: {message}");
    }
}
