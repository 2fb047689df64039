//! `debitor-server company`: companies, and who may do what with them, administered without HTTP.

use std::process::{Command, Output};

use debitor_server::auth::signing::SigningKey;
use debitor_server::dev;
use debitor_tests::{Engine, Place, TestServer, binaries};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::serve::configure;

/// A store, and the configuration that names it.
struct Office {
    configuration: String,
    _directory: TempDir,
}

impl Office {
    fn of(store: &str) -> Self {
        let directory = TempDir::new().unwrap();
        let key = SigningKey::open_or_create(directory.path()).unwrap();
        let configuration = configure(directory.path(), &key, 0, store);
        Self {
            configuration,
            _directory: directory,
        }
    }

    fn run(&self, command: &str, more: &[&str]) -> Output {
        let tenant = dev::TENANT.to_string();
        let mut program = Command::new(binaries::server());
        program.args(["company", command, "--config", &self.configuration]);
        program.args(["--tenant", &tenant]).args(more);
        program.output().unwrap()
    }

    /// What a command prints that must succeed.
    fn printed(&self, command: &str, more: &[&str]) -> String {
        let output = self.run(command, more);
        assert!(output.status.success(), "{}", complaint(&output));
        String::from_utf8(output.stdout).unwrap()
    }

    fn refused(&self, command: &str, more: &[&str]) -> String {
        let output = self.run(command, more);
        assert!(
            !output.status.success() && output.stdout.is_empty(),
            "{output:?}"
        );
        complaint(&output)
    }
}

fn complaint(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[tokio::test]
async fn grants_are_listed_as_they_were_given() {
    let directory = TempDir::new().unwrap();
    let place = Place::new(Engine::of_run(), &directory.path().join("store")).await;
    let office = Office::of(place.url());
    let made = office.printed("create", &["--name", "Elbwerk", "--restricted"]);
    let id = made.trim();
    let company = ["--company", id];
    let with = |more: &[&'static str]| [&company[..], more].concat();
    let granted = office.printed("grant", &with(&["--subject", "ada"]));
    assert_eq!(granted, format!("{id}\tsubject:ada\twrite\tElbwerk\n"));
    office.printed("grant", &with(&["--subject", "bob"]));
    let granted = office.printed("grant", &with(&["--app", "till", "--read-only", "--json"]));
    let expected = json!({
        "id": id, "name": "Elbwerk", "everyone": "none",
        "grants": [
            {"subject": "ada", "right": "write"},
            {"subject": "bob", "right": "write"},
            {"app": "till", "right": "read"},
        ],
    });
    assert_eq!(serde_json::from_str::<Value>(&granted).unwrap(), expected);
    // Whoever is granted a thing anew has that alone.
    office.printed("grant", &with(&["--subject", "ada", "--read-only"]));
    for _ in 0..2 {
        let revoked = office.printed("revoke", &with(&["--subject", "bob"]));
        assert_eq!(revoked, format!("{id}\tsubject:bob\tnone\tElbwerk\n"));
    }
    let listed = [
        format!("{id}\teveryone\tnone\tElbwerk\n"),
        format!("{id}\tsubject:ada\tread\tElbwerk\n"),
        format!("{id}\tapp:till\tread\tElbwerk\n"),
    ];
    assert_eq!(office.printed("list", &[]), listed.concat());
    office.printed("grant", &with(&["--everyone", "--read-only"]));
    let listed = office.printed("list", &["--json"]);
    let listed: Value = serde_json::from_str(&listed).unwrap();
    assert_eq!(
        (&listed["everyone"], listed["grants"][1]["app"].as_str()),
        (&json!("read"), Some("till"))
    );
}

#[tokio::test]
async fn what_is_no_grant_is_refused_with_the_reason() {
    let directory = TempDir::new().unwrap();
    let place = Place::new(Engine::of_run(), &directory.path().join("store")).await;
    let office = Office::of(place.url());
    let id = office.printed("create", &["--name", "Elbwerk"]);
    let company = ["--company", id.trim()];
    let with = |more: &[&'static str]| [&company[..], more].concat();
    for arguments in [
        with(&[]),
        with(&["--subject", "ada", "--everyone"]),
        with(&["--subject", ""]),
        vec!["--subject", "ada"],
        vec!["--subject", "ada", "--company", "x"],
    ] {
        assert!(
            office.refused("grant", &arguments).contains("--"),
            "{arguments:?}"
        );
    }
    let unknown = [
        "--everyone",
        "--company",
        "00000000-0000-0000-0000-000000000404",
    ];
    for command in ["grant", "revoke"] {
        assert!(
            office
                .refused(command, &unknown)
                .contains("there is no such company")
        );
    }
    let nil = [
        "--name",
        "A",
        "--id",
        "00000000-0000-0000-0000-000000000000",
    ];
    assert!(office.refused("create", &nil).contains("zeros"));
    let taken = ["--name", "A", "--id", id.trim()];
    assert!(office.refused("create", &taken).contains("is taken"));
    let open = office.run("grant", &with(&["--subject", "ada"]));
    assert!(complaint(&open).contains("open to everyone"), "{open:?}");
    assert_eq!(office.printed("list", &[]).lines().count(), 2);
}

/// On PostgreSQL at once, while requests are made; an embedded store is its server's alone.
#[tokio::test]
async fn a_running_server_hears_of_a_grant_at_once_or_keeps_its_store() {
    let mut server = TestServer::start().await;
    let office = Office::of(server.place().url());
    let company = server.company().to_string();
    let company = ["--company", &company];
    let with = |more: &[&'static str]| [&company[..], more].concat();
    let status = async |server: &TestServer| {
        let answer = server.request("GET", &server.company_path()).send().await;
        let made = server.request("POST", &format!("{}/customers", server.company_path()));
        let made = made.json(&json!({"displayName": "A"})).send().await;
        (answer.status, made.status)
    };
    assert_eq!(status(&server).await, (200, 201));
    if Engine::of_run() == Engine::Sqlite {
        for command in ["grant", "revoke"] {
            assert!(
                office
                    .refused(command, &with(&["--everyone"]))
                    .contains("in use by another process")
            );
        }
        assert!(
            office
                .refused("list", &[])
                .contains("in use by another process")
        );
        assert_eq!(status(&server).await, (200, 201));
    }
    let name = dev::SUBJECT.to_string();
    let subject = |more: &[&'static str]| [&company[..], &["--subject", &name], more].concat();
    let change = async |server: &mut TestServer, command: &str, arguments: Vec<&str>| {
        if Engine::of_run() == Engine::Sqlite {
            assert_eq!(server.stop(), Some(0));
            office.printed(command, &arguments);
            server.start_again();
        } else {
            office.printed(command, &arguments);
        }
        status(server).await
    };
    let server = &mut server;
    assert_eq!(
        change(server, "revoke", with(&["--everyone"])).await,
        (404, 404)
    );
    assert_eq!(
        change(server, "grant", subject(&["--read-only"])).await,
        (200, 403)
    );
    assert_eq!(change(server, "grant", subject(&[])).await, (200, 201));
    assert_eq!(change(server, "revoke", subject(&[])).await, (404, 404));
    assert_eq!(
        change(server, "grant", with(&["--app", dev::APP])).await,
        (200, 201)
    );
}

/// Files carry what is granted.
#[tokio::test]
async fn a_restored_backup_has_the_grants() {
    let directory = TempDir::new().unwrap();
    let [store, backup, restored] = ["store", "backup", "restored"]
        .map(|name| directory.path().join(name).display().to_string());
    let [from, to] = [&store, &restored].map(|path| format!("sqlite:{path}"));
    let office = Office::of(&from);
    let id = office.printed("create", &["--name", "Elbwerk", "--restricted"]);
    office.printed("grant", &["--company", id.trim(), "--subject", "ada"]);
    for arguments in [
        ["backup", "--store", &from, "--to", &backup],
        ["restore", "--from", &backup, "--to", &restored],
    ] {
        let done = Command::new(binaries::server()).args(arguments).output();
        assert!(done.unwrap().status.success());
    }
    let verified = Command::new(binaries::server())
        .args(["verify", "--store", &to])
        .output();
    let verified = String::from_utf8(verified.unwrap().stdout).unwrap();
    assert!(
        verified.ends_with("2 audit rows, 0 idempotency records; 0 faults\n"),
        "{verified}"
    );
    let copy = Office::of(&to);
    assert_eq!(copy.printed("list", &[]), office.printed("list", &[]));
}
