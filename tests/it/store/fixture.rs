//! A store to try, and short ways to ask it.

use std::sync::Arc;

use debitor_api::support::{decode, json::Json};
use debitor_api::types::{
    Customer, CustomerCreate, CustomerUpdate, SalesInvoice, SalesInvoiceCreate,
};
use debitor_api::{Faults, Field};
use debitor_server::auth::Administrator;
use debitor_server::clock::SystemClock;
use debitor_server::domain::company::NewCompany;
use debitor_server::domain::right::Right;
use debitor_server::domain::version::Precondition;
use debitor_server::store::{
    self, Condition, CustomerKey, Form, Idempotency, Options, Result, Scope, Store, Stored, Write,
    Written,
};
use debitor_tests::{Engine, Place};
use tempfile::TempDir;
use uuid::Uuid;

pub(crate) const TENANT: Uuid = Uuid::from_u128(1);
pub(crate) const OTHER_TENANT: Uuid = Uuid::from_u128(2);

/// An empty store with a company.
pub(crate) struct Fixture {
    pub(crate) engine: Engine,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) scope: Scope,
    pub(crate) place: Place,
    pub(crate) directory: TempDir,
}

impl Fixture {
    pub(crate) async fn new(engine: Engine) -> Self {
        let directory = TempDir::new().unwrap();
        let place = Place::new(engine, directory.path()).await;
        let store = open(&place).await;
        let scope = company(store.as_ref(), TENANT).await;
        Self {
            engine,
            store,
            scope,
            place,
            directory,
        }
    }

    /// The same company as another tenant names it.
    pub(crate) fn foreign(&self) -> Scope {
        Administrator::of(OTHER_TENANT).scope(self.scope.company())
    }

    pub(crate) async fn create(&self, create: CustomerCreate) -> Result<Stored> {
        let write = write(&self.scope);
        let written = self.store.customer_create(write, None, create).await?;
        Ok(written.stored)
    }

    /// Creates a customer with this name, which must succeed.
    pub(crate) async fn customer(&self, name: &str) -> Stored {
        self.create(named(name)).await.unwrap()
    }

    /// Creates a customer for a key, in a request with this fingerprint.
    pub(crate) async fn create_once(&self, once: (u8, u8), name: &str) -> Result<Written> {
        let write = keyed(write(&self.scope), once);
        self.store.customer_create(write, None, named(name)).await
    }

    /// Creates a customer for a draft.
    pub(crate) async fn create_for(&self, invoice: Uuid, create: CustomerCreate) -> Result<Stored> {
        let write = write(&self.scope);
        let written = self
            .store
            .customer_create(write, Some(invoice), create)
            .await?;
        Ok(written.stored)
    }

    pub(crate) async fn update(
        &self,
        stored: &Stored,
        etag: &str,
        change: CustomerUpdate,
    ) -> Result<Stored> {
        let (key, precondition) = (CustomerKey::Id(stored.id), Precondition::parse(etag));
        let write = write(&self.scope);
        let written = self.store.customer_update(write, key, precondition, change);
        Ok(written.await?.stored)
    }

    pub(crate) async fn rename(&self, stored: &Stored, etag: &str, name: &str) -> Result<Stored> {
        self.update(stored, etag, renamed(name)).await
    }

    pub(crate) async fn delete(&self, key: CustomerKey, etag: &str) -> Result<()> {
        let precondition = Precondition::parse(etag);
        self.store
            .customer_delete(write(&self.scope), key, precondition)
            .await
    }

    pub(crate) async fn get(&self, id: Uuid) -> Result<Stored> {
        let key = CustomerKey::Id(id);
        self.store.customer_get(&self.scope, key).await
    }

    pub(crate) async fn count(&self) -> i32 {
        self.store
            .customer_count(&self.scope, Condition::ALL)
            .await
            .unwrap()
    }

    /// Creates a draft that names the customer, if there is one.
    pub(crate) async fn draft(&self, customer: Option<Uuid>) -> Result<Stored> {
        let create = SalesInvoiceCreate {
            customer_id: customer.map_or(Field::Absent, Field::Value),
            ..Default::default()
        };
        let written = self.store.sales_invoice_create(write(&self.scope), create);
        Ok(written.await?.stored)
    }

    pub(crate) async fn invoice(&self, id: Uuid) -> SalesInvoice {
        let stored = self.store.sales_invoice_get(&self.scope, id).await.unwrap();
        sales_invoice(&stored)
    }
}

/// Opens the store at the place.
pub(crate) async fn open(place: &Place) -> Arc<dyn Store> {
    open_at(place.url()).await
}

/// Opens the store that the URL names.
pub(crate) async fn open_at(url: &str) -> Arc<dyn Store> {
    store::connect(url, Options::default(), Arc::new(SystemClock::default()))
        .await
        .unwrap()
}

/// Makes a company of the tenant.
pub(crate) async fn company(store: &dyn Store, tenant: Uuid) -> Scope {
    let name = "Nordhafen".to_owned();
    let new = NewCompany {
        id: None,
        name,
        everyone: Right::Write,
    };
    let administrator = Administrator::of(tenant);
    let company = store.company_create(administrator, new).await.unwrap();
    administrator.scope(company)
}

pub(crate) fn new_customer(json: &str) -> CustomerCreate {
    let json = Json::parse(json.as_bytes()).unwrap();
    decode::body(json, &mut Faults::default()).unwrap()
}

pub(crate) fn named(name: &str) -> CustomerCreate {
    new_customer(&format!(r#"{{"displayName": "{name}"}}"#))
}

pub(crate) fn numbered(number: &str) -> CustomerCreate {
    new_customer(&format!(r#"{{"displayName": "A", "number": "{number}"}}"#))
}

pub(crate) fn with_id(id: Uuid) -> CustomerCreate {
    new_customer(&format!(r#"{{"displayName": "A", "id": "{id}"}}"#))
}

pub(crate) fn renamed(name: &str) -> CustomerUpdate {
    CustomerUpdate {
        display_name: Some(name.to_owned()),
        ..Default::default()
    }
}

pub(crate) fn customer(stored: &Stored) -> Customer {
    serde_json::from_slice(&stored.json).unwrap()
}

pub(crate) fn number(stored: &Stored) -> String {
    customer(stored).number.unwrap()
}

pub(crate) fn sales_invoice(stored: &Stored) -> SalesInvoice {
    serde_json::from_slice(&stored.json).unwrap()
}

pub(crate) fn write(scope: &Scope) -> Write {
    Write {
        scope: scope.clone(),
        actor: "ada".to_owned(),
        request_id: Uuid::from_u128(9),
        form: Form {
            base_url: "http://first".into(),
            minimal: false,
        },
        idempotency: None,
    }
}

/// The write with a key and the fingerprint of its request.
pub(crate) fn keyed(mut write: Write, (key, fingerprint): (u8, u8)) -> Write {
    write.idempotency = Some(Idempotency {
        key: [key; 32],
        fingerprint: [fingerprint; 32],
    });
    write
}
