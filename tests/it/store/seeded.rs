//! Stores with entities as they are wanted, which no request could make: with a time of their own, or
//! with texts that the document does not allow.

use std::path::Path;

use debitor_server::auth::Administrator;
use debitor_server::store::{self, Scope};
use debitor_tests::{Engine, Place};
use rusqlite::{Connection, params};
use serde_json::Value;
use tempfile::TempDir;
use uuid::Uuid;

use super::fixture::{self, TENANT};

/// The schema of an embedded store as it was before lists could be asked for more than a page: opening
/// it makes whatever else a row needs.
const VERSION: u32 = 2;
const SCHEMA: [&str; VERSION as usize] = [
    include_str!("../../../crates/debitor-server/migrations/sqlite/0001_init.sql"),
    include_str!("../../../crates/debitor-server/migrations/sqlite/0002_audit_idempotency.sql"),
];

/// What a company has.
#[derive(Debug, Default)]
pub(crate) struct Entities {
    pub(crate) customers: Vec<Value>,
    pub(crate) sales_invoices: Vec<Value>,
}

/// A store with companies, the nth with the id n from 1.
pub(crate) struct Seeded {
    pub(crate) store: std::sync::Arc<dyn store::Store>,
    _place: Place,
    _directory: TempDir,
}

impl Seeded {
    pub(crate) async fn new(engine: Engine, companies: &[(Value, Entities)]) -> Self {
        let directory = TempDir::new().unwrap();
        fill(directory.path(), companies);
        let place = Place::new(engine, directory.path()).await;
        if engine == Engine::Postgres {
            // Opened once, so that it has the newest schema, as what is copied must.
            let embedded = format!("sqlite:{}", directory.path().display());
            fixture::open_at(&embedded).await.close().await;
            let told = &mut |_, _| Ok(());
            store::copy::copy(directory.path(), place.url(), &[], told)
                .await
                .unwrap();
        }
        Self {
            store: fixture::open(&place).await,
            _place: place,
            _directory: directory,
        }
    }

    /// The nth company.
    pub(crate) fn scope(company: usize) -> Scope {
        Administrator::of(TENANT).scope(Uuid::from_u128(company as u128))
    }
}

fn fill(directory: &Path, companies: &[(Value, Entities)]) {
    let mut db = Connection::open(directory.join("debitor.db")).unwrap();
    db.execute_batch(&SCHEMA.concat()).unwrap();
    db.pragma_update(None, "user_version", VERSION).unwrap();
    let transaction = db.transaction().unwrap();
    for (company, (body, entities)) in (1..).zip(companies) {
        let company = Uuid::from_u128(company);
        add_company(&transaction, company, body);
        for customer in &entities.customers {
            add_customer(&transaction, company, customer);
        }
        for invoice in &entities.sales_invoices {
            add_sales_invoice(&transaction, company, invoice);
        }
    }
    transaction.commit().unwrap();
}

fn add_company(db: &Connection, company: Uuid, body: &Value) {
    db.execute(
        "INSERT INTO company (id, tenant_id, body) VALUES (?1, ?2, ?3)",
        params![company.as_bytes(), TENANT.as_bytes(), body.to_string()],
    )
    .unwrap();
}

fn add_customer(db: &Connection, company: Uuid, body: &Value) {
    let number = body["number"].as_str().unwrap();
    db.execute(
        "INSERT INTO customer (company_id, id, version, incarnation, number_fold, body)
         VALUES (?1, ?2, 1, 1, ?3, ?4)",
        params![
            company.as_bytes(),
            id(body).as_bytes(),
            number.to_lowercase(),
            body.to_string()
        ],
    )
    .unwrap();
}

fn add_sales_invoice(db: &Connection, company: Uuid, body: &Value) {
    db.execute(
        "INSERT INTO sales_invoice (company_id, id, version, incarnation, body)
         VALUES (?1, ?2, 1, 1, ?3)",
        params![company.as_bytes(), id(body).as_bytes(), body.to_string()],
    )
    .unwrap();
}

pub(crate) fn id(body: &Value) -> Uuid {
    body["id"].as_str().unwrap().parse().unwrap()
}
