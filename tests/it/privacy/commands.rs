//! `debitor-server customer`: what is held of a customer, and its erasure, by hand.

use std::process::{Command, Output};

use debitor_server::dev;
use debitor_tests::{Engine, TestServer, binaries};
use serde_json::{Value, json};
use uuid::Uuid;

/// Runs a command on a company of the demo tenant.
pub(crate) fn customer(command: &str, store: &str, company: &str, more: &[&str]) -> Output {
    Command::new(binaries::server())
        .args(["customer", command, "--store", store, "--company", company])
        .args(["--tenant", &dev::TENANT.to_string()])
        .args(more)
        .output()
        .unwrap()
}

pub(crate) fn complaint(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// A server that has stopped, with its store.
pub(crate) struct Office {
    pub(crate) server: TestServer,
    pub(crate) company: String,
}

impl Office {
    /// With one customer, whom a sales invoice names.
    pub(crate) async fn new(engine: Engine) -> (Self, String) {
        let server = TestServer::start_on(engine).await;
        let path = server.company_path();
        let create = server.request("POST", &format!("{path}/customers"));
        let create = create
            .header("Idempotency-Key", "k")
            .json(&json!({"displayName": "Ada", "number": "A-1"}));
        let made = create.send().await.expect(201).json();
        let id = made["id"].as_str().unwrap().to_owned();
        let invoice = server.request("POST", &format!("{path}/salesInvoices"));
        let invoice = invoice.json(&json!({"customerId": id, "status": "Open"}));
        invoice.send().await.expect(201);
        let company = server.company().to_string();
        let mut office = Self { server, company };
        if engine == Engine::Sqlite {
            let refused = office.run("export", &["--customer", &id]);
            assert!(complaint(&refused).contains("in use by another process"));
            assert_eq!(office.server.stop(), Some(0));
        }
        (office, id)
    }

    /// Runs a command, as the owner of the tables where there is one.
    fn run(&self, command: &str, more: &[&str]) -> Output {
        let place = self.server.place();
        let store = match place.database() {
            Some(database) => database.owner_url(),
            None => place.url().to_owned(),
        };
        customer(command, &store, &self.company, more)
    }

    pub(crate) fn export(&self, customer: &str) -> Value {
        let output = self.run("export", &["--customer", customer]);
        assert!(output.status.success(), "{}", complaint(&output));
        serde_json::from_slice(&output.stdout).unwrap()
    }

    fn refused(&self, command: &str, more: &[&str]) -> String {
        let output = self.run(command, more);
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        assert!(output.stdout.is_empty(), "{output:?}");
        complaint(&output)
    }
}

#[tokio::test]
async fn what_is_held_is_printed_and_goes_when_it_is_erased() {
    let (office, id) = Office::new(Engine::of_run()).await;
    let held = office.export("a-1");
    assert_eq!(held, office.export(&id));
    assert_eq!(held["customerId"], json!(id));
    assert_eq!(held["customer"]["displayName"], "Ada");
    assert_eq!(held["salesInvoices"][0]["customerName"], "Ada");
    assert_eq!(held["changes"][0]["action"], "create");
    let changed = held["changes"][0]["properties"].as_array().unwrap();
    assert!(changed.contains(&json!("displayName")), "{held:#}");
    assert_eq!(held["answersToRepeat"][0]["answer"]["number"], "A-1");

    let told = office.refused("erase", &["--customer", "A-1"]);
    assert!(
        told.contains("S00020") && told.contains("--issued"),
        "{told}"
    );
    let erased = office.run("erase", &["--customer", "A-1", "--issued"]);
    assert!(erased.status.success(), "{}", complaint(&erased));
    let line = format!("{}\t{}\t{id}\n", dev::TENANT, office.company);
    assert_eq!(String::from_utf8(erased.stdout).unwrap(), line);
    let held = office.export(&id);
    assert_eq!(
        (&held["customer"], &held["salesInvoices"]),
        (&Value::Null, &json!([]))
    );
    assert!(!held.to_string().contains("Ada"), "{held:#}");
    assert!(
        office
            .refused("export", &["--customer", "A-1"])
            .contains("no such customer")
    );
}

#[tokio::test]
async fn nobody_else_is_erased_and_no_store_is_made() {
    let (office, id) = Office::new(Engine::of_run()).await;
    let nobody = Uuid::from_u128(404).to_string();
    for command in ["export", "erase"] {
        let told = office.refused(command, &["--customer", &nobody]);
        assert!(told.contains("there is no such customer"), "{told}");
        let usage = office.run(command, &[]);
        assert_eq!(usage.status.code(), Some(2), "{usage:?}");
        let nowhere = office.server.data_dir().join("nowhere");
        let store = format!("sqlite:{}", nowhere.display());
        let output = customer(command, &store, &office.company, &["--customer", &id]);
        assert!(
            complaint(&output).contains("there is no store"),
            "{output:?}"
        );
        assert!(!nowhere.exists());
    }
    let left = office.run("erase", &["--customer", &id, "--issued", "--leave-files"]);
    assert!(left.status.success());
    assert!(complaint(&left).contains("files still have"), "{left:?}");
}
