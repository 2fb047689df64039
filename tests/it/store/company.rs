//! Companies, and the wall between tenants.

use debitor_api::types::{Company, SalesInvoiceCreate, SalesInvoiceUpdate};
use debitor_server::auth::Administrator;
use debitor_server::domain::company::NewCompany;
use debitor_server::domain::right::Right;
use debitor_server::domain::version::Precondition::Any;
use debitor_server::store::{Condition, Conflict, CustomerKey, Error, ListQuery, Noun};
use uuid::Uuid;

use super::Fixture;
use super::fixture::{OTHER_TENANT, TENANT, keyed, named, renamed, write};

super::behaviours! {
    a_company_is_found_by_its_tenant
    the_id_of_a_company_is_taken_for_every_tenant
    another_tenant_finds_nothing
    another_tenant_changes_nothing
    an_unknown_company_has_nothing
    an_open_store_answers_and_tells_of_itself
}

async fn a_company_is_found_by_its_tenant(fixture: &Fixture) {
    let json = fixture.store.company_get(&fixture.scope).await.unwrap();
    let company: Company = serde_json::from_slice(&json).unwrap();
    assert_eq!(company.id, fixture.scope.company());
    assert_eq!(company.display_name.as_deref(), Some("Nordhafen"));
}

async fn the_id_of_a_company_is_taken_for_every_tenant(fixture: &Fixture) {
    for tenant in [TENANT, OTHER_TENANT] {
        let id = fixture.scope.company();
        let again = NewCompany {
            id: Some(id),
            name: "B".to_owned(),
            everyone: Right::Write,
        };
        let by = Administrator::of(tenant);
        let refused = fixture.store.company_create(by, again).await;
        assert!(
            matches!(&refused, Err(Error::Conflict(Conflict::IdTaken(taken))) if *taken == id),
            "{refused:?}"
        );
    }
    a_company_is_found_by_its_tenant(fixture).await;
}

/// Every call that names a company refuses one that is not there for the caller.
pub(crate) async fn refuses_all(
    fixture: &Fixture,
    scope: &debitor_server::store::Scope,
    customer: Uuid,
    invoice: Uuid,
) {
    let (store, key) = (&fixture.store, CustomerKey::Id(customer));
    let write = || write(scope);
    let create = |invoice| store.customer_create(write(), invoice, named("B"));
    let refusals = [
        store.company_get(scope).await.err(),
        store.customer_list(scope, ListQuery::first(10)).await.err(),
        store.customer_count(scope, Condition::ALL).await.err(),
        store.customer_get(scope, key).await.err(),
        store
            .customer_get(scope, CustomerKey::OfSalesInvoice(invoice))
            .await
            .err(),
        create(None).await.err(),
        create(Some(invoice)).await.err(),
        store
            .customer_create(keyed(write(), (1, 1)), None, named("B"))
            .await
            .err(),
        store
            .customer_update(write(), key, Any, renamed("B"))
            .await
            .err(),
        store.customer_delete(write(), key, Any).await.err(),
        store
            .sales_invoice_list(scope, ListQuery::first(10))
            .await
            .err(),
        store.sales_invoice_count(scope, Condition::ALL).await.err(),
        store.sales_invoice_get(scope, invoice).await.err(),
        store
            .sales_invoice_create(write(), SalesInvoiceCreate::default())
            .await
            .err(),
        store
            .sales_invoice_update(write(), invoice, Any, SalesInvoiceUpdate::default())
            .await
            .err(),
        store
            .sales_invoice_delete(write(), invoice, Any)
            .await
            .err(),
    ];
    for (call, refusal) in refusals.into_iter().enumerate() {
        assert!(
            matches!(refusal, Some(Error::NotFound(Noun::Company))),
            "call {call}: {refusal:?}"
        );
    }
}

async fn another_tenant_finds_nothing(fixture: &Fixture) {
    let customer = fixture.customer("A").await;
    let invoice = fixture.draft(Some(customer.id)).await.unwrap();
    refuses_all(fixture, &fixture.foreign(), customer.id, invoice.id).await;
    let query = ListQuery {
        count: true,
        ..ListQuery::first(10)
    };
    let page = fixture
        .store
        .company_list(&Administrator::of(OTHER_TENANT).caller(), query)
        .await
        .unwrap();
    assert_eq!(
        (page.entities.len(), page.count, page.next),
        (0, Some(0), None)
    );
}

async fn another_tenant_changes_nothing(fixture: &Fixture) {
    let customer = fixture.customer("A").await;
    let invoice = fixture.draft(Some(customer.id)).await.unwrap();
    refuses_all(fixture, &fixture.foreign(), customer.id, invoice.id).await;
    assert_eq!(fixture.get(customer.id).await.unwrap(), customer);
    let kept = fixture
        .store
        .sales_invoice_get(&fixture.scope, invoice.id)
        .await;
    assert_eq!(kept.unwrap(), invoice);
    assert_eq!(fixture.count().await, 1);
}

async fn an_unknown_company_has_nothing(fixture: &Fixture) {
    let unknown = fixture.scope.caller().scope(Uuid::from_u128(404));
    refuses_all(fixture, &unknown, Uuid::from_u128(5), Uuid::from_u128(6)).await;
}

async fn an_open_store_answers_and_tells_of_itself(fixture: &Fixture) {
    fixture.store.ping().await.unwrap();
    let mut registry = prometheus_client::registry::Registry::default();
    fixture.store.register(&mut registry);
    let mut text = String::new();
    prometheus_client::encoding::text::encode(&mut text, &registry).unwrap();
    assert!(text.lines().count() > 1, "{text}");
    fixture.store.close().await;
}
