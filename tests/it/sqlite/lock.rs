//! A store's files belong to one process at a time.

use debitor_tests::{Engine, TestServer};

#[tokio::test]
async fn a_second_process_is_refused_with_the_reason() {
    let server = TestServer::start_on(Engine::Sqlite).await;
    let output = std::process::Command::new(debitor_tests::binaries::server())
        .args(["dev", "--listen", "127.0.0.1:0", "--json", "--data-dir"])
        .arg(server.data_dir())
        .output()
        .unwrap();
    assert!(!output.status.success());
    let message = String::from_utf8_lossy(&output.stderr);
    assert!(message.contains("in use by another process"), "{message}");
}
