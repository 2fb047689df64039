//! The tables of what filters list. They are data, so that other readings of the tree than the
//! evaluator's, which are in other places, are held to the same.

use std::collections::BTreeSet;

use debitor_api::properties::{CustomerProperty, SalesInvoiceProperty};
use debitor_api::support::properties::{Property, Type};

use super::evaluate::matches;
use super::expression::{Comparison, Expr, Operand, TextFunction};
use super::filter;

/// Lines of a filter and the numbers of the rows that it lists; none where it is refused.
fn lines(table: &str) -> impl Iterator<Item = (&str, Option<Vec<usize>>)> {
    let lines = table
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.map(|line| {
        let (filter, rows) = line.rsplit_once(" | ").unwrap();
        let numbers = rows.split(' ').filter(|number| *number != "-");
        let rows = (rows != "400").then(|| numbers.map(|one| one.parse().unwrap()).collect());
        (filter, rows)
    })
}

/// The entities' JSON as the program writes it.
fn entities(json: &str) -> Vec<Vec<u8>> {
    let values: Vec<serde_json::Value> = serde_json::from_str(json).unwrap();
    values
        .iter()
        .map(|value| value.to_string().into())
        .collect()
}

fn check<P: Property>(table: &str, json: &str) {
    let entities = entities(json);
    let mut wrong = Vec::new();
    for (text, expected) in lines(table) {
        let rows = filter::parse::<P>(text).ok().map(|expr| {
            let listed = (1..).zip(&entities).filter(|(_, one)| matches(&expr, one));
            listed.map(|(number, _)| number).collect::<Vec<usize>>()
        });
        if rows != expected {
            wrong.push((text, rows, expected));
        }
    }
    assert_eq!(wrong, [], "filter, rows, expected rows");
}

const CUSTOMERS: &str = include_str!("tests/customers.txt");
const SALES_INVOICES: &str = include_str!("tests/sales_invoices.txt");

#[test]
fn the_evaluator_lists_what_the_tables_say() {
    check::<CustomerProperty>(CUSTOMERS, include_str!("tests/customers.json"));
    check::<SalesInvoiceProperty>(SALES_INVOICES, include_str!("tests/sales_invoices.json"));
}

/// What the filters of a table use: operators and functions, each with the type it is used on.
fn used<P: Property>(table: &str) -> BTreeSet<(&'static str, &'static str)> {
    let mut used = BTreeSet::new();
    for (text, _) in lines(table).filter(|(_, rows)| rows.is_some()) {
        collect(&filter::parse::<P>(text).unwrap(), &mut used);
    }
    used
}

fn collect<P: Property>(expr: &Expr<P>, used: &mut BTreeSet<(&'static str, &'static str)>) {
    match expr {
        Expr::And(parts) | Expr::Or(parts) => parts.iter().for_each(|part| collect(part, used)),
        Expr::Not(part) | Expr::Is(part, _) => collect(part, used),
        Expr::Compare(left, comparison, _) => {
            used.insert((comparison.name(), kind(left)));
        }
        Expr::IsNull(operand) => {
            used.insert(("null", kind(operand)));
        }
        Expr::In(operand, _) => {
            used.insert(("in", kind(operand)));
        }
        Expr::Text(function, text, _) => {
            used.insert((function.name(), kind(text)));
        }
        Expr::Flag(_) | Expr::Constant(_) => {}
    }
}

fn kind<P: Property>(operand: &Operand<P>) -> &'static str {
    match operand {
        Operand::Property(property) => name(property.kind()),
        Operand::Length(..) => "length",
        Operand::Literal(_) => "literal",
    }
}

fn name(kind: Type) -> &'static str {
    match kind {
        Type::Text => "text",
        Type::Enumeration(_) => "enumeration",
        Type::Guid => "guid",
        Type::Date => "date",
        Type::DateTime => "date-time",
        Type::Boolean => "boolean",
        Type::Number => "number",
    }
}

#[test]
fn the_tables_have_every_operator_and_function_on_every_type() {
    let mut used = used::<CustomerProperty>(CUSTOMERS);
    used.extend(self::used::<SalesInvoiceProperty>(SALES_INVOICES));
    let types = CustomerProperty::ALL.iter().map(|one| name(one.kind()));
    let types = types.chain(SalesInvoiceProperty::ALL.iter().map(|one| name(one.kind())));
    let types: BTreeSet<_> = types.chain(["length"]).collect();
    let operators = Comparison::ALL.map(Comparison::name);
    let mut missing = Vec::new();
    for kind in types {
        let functions = TextFunction::ALL.map(TextFunction::name);
        let functions = functions
            .iter()
            .filter(|_| matches!(kind, "text" | "enumeration"));
        let all = operators.iter().chain(&["in", "null"]).chain(functions);
        missing.extend(
            all.map(|operator| (*operator, kind))
                .filter(|pair| !used.contains(pair)),
        );
    }
    assert_eq!(missing, []);
}
