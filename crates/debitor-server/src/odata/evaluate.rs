//! The first reading of the tree: whether an entity fulfils a condition. It is what the SQL of every
//! engine is compared with, and so is written as plainly as the rules are.

use debitor_api::support::properties::Property;

use super::expression::{Comparison, Expr, Operand, TextFunction};
use super::search::{Search, Searched, texts, words};
use super::value::{Value, operand, value};

/// Whether the entity with this JSON is listed.
pub fn matches<P: Property>(expr: &Expr<P>, entity: &[u8]) -> bool {
    truth(expr, entity) == Some(true)
}

/// What the condition is for the entity; none if unknown.
pub fn truth<P: Property>(expr: &Expr<P>, entity: &[u8]) -> Option<bool> {
    let of = |one: &Operand<P>| operand(one, entity);
    match expr {
        Expr::And(parts) => all(parts.iter().map(|part| truth(part, entity))),
        Expr::Or(parts) => any(parts.iter().map(|part| truth(part, entity))),
        Expr::Not(part) => truth(part, entity).map(|truth| !truth),
        Expr::Compare(left, comparison, right) => {
            Some(compare(*comparison, of(left).as_ref(), of(right).as_ref()))
        }
        Expr::IsNull(one) => Some(of(one).is_none()),
        Expr::In(one, values) => {
            let own = of(one);
            Some(values.iter().any(|value| own.as_ref() == Some(value)))
        }
        Expr::Text(function, text, part) => apply(*function, of(text).as_ref(), of(part).as_ref()),
        Expr::Flag(property) => match value(*property, entity) {
            Some(Value::Boolean(flag)) => Some(flag),
            _ => None,
        },
        Expr::Is(part, expected) => Some(truth(part, entity) == *expected),
        Expr::Constant(truth) => *truth,
    }
}

/// False if any is, else unknown if any is.
fn all(mut truths: impl Iterator<Item = Option<bool>>) -> Option<bool> {
    truths
        .try_fold(Some(true), |all, one| match (all, one) {
            (_, Some(false)) => Err(Some(false)),
            (Some(true), Some(true)) => Ok(Some(true)),
            _ => Ok(None),
        })
        .unwrap_or_else(|decided| decided)
}

/// True if any is, else unknown if any is.
fn any(truths: impl Iterator<Item = Option<bool>>) -> Option<bool> {
    let negated = truths.map(|one| one.map(|truth| !truth));
    all(negated).map(|truth| !truth)
}

/// A comparison of two values, of which none is null.
pub(super) fn compare(comparison: Comparison, left: Option<&Value>, right: Option<&Value>) -> bool {
    let ordered = |holds: fn(&Value, &Value) -> bool| {
        let both = left.zip(right);
        both.is_some_and(|(left, right)| holds(left, right))
    };
    match comparison {
        Comparison::Equal => left == right,
        Comparison::NotEqual => left != right,
        Comparison::Greater => ordered(|left, right| left > right),
        Comparison::GreaterOrEqual => ordered(|left, right| left >= right),
        Comparison::Less => ordered(|left, right| left < right),
        Comparison::LessOrEqual => ordered(|left, right| left <= right),
    }
}

/// A function of two texts.
pub(super) fn apply(
    function: TextFunction,
    text: Option<&Value>,
    part: Option<&Value>,
) -> Option<bool> {
    match (text?, part?) {
        (Value::Text(text), Value::Text(part)) => Some(match function {
            TextFunction::Contains => text.contains(part.as_str()),
            TextFunction::StartsWith => text.starts_with(part.as_str()),
            TextFunction::EndsWith => text.ends_with(part.as_str()),
        }),
        _ => None,
    }
}

/// Whether the entity is found.
pub fn finds<P: Searched>(search: &Search, entity: &[u8]) -> bool {
    let words = words::<P>(entity);
    let texts: Vec<String> = texts::<P>(entity).map(|(text, _)| text).collect();
    found(search, &words, &texts)
}

fn found(search: &Search, words: &[String], texts: &[String]) -> bool {
    let begins = |start: &String| words.iter().any(|word| word.starts_with(start.as_str()));
    match search {
        Search::And(parts) => parts.iter().all(|part| found(part, words, texts)),
        Search::Or(parts) => parts.iter().any(|part| found(part, words, texts)),
        Search::Not(part) => !found(part, words, texts),
        Search::Term(cuts) => cuts.iter().any(|cut| cut.iter().all(begins)),
        Search::Phrase(phrase) => texts.iter().any(|text| text.contains(phrase.as_str())),
    }
}
