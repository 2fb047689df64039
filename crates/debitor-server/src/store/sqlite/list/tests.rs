//! The plans of lists: what the documentation calls fast looks at no more rows than it answers.

use debitor_api::properties::CustomerProperty;
use rusqlite::StatementStatus;
use uuid::Uuid;

use super::*;
use crate::odata::order::Position;
use crate::odata::value::Value;
use crate::odata::{filter, orderby, search};
use crate::store::sqlite::connection::Database;

const COMPANY: Uuid = Uuid::from_u128(1);
const CUSTOMERS: u32 = 5000;

/// A store with a company of many customers, some of them named Nordhafen and one Einhorn.
struct Filled {
    db: Connection,
    _database: Database,
    _directory: tempfile::TempDir,
}

impl Filled {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let database = Database::lock(directory.path()).unwrap();
        let db = database.open_writer().unwrap();
        db.execute(
            "INSERT INTO company (id, tenant_id, body, row) VALUES (?1, ?1, '{}', 1)",
            [COMPANY.as_bytes()],
        )
        .unwrap();
        let transaction = db.unchecked_transaction().unwrap();
        for n in 1..=CUSTOMERS {
            add(&transaction, n);
        }
        words::fill(&transaction).unwrap();
        transaction
            .execute("UPDATE company SET customers = ?1", [CUSTOMERS])
            .unwrap();
        transaction.commit().unwrap();
        Self {
            db,
            _database: database,
            _directory: directory,
        }
    }

    /// The plan of the page's statement, and how many rows it looked at by themselves.
    fn run(&self, query: &ListQuery<CustomerProperty>) -> (String, Page, i32) {
        let (text, binds) = rows(&self.db, COMPANY.into(), query, Effort::Full)
            .unwrap()
            .into_parts();
        let explain = format!("EXPLAIN QUERY PLAN {text}");
        let mut plan = self.db.prepare(&explain).unwrap();
        let lines = plan.query_map(params_from_iter(&binds), |row| row.get(3));
        let lines: Vec<String> = lines.unwrap().collect::<rusqlite::Result<_>>().unwrap();
        let mut statement = self.db.prepare(&text).unwrap();
        let found = statement.query(params_from_iter(&binds)).unwrap();
        let page = read(found, query, None).unwrap();
        let steps = statement.get_status(StatementStatus::VmStep);
        (lines.join("\n"), page, steps)
    }
}

fn add(db: &Connection, n: u32) {
    let id = Uuid::from_u128(n.into());
    let name = match n {
        77 => "Einhorn GmbH".to_owned(),
        _ if n.is_multiple_of(1000) => format!("Nordhafen {n}"),
        _ => format!("Kunde {n}"),
    };
    let body = format!(
        r#"{{"id":"{id}","number":"C{n}","displayName":"{name}","email":"k{n}@kunden.example","address":{{"city":"Kiel"}}}}"#
    );
    db.execute(
        "INSERT INTO customer (company_id, id, version, incarnation, number_fold, body)
         VALUES (?1, ?2, 1, 1, ?3, ?4)",
        rusqlite::params![COMPANY.as_bytes(), id.as_bytes(), format!("c{n}"), body],
    )
    .unwrap();
}

type Query = ListQuery<CustomerProperty>;

fn first() -> Query {
    Query::first(20)
}

fn filtered(text: &str) -> Query {
    Query {
        condition: Condition {
            filter: Some(filter::parse(text).unwrap()),
            search: None,
        },
        ..first()
    }
}

fn searched(text: &str) -> Query {
    Query {
        condition: Condition {
            filter: None,
            search: Some(search::parse(text).unwrap()),
        },
        ..first()
    }
}

fn behind(order: &str, values: Vec<Option<Value>>, id: u128) -> Query {
    Query {
        order: orderby::parse(order).unwrap(),
        after: Some(Position {
            values,
            id: Uuid::from_u128(id),
        }),
        ..first()
    }
}

/// Steps of the virtual machine for a page of 20, ten times over: to look at every row takes 50,000.
const FEW_STEPS: i32 = 5000;

#[track_caller]
fn check(filled: &Filled, query: &Query, found: usize) {
    let (plan, page, steps) = filled.run(query);
    assert_eq!(page.entities.len(), found, "{plan}");
    assert!(is_soon(filled, query), "{plan}");
    assert!(!plan.contains("SCAN customer"), "{plan}");
    let looks_up = |line: &str| {
        !line.starts_with("SEARCH customer") || line.contains("AND") || line.contains("PRIMARY KEY")
    };
    let is_whole_list = query.condition.is_all() && query.after.is_none();
    assert!(is_whole_list || plan.lines().all(looks_up), "{plan}");
    assert!(steps < FEW_STEPS, "{steps} steps: {plan}");
}

#[test]
fn what_is_fast_looks_up_its_rows() {
    let filled = Filled::new();
    let check = |query: Query, found| check(&filled, &query, found);
    check(first(), 20);
    check(behind("id", vec![None], 4000), 20);
    check(behind("id desc", vec![None], 4000), 20);
    let number = || vec![Some(Value::text("C4000"))];
    check(behind("number", number(), 4000), 20);
    check(behind("number desc", number(), 4000), 20);
    check(filtered("number eq 'C4000'"), 1);
    check(
        filtered("number in ('c1','C2','x') and taxLiable eq null"),
        2,
    );
    check(filtered(&format!("id eq {}", Uuid::from_u128(9))), 1);
    check(filtered("email eq 'K4000@Kunden.Example'"), 1);
    check(filtered("startswith(displayName,'Nordh')"), 5);
    check(filtered("startswith(displayName,'Nordhafen 4')"), 1);
    check(searched("einhorn"), 1);
    check(searched("k4000 AND NOT einhorn"), 1);
    check(searched("nichts"), 0);
}

/// Whether the page is read where it is asked for.
fn is_soon(filled: &Filled, query: &Query) -> bool {
    match page(&filled.db, COMPANY, query, Effort::Little) {
        Ok(_) => true,
        Err(Error::QueryTimeout) => false,
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn what_may_take_long_is_not_begun_with_little_effort() {
    let filled = Filled::new();
    for query in [
        filtered("contains(displayName,'nord')"),
        filtered("startswith(displayName,'Kunde')"),
        searched("kiel"),
        searched("NOT kiel"),
        searched("kiel AND kunden.example"),
        behind("email", vec![Some(Value::text("x"))], 1),
    ] {
        assert!(!is_soon(&filled, &query), "{query:?}");
    }
}

#[test]
fn a_sort_of_all_is_no_plan_of_a_page() {
    let filled = Filled::new();
    for query in [first(), behind("number", vec![Some(Value::text("C1"))], 1)] {
        let (plan, _, _) = filled.run(&query);
        assert!(!plan.contains("TEMP B-TREE"), "{plan}");
    }
    let (plan, ..) = filled.run(&behind("email", vec![Some(Value::text("x"))], 1));
    assert!(plan.contains("TEMP B-TREE"), "{plan}");
}

/// What is found often is read in the list's order until the page is full, and counted by the index.
#[test]
fn what_is_found_often_is_not_sorted() {
    let filled = Filled::new();
    let (plan, page, steps) = filled.run(&searched("kiel"));
    assert_eq!(page.entities.len(), 20);
    assert!(!plan.contains("TEMP B-TREE"), "{plan}");
    assert!(steps < FEW_STEPS, "{steps} steps: {plan}");
    let count = |query: Query| count(&filled.db, COMPANY, &query.condition, Effort::Full).unwrap();
    assert_eq!(count(searched("kiel")), 5000);
    assert_eq!(count(searched("nordhafen")), 5);
    assert_eq!(count(searched("kiel AND NOT nordhafen")), 4995);
    assert_eq!(count(searched("kiel AND kunden.example")), 5000);
    assert_eq!(count(first()), 5000);
}
