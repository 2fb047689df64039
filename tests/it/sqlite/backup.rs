//! Backups of a running server, stores made from them, and what looks after stores.

use std::collections::BTreeSet;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::Arc;
use std::time::{Duration, Instant};

use debitor_server::auth::Administrator;
use debitor_server::clock::SystemClock;
use debitor_server::dev;
use debitor_server::store::{self, ListQuery, Options};
use debitor_tests::{Engine, TestServer, binaries};
use serde_json::{Value, json};
use uuid::Uuid;

fn program(arguments: &[&str]) -> Output {
    Command::new(binaries::server())
        .args(arguments)
        .output()
        .unwrap()
}

/// What the program printed, which must have succeeded.
fn printed(arguments: &[&str]) -> String {
    let output = program(arguments);
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {error}");
    String::from_utf8(output.stdout).unwrap()
}

fn url(directory: &Path) -> String {
    format!("sqlite:{}", directory.display())
}

/// The ids of the demo company's customers in the store.
async fn customers(directory: &Path, company: Uuid) -> BTreeSet<String> {
    let (options, clock) = (Options::default(), Arc::new(SystemClock::default()));
    let store = store::connect(&url(directory), options, clock)
        .await
        .unwrap();
    let scope = Administrator::of(dev::TENANT).scope(company);
    let page = store
        .customer_list(&scope, ListQuery::first(10_000))
        .await
        .unwrap();
    store.close().await;
    let id = |json: &[u8]| serde_json::from_slice::<Value>(json).unwrap()["id"].clone();
    page.entities
        .iter()
        .map(|json| id(json).as_str().unwrap().to_owned())
        .collect()
}

async fn create(server: &TestServer) -> String {
    let request = server.request("POST", &format!("{}/customers", server.company_path()));
    let answer = request.json(&json!({"displayName": "A"})).send().await;
    answer.expect(201).json()["id"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_of_a_writing_server_has_all_that_was_answered_before() {
    let server = TestServer::start_on(Engine::Sqlite).await;
    let directory = tempfile::tempdir().unwrap();
    let (backup, restored) = (
        directory.path().join("backup"),
        directory.path().join("restored"),
    );
    let mut before = BTreeSet::new();
    for _ in 0..20 {
        before.insert(create(&server).await);
    }
    let (store, target) = (url(server.data_dir()), backup.display().to_string());
    let running = tokio::task::spawn_blocking({
        let arguments = [store.clone(), target.clone()];
        move || printed(&["backup", "--store", &arguments[0], "--to", &arguments[1]])
    });
    let mut all = before.clone();
    while !running.is_finished() {
        all.insert(create(&server).await);
    }
    let text = running.await.unwrap();
    assert!(
        text.starts_with("backup of ") && text.contains(" bytes, schema "),
        "{text}"
    );
    let again = program(&["backup", "--store", &store, "--to", &target]);
    assert_eq!(again.status.code(), Some(1));

    printed(&[
        "restore",
        "--from",
        &target,
        "--to",
        &restored.display().to_string(),
    ]);
    let text = printed(&["verify", "--store", &url(&restored)]);
    assert!(text.ends_with("; 0 faults\n"), "{text}");
    let kept = customers(&restored, server.company()).await;
    assert!(kept.is_superset(&before) && kept.is_subset(&all));
    let text = printed(&["verify", "--store", &store]);
    assert!(
        text.ends_with("; 0 faults\n"),
        "while the server runs: {text}"
    );
}

#[tokio::test]
async fn a_damaged_backup_is_refused_and_leaves_nothing() {
    let server = TestServer::start_on(Engine::Sqlite).await;
    let directory = tempfile::tempdir().unwrap();
    let (backup, restored) = (
        directory.path().join("backup"),
        directory.path().join("restored"),
    );
    let (target, into) = (backup.display().to_string(), restored.display().to_string());
    printed(&[
        "backup",
        "--store",
        &url(server.data_dir()),
        "--to",
        &target,
    ]);
    let file = std::fs::File::options()
        .write(true)
        .open(backup.join("debitor.db"))
        .unwrap();
    file.set_len(file.metadata().unwrap().len() / 2).unwrap();
    let refused = program(&["restore", "--from", &target, "--to", &into]);
    assert_eq!(refused.status.code(), Some(1));
    let message = String::from_utf8_lossy(&refused.stderr);
    assert!(message.contains("truncated"), "{message}");
    assert!(!restored.exists());
}

/// Creates go on until the kill; only those of the last second may be missing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_archive_has_everything_but_the_last_second() {
    let directory = tempfile::tempdir().unwrap();
    let (archive, restored) = (
        directory.path().join("archive"),
        directory.path().join("restored"),
    );
    let (from, into) = (
        archive.display().to_string(),
        restored.display().to_string(),
    );
    let mut server = TestServer::start_with(Engine::Sqlite, &["--archive", &from]).await;
    let started = Instant::now();
    let mut created = Vec::new();
    while started.elapsed() < Duration::from_millis(2500) {
        created.push((create(&server).await, Instant::now()));
    }
    server.kill();
    let killed = Instant::now();
    let text = printed(&["restore", "--from", &from, "--to", &into]);
    assert!(text.starts_with("restored the state of "), "{text}");
    let text = printed(&["verify", "--store", &url(&restored)]);
    assert!(text.ends_with("; 0 faults\n"), "{text}");
    let kept = customers(&restored, server.company()).await;
    let promised = created
        .iter()
        .filter(|(_, at)| killed.duration_since(*at) > Duration::from_secs(1));
    assert!(promised.clone().count() > 0, "nothing was created in time");
    for (id, at) in promised {
        assert!(
            kept.contains(id),
            "created {:?} before the kill",
            killed.duration_since(*at)
        );
    }
    let all: BTreeSet<_> = created.into_iter().map(|(id, _)| id).collect();
    assert!(kept.is_subset(&all));
    let refused = program(&[
        "restore",
        "--from",
        &from,
        "--at",
        "2001-01-01T00:00:00Z",
        "--to",
        &from,
    ]);
    assert_eq!(refused.status.code(), Some(1));
}

/// The schema's number is at a fixed place of the file's header.
fn set_schema(directory: &Path, schema: u32) {
    let file = directory.join("debitor.db");
    let file = std::fs::File::options().write(true).open(file).unwrap();
    file.write_all_at(&schema.to_be_bytes(), 60).unwrap();
}

#[tokio::test]
async fn the_exit_code_tells_what_is_wrong() {
    let mut server = TestServer::start_on(Engine::Sqlite).await;
    let store = url(server.data_dir());
    let locked = program(&["migrate", "--store", &store]);
    assert_eq!(locked.status.code(), Some(1), "a server runs on it");
    assert_eq!(server.stop(), Some(0));
    let text = printed(&["migrate", "--store", &store]);
    assert!(text.starts_with("schema "), "{text}");
    set_schema(server.data_dir(), 1000);
    let data = server.data_dir().display().to_string();
    for arguments in [
        &["migrate", "--store", &store][..],
        &["verify", "--store", &store],
        &["dev", "--listen", "127.0.0.1:0", "--data-dir", &data],
        &["verify", "--config", "/nowhere/debitor.toml"],
    ] {
        assert_eq!(program(arguments).status.code(), Some(78), "{arguments:?}");
    }
    let file = server.data_dir().join("debitor.db");
    let file = std::fs::File::options().write(true).open(file).unwrap();
    file.write_all_at(&[0; 100], 0).unwrap();
    assert_eq!(
        program(&["verify", "--store", &store]).status.code(),
        Some(74)
    );
    let missing = program(&["verify", "--store", &url(&server.data_dir().join("none"))]);
    assert_eq!(missing.status.code(), Some(1));
}
