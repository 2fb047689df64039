//! Lists: a page at a time, in the order of the ids.

use std::collections::BTreeSet;

use debitor_api::support::properties::Property;
use debitor_server::odata::order::Position;
use debitor_server::store::{ListQuery, Page, Result};
use serde_json::Value;
use uuid::Uuid;

use super::Fixture;
use super::fixture::{OTHER_TENANT, TENANT, company, write};

super::behaviours! {
    pages_hold_every_customer_once
    pages_hold_every_invoice_once
    pages_hold_every_company_of_the_tenant_once
    a_full_last_page_has_no_next
    a_page_after_the_last_is_empty
    pages_hold_only_what_is_the_company_s
}

fn first<P: Property>(top: u32) -> ListQuery<P> {
    ListQuery {
        count: true,
        ..ListQuery::first(top)
    }
}

/// The ids of an entire list, read in pages of three.
async fn all<P: Property>(
    ask: impl AsyncFn(ListQuery<P>) -> Result<Page>,
    expected: &BTreeSet<Uuid>,
) {
    let (mut query, mut seen) = (first::<P>(3), Vec::new());
    loop {
        let page = ask(query.clone()).await.unwrap();
        assert_eq!(page.count.map(usize::try_from), Some(Ok(expected.len())));
        assert!(page.entities.len() <= 3);
        seen.extend(page.entities.iter().map(id));
        query.after = page.next;
        let Some(next) = &query.after else { break };
        assert_eq!(Some(next.id), seen.last().copied());
    }
    assert!(seen.iter().eq(expected), "{seen:?}");
}

fn id(json: &[u8]) -> Uuid {
    let entity: Value = serde_json::from_slice(json).unwrap();
    entity["id"].as_str().unwrap().parse().unwrap()
}

async fn pages_hold_every_customer_once(fixture: &Fixture) {
    let mut expected = BTreeSet::new();
    for n in 0..7 {
        expected.insert(fixture.customer(&format!("Customer {n}")).await.id);
    }
    // The order of the ids is not that in which they came.
    for id in [Uuid::max(), Uuid::from_u128(1)] {
        fixture.create(super::fixture::with_id(id)).await.unwrap();
        expected.insert(id);
    }
    all(
        async |query| fixture.store.customer_list(&fixture.scope, query).await,
        &expected,
    )
    .await;
}

async fn pages_hold_every_invoice_once(fixture: &Fixture) {
    let mut expected = BTreeSet::new();
    for _ in 0..7 {
        expected.insert(fixture.draft(None).await.unwrap().id);
    }
    all(
        async |query| {
            fixture
                .store
                .sales_invoice_list(&fixture.scope, query)
                .await
        },
        &expected,
    )
    .await;
}

async fn pages_hold_every_company_of_the_tenant_once(fixture: &Fixture) {
    let mut expected = BTreeSet::from([fixture.scope.company()]);
    for _ in 0..4 {
        expected.insert(company(fixture.store.as_ref(), TENANT).await.company());
        company(fixture.store.as_ref(), OTHER_TENANT).await;
    }
    all(
        async |query| {
            fixture
                .store
                .company_list(fixture.scope.caller(), query)
                .await
        },
        &expected,
    )
    .await;
}

async fn a_full_last_page_has_no_next(fixture: &Fixture) {
    for _ in 0..4 {
        fixture.customer("A").await;
    }
    let page = fixture
        .store
        .customer_list(&fixture.scope, first(4))
        .await
        .unwrap();
    assert_eq!((page.entities.len(), page.next), (4, None));
    let page = fixture
        .store
        .customer_list(&fixture.scope, first(3))
        .await
        .unwrap();
    assert!(page.next.is_some());
}

async fn a_page_after_the_last_is_empty(fixture: &Fixture) {
    fixture.customer("A").await;
    let last = Position {
        values: Vec::new(),
        id: Uuid::max(),
    };
    let query = ListQuery {
        after: Some(last),
        count: false,
        ..first(3)
    };
    let page = fixture
        .store
        .customer_list(&fixture.scope, query)
        .await
        .unwrap();
    assert_eq!(
        (page.entities.len(), page.next, page.count),
        (0, None, None)
    );
}

async fn pages_hold_only_what_is_the_company_s(fixture: &Fixture) {
    let own = fixture.customer("A").await;
    let other = company(fixture.store.as_ref(), TENANT).await;
    let create = super::fixture::named("B");
    fixture
        .store
        .customer_create(write(&other), None, create)
        .await
        .unwrap();
    all(
        async |query| fixture.store.customer_list(&fixture.scope, query).await,
        &BTreeSet::from([own.id]),
    )
    .await;
    assert_eq!(fixture.count().await, 1);
}
