//! Requests that are sent again.

use debitor_api::types::{SalesInvoiceCreate, SalesInvoiceUpdate};
use debitor_server::domain::version::Precondition;
use debitor_server::store::{CustomerKey, Error, Form, Noun, Result, Stored, Written};
use futures::future::join_all;

use super::Fixture;
use super::fixture::{keyed, named, renamed, write};

super::behaviours! {
    a_repeated_create_is_done_once
    of_many_at_once_one_is_done
    a_repeated_change_is_answered_as_it_was
    repeated_writes_of_invoices_are_done_once
    a_repetition_keeps_the_form_of_the_first_answer
    a_repetition_is_answered_after_the_entity_is_gone
    a_key_belongs_to_one_request
    a_refused_write_is_not_remembered
    keys_in_one_group_do_not_disturb_each_other
}

async fn a_repeated_create_is_done_once(fixture: &Fixture) {
    let first = fixture.create_once((1, 1), "A").await.unwrap();
    assert_eq!(fixture.create_once((1, 1), "A").await.unwrap(), first);
    assert_ne!(fixture.create_once((2, 1), "A").await.unwrap(), first);
    assert_eq!(fixture.count().await, 2);
}

/// Those that do not come first are refused while it is under way, or answered as it was.
fn same_or_in_progress(answers: Vec<Result<Written>>) -> Written {
    let mut done = Vec::new();
    for answer in answers {
        match answer {
            Ok(written) => done.push(written),
            Err(Error::InProgress) => {}
            Err(other) => panic!("{other:?}"),
        }
    }
    assert!(done.iter().all(|written| *written == done[0]));
    done.swap_remove(0)
}

async fn of_many_at_once_one_is_done(fixture: &Fixture) {
    for key in 0..10 {
        let sent = (0..8).map(|_| fixture.create_once((key, 1), "A"));
        let one = same_or_in_progress(join_all(sent).await);
        assert_eq!(fixture.create_once((key, 1), "A").await.unwrap(), one);
        assert_eq!(fixture.count().await, i32::from(key) + 1);
    }
}

async fn a_repeated_change_is_answered_as_it_was(fixture: &Fixture) {
    let stored = fixture.customer("A").await;
    let change = async || {
        let precondition = Precondition::parse(&stored.etag);
        let (write, key) = (
            keyed(write(&fixture.scope), (1, 1)),
            CustomerKey::Id(stored.id),
        );
        fixture
            .store
            .customer_update(write, key, precondition, renamed("B"))
            .await
    };
    let first = change().await.unwrap();
    fixture.rename(&stored, "*", "C").await.unwrap();
    assert_eq!(
        change().await.unwrap(),
        first,
        "though the precondition no longer holds"
    );
}

async fn repeated_writes_of_invoices_are_done_once(fixture: &Fixture) {
    let create = async || {
        let write = keyed(write(&fixture.scope), (1, 1));
        fixture
            .store
            .sales_invoice_create(write, SalesInvoiceCreate::default())
            .await
            .unwrap()
    };
    let created = create().await;
    assert_eq!(create().await, created);
    let Stored { id, etag, .. } = created.stored;
    let change = async || {
        let precondition = Precondition::parse(&etag);
        let write = keyed(write(&fixture.scope), (2, 1));
        let change = SalesInvoiceUpdate::default();
        fixture
            .store
            .sales_invoice_update(write, id, precondition, change)
            .await
            .unwrap()
    };
    let changed = change().await;
    assert_eq!(change().await, changed);
    let customer = async || {
        let write = keyed(write(&fixture.scope), (3, 1));
        fixture
            .store
            .customer_create(write, Some(id), named("A"))
            .await
            .unwrap()
    };
    assert_eq!(customer().await, customer().await);
    assert_eq!(fixture.count().await, 1);
}

async fn a_repetition_keeps_the_form_of_the_first_answer(fixture: &Fixture) {
    let create = async |base_url: &str, minimal| {
        let mut write = keyed(write(&fixture.scope), (1, 1));
        let base_url = base_url.into();
        write.form = Form { base_url, minimal };
        fixture
            .store
            .customer_create(write, None, named("A"))
            .await
            .unwrap()
    };
    let first = create("http://first", true).await;
    let again = create("http://second", false).await;
    assert_eq!(again, first);
    assert_eq!(
        (&*again.form.base_url, again.form.minimal),
        ("http://first", true)
    );
}

async fn a_repetition_is_answered_after_the_entity_is_gone(fixture: &Fixture) {
    let first = fixture.create_once((1, 1), "A").await.unwrap();
    fixture
        .delete(CustomerKey::Id(first.stored.id), "*")
        .await
        .unwrap();
    assert_eq!(fixture.create_once((1, 1), "A").await.unwrap(), first);
    assert_eq!(fixture.count().await, 0);
}

async fn a_key_belongs_to_one_request(fixture: &Fixture) {
    let first = fixture.create_once((1, 1), "A").await.unwrap();
    let other = fixture.create_once((1, 2), "B").await.unwrap_err();
    assert!(matches!(other, Error::KeyReused), "{other:?}");
    let change = keyed(write(&fixture.scope), (1, 3));
    let key = CustomerKey::Id(first.stored.id);
    let changed = fixture
        .store
        .customer_update(change, key, Precondition::Any, renamed("B"));
    assert!(matches!(changed.await, Err(Error::KeyReused)));
    assert_eq!(fixture.get(first.stored.id).await.unwrap(), first.stored);
    assert_eq!(fixture.count().await, 1);
}

async fn a_refused_write_is_not_remembered(fixture: &Fixture) {
    let refused = keyed(write(&fixture.foreign()), (1, 1));
    let refusal = fixture
        .store
        .customer_create(refused, None, named("A"))
        .await;
    assert!(matches!(refusal, Err(Error::NotFound(Noun::Company))));
    let stored = fixture.create_once((1, 2), "A").await.unwrap().stored;
    let change = async |precondition| {
        let (write, key) = (
            keyed(write(&fixture.scope), (2, 1)),
            CustomerKey::Id(stored.id),
        );
        fixture
            .store
            .customer_update(write, key, precondition, renamed("B"))
            .await
    };
    let stale = change(Precondition::parse("\"0-0\"")).await.unwrap_err();
    assert!(matches!(stale, Error::Stale(Noun::Customer)));
    change(Precondition::Any).await.unwrap();
}

async fn keys_in_one_group_do_not_disturb_each_other(fixture: &Fixture) {
    let known = fixture.create_once((0, 1), "A").await.unwrap();
    // Of each five: two new keys, the known one, the known one with another request, and no key.
    let sent = (0..40_u8).map(|n| async move {
        match n % 5 {
            0 | 1 => fixture.create_once((n + 1, 1), "A").await,
            2 => fixture.create_once((0, 1), "A").await,
            3 => fixture.create_once((0, 2), "A").await,
            _ => {
                fixture
                    .store
                    .customer_create(write(&fixture.scope), None, named("A"))
                    .await
            }
        }
    });
    for (n, answer) in join_all(sent).await.into_iter().enumerate() {
        match (n % 5, answer) {
            (0 | 1 | 4, Ok(written)) => assert_ne!(written, known),
            (2, Ok(written)) => assert_eq!(written, known),
            (3, Err(Error::KeyReused)) | (2 | 3, Err(Error::InProgress)) => {}
            (n, other) => panic!("{n}: {other:?}"),
        }
    }
    assert_eq!(fixture.count().await, 1 + 24);
}
