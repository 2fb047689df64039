//! Customers: their numbers, their ids and their versions.

use std::collections::BTreeSet;

use debitor_api::types::CustomerUpdate;
use debitor_server::store::{Conflict, CustomerKey, Error, Noun};
use futures::future::join_all;
use uuid::Uuid;

use super::Fixture;
use super::fixture::{customer, named, number, numbered, with_id};

super::behaviours! {
    concurrent_creates_get_numbers_of_their_own
    numbers_start_anew_in_each_company
    a_given_number_is_passed_over
    numbers_that_are_given_meanwhile_refuse_no_create_without_one
    a_number_is_taken_in_every_letter_case
    of_many_with_the_same_id_one_is_made
    a_refused_create_uses_up_no_number
    a_refused_create_takes_no_neighbour_with_it
    what_was_written_is_what_is_read
    a_stale_version_changes_nothing
    one_of_two_changes_of_the_same_version_wins
    a_change_of_the_number_frees_the_old_one
    a_change_to_a_number_that_is_taken_is_refused
    a_deleted_customer_is_gone_and_its_id_and_number_are_free
    an_unknown_customer_is_not_found
}

async fn concurrent_creates_get_numbers_of_their_own(fixture: &Fixture) {
    let creates = (0..64).map(|n| fixture.create(named(&format!("Customer {n}"))));
    let stored = futures::future::try_join_all(creates).await.unwrap();
    let numbers: BTreeSet<_> = stored.iter().map(number).collect();
    assert_eq!(numbers.len(), 64);
    assert_eq!(numbers.last().map(String::as_str), Some("C00640"));
    assert_eq!(fixture.count().await, 64);
}

async fn numbers_start_anew_in_each_company(fixture: &Fixture) {
    fixture.customer("A").await;
    let tenants = [super::fixture::TENANT, super::fixture::OTHER_TENANT];
    for tenant in tenants {
        let scope = super::fixture::company(fixture.store.as_ref(), tenant).await;
        let write = super::fixture::write(&scope);
        let created = fixture.store.customer_create(write, None, named("B"));
        assert_eq!(number(&created.await.unwrap().stored), "C00010");
    }
    assert_eq!(number(&fixture.customer("C").await), "C00020");
}

async fn a_given_number_is_passed_over(fixture: &Fixture) {
    for given in ["c00010", "C00020", "X"] {
        fixture.create(numbered(given)).await.unwrap();
    }
    let next = [fixture.customer("A").await, fixture.customer("B").await];
    assert_eq!(next.map(|stored| number(&stored)), ["C00030", "C00040"]);
}

/// A create without a number must not fail for one that another takes between its look and its write.
async fn numbers_that_are_given_meanwhile_refuse_no_create_without_one(fixture: &Fixture) {
    let given = join_all((1..=16).map(|n| fixture.create(numbered(&format!("C{:05}", n * 20)))));
    let without = join_all((0..32).map(|_| fixture.create(named("A"))));
    let (given, without) = tokio::join!(given, without);
    let mut numbers = BTreeSet::new();
    for stored in without {
        assert!(numbers.insert(number(&stored.unwrap())));
    }
    for created in given {
        match created {
            Ok(stored) => assert!(numbers.insert(number(&stored))),
            Err(Error::Conflict(Conflict::NumberTaken(_))) => {}
            Err(other) => panic!("{other:?}"),
        }
    }
    assert_eq!(usize::try_from(fixture.count().await), Ok(numbers.len()));
}

async fn a_number_is_taken_in_every_letter_case(fixture: &Fixture) {
    fixture.create(numbered("Straße-Ä")).await.unwrap();
    let refused = fixture.create(numbered("straße-ä")).await.unwrap_err();
    assert!(
        matches!(refused, Error::Conflict(Conflict::NumberTaken(taken)) if taken == "straße-ä")
    );
    let many =
        join_all((0..8).map(|n| fixture.create(numbered(if n % 2 == 0 { "x" } else { "X" }))));
    let made = many.await.into_iter().filter(|created| match created {
        Ok(_) => true,
        Err(Error::Conflict(Conflict::NumberTaken(_))) => false,
        Err(other) => panic!("{other:?}"),
    });
    assert_eq!(made.count(), 1);
    assert_eq!(fixture.count().await, 2);
}

async fn of_many_with_the_same_id_one_is_made(fixture: &Fixture) {
    let id = Uuid::from_u128(7);
    let many = join_all((0..8).map(|_| fixture.create(with_id(id))));
    let made = many.await.into_iter().filter(|created| match created {
        Ok(_) => true,
        Err(Error::Conflict(Conflict::IdTaken(taken))) if *taken == id => false,
        Err(other) => panic!("{other:?}"),
    });
    assert_eq!(made.count(), 1);
    assert_eq!(fixture.count().await, 1);
}

async fn a_refused_create_uses_up_no_number(fixture: &Fixture) {
    let id = Uuid::from_u128(7);
    fixture.create(with_id(id)).await.unwrap();
    let refused = fixture.create(with_id(id)).await.unwrap_err();
    assert!(matches!(refused, Error::Conflict(Conflict::IdTaken(taken)) if taken == id));
    assert_eq!(number(&fixture.customer("B").await), "C00020");
}

async fn a_refused_create_takes_no_neighbour_with_it(fixture: &Fixture) {
    fixture.create(numbered("X")).await.unwrap();
    let creates = (0..40).map(|n| match n % 2 {
        0 => fixture.create(named("A")),
        _ => fixture.create(numbered("x")),
    });
    for (n, created) in join_all(creates).await.into_iter().enumerate() {
        let refused = matches!(&created, Err(Error::Conflict(Conflict::NumberTaken(_))));
        assert_eq!(refused, n % 2 == 1, "{created:?}");
        assert_eq!(created.is_ok(), n % 2 == 0);
    }
    assert_eq!(fixture.count().await, 21);
}

async fn what_was_written_is_what_is_read(fixture: &Fixture) {
    // What SQL, JSON and terminals treat specially, beside letters of every length in bytes.
    let name = r"O'Neil \u0022quoted\u0022 %_ \\ \u0007 é 漢 🦀";
    let created = fixture.customer(name).await;
    assert_eq!(fixture.get(created.id).await.unwrap(), created);
    let expected: String = serde_json::from_str(&format!("\"{name}\"")).unwrap();
    assert_eq!(customer(&created).display_name, Some(expected));
}

async fn a_stale_version_changes_nothing(fixture: &Fixture) {
    let first = fixture.customer("A").await;
    let second = fixture.rename(&first, &first.etag, "B").await.unwrap();
    assert_ne!(first.etag, second.etag);
    let key = CustomerKey::Id(first.id);
    let stale = [
        fixture.rename(&first, &first.etag, "C").await.err(),
        fixture.delete(key, &first.etag).await.err(),
    ];
    for stale in stale {
        assert!(
            matches!(stale, Some(Error::Stale(Noun::Customer))),
            "{stale:?}"
        );
    }
    assert_eq!(fixture.get(first.id).await.unwrap(), second);
    let third = fixture.rename(&first, "*", "C").await.unwrap();
    assert_eq!(fixture.get(first.id).await.unwrap(), third);
}

async fn one_of_two_changes_of_the_same_version_wins(fixture: &Fixture) {
    let mut current = fixture.customer("A").await;
    for _ in 0..10 {
        let rename = |name| fixture.rename(&current, &current.etag, name);
        let (b, c) = tokio::join!(rename("B"), rename("C"));
        let (won, lost) = if b.is_ok() { (b, c) } else { (c, b) };
        assert!(
            matches!(lost, Err(Error::Stale(Noun::Customer))),
            "{lost:?}"
        );
        current = won.unwrap();
        assert_eq!(fixture.get(current.id).await.unwrap(), current);
    }
}

fn change_number(number: &str) -> CustomerUpdate {
    CustomerUpdate {
        number: Some(number.to_owned()),
        ..Default::default()
    }
}

async fn a_change_of_the_number_frees_the_old_one(fixture: &Fixture) {
    let stored = fixture.create(numbered("X")).await.unwrap();
    let changed = fixture
        .update(&stored, "*", change_number("Y"))
        .await
        .unwrap();
    assert_eq!(number(&changed), "Y");
    fixture.create(numbered("x")).await.unwrap();
    let taken = fixture.create(numbered("y")).await.unwrap_err();
    assert!(matches!(taken, Error::Conflict(Conflict::NumberTaken(_))));
}

async fn a_change_to_a_number_that_is_taken_is_refused(fixture: &Fixture) {
    fixture.create(numbered("X")).await.unwrap();
    let stored = fixture.create(numbered("Y")).await.unwrap();
    let refused = fixture
        .update(&stored, "*", change_number("x"))
        .await
        .unwrap_err();
    assert!(matches!(refused, Error::Conflict(Conflict::NumberTaken(taken)) if taken == "x"));
    assert_eq!(fixture.get(stored.id).await.unwrap(), stored);
    // In another letter case it is still the customer's own.
    fixture
        .update(&stored, "*", change_number("y"))
        .await
        .unwrap();
}

async fn a_deleted_customer_is_gone_and_its_id_and_number_are_free(fixture: &Fixture) {
    let id = Uuid::from_u128(7);
    let first = fixture.create(with_id(id)).await.unwrap();
    let key = CustomerKey::Id(id);
    fixture.delete(key, &first.etag).await.unwrap();
    assert!(matches!(
        fixture.get(id).await,
        Err(Error::NotFound(Noun::Customer))
    ));
    assert_eq!(fixture.count().await, 0);
    let again = fixture.create(with_id(id)).await.unwrap();
    assert_ne!(
        again.etag, first.etag,
        "an ETag of the first must not fit the second"
    );
    fixture.create(numbered(&number(&first))).await.unwrap();
}

async fn an_unknown_customer_is_not_found(fixture: &Fixture) {
    let unknown = debitor_server::store::Stored {
        id: Uuid::from_u128(404),
        ..fixture.customer("A").await
    };
    let refusals = [
        fixture.get(unknown.id).await.err(),
        fixture.rename(&unknown, "*", "B").await.err(),
        fixture.delete(CustomerKey::Id(unknown.id), "*").await.err(),
    ];
    for refusal in refusals {
        assert!(
            matches!(refusal, Some(Error::NotFound(Noun::Customer))),
            "{refusal:?}"
        );
    }
}
