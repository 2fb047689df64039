//! What is held of a customer as a person, and its erasure.

use debitor_api::Field;
use debitor_api::types::{SalesInvoiceStatus, SalesInvoiceUpdate};
use debitor_server::auth::Administrator;
use debitor_server::domain::version::Precondition;
use debitor_server::odata::search;
use debitor_server::store::privacy::{Erase, Erased, Files, Held, Sought};
use debitor_server::store::{Condition, Conflict, CustomerKey, Error, Noun, Result};
use serde_json::Value;
use uuid::Uuid;

use super::Fixture;
use super::fixture::{
    OTHER_TENANT, TENANT, customer, keyed, named, new_customer, number, renamed, write,
};

super::behaviours! {
    all_that_is_held_is_exported
    of_a_deleted_customer_the_rest_is_exported
    nobody_is_exported_or_erased_of_whom_nothing_is_held
    an_erased_customer_is_nowhere
    a_repetition_does_not_bring_an_erased_customer_back
    what_is_erased_leaves_the_words_of_others
    an_issued_sales_invoice_forbids_it_unless_it_is_meant_too
    all_are_erased_or_none
    a_customer_that_was_deleted_is_erased
    an_erased_id_and_number_can_be_used_again
}

async fn export(fixture: &Fixture, sought: Sought) -> Result<Held> {
    let (by, company) = (Administrator::of(TENANT), fixture.scope.company());
    fixture.store.customer_export(by, company, sought).await
}

async fn erase_with(fixture: &Fixture, customers: Vec<Sought>, issued: bool) -> Result<Vec<Uuid>> {
    let (by, company) = (Administrator::of(TENANT), fixture.scope.company());
    let erase = Erase {
        customers,
        issued,
        files: false,
    };
    let erased = fixture.store.customer_erase(by, company, erase).await?;
    let Erased { customers, files } = erased;
    assert_eq!(files, Files::Left);
    Ok(customers)
}

async fn erase(fixture: &Fixture, id: Uuid) -> Result<Vec<Uuid>> {
    erase_with(fixture, vec![Sought::Id(id)], false).await
}

fn actions(held: &Held) -> Vec<(&str, &str)> {
    let changes = held.changes.iter();
    changes
        .map(|one| (&*one.action, &*one.properties))
        .collect()
}

async fn found(fixture: &Fixture, word: &str) -> i32 {
    let condition = Condition {
        filter: None,
        search: Some(search::parse(word).unwrap()),
    };
    let count = fixture.store.customer_count(&fixture.scope, condition);
    count.await.unwrap()
}

/// Has the draft issued.
async fn issue(fixture: &Fixture, id: Uuid) {
    let change = SalesInvoiceUpdate {
        status: Field::Value(SalesInvoiceStatus::Open),
        ..Default::default()
    };
    let write = write(&fixture.scope);
    let any = Precondition::Any;
    let issued = fixture.store.sales_invoice_update(write, id, any, change);
    issued.await.unwrap();
}

async fn all_that_is_held_is_exported(fixture: &Fixture) {
    let stored = fixture.create_once((1, 1), "Ada").await.unwrap().stored;
    let draft = fixture.draft(Some(stored.id)).await.unwrap();
    fixture.customer("Somebody else").await;
    fixture.draft(None).await.unwrap();
    let write = keyed(write(&fixture.scope), (2, 2));
    let (key, any) = (CustomerKey::Id(stored.id), Precondition::Any);
    let update = fixture
        .store
        .customer_update(write, key, any, renamed("Ada L."));
    let updated = update.await.unwrap().stored;
    fixture.create_once((1, 1), "Ada").await.unwrap();

    let held = export(fixture, Sought::Id(stored.id)).await.unwrap();
    assert_eq!(held.id, stored.id);
    assert_eq!(held.customer.as_ref(), Some(&updated.json));
    let invoice: Value = serde_json::from_slice(&held.sales_invoices[0]).unwrap();
    assert_eq!(held.sales_invoices.len(), 1);
    assert_eq!(
        (&invoice["id"], &invoice["customerName"]),
        (&Value::from(draft.id.to_string()), &Value::from("Ada L."))
    );
    let changes = actions(&held);
    assert_eq!(changes.len(), 2);
    assert!(changes[0].0 == "create" && changes[0].1.contains("displayName"));
    assert_eq!(changes[1], ("update", "displayName"));
    assert!(held.changes.iter().all(|one| one.actor == "ada"));
    assert!(held.changes[0].at <= held.changes[1].at);
    let answers: Vec<_> = held.answers.iter().map(|one| &one.json).collect();
    assert_eq!(answers, [&stored.json, &updated.json]);
    let repeated = held.answers.iter().map(|one| one.repeated_at.is_some());
    assert_eq!(repeated.collect::<Vec<_>>(), [true, false]);

    let by_number = Sought::Number(number(&updated).to_lowercase());
    assert_eq!(export(fixture, by_number).await.unwrap(), held);
}

async fn of_a_deleted_customer_the_rest_is_exported(fixture: &Fixture) {
    let stored = fixture.create_once((1, 1), "Ada").await.unwrap().stored;
    let key = CustomerKey::Id(stored.id);
    fixture.delete(key, "*").await.unwrap();
    let held = export(fixture, Sought::Id(stored.id)).await.unwrap();
    assert_eq!(held.customer, None);
    assert_eq!(held.answers.len(), 1);
    assert_eq!(actions(&held).last(), Some(&("delete", "")));
}

async fn nobody_is_exported_or_erased_of_whom_nothing_is_held(fixture: &Fixture) {
    let stored = fixture.customer("Ada").await;
    let company = fixture.scope.company();
    for unknown in [
        Sought::Id(Uuid::from_u128(404)),
        // Of the company itself there is a record, which is no customer's.
        Sought::Id(company),
        Sought::Number("C404".to_owned()),
    ] {
        let refused = export(fixture, unknown.clone()).await.unwrap_err();
        assert!(matches!(refused, Error::NotFound(Noun::Customer)));
        let refused = erase_with(fixture, vec![unknown], false).await.unwrap_err();
        assert!(matches!(refused, Error::NotFound(Noun::Customer)));
    }
    let foreign = Administrator::of(OTHER_TENANT);
    let sought = Sought::Id(stored.id);
    let refused = fixture
        .store
        .customer_export(foreign, company, sought.clone());
    let refused = refused.await.unwrap_err();
    assert!(matches!(refused, Error::NotFound(Noun::Company)));
    let erase = Erase {
        customers: vec![sought],
        issued: true,
        files: false,
    };
    let refused = fixture.store.customer_erase(foreign, company, erase).await;
    assert!(matches!(refused, Err(Error::NotFound(Noun::Company))));
    fixture.get(stored.id).await.unwrap();
}

async fn an_erased_customer_is_nowhere(fixture: &Fixture) {
    let stored = fixture.customer("Ada Lovelace").await;
    let other = fixture.customer("Grace Hopper").await;
    let draft = fixture.draft(Some(stored.id)).await.unwrap();
    fixture.rename(&stored, "*", "Ada King").await.unwrap();
    assert_eq!(erase(fixture, stored.id).await.unwrap(), [stored.id]);
    let gone = fixture.get(stored.id).await.unwrap_err();
    assert!(matches!(gone, Error::NotFound(Noun::Customer)));
    assert_eq!(fixture.count().await, 1);
    for (word, expected) in [("ada", 0), ("king", 0), ("lovelace", 0), ("grace", 1)] {
        assert_eq!(found(fixture, word).await, expected, "{word}");
    }
    let invoice = fixture.invoice(draft.id).await;
    assert!(invoice.customer_id.is_null() && invoice.customer_name.is_null());
    assert!(invoice.customer_number.is_null());
    assert_ne!(invoice.odata_etag, draft.etag);
    let held = export(fixture, Sought::Id(stored.id)).await.unwrap();
    assert_eq!(held.customer, None);
    assert!(held.sales_invoices.is_empty() && held.answers.is_empty());
    let last = held.changes.last().unwrap();
    assert_eq!(
        (&*last.action, &*last.properties, &*last.actor),
        ("erase", "", "operator")
    );
    fixture.rename(&other, &other.etag, "Grace").await.unwrap();
}

async fn a_repetition_does_not_bring_an_erased_customer_back(fixture: &Fixture) {
    let stored = fixture.create_once((1, 1), "Ada").await.unwrap().stored;
    let other = fixture.create_once((3, 3), "Grace").await.unwrap().stored;
    let invoice = keyed(write(&fixture.scope), (2, 2));
    let create = debitor_api::types::SalesInvoiceCreate {
        customer_id: Field::Value(stored.id),
        ..Default::default()
    };
    let create = || {
        let (write, create) = (invoice.clone(), create.clone());
        fixture.store.sales_invoice_create(write, create)
    };
    create().await.unwrap();
    erase(fixture, stored.id).await.unwrap();
    let refused = fixture.create_once((1, 1), "Ada").await.unwrap_err();
    assert!(matches!(refused, Error::NotFound(Noun::Customer)));
    // What it answered showed the customer.
    let refused = create().await.unwrap_err();
    assert!(matches!(refused, Error::NotFound(Noun::Customer)));
    let other_request = fixture.create_once((1, 9), "Ada").await;
    assert!(matches!(other_request, Err(Error::KeyReused)));
    let again = fixture.create_once((3, 3), "Grace").await.unwrap().stored;
    assert_eq!(again, other);
    assert_eq!(fixture.count().await, 1);
}

/// Customers with many words in common, of whom every third goes.
async fn what_is_erased_leaves_the_words_of_others(fixture: &Fixture) {
    let mut all = Vec::new();
    for n in 0..60 {
        let name = format!("gemeinsam drittel{} eigen{n}x", n % 3);
        all.push(fixture.customer(&name).await);
    }
    for stored in all.iter().step_by(5) {
        fixture
            .rename(stored, "*", "umbenannt gemeinsam")
            .await
            .unwrap();
    }
    let gone = all.iter().step_by(3).map(|stored| Sought::Id(stored.id));
    let erased = erase_with(fixture, gone.collect(), false).await.unwrap();
    assert_eq!(erased.len(), 20);
    assert_eq!(found(fixture, "gemeinsam").await, 40);
    assert_eq!(found(fixture, "drittel0").await, 0);
    assert_eq!(found(fixture, "drittel1").await, 16);
    assert_eq!(found(fixture, "umbenannt").await, 8);
    for n in 0..60 {
        let expected = i32::from(n % 3 != 0 && n % 5 != 0);
        let word = format!("eigen{n}x");
        assert_eq!(found(fixture, &word).await, expected, "{word}");
    }
    // The words of a company to which nothing was said stay too.
    fixture.rename(&all[1], "*", "neu").await.unwrap();
    assert_eq!(found(fixture, "gemeinsam").await, 39);
}

async fn an_issued_sales_invoice_forbids_it_unless_it_is_meant_too(fixture: &Fixture) {
    let stored = fixture.customer("Ada").await;
    let invoice = fixture.draft(Some(stored.id)).await.unwrap();
    let draft = fixture.draft(Some(stored.id)).await.unwrap();
    issue(fixture, invoice.id).await;
    let refused = erase(fixture, stored.id).await.unwrap_err();
    let Error::Conflict(Conflict::NamedBySalesInvoice(named)) = refused else {
        panic!("{refused}");
    };
    assert_eq!(fixture.invoice(invoice.id).await.number, Some(named));
    fixture.get(stored.id).await.unwrap();
    let of_draft = fixture.invoice(draft.id).await.customer_id;
    assert_eq!(of_draft, Field::Value(stored.id));
    let sought = vec![Sought::Id(stored.id)];
    erase_with(fixture, sought, true).await.unwrap();
    let invoice = fixture.invoice(invoice.id).await;
    assert!(invoice.customer_name.is_null() && invoice.customer_id.is_null());
    assert_eq!(invoice.status, Some(SalesInvoiceStatus::Open));
}

async fn all_are_erased_or_none(fixture: &Fixture) {
    let [one, two] = [fixture.customer("A").await, fixture.customer("B").await];
    let named = |id| vec![Sought::Id(one.id), Sought::Id(id)];
    let unknown = named(Uuid::from_u128(404));
    erase_with(fixture, unknown, false).await.unwrap_err();
    assert_eq!(fixture.count().await, 2);
    // Named twice, it is erased once.
    let sought = [
        named(two.id),
        vec![Sought::Number(number(&one)), Sought::Id(one.id)],
    ];
    let erased = erase_with(fixture, sought.concat(), false).await.unwrap();
    assert_eq!(erased.len(), 2);
    assert_eq!(fixture.count().await, 0);
    let held = export(fixture, Sought::Id(one.id)).await.unwrap();
    assert_eq!(actions(&held).len(), 2);
}

async fn a_customer_that_was_deleted_is_erased(fixture: &Fixture) {
    let stored = fixture.create_once((1, 1), "Ada").await.unwrap().stored;
    let key = CustomerKey::Id(stored.id);
    fixture.delete(key, "*").await.unwrap();
    // Erased once more, nothing is wrong.
    for expected in [3, 4] {
        erase(fixture, stored.id).await.unwrap();
        let held = export(fixture, Sought::Id(stored.id)).await.unwrap();
        assert_eq!(actions(&held).len(), expected);
        assert!(held.answers.is_empty());
    }
    let sought = vec![Sought::Number(number(&stored))];
    let refused = erase_with(fixture, sought, false).await.unwrap_err();
    assert!(matches!(refused, Error::NotFound(Noun::Customer)));
}

async fn an_erased_id_and_number_can_be_used_again(fixture: &Fixture) {
    let id = Uuid::from_u128(77);
    let create = || {
        let json = format!(r#"{{"displayName": "Ada", "id": "{id}", "number": "N1"}}"#);
        fixture.create(new_customer(&json))
    };
    let first = create().await.unwrap();
    erase(fixture, id).await.unwrap();
    let second = create().await.unwrap();
    assert_ne!(first.etag, second.etag);
    assert_eq!(customer(&second).display_name.as_deref(), Some("Ada"));
    erase(fixture, id).await.unwrap();
    // The company's own numbers are not given twice.
    let one = fixture.customer("A").await;
    erase(fixture, one.id).await.unwrap();
    let two = fixture.create(named("B")).await.unwrap();
    assert_ne!(number(&one), number(&two));
}
