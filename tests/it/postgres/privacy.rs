//! Erasures by a user who does not own the tables.

use debitor_tests::Engine;
use serde_json::Value;

use crate::privacy::commands::{Office, complaint, customer};

/// Who may not have the tables written anew is told so, and what was erased stays erased.
#[tokio::test]
async fn whom_servers_log_in_as_erases_rows_alone() {
    let (office, id) = Office::new(Engine::Postgres).await;
    let store = office.server.place().url();
    let arguments = ["--customer", &id, "--issued"];
    let erased = customer("erase", store, &office.company, &arguments);
    assert_eq!(erased.status.code(), Some(1), "{erased:?}");
    let told = complaint(&erased);
    assert!(
        told.contains("may not do VACUUM (FULL, ANALYZE) customer"),
        "{told}"
    );
    assert_eq!(office.export(&id)["customer"], Value::Null);
}
