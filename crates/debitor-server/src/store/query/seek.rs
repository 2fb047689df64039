//! What an index can look up for a condition: all that is found is among it, and each engine still
//! checks the condition itself.
//!
//! Customers have their words in an index (see [`crate::odata::search`]), which serves more than `$search`:
//! a customer whose `email` is `a@b.example` has the words `a` and `b.example`, and one whose name
//! starts with `Nord Ha` has the word `nord` and one that begins with `ha`.

use uuid::Uuid;

use super::{Column, Condition, Listed};
use crate::odata::expression::{Comparison, Expr, Operand, TextFunction};
use crate::odata::search::{Cut, Search};
use crate::odata::value::Value;

/// What is looked up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Seek {
    /// Rows with one of these ids.
    Ids(Vec<Uuid>),
    /// Rows with one of these texts in the column.
    Numbers(Vec<String>),
    /// Rows with these words.
    Words(Words),
}

/// Words that a row must have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Words {
    /// All of them; two at least.
    All(Vec<Words>),
    /// Any of them; two at least.
    Any(Vec<Words>),
    /// This word.
    Whole(String),
    /// A word that begins so.
    Start(String),
}

impl Seek {
    /// The best that can be looked up for the condition.
    pub(crate) fn of<P: Listed>(condition: &Condition<P>) -> Option<Self> {
        let filter = condition.filter.as_ref();
        let needed = filter.map_or(Vec::new(), conjuncts);
        let find = |column| needed.iter().find_map(|part| equals(part, column));
        if let Some(values) = find(Column::Id) {
            return Some(Self::Ids(values.filter_map(id).collect()));
        }
        if let Some(values) = find(Column::NumberFold) {
            return Some(Self::Numbers(values.filter_map(text).collect()));
        }
        if !P::HAS_INDEX_OF_WORDS {
            return None;
        }
        let words = [
            filter.and_then(Words::of_filter),
            condition.search.as_ref().and_then(Words::of_search),
        ];
        all(words.into_iter().flatten()).map(Self::Words)
    }
}

impl Words {
    /// How few are thought to have the words, to compare: of two words, the longer one is thought to be
    /// rarer.
    pub(crate) fn rarity(&self) -> usize {
        match self {
            Self::All(parts) => parts.iter().map(Self::rarity).max().unwrap_or_default(),
            Self::Any(parts) => parts.iter().map(Self::rarity).min().unwrap_or_default(),
            Self::Whole(word) | Self::Start(word) => word.chars().count(),
        }
    }

    /// The words that whatever fulfils the filter has; none if that is not known.
    fn of_filter<P: Listed>(expr: &Expr<P>) -> Option<Self> {
        match expr {
            Expr::And(parts) => all(parts.iter().filter_map(Self::of_filter)),
            Expr::Or(parts) => any(parts.iter().map(Self::of_filter)),
            Expr::Is(part, Some(true)) => Self::of_filter(part),
            Expr::Compare(
                Operand::Property(property),
                Comparison::Equal,
                Operand::Literal(value),
            )
            | Expr::Compare(
                Operand::Literal(value),
                Comparison::Equal,
                Operand::Property(property),
            ) => Self::of_text(*property, value, whole),
            Expr::In(Operand::Property(property), values) => any(values
                .iter()
                .map(|value| Self::of_text(*property, value, whole))),
            Expr::Text(
                TextFunction::StartsWith,
                Operand::Property(property),
                Operand::Literal(value),
            ) => Self::of_text(*property, value, starts),
            _ => None,
        }
    }

    /// The words of the property's text, if it is searched.
    fn of_text<P: Listed>(
        property: P,
        value: &Value,
        words: impl Fn(Cut, &str) -> Vec<Self>,
    ) -> Option<Self> {
        let (_, cut) = P::SEARCHED.iter().find(|(own, _)| *own == property)?;
        match value {
            Value::Text(text) => all(words(*cut, text)),
            Value::Number(_) | Value::Boolean(_) => None,
        }
    }

    /// The words that whatever is found has. A phrase can begin and end within words.
    fn of_search(search: &Search) -> Option<Self> {
        match search {
            Search::And(parts) => all(parts.iter().filter_map(Self::of_search)),
            Search::Or(parts) => any(parts.iter().map(Self::of_search)),
            Search::Term(cuts) => any(cuts
                .iter()
                .map(|cut| all(cut.iter().cloned().map(Self::Start)))),
            Search::Not(_) | Search::Phrase(_) => None,
        }
    }
}

/// The words of a whole text.
fn whole(cut: Cut, text: &str) -> Vec<Words> {
    cut.words(text).into_iter().map(Words::Whole).collect()
}

/// The words of a text of which this is the start. Its last word may go on.
fn starts(cut: Cut, text: &str) -> Vec<Words> {
    let mut words = cut.words(text);
    let last = words.pop_if(|last| cut == Cut::Joined || text.ends_with(last.as_str()));
    let whole = words.into_iter().map(Words::Whole);
    whole.chain(last.map(Words::Start)).collect()
}

/// None if there is nothing that is needed.
fn all(words: impl IntoIterator<Item = Words>) -> Option<Words> {
    let mut words: Vec<_> = words.into_iter().collect();
    match words.len() {
        0 | 1 => words.pop(),
        _ => Some(Words::All(words)),
    }
}

/// None if one of them needs nothing.
fn any(words: impl Iterator<Item = Option<Words>>) -> Option<Words> {
    let mut words: Vec<_> = words.collect::<Option<_>>()?;
    match words.len() {
        0 | 1 => words.pop(),
        _ => Some(Words::Any(words)),
    }
}

/// The conditions that all must be true.
fn conjuncts<P>(expr: &Expr<P>) -> Vec<&Expr<P>> {
    match expr {
        Expr::And(parts) => parts.iter().flat_map(conjuncts).collect(),
        other => vec![other],
    }
}

/// The values of which the condition says that the column has one.
fn equals<P: Listed>(expr: &Expr<P>, column: Column) -> Option<std::slice::Iter<'_, Value>> {
    let (operand, values) = match expr {
        Expr::Compare(operand, Comparison::Equal, Operand::Literal(value))
        | Expr::Compare(Operand::Literal(value), Comparison::Equal, operand) => {
            (operand, std::slice::from_ref(value))
        }
        Expr::In(operand, values) => (operand, &values[..]),
        _ => return None,
    };
    match operand {
        Operand::Property(property) if property.column() == Some(column) => Some(values.iter()),
        _ => None,
    }
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::Text(text) => Some(text.clone()),
        Value::Number(_) | Value::Boolean(_) => None,
    }
}

fn id(value: &Value) -> Option<Uuid> {
    text(value)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use debitor_api::properties::CustomerProperty;

    use super::*;
    use crate::odata::{filter, search};

    fn whole(word: &str) -> Words {
        Words::Whole(word.to_owned())
    }

    fn start(word: &str) -> Words {
        Words::Start(word.to_owned())
    }

    #[track_caller]
    fn check(filter: &str, search: &str, expected: Option<&Seek>) {
        let condition = Condition {
            filter: (!filter.is_empty())
                .then(|| filter::parse::<CustomerProperty>(filter).unwrap()),
            search: (!search.is_empty()).then(|| search::parse(search).unwrap()),
        };
        assert_eq!(Seek::of(&condition).as_ref(), expected, "{filter} {search}");
    }

    #[track_caller]
    fn check_words(filter: &str, search: &str, expected: Words) {
        check(filter, search, Some(&Seek::Words(expected)));
    }

    #[test]
    fn ids_and_numbers_are_looked_up_where_they_are_needed() {
        let id = "3b2f52b9-52b9-4b2f-b952-2f3bb9522f3b";
        let ids = Seek::Ids(vec![id.parse().unwrap()]);
        check(&format!("id eq {id} and number eq 'a'"), "", Some(&ids));
        let numbers = |all: &[&str]| {
            let all = all.iter().map(|one| (*one).to_owned());
            Seek::Numbers(all.collect())
        };
        check("'A' eq number", "x", Some(&numbers(&["a"])));
        check(
            "taxLiable and number in ('A','b')",
            "",
            Some(&numbers(&["a", "b"])),
        );
        check(&format!("id ne {id}"), "", None);
    }

    #[test]
    fn words_are_looked_up_where_they_are_needed() {
        let email = || Words::All(vec![whole("a"), whole("b.example")]);
        check_words("email eq 'A@b.example'", "", email());
        check_words(
            "email eq 'a@b.example' or displayName eq 'Nord'",
            "",
            Words::Any(vec![email(), whole("nord")]),
        );
        check_words(
            "startswith(displayName,'Nord Ha')",
            "",
            Words::All(vec![whole("nord"), start("ha")]),
        );
        check_words("startswith(displayName,'Nord ')", "", whole("nord"));
        check_words("startswith(phoneNumber,'+49 (')", "", start("49"));
        check_words(
            "address/city eq 'Kiel' and taxLiable",
            "a AND NOT b",
            Words::All(vec![whole("kiel"), start("a")]),
        );
    }

    #[test]
    fn other_conditions_need_no_words() {
        for filter in [
            "email ne 'a'",
            "not (email eq 'a')",
            "email eq '@'",
            "email eq null",
            "contains(email,'a')",
            "email eq 'a' or taxLiable",
            "website eq 'a'",
        ] {
            check(filter, "", None);
        }
        check("", "\"a b\"", None);
        check("", "a OR \"a b\"", None);
    }
}
