//! What every store must do, whatever the engine: one function a behaviour, one test an engine.

use std::collections::BTreeSet;
use std::sync::Arc;

use debitor_api::support::{decode, json::Json};
use debitor_api::types::{Customer, CustomerCreate, CustomerUpdate, SalesInvoiceCreate};
use debitor_api::{Faults, Field};
use debitor_server::clock::SystemClock;
use debitor_server::domain::company::NewCompany;
use debitor_server::domain::version::Precondition;
use debitor_server::store::{
    self, Conflict, CustomerKey, Error, Form, Idempotency, Noun, Options, PageQuery, Scope, Store,
    Stored, Write, Written,
};
use tempfile::TempDir;
use uuid::Uuid;

const TENANT: Uuid = Uuid::from_u128(1);

/// An empty store with a company.
struct Fixture {
    store: Arc<dyn Store>,
    scope: Scope,
    _directory: TempDir,
}

async fn sqlite() -> Fixture {
    let directory = TempDir::new().unwrap();
    let url = format!("sqlite:{}", directory.path().display());
    let store = store::connect(&url, Options::default(), Arc::new(SystemClock::default()))
        .await
        .unwrap();
    let company = NewCompany {
        tenant: TENANT,
        id: None,
        name: "Nordhafen".to_owned(),
    };
    let company = store.company_create(company).await.unwrap();
    Fixture {
        store,
        scope: Scope {
            tenant: TENANT,
            company,
        },
        _directory: directory,
    }
}

/// A test of each behaviour on the engine.
macro_rules! conformance {
    ($engine:ident: $($behaviour:ident)*) => {
        mod $engine {
            $(#[tokio::test]
            async fn $behaviour() {
                super::$behaviour(&super::$engine().await).await;
            })*
        }
    };
}

conformance! { sqlite:
    concurrent_creates_get_numbers_of_their_own
    a_refused_create_uses_up_no_number
    a_stale_version_changes_nothing
    one_of_two_changes_of_the_same_version_wins
    another_tenant_finds_nothing
    pages_hold_every_customer_once
    an_invoice_and_its_new_customer_are_written_together
    a_repeated_write_is_done_once
    a_key_belongs_to_one_request
    a_refused_write_is_not_remembered
}

fn new_customer(json: &str) -> CustomerCreate {
    let json = Json::parse(json.as_bytes()).unwrap();
    decode::body(json, &mut Faults::default()).unwrap()
}

fn named(name: &str) -> CustomerCreate {
    new_customer(&format!(r#"{{"displayName": "{name}"}}"#))
}

fn customer(stored: &Stored) -> Customer {
    serde_json::from_slice(&stored.json).unwrap()
}

fn write(scope: Scope) -> Write {
    Write {
        scope,
        actor: "ada".to_owned(),
        request_id: Uuid::from_u128(9),
        form: Form {
            base_url: "http://first".into(),
            minimal: false,
        },
        idempotency: None,
    }
}

impl Fixture {
    async fn create(&self, create: CustomerCreate) -> store::Result<Stored> {
        let write = write(self.scope);
        let written = self.store.customer_create(write, None, create).await?;
        Ok(written.stored)
    }

    /// Creates a customer for a key, in a request with this fingerprint.
    async fn create_once(&self, key: u8, fingerprint: u8, name: &str) -> store::Result<Written> {
        let mut write = write(self.scope);
        write.idempotency = Some(Idempotency {
            key: [key; 32],
            fingerprint: [fingerprint; 32],
        });
        self.store.customer_create(write, None, named(name)).await
    }

    async fn count(&self) -> i32 {
        self.store.customer_count(self.scope).await.unwrap()
    }

    async fn rename(&self, stored: &Stored, etag: &str, name: &str) -> store::Result<Stored> {
        let change = CustomerUpdate {
            display_name: Some(name.to_owned()),
            ..Default::default()
        };
        let (key, precondition) = (CustomerKey::Id(stored.id), Precondition::parse(etag));
        let write = write(self.scope);
        let written = self
            .store
            .customer_update(write, key, precondition, change)
            .await?;
        Ok(written.stored)
    }
}

async fn concurrent_creates_get_numbers_of_their_own(fixture: &Fixture) {
    let creates = (0..64).map(|n| fixture.create(named(&format!("Customer {n}"))));
    let stored = futures::future::try_join_all(creates).await.unwrap();
    let numbers: BTreeSet<_> = stored.iter().map(|s| customer(s).number).collect();
    assert_eq!(numbers.len(), 64);
    assert_eq!(numbers.last(), Some(&Some("C00640".to_owned())));
    assert_eq!(
        fixture.store.customer_count(fixture.scope).await.unwrap(),
        64
    );
}

async fn a_refused_create_uses_up_no_number(fixture: &Fixture) {
    let id = Uuid::from_u128(7);
    let body = format!(r#"{{"displayName": "A", "id": "{id}"}}"#);
    fixture.create(new_customer(&body)).await.unwrap();
    let refused = fixture.create(new_customer(&body)).await.unwrap_err();
    assert!(matches!(refused, Error::Conflict(Conflict::IdTaken(taken)) if taken == id));
    let next = fixture.create(named("B")).await.unwrap();
    assert_eq!(customer(&next).number.as_deref(), Some("C00020"));
}

async fn a_stale_version_changes_nothing(fixture: &Fixture) {
    let first = fixture.create(named("A")).await.unwrap();
    let second = fixture.rename(&first, &first.etag, "B").await.unwrap();
    let stale = fixture.rename(&first, &first.etag, "C").await.unwrap_err();
    assert!(matches!(stale, Error::Stale(Noun::Customer)));
    let key = CustomerKey::Id(first.id);
    assert_eq!(
        fixture
            .store
            .customer_get(fixture.scope, key)
            .await
            .unwrap(),
        second
    );
}

async fn one_of_two_changes_of_the_same_version_wins(fixture: &Fixture) {
    let first = fixture.create(named("A")).await.unwrap();
    let rename = |name| fixture.rename(&first, &first.etag, name);
    let (b, c) = tokio::join!(rename("B"), rename("C"));
    assert_eq!(u8::from(b.is_ok()) + u8::from(c.is_ok()), 1);
}

async fn another_tenant_finds_nothing(fixture: &Fixture) {
    let stored = fixture.create(named("A")).await.unwrap();
    let scope = Scope {
        tenant: Uuid::from_u128(2),
        ..fixture.scope
    };
    let (store, key) = (&fixture.store, CustomerKey::Id(stored.id));
    let refusals = [
        store.company_get(scope).await.err(),
        store.customer_get(scope, key).await.err(),
        store.customer_count(scope).await.err(),
        store
            .customer_create(write(scope), None, named("B"))
            .await
            .err(),
        store
            .customer_delete(write(scope), key, Precondition::Any)
            .await
            .err(),
        store
            .sales_invoice_create(write(scope), SalesInvoiceCreate::default())
            .await
            .err(),
    ];
    for refusal in refusals {
        assert!(
            matches!(refusal, Some(Error::NotFound(Noun::Company))),
            "{refusal:?}"
        );
    }
}

async fn pages_hold_every_customer_once(fixture: &Fixture) {
    let mut expected = BTreeSet::new();
    for n in 0..7 {
        expected.insert(
            fixture
                .create(named(&format!("Customer {n}")))
                .await
                .unwrap()
                .id,
        );
    }
    let (mut after, mut seen) = (None, Vec::new());
    loop {
        let query = PageQuery {
            top: 3,
            after,
            count: true,
        };
        let page = fixture
            .store
            .customer_list(fixture.scope, query)
            .await
            .unwrap();
        assert_eq!(page.count, Some(7));
        seen.extend(page.entities.iter().map(id));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(seen, Vec::from_iter(expected));
}

/// The id, which is what pages are ordered by.
fn id(json: &[u8]) -> Uuid {
    serde_json::from_slice::<Customer>(json).unwrap().id
}

async fn an_invoice_and_its_new_customer_are_written_together(fixture: &Fixture) {
    let (store, scope) = (&fixture.store, fixture.scope);
    let invoice = store
        .sales_invoice_create(write(scope), SalesInvoiceCreate::default())
        .await
        .unwrap()
        .stored;
    let created = store
        .customer_create(write(scope), Some(invoice.id), named("A"))
        .await
        .unwrap()
        .stored;
    let key = CustomerKey::OfSalesInvoice(invoice.id);
    assert_eq!(store.customer_get(scope, key).await.unwrap(), created);
    let taken = new_customer(r#"{"displayName": "B", "number": "c00010"}"#);
    let refused = store
        .customer_create(write(scope), Some(invoice.id), taken)
        .await
        .unwrap_err();
    assert!(matches!(refused, Error::Conflict(Conflict::NumberTaken(_))));
    assert_eq!(store.customer_get(scope, key).await.unwrap(), created);
    let missing = store
        .customer_create(write(scope), Some(Uuid::nil()), named("C"))
        .await
        .unwrap_err();
    assert!(matches!(missing, Error::NotFound(Noun::SalesInvoice)));
    assert_eq!(store.customer_count(scope).await.unwrap(), 1);
    let number = customer(&created).number.map_or(Field::Null, Field::Value);
    let json = store
        .sales_invoice_get(scope, invoice.id)
        .await
        .unwrap()
        .json;
    let invoice: debitor_api::types::SalesInvoice = serde_json::from_slice(&json).unwrap();
    assert_eq!(invoice.customer_number, number);
}

async fn a_repeated_write_is_done_once(fixture: &Fixture) {
    let first = fixture.create_once(1, 1, "A").await.unwrap();
    assert_eq!(fixture.create_once(1, 1, "A").await.unwrap(), first);
    assert_ne!(fixture.create_once(2, 1, "A").await.unwrap(), first);
    assert_eq!(fixture.count().await, 2);
    let both = tokio::join!(
        fixture.create_once(3, 1, "A"),
        fixture.create_once(3, 1, "A")
    );
    // The second is refused while the first is under way, or answered as the first was.
    match both {
        (Ok(one), Ok(other)) => assert_eq!(one, other),
        (Ok(_), Err(Error::InProgress)) | (Err(Error::InProgress), Ok(_)) => {}
        other => panic!("{other:?}"),
    }
    assert_eq!(fixture.count().await, 3);
}

async fn a_key_belongs_to_one_request(fixture: &Fixture) {
    fixture.create_once(1, 1, "A").await.unwrap();
    let other = fixture.create_once(1, 2, "B").await.unwrap_err();
    assert!(matches!(other, Error::KeyReused), "{other:?}");
    assert_eq!(fixture.count().await, 1);
}

async fn a_refused_write_is_not_remembered(fixture: &Fixture) {
    let foreign = Scope {
        tenant: Uuid::from_u128(2),
        ..fixture.scope
    };
    let mut refused = write(foreign);
    refused.idempotency = Some(Idempotency {
        key: [1; 32],
        fingerprint: [1; 32],
    });
    let refusal = fixture.store.customer_create(refused, None, named("A"));
    assert!(matches!(refusal.await, Err(Error::NotFound(_))));
    fixture.create_once(1, 2, "A").await.unwrap();
}
