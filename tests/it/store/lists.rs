//! What lists are asked for, by tables and at random: each store answers what the evaluator says.

use std::collections::BTreeSet;

use debitor_api::properties::{CompanyProperty, CustomerProperty, SalesInvoiceProperty};
use debitor_api::support::properties::Property;
use debitor_server::odata::evaluate::{finds, matches};
use debitor_server::odata::expression::Expr;
use debitor_server::odata::order::{Order, Position};
use debitor_server::odata::{filter, orderby, search};
use debitor_server::store::{self, Condition, CustomerKey, ListQuery, Page, Result, Scope, Store};
use debitor_tests::{Engine, filters};
use fastrand::Rng;
use serde_json::{Value, json};
use uuid::Uuid;

use super::fixture::{Fixture, TENANT, company, named, new_customer, write};
use super::seeded::{Entities, Seeded, id};

#[path = "../../../crates/debitor-server/src/odata/tests/random.rs"]
mod random;
#[path = "../../../crates/debitor-server/src/odata/tests/table.rs"]
mod table;

/// A test of each behaviour on each engine.
macro_rules! on_engines {
    ($($behaviour:ident)*) => {
        mod sqlite {
            $(#[tokio::test]
            async fn $behaviour() {
                super::$behaviour(debitor_tests::Engine::Sqlite).await;
            })*
        }
        mod postgres {
            $(#[tokio::test]
            async fn $behaviour() {
                super::$behaviour(debitor_tests::Engine::Postgres).await;
            })*
        }
    };
}

on_engines! {
    tables_are_answered_as_they_say
    random_filters_find_what_the_evaluator_finds
    random_searches_find_what_the_evaluator_finds
    pages_in_any_order_hold_everything_once
    searches_follow_every_change
    many_writes_at_once_are_found
}

/// Companies that the customers of random lists are in: a filter is tried on one of them.
const COMPANIES: usize = 20;
const CUSTOMERS: usize = 50;
const INVOICES: usize = 15;

/// The lists of a store, and what is in them.
struct Lists {
    store: Seeded,
    companies: Vec<Value>,
    entities: Vec<Entities>,
}

impl Lists {
    async fn random(engine: Engine, seed: u64) -> Self {
        let random = &mut Rng::with_seed(seed);
        let all = (1..=COMPANIES).map(|n| (company_of(random, n), entities(random)));
        let all: Vec<_> = all.collect();
        let store = Seeded::new(engine, &all).await;
        let (companies, entities) = all.into_iter().unzip();
        Self {
            store,
            companies,
            entities,
        }
    }
}

fn company_of(random: &mut Rng, n: usize) -> Value {
    let mut company = random::entity::<CompanyProperty>(random);
    company["id"] = json!(Seeded::scope(n).company());
    company
}

/// Numbers are folded alike by the rule for the sigma at the end of words, and told apart.
fn entities(random: &mut Rng) -> Entities {
    let mut numbers = BTreeSet::new();
    let customers = (0..CUSTOMERS).map(|n| {
        let mut customer = random::entity::<CustomerProperty>(random);
        let number = customer["number"].as_str().unwrap().to_owned();
        if !numbers.insert(number.to_lowercase().replace('ς', "σ")) {
            customer["number"] = json!(format!("{number}-{n}"));
        }
        customer
    });
    let customers = customers.collect();
    let invoices = (0..INVOICES).map(|_| random::entity::<SalesInvoiceProperty>(random));
    Entities {
        customers,
        sales_invoices: invoices.collect(),
    }
}

/// A list that a store has, of entities with these properties.
trait List: Property + Send {
    async fn ask(store: &dyn Store, scope: &Scope, query: ListQuery<Self>) -> Result<Page>;
}

impl List for CompanyProperty {
    async fn ask(store: &dyn Store, scope: &Scope, query: ListQuery<Self>) -> Result<Page> {
        store.company_list(scope.caller(), query).await
    }
}

impl List for CustomerProperty {
    async fn ask(store: &dyn Store, scope: &Scope, query: ListQuery<Self>) -> Result<Page> {
        store.customer_list(scope, query).await
    }
}

impl List for SalesInvoiceProperty {
    async fn ask(store: &dyn Store, scope: &Scope, query: ListQuery<Self>) -> Result<Page> {
        store.sales_invoice_list(scope, query).await
    }
}

fn filtered<P: Property>(filter: &Expr<P>) -> ListQuery<P> {
    ListQuery {
        condition: Condition {
            filter: Some(filter.clone()),
            search: None,
        },
        ..ListQuery::first(1000)
    }
}

fn ids(page: &Page) -> Vec<Uuid> {
    let body = |json: &[u8]| serde_json::from_slice::<Value>(json).unwrap();
    page.entities.iter().map(|json| id(&body(json))).collect()
}

/// Checks that the list has just what the evaluator finds among the entities, in the order of the ids.
async fn check<P: List>(store: &dyn Store, scope: Scope, text: &str, entities: &[Value]) -> usize {
    let expr = filter::parse::<P>(text).unwrap();
    let found = entities
        .iter()
        .filter(|one| matches(&expr, one.to_string().as_bytes()));
    let mut expected: Vec<Uuid> = found.map(id).collect();
    expected.sort_unstable();
    let page = P::ask(store, &scope, filtered(&expr)).await.unwrap();
    assert_eq!(ids(&page), expected, "{text}");
    expected.len()
}

async fn random_filters_find_what_the_evaluator_finds(engine: Engine) {
    let seed = 1;
    let lists = Lists::random(engine, seed).await;
    let store = lists.store.store.as_ref();
    let mut random = Rng::with_seed(seed);
    let mut found = 0;
    for n in 0..filters() {
        let (company, entities) = (n % COMPANIES, &lists.entities[n % COMPANIES]);
        let scope = Seeded::scope(company + 1);
        let shape = &mut random.fork();
        found += match n % 8 {
            0 => {
                let text = random::filter::<CompanyProperty>(shape, &mut random);
                check::<CompanyProperty>(store, scope, &text, &lists.companies).await
            }
            1 | 2 => {
                let text = random::filter::<SalesInvoiceProperty>(shape, &mut random);
                check::<SalesInvoiceProperty>(store, scope, &text, &entities.sales_invoices).await
            }
            _ => {
                let text = random::filter::<CustomerProperty>(shape, &mut random);
                check::<CustomerProperty>(store, scope, &text, &entities.customers).await
            }
        };
    }
    assert!(found > filters(), "{found} rows are too few");
    store.close().await;
}

async fn random_searches_find_what_the_evaluator_finds(engine: Engine) {
    let lists = Lists::random(engine, 2).await;
    let store = lists.store.store.as_ref();
    let mut random = Rng::with_seed(2);
    let mut found = 0;
    for n in 0..1000 {
        let text = search_of(&mut random);
        let search = search::parse(&text).unwrap();
        let customers = &lists.entities[n % COMPANIES].customers;
        let has = |one: &&Value| finds::<CustomerProperty>(&search, one.to_string().as_bytes());
        let mut expected: Vec<Uuid> = customers.iter().filter(has).map(id).collect();
        expected.sort_unstable();
        let condition = Condition {
            filter: None,
            search: Some(search.clone()),
        };
        let query = ListQuery {
            condition: condition.clone(),
            ..ListQuery::first(1000)
        };
        let scope = Seeded::scope(n % COMPANIES + 1);
        let page = store.customer_list(&scope, query).await.unwrap();
        assert_eq!(ids(&page), expected, "{text}");
        let count = store.customer_count(&scope, condition).await.unwrap();
        assert_eq!(usize::try_from(count).unwrap(), expected.len(), "{text}");
        found += expected.len();
    }
    assert!(found > 1000, "{found} rows are too few");
    store.close().await;
}

/// A search for what random customers have.
fn search_of(random: &mut Rng) -> String {
    const TERMS: [&str; 12] = [
        "nord", "n", "a", "Ä", "σ", "ß", "10", "9", "\"nord\"", "\"a \"", "\"%\"", "i",
    ];
    let mut text = String::new();
    for n in 0..random.usize(1..=3) {
        if n > 0 {
            text.push_str(random.choice([" ", " AND ", " OR "]).unwrap_or(" "));
        }
        if random.u8(..4) == 0 {
            text.push_str("NOT ");
        }
        text.push_str(random.choice(TERMS).unwrap_or("a"));
    }
    text
}

async fn pages_in_any_order_hold_everything_once(engine: Engine) {
    let lists = Lists::random(engine, 3).await;
    let store = lists.store.store.as_ref();
    let mut random = Rng::with_seed(3);
    for n in 0..200 {
        let (company, scope) = (n % COMPANIES, Seeded::scope(n % COMPANIES + 1));
        let entities = &lists.entities[company];
        match n % 4 {
            0 => walk::<CompanyProperty>(store, scope, &lists.companies, &mut random).await,
            1 => {
                let invoices = &entities.sales_invoices;
                walk::<SalesInvoiceProperty>(store, scope, invoices, &mut random).await;
            }
            _ => walk::<CustomerProperty>(store, scope, &entities.customers, &mut random).await,
        }
    }
    store.close().await;
}

/// Reads a list in a random order, some passed over, page by page.
async fn walk<P: List>(store: &dyn Store, scope: Scope, entities: &[Value], random: &mut Rng) {
    let (order, text) = order_of::<P>(random);
    let filter = random::filter::<P>(&mut random.fork(), random);
    let expr = (random.bool()).then(|| filter::parse::<P>(&filter).unwrap());
    let mut expected: Vec<Position> = entities
        .iter()
        .map(|one| (id(one), one.to_string()))
        .filter(|(_, one)| {
            expr.as_ref()
                .is_none_or(|expr| matches(expr, one.as_bytes()))
        })
        .map(|(id, one)| order.position(id, one.as_bytes()))
        .collect();
    expected.sort_by(|one, other| order.compare(one, other));
    let count = expected.len();
    let skip = random.usize(..4).min(count);
    let mut query = ListQuery {
        condition: Condition {
            filter: expr,
            search: None,
        },
        order,
        skip: u32::try_from(skip).unwrap(),
        count: true,
        ..ListQuery::first(random.u32(1..=40))
    };
    let mut seen = Vec::new();
    loop {
        let page = P::ask(store, &scope, query.clone()).await.unwrap();
        assert_eq!(page.count.map(usize::try_from), Some(Ok(count)), "{text}");
        seen.extend(ids(&page));
        (query.skip, query.after) = (0, page.next);
        if query.after.is_none() {
            break;
        }
    }
    let expected: Vec<_> = expected.iter().skip(skip).map(|one| one.id).collect();
    assert_eq!(seen, expected, "{text}, {:?}", query.condition.filter);
}

fn order_of<P: Property>(random: &mut Rng) -> (Order<P>, String) {
    let keys = (0..random.usize(..=3)).map(|_| {
        let property = random
            .choice(P::ALL)
            .map_or("id", |property| property.path());
        let direction = random.choice(["", " asc", " desc"]).unwrap_or_default();
        format!("{property}{direction}")
    });
    let text = keys.collect::<Vec<_>>().join(",");
    let order = if text.is_empty() {
        Order::new([])
    } else {
        orderby::parse(&text).unwrap()
    };
    (order, text)
}

/// How many customers the fixture's company has with a word that begins so.
async fn count(fixture: &Fixture, word: &str) -> i32 {
    let condition = Condition {
        filter: None,
        search: Some(search::parse(word).unwrap()),
    };
    let count = fixture.store.customer_count(&fixture.scope, condition);
    count.await.unwrap()
}

async fn searches_follow_every_change(engine: Engine) {
    let fixture = Fixture::new(engine).await;
    let nord = fixture.customer("Nord Hafen").await;
    fixture.customer("Süd Hafen").await;
    let other = company(fixture.store.as_ref(), TENANT).await;
    let create = fixture
        .store
        .customer_create(write(&other), None, named("Nord"));
    create.await.unwrap();
    assert_eq!(count(&fixture, "haf").await, 2);
    assert_eq!(count(&fixture, "nord").await, 1);
    let renamed = fixture
        .rename(&nord, &nord.etag, "West Hafen")
        .await
        .unwrap();
    assert_eq!(count(&fixture, "nord").await, 0);
    assert_eq!(count(&fixture, "west hafen").await, 1);
    let stale = fixture.rename(&nord, &nord.etag, "Ost").await;
    assert!(stale.is_err());
    let key = CustomerKey::Id(nord.id);
    fixture.delete(key, &renamed.etag).await.unwrap();
    for (word, expected) in [("west", 0), ("ost", 0), ("hafen", 1)] {
        assert_eq!(count(&fixture, word).await, expected, "{word}");
    }
    close_and_verify(fixture).await;
}

/// Writes that share a transaction, of which some are refused.
async fn many_writes_at_once_are_found(engine: Engine) {
    const WRITES: usize = 60;
    let fixture = Fixture::new(engine).await;
    let create = |n: usize| {
        let (number, word) = (
            n / 2,
            if n.is_multiple_of(2) {
                "gerade"
            } else {
                "krumm"
            },
        );
        let json = format!(r#"{{"displayName": "{word} {n}", "number": "N{number}"}}"#);
        fixture.create(new_customer(&json))
    };
    let made = futures::future::join_all((0..WRITES).map(create)).await;
    let made = made.into_iter().flatten().count();
    assert_eq!(made, WRITES / 2);
    let found = count(&fixture, "gerade OR krumm").await;
    assert_eq!(usize::try_from(found).unwrap(), made);
    close_and_verify(fixture).await;
}

/// What an index keeps is what the rows have, as far as an engine can tell.
async fn close_and_verify(fixture: Fixture) {
    fixture.store.close().await;
    if fixture.engine == Engine::Sqlite {
        let mut faults = Vec::new();
        let tell = &mut |line: &str| faults.push(line.to_owned());
        store::sqlite::verify(fixture.directory.path(), tell).unwrap();
        assert!(faults.is_empty(), "{faults:?}");
    }
}

async fn tables_are_answered_as_they_say(engine: Engine) {
    let all = Entities {
        customers: table::CUSTOMERS.entities(),
        sales_invoices: table::SALES_INVOICES.entities(),
    };
    let (customers, invoices) = (all.customers.clone(), all.sales_invoices.clone());
    let company = json!({"id": Seeded::scope(1).company()});
    let store = Seeded::new(engine, &[(company, all)]).await;
    let store = store.store.as_ref();
    answers::<CustomerProperty>(store, &table::CUSTOMERS, &customers).await;
    answers::<SalesInvoiceProperty>(store, &table::SALES_INVOICES, &invoices).await;
    store.close().await;
}

async fn answers<P: List>(store: &dyn Store, table: &table::Table, entities: &[Value]) {
    let mut lines = 0;
    for (text, rows) in table.lines() {
        let Some(rows) = rows else { continue };
        let query = filtered(&filter::parse::<P>(text).unwrap());
        let page = P::ask(store, &Seeded::scope(1), query).await.unwrap();
        let mut expected: Vec<_> = rows.iter().map(|row| id(&entities[row - 1])).collect();
        expected.sort_unstable();
        assert_eq!(ids(&page), expected, "{text}");
        lines += 1;
    }
    assert!(lines > 10, "{lines} lines are too few");
}
