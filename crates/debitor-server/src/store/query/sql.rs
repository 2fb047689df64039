//! The second and the third reading of the tree, as SQL. What the two dialects have in common is here:
//! both are SQL's logic of three values, and both know `IS DISTINCT FROM`.
//!
//! Every condition is written in parentheses or as a call, so that it can stand anywhere.

use std::marker::PhantomData;

use uuid::Uuid;

use super::{Column, Listed};
use crate::auth::Caller;
use crate::odata::expression::{Comparison, Expr, Form, Operand, TextFunction};
use crate::odata::order::{Direction, Key, Order, Position};
use crate::odata::search::Search;
use crate::odata::value::Value;

/// A value that is bound.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Bind {
    Text(String),
    Number(f64),
    Boolean(bool),
    Id(Uuid),
    /// A number of rows.
    Rows(u32),
}

impl From<&Value> for Bind {
    fn from(value: &Value) -> Self {
        match value {
            Value::Text(text) => Self::Text(text.clone()),
            Value::Number(number) => Self::Number(*number),
            Value::Boolean(boolean) => Self::Boolean(*boolean),
        }
    }
}

/// What an engine says in its own way.
pub(crate) trait Dialect: Sized {
    /// The `number`th value that is bound, from 1, in the type it has.
    fn place(number: usize, bind: &Bind) -> String;

    /// The property's value, such as [`crate::odata::value::value`] gives it.
    fn value<P: Listed>(property: P) -> String;

    /// The length of the property's text, such as [`crate::odata::value::length`] gives it.
    fn length<P: Listed>(property: P, form: Form) -> String;

    /// A function of two texts; null of a null.
    fn function(function: TextFunction, text: &str, part: &str) -> String;

    /// The operator by which values of the column are compared in the order of their bytes.
    fn operator(_: Option<Column>, operator: &'static str) -> &'static str {
        operator
    }

    /// How the column is sorted in that order.
    fn sorting(_: Column, direction: Direction) -> &'static str {
        match direction {
            Direction::Ascending => "",
            Direction::Descending => " DESC",
        }
    }
}

/// An engine that can tell whether a row is found by a search.
pub(crate) trait Searching: Dialect {
    /// Whether a word of the row begins so; never null.
    fn word<P: Listed>(sql: &mut Sql<Self>, start: &str) -> String;
}

/// A statement that is being written.
#[derive(Debug)]
pub(crate) struct Sql<D> {
    text: String,
    binds: Vec<Bind>,
    dialect: PhantomData<D>,
}

impl<D: Dialect> Sql<D> {
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            binds: Vec::new(),
            dialect: PhantomData,
        }
    }

    /// The text, and what is bound to it.
    pub(crate) fn into_parts(self) -> (String, Vec<Bind>) {
        (self.text, self.binds)
    }

    pub(crate) fn push(&mut self, text: &str) {
        self.text.push_str(text);
    }

    /// Binds a value, and returns what stands for it, any number of times.
    pub(crate) fn bind(&mut self, bind: Bind) -> String {
        let place = D::place(self.binds.len() + 1, &bind);
        self.binds.push(bind);
        place
    }

    /// Adds that the row fulfils the condition.
    pub(crate) fn and_filter<P: Listed>(&mut self, expr: &Expr<P>) {
        self.and(|sql| sql.condition(expr));
    }

    /// Adds that the row is behind the position.
    pub(crate) fn and_after<P: Listed>(&mut self, order: &Order<P>, position: &Position) {
        self.and(|sql| {
            let keys = order.keys().iter().copied().zip(&position.values);
            let keys: Vec<_> = keys.collect();
            sql.behind(&keys, position.id)
        });
    }

    /// Adds that the company is there for the caller. One without a program is granted nothing by the
    /// name of one: no name is empty.
    pub(crate) fn and_is_there_for(&mut self, caller: &Caller) {
        if let Some(companies) = caller.companies() {
            let ids = companies.iter().map(|id| self.bind(Bind::Id(*id)));
            let ids: Vec<_> = ids.collect();
            if ids.is_empty() {
                self.push(" AND 1 = 0");
            } else {
                self.push(&format!(" AND id IN ({})", ids.join(", ")));
            }
        }
        if !caller.is_administrator() {
            let subject = self.bind(Bind::Text(caller.subject().to_owned()));
            let app = self.bind(Bind::Text(caller.app().unwrap_or_default().to_owned()));
            self.push(&format!(
                " AND (everyone_may > 0 OR EXISTS (SELECT 1 FROM company_grant AS g \
                 WHERE g.company_id = company.id AND (g.kind = 'subject' AND g.name = {subject} \
                 OR g.kind = 'app' AND g.name = {app})))"
            ));
        }
    }

    /// Adds a condition. Its text comes after the statement's so far, as its values do.
    fn and(&mut self, write: impl FnOnce(&mut Self) -> String) {
        let condition = write(self);
        self.text.push_str(" AND ");
        self.text.push_str(&condition);
    }

    /// Adds the order.
    pub(crate) fn order_by<P: Listed>(&mut self, order: &Order<P>) {
        let mut keys: Vec<_> = order.keys().iter().map(sort::<P, D>).collect();
        if !ends_with_id(order) {
            keys.push(Column::Id.name().to_owned());
        }
        self.push(" ORDER BY ");
        self.push(&keys.join(", "));
    }

    fn condition<P: Listed>(&mut self, expr: &Expr<P>) -> String {
        match expr {
            Expr::And(parts) => self.joined(" AND ", parts),
            Expr::Or(parts) => self.joined(" OR ", parts),
            Expr::Not(part) => format!("(NOT {})", self.condition(part)),
            Expr::Compare(left, comparison, right) => {
                let (left, right) = (self.operand(left), self.operand(right));
                compare(&left, *comparison, &right)
            }
            Expr::IsNull(operand) => format!("({} IS NULL)", self.operand(operand)),
            Expr::In(operand, values) => self.one_of(operand, values),
            Expr::Text(function, text, part) => {
                let (text, part) = (self.operand(text), self.operand(part));
                D::function(*function, &text, &part)
            }
            Expr::Flag(property) => D::value(*property),
            Expr::Is(part, truth) => format!("({} IS {})", self.condition(part), name(*truth)),
            Expr::Constant(truth) => format!("CAST({} AS boolean)", name(*truth)),
        }
    }

    fn joined<P: Listed>(&mut self, word: &str, parts: &[Expr<P>]) -> String {
        let parts: Vec<_> = parts.iter().map(|part| self.condition(part)).collect();
        format!("({})", parts.join(word))
    }

    fn one_of<P: Listed>(&mut self, operand: &Operand<P>, values: &[Value]) -> String {
        let operand = self.operand(operand);
        let values: Vec<_> = values.iter().map(|value| self.bind(value.into())).collect();
        format!("coalesce({operand} IN ({}), FALSE)", values.join(", "))
    }

    fn operand<P: Listed>(&mut self, operand: &Operand<P>) -> String {
        match operand {
            Operand::Property(property) => D::value(*property),
            Operand::Length(property, form) => D::length(*property, *form),
            Operand::Literal(value) => self.bind(value.into()),
        }
    }

    /// That the row is behind these values of the order's keys, and, where they are the same, behind
    /// the id. A comparison of rows would say the same, and could not be looked up in an index.
    fn behind<P: Listed>(&mut self, keys: &[(Key<P>, &Option<Value>)], id: Uuid) -> String {
        let Some(((key, value), rest)) = keys.split_first() else {
            return format!("id > {}", self.bind(Bind::Id(id)));
        };
        let column = sorted::<P, D>(key.property);
        if key.property.column() == Some(Column::Id) {
            let id = self.bind(Bind::Id(id));
            return format!("{column} {} {id}", beyond(key.direction));
        }
        let is_nullable = key.property.column().is_none();
        let Some(value) = value else {
            let rest = self.behind(rest, id);
            return match key.direction {
                Direction::Ascending => format!("({column} IS NOT NULL OR {rest})"),
                Direction::Descending => format!("({column} IS NULL AND {rest})"),
            };
        };
        let value = self.bind(value.into());
        let rest = self.behind(rest, id);
        let (beyond, or_at) = match key.direction {
            Direction::Ascending => (">", ">="),
            Direction::Descending => ("<", "<="),
        };
        let own = key.property.column();
        let (beyond, or_at) = (D::operator(own, beyond), D::operator(own, or_at));
        // Null is lowest, and so behind every value where the order descends.
        let nulls = match key.direction {
            Direction::Descending if is_nullable => format!("{column} IS NULL OR "),
            _ => String::new(),
        };
        format!(
            "({nulls}{column} {or_at} {value}) AND ({nulls}{column} {beyond} {value} OR ({rest}))"
        )
    }
}

impl<D: Searching> Sql<D> {
    /// Adds that the row is found.
    pub(crate) fn and_search<P: Listed>(&mut self, search: &Search) {
        self.and(|sql| sql.search::<P>(search));
    }

    fn search<P: Listed>(&mut self, search: &Search) -> String {
        let of = |sql: &mut Self, parts: &[Search]| {
            let parts = parts.iter().map(|part| sql.search::<P>(part));
            parts.collect::<Vec<_>>()
        };
        match search {
            Search::And(parts) => format!("({})", of(self, parts).join(" AND ")),
            Search::Or(parts) => any(&of(self, parts)),
            Search::Not(part) => format!("(NOT {})", self.search::<P>(part)),
            Search::Term(cuts) => {
                let cuts: Vec<_> = cuts.iter().map(|cut| self.words::<P>(cut)).collect();
                any(&cuts)
            }
            Search::Phrase(phrase) => self.phrase::<P>(phrase),
        }
    }

    /// That each of these begins a word.
    fn words<P: Listed>(&mut self, starts: &[String]) -> String {
        let words: Vec<_> = starts.iter().map(|one| D::word::<P>(self, one)).collect();
        format!("({})", words.join(" AND "))
    }

    /// That a text contains it.
    fn phrase<P: Listed>(&mut self, phrase: &str) -> String {
        let phrase = self.bind(Bind::Text(phrase.to_owned()));
        let texts: Vec<_> = P::SEARCHED
            .iter()
            .map(|(property, _)| {
                let contains = D::function(TextFunction::Contains, &D::value(*property), &phrase);
                format!("coalesce({contains}, FALSE)")
            })
            .collect();
        any(&texts)
    }
}

fn compare(left: &str, comparison: Comparison, right: &str) -> String {
    let operator = match comparison {
        Comparison::Equal => return format!("({left} IS NOT DISTINCT FROM {right})"),
        Comparison::NotEqual => return format!("({left} IS DISTINCT FROM {right})"),
        Comparison::Greater => ">",
        Comparison::GreaterOrEqual => ">=",
        Comparison::Less => "<",
        Comparison::LessOrEqual => "<=",
    };
    format!("coalesce({left} {operator} {right}, FALSE)")
}

fn any(conditions: &[String]) -> String {
    match conditions {
        [] => "FALSE".to_owned(),
        some => format!("({})", some.join(" OR ")),
    }
}

fn name(truth: Option<bool>) -> &'static str {
    match truth {
        Some(true) => "TRUE",
        Some(false) => "FALSE",
        None => "NULL",
    }
}

fn beyond(direction: Direction) -> &'static str {
    match direction {
        Direction::Ascending => ">",
        Direction::Descending => "<",
    }
}

/// What a key is sorted by: its column if it has one, so that an index can serve.
fn sorted<P: Listed, D: Dialect>(property: P) -> String {
    property
        .column()
        .map_or_else(|| D::value(property), |column| column.name().to_owned())
}

fn sort<P: Listed, D: Dialect>(key: &Key<P>) -> String {
    let column = sorted::<P, D>(key.property);
    let order = match (key.property.column(), key.direction) {
        (Some(column), direction) => D::sorting(column, direction),
        (None, Direction::Ascending) => " ASC NULLS FIRST",
        (None, Direction::Descending) => " DESC NULLS LAST",
    };
    format!("{column}{order}")
}

fn ends_with_id<P: Listed>(order: &Order<P>) -> bool {
    let last = order.keys().last();
    last.is_some_and(|key| key.property.column() == Some(Column::Id))
}
