//! Changes that share a transaction: each is done to what those before it left, and has an outcome of
//! its own.

use std::collections::BTreeSet;

use debitor_server::domain::version::Precondition::{self, Any};
use debitor_server::store::{Conflict, CustomerKey, Error, Scope, Stored};
use debitor_tests::Engine;
use futures::future::join_all;
use uuid::Uuid;

use crate::store::fixture::{Fixture, renamed, write};

const CHANGES: usize = 40;

async fn update(
    fixture: &Fixture,
    scope: &Scope,
    id: Uuid,
    precondition: Precondition,
    name: &str,
) -> Result<Stored, Error> {
    let key = CustomerKey::Id(id);
    let written = fixture
        .store
        .customer_update(write(scope), key, precondition, renamed(name));
    Ok(written.await?.stored)
}

#[tokio::test]
async fn changes_of_one_customer_come_after_each_other() {
    let fixture = Fixture::new(Engine::Postgres).await;
    let first = fixture.customer("0").await;
    let changes = (0..CHANGES).map(|n| {
        let (fixture, id) = (&fixture, first.id);
        async move { update(fixture, &fixture.scope, id, Any, &n.to_string()).await }
    });
    let made = join_all(changes).await;
    let etags: BTreeSet<String> = made.into_iter().map(|one| one.unwrap().etag).collect();
    assert_eq!(etags.len(), CHANGES);
    let last = fixture.get(first.id).await.unwrap();
    assert!(etags.contains(&last.etag));
    let sql = fixture.place.database().unwrap().superuser().await;
    let versions = "SELECT count(*), max(version) FROM audit WHERE entity_id = $1";
    let row = sql.query_one(versions, &[&first.id]).await.unwrap();
    let all = i64::try_from(CHANGES + 1).unwrap();
    assert_eq!((row.get::<_, i64>(0), row.get::<_, i64>(1)), (all, all));
}

#[tokio::test]
async fn of_changes_of_one_version_one_is_made() {
    let fixture = Fixture::new(Engine::Postgres).await;
    let first = fixture.customer("0").await;
    let changes = (0..CHANGES).map(|n| {
        let precondition = Precondition::parse(&first.etag);
        let (fixture, id) = (&fixture, first.id);
        async move { update(fixture, &fixture.scope, id, precondition, &n.to_string()).await }
    });
    let made = join_all(changes).await;
    assert_eq!(made.iter().filter(|one| one.is_ok()).count(), 1);
    let stale = |one: &&Result<Stored, Error>| matches!(one, Err(Error::Stale(_)));
    assert_eq!(made.iter().filter(stale).count(), CHANGES - 1);
}

#[tokio::test]
async fn each_change_has_an_outcome_of_its_own() {
    let fixture = Fixture::new(Engine::Postgres).await;
    let (named, free) = (
        fixture.customer("named").await,
        fixture.customer("free").await,
    );
    let invoice = fixture.draft(Some(named.id)).await.unwrap();
    let (scope, nowhere) = (&fixture.scope, &fixture.scope.caller().scope(Uuid::nil()));
    let delete = |id| fixture.delete(CustomerKey::Id(id), "*");
    let (kept, gone, missing, shown, elsewhere) = tokio::join!(
        delete(named.id),
        delete(free.id),
        delete(Uuid::nil()),
        update(&fixture, scope, named.id, Any, "shown"),
        update(&fixture, nowhere, named.id, Any, "not"),
    );
    let naming = Error::Conflict(Conflict::NamedBySalesInvoice(String::new()));
    let of = |error: &Error| std::mem::discriminant(error);
    assert_eq!(of(&kept.unwrap_err()), of(&naming));
    gone.unwrap();
    assert!(matches!(missing, Err(Error::NotFound(_))));
    assert!(matches!(elsewhere, Err(Error::NotFound(_))));
    shown.unwrap();
    let invoice = fixture.invoice(invoice.id).await;
    assert_eq!(
        invoice.customer_name.into_option().as_deref(),
        Some("shown")
    );
    assert_eq!(fixture.count().await, 1);
}
