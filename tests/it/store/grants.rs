//! Who may do what with a company: those it is granted to, from the grant's commit on.

use std::sync::Arc;

use debitor_api::properties::CompanyProperty;
use debitor_api::types::{SalesInvoiceCreate, SalesInvoiceUpdate};
use debitor_server::auth::{Administrator, Caller, Scope};
use debitor_server::domain::right::{Grantee, Right};
use debitor_server::domain::version::Precondition::Any;
use debitor_server::odata::{filter, orderby, search};
use debitor_server::store::{Condition, CustomerKey, Error, ListQuery, Noun, Result};
use futures::future::join_all;
use uuid::Uuid;

use super::Fixture;
use super::company::refuses_all;
use super::fixture::{OTHER_TENANT, TENANT, company, keyed, named, numbered, renamed, write};

super::behaviours! {
    a_restricted_company_exists_for_those_it_is_granted_to
    who_may_only_read_changes_nothing
    the_greatest_grant_counts
    a_grant_counts_at_once
    what_was_done_for_a_key_is_not_told_once_the_grant_is_gone
    each_of_many_writers_is_asked_for
    a_caller_lists_the_companies_that_are_there_for_it
    pages_have_the_companies_that_are_there
    a_token_narrows_what_is_granted
    grants_are_told_and_counted_once
    another_tenant_grants_nothing
}

const ADMINISTRATOR: Administrator = Administrator::of(TENANT);

fn caller(subject: &str) -> Arc<Caller> {
    Arc::new(ADMINISTRATOR.acting_as(subject, Some("shop"), None))
}

fn subject(name: &str) -> Grantee {
    Grantee::Subject(name.to_owned())
}

fn app(name: &str) -> Grantee {
    Grantee::App(name.to_owned())
}

async fn grant(fixture: &Fixture, scope: &Scope, to: Grantee, right: Right) {
    let granted = fixture
        .store
        .company_grant(ADMINISTRATOR, scope.company(), to, right);
    granted.await.unwrap();
}

async fn restrict(fixture: &Fixture) {
    grant(fixture, &fixture.scope, Grantee::Everyone, Right::None).await;
}

fn is_missing<T>(answer: &Result<T>) -> bool {
    matches!(answer, Err(Error::NotFound(Noun::Company)))
}

fn is_read_only<T>(answer: &Result<T>) -> bool {
    matches!(answer, Err(Error::ReadOnly))
}

async fn a_restricted_company_exists_for_those_it_is_granted_to(fixture: &Fixture) {
    let customer = fixture.customer("A").await;
    let invoice = fixture.draft(Some(customer.id)).await.unwrap();
    restrict(fixture).await;
    grant(fixture, &fixture.scope, subject("ada"), Right::Write).await;
    grant(fixture, &fixture.scope, app("till"), Right::Read).await;
    let company = fixture.scope.company();
    // Names count to the letter and in their place.
    let unknown = [
        ADMINISTRATOR.acting_as("bob", Some("shop"), None),
        ADMINISTRATOR.acting_as("bob", None, None),
        ADMINISTRATOR.acting_as("Ada", Some("ada"), None),
        ADMINISTRATOR.acting_as("till", Some(""), None),
        Administrator::of(OTHER_TENANT).acting_as("ada", Some("till"), None),
    ];
    for unknown in unknown {
        let scope = Arc::new(unknown).scope(company);
        refuses_all(fixture, &scope, customer.id, invoice.id).await;
    }
    let (key, of_invoice) = (
        CustomerKey::Id(customer.id),
        CustomerKey::OfSalesInvoice(invoice.id),
    );
    let user = Arc::new(ADMINISTRATOR.acting_as("bob", Some("till"), None));
    for scope in [caller("ada").scope(company), user.scope(company)] {
        let store = &fixture.store;
        store.company_get(&scope).await.unwrap();
        assert_eq!(store.customer_get(&scope, key).await.unwrap(), customer);
        assert_eq!(
            store.customer_get(&scope, of_invoice).await.unwrap(),
            customer
        );
        assert_eq!(
            store.sales_invoice_get(&scope, invoice.id).await.unwrap(),
            invoice
        );
        let page = store
            .customer_list(&scope, ListQuery::first(9))
            .await
            .unwrap();
        assert_eq!(page.entities.len(), 1);
        assert_eq!(
            store.customer_count(&scope, Condition::ALL).await.unwrap(),
            1
        );
        assert_eq!(
            store
                .sales_invoice_count(&scope, Condition::ALL)
                .await
                .unwrap(),
            1
        );
    }
    let ada = caller("ada").scope(company);
    let made = fixture.store.customer_create(write(&ada), None, named("B"));
    made.await.unwrap();
    let renamed = fixture
        .store
        .customer_update(write(&ada), key, Any, renamed("C"));
    renamed.await.unwrap();
}

async fn who_may_only_read_changes_nothing(fixture: &Fixture) {
    let customer = fixture.customer("A").await;
    let invoice = fixture.draft(None).await.unwrap();
    grant(fixture, &fixture.scope, Grantee::Everyone, Right::Read).await;
    let (store, scope) = (&fixture.store, caller("ada").scope(fixture.scope.company()));
    assert_eq!(
        store
            .customer_get(&scope, CustomerKey::Id(customer.id))
            .await
            .unwrap(),
        customer
    );
    let write = || write(&scope);
    // What is there and what is not is refused alike: nothing was looked for.
    for id in [customer.id, Uuid::from_u128(404)] {
        let key = CustomerKey::Id(id);
        assert!(is_read_only(
            &store.customer_update(write(), key, Any, renamed("B")).await
        ));
        assert!(is_read_only(
            &store.customer_delete(write(), key, Any).await
        ));
    }
    for id in [invoice.id, Uuid::from_u128(404)] {
        let key = CustomerKey::OfSalesInvoice(id);
        assert!(is_read_only(
            &store.customer_create(write(), Some(id), named("B")).await
        ));
        assert!(is_read_only(
            &store.customer_update(write(), key, Any, renamed("B")).await
        ));
        assert!(is_read_only(
            &store.customer_delete(write(), key, Any).await
        ));
        let change = SalesInvoiceUpdate::default();
        assert!(is_read_only(
            &store.sales_invoice_update(write(), id, Any, change).await
        ));
        assert!(is_read_only(
            &store.sales_invoice_delete(write(), id, Any).await
        ));
    }
    for create in [named("B"), numbered("7")] {
        let keyed = keyed(write(), (1, 1));
        assert!(is_read_only(
            &store.customer_create(keyed, None, create.clone()).await
        ));
        assert!(is_read_only(
            &store.customer_create(write(), None, create).await
        ));
    }
    assert!(is_read_only(
        &store
            .sales_invoice_create(write(), SalesInvoiceCreate::default())
            .await
    ));
    assert_eq!(fixture.get(customer.id).await.unwrap(), customer);
    assert_eq!(fixture.count().await, 1);
}

async fn the_greatest_grant_counts(fixture: &Fixture) {
    let ada = caller("ada").scope(fixture.scope.company());
    let writes = async || {
        let made = fixture.store.customer_create(write(&ada), None, named("A"));
        made.await
    };
    grant(fixture, &fixture.scope, Grantee::Everyone, Right::Read).await;
    assert!(is_read_only(&writes().await));
    grant(fixture, &fixture.scope, app("shop"), Right::Write).await;
    grant(fixture, &fixture.scope, subject("ada"), Right::Read).await;
    writes().await.unwrap();
    restrict(fixture).await;
    writes().await.unwrap();
    grant(fixture, &fixture.scope, app("shop"), Right::None).await;
    assert!(is_read_only(&writes().await));
    grant(fixture, &fixture.scope, Grantee::Everyone, Right::Write).await;
    writes().await.unwrap();
}

/// However often a company was read before.
async fn a_grant_counts_at_once(fixture: &Fixture) {
    let customer = fixture.customer("A").await;
    let scope = caller("ada").scope(fixture.scope.company());
    let key = CustomerKey::Id(customer.id);
    let looks = async || {
        let reads = (0..50).map(|_| fixture.store.customer_get(&scope, key));
        join_all(reads).await
    };
    for _ in 0..3 {
        assert!(looks().await.iter().all(Result::is_ok));
        restrict(fixture).await;
        assert!(looks().await.iter().all(is_missing));
        grant(fixture, &fixture.scope, subject("ada"), Right::Read).await;
        assert!(looks().await.iter().all(Result::is_ok));
        grant(fixture, &fixture.scope, subject("ada"), Right::None).await;
        assert!(looks().await.iter().all(is_missing));
        grant(fixture, &fixture.scope, Grantee::Everyone, Right::Write).await;
    }
}

async fn what_was_done_for_a_key_is_not_told_once_the_grant_is_gone(fixture: &Fixture) {
    let store = &fixture.store;
    let ada = caller("ada").scope(fixture.scope.company());
    let create = |once, create| store.customer_create(keyed(write(&ada), once), None, create);
    let first = create((1, 1), named("A")).await.unwrap().stored;
    create((2, 2), numbered("7")).await.unwrap();
    let change = |once| {
        let write = keyed(write(&ada), once);
        store.customer_update(write, CustomerKey::Id(first.id), Any, renamed("B"))
    };
    change((3, 3)).await.unwrap();
    let again = async || {
        let made = [
            create((1, 1), named("A")).await,
            create((2, 2), numbered("7")).await,
            change((3, 3)).await,
            // Another request with a key of before.
            create((1, 9), named("A")).await,
        ];
        let together = [create((1, 1), named("A")), create((2, 2), numbered("7"))];
        made.into_iter()
            .chain(join_all(together).await)
            .collect::<Vec<_>>()
    };
    let told = again().await;
    assert!(matches!(told[3], Err(Error::KeyReused)), "{told:?}");
    assert_eq!(told.iter().filter(|one| one.is_ok()).count(), 5, "{told:?}");
    restrict(fixture).await;
    assert!(again().await.iter().all(is_missing));
    grant(fixture, &fixture.scope, subject("ada"), Right::Read).await;
    assert!(again().await.iter().all(is_read_only));
    assert_eq!(fixture.count().await, 2);
}

/// On PostgreSQL they share transactions.
async fn each_of_many_writers_is_asked_for(fixture: &Fixture) {
    let customer = fixture.customer("0").await;
    restrict(fixture).await;
    grant(fixture, &fixture.scope, subject("ada"), Right::Write).await;
    grant(fixture, &fixture.scope, subject("eve"), Right::Read).await;
    let scopes = ["ada", "bob", "eve"].map(|one| caller(one).scope(fixture.scope.company()));
    let store = &fixture.store;
    let writes = (0..60_usize).map(|n| {
        let (scope, once) = (&scopes[n % 3], u8::try_from(n).unwrap());
        async move {
            let create = if n % 2 == 0 {
                named("A")
            } else {
                numbered(&n.to_string())
            };
            let create = store.customer_create(keyed(write(scope), (once, once)), None, create);
            let key = CustomerKey::Id(customer.id);
            let update = store.customer_update(write(scope), key, Any, renamed(&n.to_string()));
            let (made, changed) = tokio::join!(create, update);
            [made.map(drop), changed.map(drop)]
        }
    });
    for (n, outcomes) in join_all(writes).await.into_iter().enumerate() {
        for outcome in outcomes {
            match n % 3 {
                0 => outcome.unwrap(),
                1 => assert!(is_missing(&outcome), "{outcome:?}"),
                _ => assert!(is_read_only(&outcome), "{outcome:?}"),
            }
        }
    }
    assert_eq!(fixture.count().await, 21);
    let last = fixture.get(customer.id).await.unwrap();
    assert!(last.etag.starts_with("W/\"21-"), "{last:?}");
}

/// How many companies the caller finds: on a page, by a count, and by that of a page.
async fn found(
    fixture: &Fixture,
    caller: &Arc<Caller>,
    query: ListQuery<CompanyProperty>,
) -> (usize, i32, Option<i32>) {
    let query = ListQuery {
        count: true,
        ..query
    };
    let counted = fixture.store.company_count(caller, query.condition.clone());
    let counted = counted.await.unwrap();
    let page = fixture.store.company_list(caller, query).await.unwrap();
    (page.entities.len(), counted, page.count)
}

/// Every way to ask for all of these companies.
fn lists([one, two, three]: [Uuid; 3]) -> [ListQuery<CompanyProperty>; 6] {
    let asked = |filter: Option<&str>, search: Option<&str>| ListQuery {
        condition: Condition {
            filter: filter.map(|text| filter::parse(text).unwrap()),
            search: search.map(|text| search::parse(text).unwrap()),
        },
        ..ListQuery::first(9)
    };
    let ids = format!("id in ({one},{two},{three})");
    let ordered = ListQuery {
        order: orderby::parse("displayName desc").unwrap(),
        ..ListQuery::first(9)
    };
    [
        ListQuery::first(9),
        ordered,
        asked(Some("startswith(displayName,'Nord')"), None),
        asked(Some(&ids), None),
        asked(None, Some("nordhafen")),
        asked(Some(&ids), Some("nordhafen")),
    ]
}

async fn a_caller_lists_the_companies_that_are_there_for_it(fixture: &Fixture) {
    restrict(fixture).await;
    let mine = company(fixture.store.as_ref(), TENANT).await;
    let open = company(fixture.store.as_ref(), TENANT).await;
    company(fixture.store.as_ref(), OTHER_TENANT).await;
    grant(fixture, &mine, Grantee::Everyone, Right::None).await;
    grant(fixture, &mine, app("shop"), Right::Read).await;
    grant(fixture, &open, subject("ada"), Right::Write).await;
    let of = |companies: Vec<Uuid>| {
        Arc::new(ADMINISTRATOR.acting_as("ada", Some("shop"), Some(companies)))
    };
    let all = [&fixture.scope, &mine, &open].map(Scope::company);
    let [hidden, mine, _] = all;
    for (caller, count) in [
        (caller("ada"), 2),
        (Arc::new(ADMINISTRATOR.acting_as("bob", None, None)), 1),
        (ADMINISTRATOR.caller(), 3),
        (of(all.to_vec()), 2),
        (of(vec![hidden]), 0),
        (of(vec![mine, Uuid::from_u128(5)]), 1),
        (of(Vec::new()), 0),
    ] {
        for query in lists(all) {
            let expected = (usize::try_from(count).unwrap(), count, Some(count));
            let found = found(fixture, &caller, query.clone()).await;
            assert_eq!(found, expected, "{query:?}");
        }
    }
}

/// Pages end where the caller's companies do.
async fn pages_have_the_companies_that_are_there(fixture: &Fixture) {
    let mut own = Vec::new();
    for n in 0..6 {
        let scope = company(fixture.store.as_ref(), TENANT).await;
        if n % 2 == 0 {
            grant(fixture, &scope, Grantee::Everyone, Right::None).await;
        } else {
            own.push(scope.company());
        }
    }
    restrict(fixture).await;
    let (ada, mut after, mut pages) = (caller("ada"), None, 0);
    loop {
        let query = ListQuery {
            after,
            ..ListQuery::first(1)
        };
        let page = fixture.store.company_list(&ada, query).await.unwrap();
        pages += page.entities.len();
        let Some(next) = page.next else {
            break;
        };
        after = Some(next);
    }
    assert_eq!(pages, own.len());
}

async fn a_token_narrows_what_is_granted(fixture: &Fixture) {
    let other = company(fixture.store.as_ref(), TENANT).await;
    let customer = fixture.customer("A").await;
    let invoice = fixture.draft(Some(customer.id)).await.unwrap();
    let named = Some(vec![other.company()]);
    let narrowed = Arc::new(ADMINISTRATOR.acting_as("ada", Some("shop"), named));
    grant(fixture, &fixture.scope, subject("ada"), Right::Write).await;
    refuses_all(
        fixture,
        &narrowed.scope(fixture.scope.company()),
        customer.id,
        invoice.id,
    )
    .await;
    fixture
        .store
        .company_get(&narrowed.scope(other.company()))
        .await
        .unwrap();
    grant(fixture, &other, Grantee::Everyone, Right::None).await;
    let missing = fixture
        .store
        .company_get(&narrowed.scope(other.company()))
        .await;
    assert!(is_missing(&missing));
}

async fn grants_are_told_and_counted_once(fixture: &Fixture) {
    for right in [Right::Write, Right::Read] {
        grant(fixture, &fixture.scope, subject("ada"), right).await;
    }
    grant(fixture, &fixture.scope, app("shop"), Right::Write).await;
    grant(fixture, &fixture.scope, subject("bob"), Right::Write).await;
    for _ in 0..2 {
        grant(fixture, &fixture.scope, subject("bob"), Right::None).await;
    }
    grant(fixture, &fixture.scope, Grantee::Everyone, Right::Read).await;
    let told = fixture.store.company_grants(ADMINISTRATOR).await.unwrap();
    let [only] = &told[..] else {
        panic!("{told:?}");
    };
    assert_eq!(
        (only.company, &*only.name),
        (fixture.scope.company(), "Nordhafen")
    );
    let grants = vec![(subject("ada"), Right::Read), (app("shop"), Right::Write)];
    assert_eq!((only.everyone, &only.grants), (Right::Read, &grants));
    let other = Administrator::of(OTHER_TENANT);
    assert!(
        fixture
            .store
            .company_grants(other)
            .await
            .unwrap()
            .is_empty()
    );
}

async fn another_tenant_grants_nothing(fixture: &Fixture) {
    let by = Administrator::of(OTHER_TENANT);
    let company = fixture.scope.company();
    for to in [Grantee::Everyone, subject("ada"), app("shop")] {
        for right in [Right::None, Right::Write] {
            let refused = fixture
                .store
                .company_grant(by, company, to.clone(), right)
                .await;
            assert!(is_missing(&refused), "{refused:?}");
        }
    }
    let missing = fixture.store.company_grant(
        ADMINISTRATOR,
        Uuid::from_u128(404),
        Grantee::Everyone,
        Right::Write,
    );
    assert!(is_missing(&missing.await));
    let told = fixture.store.company_grants(ADMINISTRATOR).await.unwrap();
    assert_eq!((told[0].everyone, told[0].grants.len()), (Right::Write, 0));
}
