//! References from sales invoices to customers hold, also when both ends are written at once.

use debitor_api::Field;
use debitor_server::store::{Conflict, CustomerKey, Error, Noun};

use super::Fixture;
use super::fixture::named;

super::behaviours! {
    a_customer_that_an_invoice_names_stays
    the_customer_of_a_draft_is_deleted_with_the_draft_s_reference
    naming_a_customer_and_deleting_it_never_leaves_a_name_of_nothing
    two_customers_for_one_draft_come_after_each_other
}

async fn a_customer_that_an_invoice_names_stays(fixture: &Fixture) {
    let stored = fixture.customer("A").await;
    fixture.draft(Some(stored.id)).await.unwrap();
    let refused = fixture
        .delete(CustomerKey::Id(stored.id), "*")
        .await
        .unwrap_err();
    assert!(
        matches!(&refused, Error::Conflict(Conflict::NamedBySalesInvoice(number)) if number == "S00010"),
        "{refused:?}"
    );
    assert_eq!(fixture.get(stored.id).await.unwrap(), stored);
}

async fn the_customer_of_a_draft_is_deleted_with_the_draft_s_reference(fixture: &Fixture) {
    let stored = fixture.customer("A").await;
    let [one, two] = [
        fixture.draft(Some(stored.id)).await,
        fixture.draft(Some(stored.id)).await,
    ];
    let (one, two) = (one.unwrap().id, two.unwrap().id);
    let key = CustomerKey::OfSalesInvoice(one);
    let refused = fixture.delete(key, "*").await.unwrap_err();
    assert!(
        matches!(refused, Error::Conflict(Conflict::NamedBySalesInvoice(_))),
        "{refused:?}"
    );
    assert_eq!(
        fixture.invoice(one).await.customer_id,
        Field::Value(stored.id)
    );
    let write = super::fixture::write(&fixture.scope);
    let any = debitor_server::domain::version::Precondition::Any;
    fixture
        .store
        .sales_invoice_delete(write, two, any)
        .await
        .unwrap();
    fixture.delete(key, &stored.etag).await.unwrap();
    assert_eq!(fixture.invoice(one).await.customer_id, Field::Null);
    assert_eq!(fixture.count().await, 0);
}

async fn naming_a_customer_and_deleting_it_never_leaves_a_name_of_nothing(fixture: &Fixture) {
    let mut deleted = 0;
    for _ in 0..20 {
        let stored = fixture.customer("A").await;
        let key = CustomerKey::Id(stored.id);
        let (invoice, deletion) =
            tokio::join!(fixture.draft(Some(stored.id)), fixture.delete(key, "*"));
        match (&invoice, &deletion) {
            (Ok(_), Err(Error::Conflict(Conflict::NamedBySalesInvoice(_)))) => {
                fixture.get(stored.id).await.unwrap();
            }
            (Err(Error::Reference { .. }), Ok(())) => deleted += 1,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(fixture.count().await, 20 - deleted);
}

async fn two_customers_for_one_draft_come_after_each_other(fixture: &Fixture) {
    let draft = fixture.draft(None).await.unwrap().id;
    let requests = (0..8).map(|n| fixture.create_for(draft, named(&format!("Customer {n}"))));
    let created = futures::future::try_join_all(requests).await.unwrap();
    let shown = fixture.invoice(draft).await;
    assert!(
        created
            .iter()
            .any(|stored| Field::Value(stored.id) == shown.customer_id)
    );
    assert!(
        shown.odata_etag.starts_with("W/\"9-"),
        "a version for each: {}",
        shown.odata_etag
    );
    // Those that were replaced are named by nothing and can go.
    for stored in created {
        let gone = fixture.delete(CustomerKey::Id(stored.id), "*").await;
        assert_eq!(
            gone.is_err(),
            Field::Value(stored.id) == shown.customer_id,
            "{gone:?}"
        );
    }
    let last = CustomerKey::OfSalesInvoice(draft);
    fixture.delete(last, "*").await.unwrap();
    let none = fixture.store.customer_get(&fixture.scope, last).await;
    assert!(matches!(
        none,
        Err(Error::NotFound(Noun::SalesInvoiceCustomer))
    ));
}
