//! The second wall between tenants: what the database itself lets through when the server asks for
//! too much.

use debitor_api::support::properties::Property;
use debitor_server::auth::Administrator;
use debitor_server::domain::right::{Grantee, Right};
use debitor_server::domain::version::Precondition::Any;
use debitor_server::store::{Condition, CustomerKey, Error, ListQuery, Scope, Store};
use debitor_tests::Engine;
use debitor_tests::postgres::Database;
use uuid::Uuid;

use crate::store::fixture::{Fixture, OTHER_TENANT, TENANT, keyed, named, open, renamed, write};

const TABLES: [&str; 7] = [
    "company",
    "company_grant",
    "customer",
    "customer_words",
    "sales_invoice",
    "audit",
    "idempotency",
];

/// Every tenant's rows answer to whichever tenant asks, so that the server's own condition on the
/// tenant is always true: in the place of each table stands a view that shows the asking tenant's id
/// in every row that the table lets the server see.
async fn switch_the_servers_filter_off(database: &Database) {
    let sql = database.superuser().await;
    for table in TABLES {
        let columns = "SELECT string_agg(column_name, ', ') FROM information_schema.columns
                       WHERE table_name = $1 AND column_name <> 'tenant_id'";
        let columns: String = sql.query_one(columns, &[&table]).await.unwrap().get(0);
        let swap = format!(
            "ALTER TABLE {table} RENAME TO own_{table};
             CREATE VIEW {table} WITH (security_invoker = true) AS
             SELECT {columns}, nullif(current_setting('app.tenant', true), '')::uuid AS tenant_id
             FROM own_{table};
             GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO debitor_service"
        );
        sql.batch_execute(&swap).await.unwrap();
    }
}

/// Takes the second wall away as well.
async fn switch_row_security_off(database: &Database) {
    let sql = database.superuser().await;
    for table in TABLES {
        let off = format!("ALTER TABLE own_{table} DISABLE ROW LEVEL SECURITY");
        sql.batch_execute(&off).await.unwrap();
    }
}

/// Everything, counted.
fn all<P: Property>() -> ListQuery<P> {
    ListQuery {
        count: true,
        ..ListQuery::first(100)
    }
}

/// Where another tenant saw something of the scope.
async fn seen(
    store: &dyn Store,
    scope: &Scope,
    customer: Uuid,
    invoice: Uuid,
) -> Vec<&'static str> {
    let of_invoice = CustomerKey::OfSalesInvoice(invoice);
    let looks = [
        ("the company", store.company_get(scope).await.is_ok()),
        (
            "its customers",
            store.customer_list(scope, all()).await.is_ok(),
        ),
        (
            "their number",
            store.customer_count(scope, Condition::ALL).await.is_ok(),
        ),
        (
            "a customer",
            store
                .customer_get(scope, CustomerKey::Id(customer))
                .await
                .is_ok(),
        ),
        (
            "the customer of an invoice",
            store.customer_get(scope, of_invoice).await.is_ok(),
        ),
        (
            "its invoices",
            store.sales_invoice_list(scope, all()).await.is_ok(),
        ),
        (
            "an invoice",
            store.sales_invoice_get(scope, invoice).await.is_ok(),
        ),
    ];
    let companies = store.company_list(scope.caller(), all()).await.unwrap();
    let looks = looks
        .into_iter()
        .chain([("the companies", !companies.entities.is_empty())]);
    looks
        .filter(|(_, seen)| *seen)
        .map(|(what, _)| what)
        .collect()
}

#[tokio::test]
async fn without_the_servers_own_filter_no_foreign_row_is_seen() {
    let fixture = Fixture::new(Engine::Postgres).await;
    let customer = fixture
        .create_once((1, 1), "Canary")
        .await
        .unwrap()
        .stored
        .id;
    let invoice = fixture.draft(Some(customer)).await.unwrap().id;
    let database = fixture.place.database().unwrap();
    switch_the_servers_filter_off(database).await;
    let store = open(&fixture.place).await;
    let own = seen(store.as_ref(), &fixture.scope, customer, invoice).await;
    assert_eq!(own.len(), 8, "the tenant itself sees all: {own:?}");
    let foreign = seen(store.as_ref(), &fixture.foreign(), customer, invoice).await;
    assert_eq!(foreign, [""; 0]);
    // The test can fail: without the second wall the same looks see everything.
    switch_row_security_off(database).await;
    let store = open(&fixture.place).await;
    let foreign = seen(store.as_ref(), &fixture.foreign(), customer, invoice).await;
    assert_eq!(foreign.len(), 8, "{foreign:?}");
}

#[tokio::test]
async fn without_the_servers_own_filter_no_foreign_row_is_changed() {
    let fixture = Fixture::new(Engine::Postgres).await;
    let customer = fixture.create_once((1, 1), "Canary").await.unwrap().stored;
    let invoice = fixture.draft(Some(customer.id)).await.unwrap();
    switch_the_servers_filter_off(fixture.place.database().unwrap()).await;
    let (store, foreign) = (open(&fixture.place).await, fixture.foreign());
    let (write, key) = (|| write(&foreign), CustomerKey::Id(customer.id));
    let refusals = [
        store.customer_create(write(), None, named("B")).await.err(),
        store
            .customer_create(keyed(write(), (1, 1)), None, named("Canary"))
            .await
            .err(),
        store
            .customer_update(write(), key, Any, renamed("B"))
            .await
            .err(),
        store.customer_delete(write(), key, Any).await.err(),
        store
            .sales_invoice_delete(write(), invoice.id, Any)
            .await
            .err(),
    ];
    for (call, refusal) in refusals.into_iter().enumerate() {
        assert!(
            matches!(refusal, Some(Error::NotFound(_))),
            "call {call}: {refusal:?}"
        );
    }
    assert_eq!(fixture.get(customer.id).await.unwrap(), customer);
    assert_eq!(fixture.count().await, 1);
}

/// With a server's rights but without its SQL.
#[tokio::test]
async fn the_servers_role_sees_the_rows_of_one_tenant_or_none() {
    let fixture = Fixture::new(Engine::Postgres).await;
    fixture.create_once((1, 1), "A").await.unwrap();
    fixture.draft(None).await.unwrap();
    let (tenant, ada) = (
        Administrator::of(TENANT),
        Grantee::Subject("ada".to_owned()),
    );
    let granted = fixture
        .store
        .company_grant(tenant, fixture.scope.company(), ada, Right::Read);
    granted.await.unwrap();
    let sql = fixture.place.database().unwrap().superuser().await;
    sql.batch_execute("SET ROLE debitor_service").await.unwrap();
    for table in TABLES.into_iter().chain(["tenant"]) {
        let count = async || -> i64 {
            let count = format!("SELECT count(*) FROM {table}");
            sql.query_one(&count, &[]).await.unwrap().get(0)
        };
        let set = async |tenant: &str| {
            let set = format!("SET app.tenant = '{tenant}'");
            sql.batch_execute(&set).await.unwrap();
        };
        set(&TENANT.to_string()).await;
        assert!(count().await > 0, "{table}");
        set(&OTHER_TENANT.to_string()).await;
        assert_eq!(count().await, 0, "{table}");
        set("").await;
        assert_eq!(count().await, 0, "{table}");
    }
    // Nor can it write rows of a tenant that it does not work for, or lift the wall.
    for forbidden in [
        "INSERT INTO company (id, tenant_id, body) VALUES (gen_random_uuid(), gen_random_uuid(), '')",
        "SET row_security = off; SELECT count(*) FROM customer",
        "ALTER TABLE customer DISABLE ROW LEVEL SECURITY",
        "DROP POLICY tenant ON customer",
        "UPDATE audit SET actor = ''",
        "DELETE FROM audit",
        "TRUNCATE customer",
        "DELETE FROM company",
        "DELETE FROM tenant",
    ] {
        let refused = sql.batch_execute(forbidden).await;
        assert!(refused.is_err(), "{forbidden}");
    }
}

/// A server of an earlier schema knows of no grants: what is not open to everyone, to be written, is not
/// there for it. Nor is it for what looks at no grants in a server of this one.
#[tokio::test]
async fn who_does_not_look_at_grants_sees_open_companies_alone() {
    let fixture = Fixture::new(Engine::Postgres).await;
    let sql = fixture.place.database().unwrap().superuser().await;
    let set = format!("SET ROLE debitor_service; SET app.tenant = '{TENANT}'");
    sql.batch_execute(&set).await.unwrap();
    let seen = async |looks: &str| -> i64 {
        let looks = format!("SET app.grants = '{looks}'");
        sql.batch_execute(&looks).await.unwrap();
        let seen = "UPDATE company SET customers = customers RETURNING id";
        i64::try_from(sql.query(seen, &[]).await.unwrap().len()).unwrap()
    };
    for (right, count) in [(Right::Write, 1), (Right::Read, 0), (Right::None, 0)] {
        let tenant = Administrator::of(TENANT);
        let set =
            fixture
                .store
                .company_grant(tenant, fixture.scope.company(), Grantee::Everyone, right);
        set.await.unwrap();
        assert_eq!((seen("").await, seen("on").await), (count, 1), "{right}");
    }
}
