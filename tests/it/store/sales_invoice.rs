//! Sales invoices, and the customer that each names.

use debitor_api::Field;
use debitor_api::types::{SalesInvoiceCreate, SalesInvoiceStatus, SalesInvoiceUpdate};
use debitor_server::domain::version::Precondition;
use debitor_server::store::{Conflict, CustomerKey, Error, Noun, Result, Stored};
use futures::future::try_join_all;
use uuid::Uuid;

use super::Fixture;
use super::fixture::{customer, named, number, numbered, sales_invoice, write};

super::behaviours! {
    drafts_get_numbers_of_their_own
    the_id_of_an_invoice_is_taken
    a_stale_version_of_an_invoice_changes_nothing
    an_issued_invoice_is_neither_changed_nor_deleted
    a_deleted_draft_is_gone
    an_invoice_and_its_new_customer_are_written_together
    drafts_show_what_their_customer_is_called_now
    a_customer_is_chosen_by_id_or_number
    an_unknown_invoice_is_not_found
}

async fn update(
    fixture: &Fixture,
    id: Uuid,
    etag: &str,
    change: SalesInvoiceUpdate,
) -> Result<Stored> {
    let precondition = Precondition::parse(etag);
    let store = &fixture.store;
    let written = store.sales_invoice_update(write(&fixture.scope), id, precondition, change);
    Ok(written.await?.stored)
}

async fn delete(fixture: &Fixture, id: Uuid, etag: &str) -> Result<()> {
    let precondition = Precondition::parse(etag);
    let store = &fixture.store;
    store
        .sales_invoice_delete(write(&fixture.scope), id, precondition)
        .await
}

fn status(status: SalesInvoiceStatus) -> SalesInvoiceUpdate {
    SalesInvoiceUpdate {
        status: Field::Value(status),
        ..Default::default()
    }
}

fn currency() -> SalesInvoiceUpdate {
    SalesInvoiceUpdate {
        currency_code: Field::Value("EUR".to_owned()),
        ..Default::default()
    }
}

async fn drafts_get_numbers_of_their_own(fixture: &Fixture) {
    let drafts = try_join_all((0..16).map(|_| fixture.draft(None)))
        .await
        .unwrap();
    let mut numbers: Vec<_> = drafts
        .iter()
        .map(|stored| sales_invoice(stored).number.unwrap())
        .collect();
    numbers.sort();
    let expected: Vec<_> = (1..=16).map(|n| format!("S{:05}", n * 10)).collect();
    assert_eq!(numbers, expected);
}

async fn the_id_of_an_invoice_is_taken(fixture: &Fixture) {
    let id = fixture.draft(None).await.unwrap().id;
    let again = SalesInvoiceCreate {
        id: Field::Value(id),
        ..Default::default()
    };
    let refused = fixture
        .store
        .sales_invoice_create(write(&fixture.scope), again)
        .await;
    assert!(
        matches!(&refused, Err(Error::Conflict(Conflict::IdTaken(taken))) if *taken == id),
        "{refused:?}"
    );
    let next = fixture.draft(None).await.unwrap();
    assert_eq!(sales_invoice(&next).number.as_deref(), Some("S00020"));
}

async fn a_stale_version_of_an_invoice_changes_nothing(fixture: &Fixture) {
    let first = fixture.draft(None).await.unwrap();
    let second = update(fixture, first.id, &first.etag, currency())
        .await
        .unwrap();
    let stale = [
        update(fixture, first.id, &first.etag, currency())
            .await
            .err(),
        delete(fixture, first.id, &first.etag).await.err(),
    ];
    for stale in stale {
        assert!(
            matches!(stale, Some(Error::Stale(Noun::SalesInvoice))),
            "{stale:?}"
        );
    }
    let kept = fixture
        .store
        .sales_invoice_get(&fixture.scope, first.id)
        .await;
    assert_eq!(kept.unwrap(), second);
}

async fn an_issued_invoice_is_neither_changed_nor_deleted(fixture: &Fixture) {
    let named_by = fixture.customer("A").await;
    let draft = fixture.draft(Some(named_by.id)).await.unwrap();
    let issued = update(fixture, draft.id, "*", status(SalesInvoiceStatus::Open))
        .await
        .unwrap();
    let key = CustomerKey::OfSalesInvoice(draft.id);
    let refusals = [
        update(fixture, draft.id, "*", currency()).await.err(),
        update(fixture, draft.id, "*", status(SalesInvoiceStatus::Draft))
            .await
            .err(),
        delete(fixture, draft.id, "*").await.err(),
        fixture.create_for(draft.id, named("B")).await.err(),
        fixture.delete(key, "*").await.err(),
    ];
    for refusal in refusals {
        let expected = matches!(&refusal, Some(Error::Conflict(Conflict::NotDraft(number))) if number == "S00010");
        assert!(expected, "{refusal:?}");
    }
    let kept = fixture
        .store
        .sales_invoice_get(&fixture.scope, draft.id)
        .await;
    assert_eq!(kept.unwrap(), issued);
    assert_eq!(fixture.count().await, 1);
    fixture.rename(&named_by, "*", "B").await.unwrap();
    let shown = fixture.invoice(draft.id).await.customer_name;
    assert_eq!(shown, Field::Value("A".to_owned()), "as it was issued");
}

async fn a_deleted_draft_is_gone(fixture: &Fixture) {
    let named_by = fixture.customer("A").await;
    let draft = fixture.draft(Some(named_by.id)).await.unwrap();
    delete(fixture, draft.id, &draft.etag).await.unwrap();
    let gone = fixture
        .store
        .sales_invoice_get(&fixture.scope, draft.id)
        .await;
    assert!(matches!(gone, Err(Error::NotFound(Noun::SalesInvoice))));
    fixture
        .delete(CustomerKey::Id(named_by.id), "*")
        .await
        .unwrap();
}

async fn an_invoice_and_its_new_customer_are_written_together(fixture: &Fixture) {
    let invoice = fixture.draft(None).await.unwrap();
    let created = fixture.create_for(invoice.id, named("A")).await.unwrap();
    let key = CustomerKey::OfSalesInvoice(invoice.id);
    let of_invoice = async || {
        fixture
            .store
            .customer_get(&fixture.scope, key)
            .await
            .unwrap()
    };
    assert_eq!(of_invoice().await, created);
    let refused = fixture
        .create_for(invoice.id, numbered("c00010"))
        .await
        .unwrap_err();
    assert!(matches!(refused, Error::Conflict(Conflict::NumberTaken(_))));
    assert_eq!(of_invoice().await, created);
    let missing = fixture
        .create_for(Uuid::nil(), named("C"))
        .await
        .unwrap_err();
    assert!(matches!(missing, Error::NotFound(Noun::SalesInvoice)));
    assert_eq!(fixture.count().await, 1);
    let shown = fixture.invoice(invoice.id).await.customer_number;
    assert_eq!(shown, Field::Value(number(&created)));
}

async fn drafts_show_what_their_customer_is_called_now(fixture: &Fixture) {
    let named_by = fixture.customer("A").await;
    let drafts = [
        fixture.draft(Some(named_by.id)).await,
        fixture.draft(Some(named_by.id)).await,
    ];
    let other = fixture.draft(None).await.unwrap();
    fixture.rename(&named_by, "*", "B").await.unwrap();
    for draft in drafts.map(Result::unwrap) {
        let now = fixture
            .store
            .sales_invoice_get(&fixture.scope, draft.id)
            .await
            .unwrap();
        assert_eq!(
            sales_invoice(&now).customer_name,
            Field::Value("B".to_owned())
        );
        assert_ne!(now.etag, draft.etag);
    }
    let kept = fixture
        .store
        .sales_invoice_get(&fixture.scope, other.id)
        .await;
    assert_eq!(kept.unwrap(), other);
}

async fn a_customer_is_chosen_by_id_or_number(fixture: &Fixture) {
    let (a, b) = (fixture.customer("A").await, fixture.customer("B").await);
    let draft = fixture.draft(Some(a.id)).await.unwrap().id;
    let choose = async |id: Field<Uuid>, number: Field<&str>| {
        let change = SalesInvoiceUpdate {
            customer_id: id,
            customer_number: number.map(str::to_owned),
            ..Default::default()
        };
        update(fixture, draft, "*", change).await
    };
    choose(Field::Absent, Field::Value("c00020")).await.unwrap();
    assert_eq!(fixture.invoice(draft).await.customer_id, Field::Value(b.id));
    choose(Field::Value(a.id), Field::Value("c00010"))
        .await
        .unwrap();
    assert_eq!(
        fixture.invoice(draft).await.customer_name.into_option(),
        customer(&a).display_name
    );
    let unknown = Uuid::from_u128(404);
    for (id, number, at) in [
        (Field::Value(unknown), Field::Absent, "customerId"),
        (Field::Absent, Field::Value("C9"), "customerNumber"),
        (Field::Value(a.id), Field::Value("C00020"), "customerNumber"),
    ] {
        let refused = choose(id, number).await;
        assert!(
            matches!(&refused, Err(Error::Reference { property, .. }) if *property == at),
            "{at}: {refused:?}"
        );
    }
    assert_eq!(fixture.invoice(draft).await.customer_id, Field::Value(a.id));
    choose(Field::Null, Field::Absent).await.unwrap();
    let none = fixture
        .store
        .customer_get(&fixture.scope, CustomerKey::OfSalesInvoice(draft))
        .await;
    assert!(
        matches!(none, Err(Error::NotFound(Noun::SalesInvoiceCustomer))),
        "{none:?}"
    );
}

async fn an_unknown_invoice_is_not_found(fixture: &Fixture) {
    let unknown = Uuid::from_u128(404);
    let key = CustomerKey::OfSalesInvoice(unknown);
    let refusals = [
        fixture
            .store
            .sales_invoice_get(&fixture.scope, unknown)
            .await
            .err(),
        fixture.store.customer_get(&fixture.scope, key).await.err(),
        update(fixture, unknown, "*", currency()).await.err(),
        delete(fixture, unknown, "*").await.err(),
        fixture.create_for(unknown, named("A")).await.err(),
        fixture.delete(key, "*").await.err(),
    ];
    for refusal in refusals {
        assert!(
            matches!(refusal, Some(Error::NotFound(Noun::SalesInvoice))),
            "{refusal:?}"
        );
    }
}
