//! What holds for all filters: the tables of what they list, and laws that random ones obey.
//!
//! The tables and the random filters need nothing of this crate, so that other readings of the tree
//! than the evaluator's, which are tested elsewhere, are held to the same.

mod noise;
pub(crate) mod random;
pub(crate) mod table;

use std::collections::BTreeSet;

use debitor_api::properties::{CustomerProperty, SalesInvoiceProperty};
use debitor_api::support::properties::{Property, Type};
use fastrand::Rng;

use super::evaluate::{matches, truth};
use super::expression::{Comparison, Expr, Operand, TextFunction};
use super::value::Value;
use super::{filter, orderby, search, select};
use table::{CUSTOMERS, SALES_INVOICES, Table};

fn check<P: Property>(table: &Table) {
    let entities = table.entities();
    let entities: Vec<_> = entities.iter().map(ToString::to_string).collect();
    let mut wrong = Vec::new();
    for (text, expected) in table.lines() {
        let rows = filter::parse::<P>(text).ok().map(|expr| {
            let listed = (1..)
                .zip(&entities)
                .filter(|(_, one)| matches(&expr, one.as_bytes()));
            listed.map(|(number, _)| number).collect::<Vec<usize>>()
        });
        if rows != expected {
            wrong.push((text, rows, expected));
        }
    }
    assert_eq!(wrong, [], "filter, rows, expected rows");
}

#[test]
fn the_evaluator_lists_what_the_tables_say() {
    check::<CustomerProperty>(&CUSTOMERS);
    check::<SalesInvoiceProperty>(&SALES_INVOICES);
}

/// What the filters of a table use: operators and functions, each with the type it is used on.
fn used<P: Property>(table: &Table) -> BTreeSet<(&'static str, &'static str)> {
    let mut used = BTreeSet::new();
    for (text, _) in table.lines().filter(|(_, rows)| rows.is_some()) {
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
    let mut used = used::<CustomerProperty>(&CUSTOMERS);
    used.extend(self::used::<SalesInvoiceProperty>(&SALES_INVOICES));
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

const SEED: u64 = 20_260_131;

fn parsed<P: Property>(text: &str) -> Expr<P> {
    filter::parse(text).unwrap_or_else(|error| panic!("{text}: {error:?}"))
}

/// The tree with every literal made the same.
fn shape<P: Property>(expr: &Expr<P>) -> Expr<P> {
    let blank = || Value::Boolean(true);
    let operand = |operand: &Operand<P>| match operand {
        Operand::Literal(_) => Operand::Literal(blank()),
        other => other.clone(),
    };
    match expr {
        Expr::And(parts) => Expr::And(parts.iter().map(shape).collect()),
        Expr::Or(parts) => Expr::Or(parts.iter().map(shape).collect()),
        Expr::Not(part) => Expr::Not(Box::new(shape(part))),
        Expr::Is(part, truth) => Expr::Is(Box::new(shape(part)), *truth),
        Expr::Compare(left, comparison, right) => {
            Expr::Compare(operand(left), *comparison, operand(right))
        }
        Expr::In(one, values) => Expr::In(one.clone(), values.iter().map(|_| blank()).collect()),
        Expr::Text(function, text, part) => Expr::Text(*function, operand(text), operand(part)),
        other => other.clone(),
    }
}

#[test]
fn random_filters_of_one_shape_differ_in_their_literals_alone() {
    let mut seeds = Rng::with_seed(SEED);
    let mut unlike = 0;
    for _ in 0..2_000 {
        let seed = seeds.u64(..);
        let [one, other] = [1, 2].map(|literals| {
            let mut literals = Rng::with_seed(seed ^ literals);
            random::filter::<CustomerProperty>(&mut Rng::with_seed(seed), &mut literals)
        });
        let [a, b] = [&one, &other].map(|text| shape(&parsed::<CustomerProperty>(text)));
        assert_eq!(a, b, "{one}\n{other}");
        unlike += usize::from(one != other);
    }
    assert!(unlike > 1_500, "{unlike}");
}

/// For each entity just one of three holds: a condition, its negation, and that it is unknown.
fn check_partition<P: Property>() {
    let mut random = Rng::with_seed(SEED);
    let entities: Vec<_> = (0..30)
        .map(|_| random::entity::<P>(&mut random).to_string())
        .collect();
    let mut seen = BTreeSet::new();
    let mut shapes = Rng::with_seed(SEED + 1);
    for _ in 0..300 {
        let text = random::filter::<P>(&mut shapes, &mut random);
        let [is, is_not, unknown] = [
            text.clone(),
            format!("not ({text})"),
            format!("({text}) eq null"),
        ]
        .map(|text| parsed::<P>(&text));
        for entity in &entities {
            let holds = [&is, &is_not, &unknown].map(|expr| matches(expr, entity.as_bytes()));
            let expected = match truth(&is, entity.as_bytes()) {
                Some(true) => [true, false, false],
                Some(false) => [false, true, false],
                None => [false, false, true],
            };
            assert_eq!(holds, expected, "{text}\n{entity}");
            seen.insert(holds);
        }
    }
    assert_eq!(seen.len(), 3);
}

#[test]
fn a_condition_is_true_false_or_unknown() {
    check_partition::<CustomerProperty>();
    check_partition::<SalesInvoiceProperty>();
}

#[test]
fn no_text_makes_the_parsers_fail_otherwise_than_by_an_error() {
    let mut random = Rng::with_seed(SEED);
    let mut accepted = [0; 4];
    for _ in 0..4_000 {
        let text = noise::noise(&mut random);
        let at = [
            filter::parse::<CustomerProperty>(&text)
                .map_err(|error| error.at)
                .err(),
            orderby::parse::<CustomerProperty>(&text)
                .map_err(|error| error.at)
                .err(),
            search::parse(&text).map_err(|error| error.at).err(),
            select::Select::parse::<CustomerProperty>(&text)
                .map_err(|errors| errors[0].at)
                .err(),
        ];
        let end = text.chars().count() + 1;
        for (accepted, at) in accepted.iter_mut().zip(at) {
            match at {
                Some(at) => assert!((1..=end).contains(&at), "{at} of {end}: {text:?}"),
                None => *accepted += 1,
            }
        }
    }
    assert!(accepted.iter().all(|count| *count > 0), "{accepted:?}");
}
