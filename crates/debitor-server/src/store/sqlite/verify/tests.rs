//! Sound stores, and stores with each kind of fault.

use std::os::unix::fs::FileExt;
use std::sync::Arc;

use debitor_api::Faults;
use debitor_api::support::{decode, json::Json};
use debitor_api::types::SalesInvoiceCreate;
use tempfile::TempDir;
use uuid::Uuid;

use super::*;
use crate::auth::Administrator;
use crate::clock::SystemClock;
use crate::domain::company::NewCompany;
use crate::domain::right::Right;
use crate::store::sqlite::{FILE, SqliteStore};
use crate::store::{Form, Idempotency, Options, Scope, Store, Write};

/// A store with a company, two customers, and a draft sales invoice to the first of them.
async fn store() -> TempDir {
    let directory = TempDir::new().unwrap();
    let clock = Arc::new(SystemClock::default());
    let store = SqliteStore::open(directory.path(), Options::default(), clock).unwrap();
    let tenant = Uuid::from_u128(1);
    let name = "Nordhafen".to_owned();
    let company = NewCompany {
        id: None,
        name,
        everyone: Right::Write,
    };
    let administrator = Administrator::of(tenant);
    let company = store.company_create(administrator, company).await.unwrap();
    let write = write(&administrator.scope(company));
    let invoice = SalesInvoiceCreate::default();
    let mut repeatable = write.clone();
    repeatable.idempotency = Some(Idempotency {
        key: [1; 32],
        fingerprint: [2; 32],
    });
    let invoice = store
        .sales_invoice_create(repeatable, invoice)
        .await
        .unwrap();
    for invoice in [Some(invoice.stored.id), None] {
        let customer = Json::parse(br#"{"displayName": "Ada"}"#).unwrap();
        let customer = decode::body(customer, &mut Faults::default()).unwrap();
        store
            .customer_create(write.clone(), invoice, customer)
            .await
            .unwrap();
    }
    store.close().await;
    directory
}

fn write(scope: &Scope) -> Write {
    let base_url = "http://debitor".into();
    Write {
        scope: scope.clone(),
        actor: "test".to_owned(),
        request_id: Uuid::nil(),
        form: Form {
            base_url,
            minimal: false,
        },
        idempotency: None,
    }
}

fn faults(directory: &TempDir) -> Vec<String> {
    let mut faults = Vec::new();
    let counts = verify(directory.path(), &mut |line| faults.push(line.to_owned())).unwrap();
    assert_eq!(counts.faults, i64::try_from(faults.len()).unwrap());
    faults
}

#[tokio::test]
async fn a_sound_store_has_no_faults() {
    let store = store().await;
    let mut faults = Vec::new();
    let counts = verify(store.path(), &mut |line| faults.push(line.to_owned())).unwrap();
    assert!(faults.is_empty(), "{faults:?}");
    let Counts {
        companies,
        customers,
        sales_invoices,
        ..
    } = counts;
    assert_eq!((companies, customers, sales_invoices), (1, 2, 1));
    // The first customer is also a change of its sales invoice.
    assert_eq!((counts.schema, counts.audit), (5, 5));
    assert_eq!(counts.idempotency, 1);
}

/// What is done to a store, and the fault that is found then.
const TAMPERED: [(&str, &str); 20] = [
    ("UPDATE customer SET version = version + 1", "another ETag"),
    (
        "UPDATE sales_invoice SET incarnation = incarnation + 1",
        "another ETag",
    ),
    (
        "UPDATE customer SET number_fold = 'x' || number_fold",
        "another number",
    ),
    ("UPDATE customer SET body = '{'", "cannot be read"),
    (
        "UPDATE company SET body = json_set(body, '$.id', '00000000-0000-0000-0000-000000000009')",
        "another id",
    ),
    (
        "UPDATE sales_invoice SET customer_id = NULL",
        "another customer",
    ),
    (
        "UPDATE customer SET body = json_set(body, '$.displayName', 'Eva')",
        "older form",
    ),
    ("DELETE FROM customer", "that does not exist"),
    (
        "UPDATE customer SET body = json_set(body, '$.displayName', 'Eva')",
        "the index of words has others",
    ),
    (
        "UPDATE company SET customers = 1",
        "it has 2 customers and counts 1",
    ),
    (
        "INSERT INTO customer_words (rowid, words) VALUES (9, '1_x')",
        "a customer that does not exist, 9",
    ),
    (
        "INSERT INTO customer_words (customer_words, rowid, words) VALUES ('delete', 1, '1_ada')",
        "the index of words has others",
    ),
    (
        "DROP INDEX customer_by_number; UPDATE customer SET number_fold = 'x'",
        "several",
    ),
    (
        "UPDATE idempotency SET body = '{'",
        "its JSON cannot be read",
    ),
    (
        "UPDATE idempotency SET id = randomblob(16)",
        "its JSON has another id",
    ),
    (
        "UPDATE idempotency SET body = json_set(body, '$.\"@odata.etag\"', 'W/\"2-00000000\"')",
        "its JSON has another ETag",
    ),
    (
        "UPDATE idempotency SET etag = 'W/\"2-00000000\"'",
        "is not in the audit",
    ),
    ("UPDATE idempotency SET key = x'00'", "its key"),
    (
        "UPDATE idempotency SET fingerprint = x'00'",
        "its fingerprint",
    ),
    ("UPDATE idempotency SET base_url = ''", "its links"),
];

#[tokio::test]
async fn every_kind_of_fault_is_found() {
    for (sql, fault) in TAMPERED {
        let store = store().await;
        let connection = Connection::open(store.path().join(FILE)).unwrap();
        connection
            .execute_batch(&format!("PRAGMA foreign_keys = OFF; {sql}"))
            .unwrap();
        drop(connection);
        let faults = faults(&store);
        assert!(
            faults.iter().any(|line| line.contains(fault)),
            "{sql}: {faults:?}"
        );
    }
}

#[tokio::test]
async fn a_damaged_page_is_a_fault_and_not_the_end() {
    let store = store().await;
    let file = std::fs::File::options()
        .write(true)
        .open(store.path().join(FILE))
        .unwrap();
    file.write_all_at(&[0x5a; 4096], 2 * 4096).unwrap();
    assert!(!faults(&store).is_empty());
}

/// The audit as it is without faults: a customer that was changed, one that was deleted, and one
/// that schema 1 had already.
const AUDIT: &str = "
    CREATE TABLE customer (company_id, id, version, incarnation, body);
    CREATE TABLE sales_invoice (company_id, id, version, incarnation, body);
    CREATE TABLE audit (sequence INTEGER PRIMARY KEY, at, company_id, entity, entity_id,
                        incarnation, version, action);
    INSERT INTO audit (at, company_id, entity, entity_id, incarnation, version, action) VALUES
      (1000, 1, 'customer', zeroblob(16), 7, 1, 'create'),
      (1000, 1, 'customer', zeroblob(16), 7, 2, 'update'),
      (1000, 1, 'salesInvoice', zeroblob(16), 3, 1, 'create'),
      (1000, 1, 'salesInvoice', zeroblob(16), 3, 2, 'delete'),
      (1000, 1, 'customer', randomblob(16), 4, 8, 'update');
    INSERT INTO customer VALUES
      (1, zeroblob(16), 2, 7, '{}'),
      (1, (SELECT max(entity_id) FROM audit), 8, 4, '{}'),
      (1, randomblob(16), 3, 5, '{\"lastModifiedDateTime\": \"1970-01-01T00:00:00.999Z\"}');";

#[test]
fn every_break_of_a_chain_is_found() {
    let broken = [
        ("", ""),
        (
            "DELETE FROM audit WHERE sequence = 2",
            "lacks the rows between 1 and 3",
        ),
        (
            "UPDATE audit SET version = 3 WHERE sequence = 2",
            "version 3 does not follow",
        ),
        (
            "UPDATE audit SET action = 'create' WHERE sequence = 2",
            "version 2 does not follow",
        ),
        (
            "UPDATE audit SET action = 'update' WHERE sequence = 1",
            "version 1 does not follow",
        ),
        (
            "UPDATE audit SET action = 'create' WHERE sequence = 5",
            "version 8 does not follow",
        ),
        (
            "UPDATE customer SET version = 3 WHERE incarnation = 7",
            "version 2 is the audit's newest",
        ),
        (
            "DELETE FROM customer WHERE incarnation = 7",
            "version 2 is the audit's newest",
        ),
        (
            "INSERT INTO sales_invoice VALUES (1, zeroblob(16), 2, 3, '{}')",
            "version 2 is the audit's",
        ),
        (
            "UPDATE customer SET body = replace(body, '00.999', '01.000')",
            "version 3 is not in the audit",
        ),
    ];
    for (sql, fault) in broken {
        let db = Connection::open_in_memory().unwrap();
        db.execute_batch(AUDIT).unwrap();
        db.execute_batch(sql).unwrap();
        let mut faults = String::new();
        let counts = Counts {
            schema: 2,
            ..Counts::default()
        };
        let mut report = Report {
            tell: &mut |line| faults.push_str(line),
            counts,
        };
        chain::check(&db, &mut report).unwrap();
        assert_eq!(faults.is_empty(), fault.is_empty(), "{sql}: {faults}");
        assert!(faults.contains(fault), "{sql}: {faults}");
    }
}
