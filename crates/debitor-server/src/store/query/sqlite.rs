//! SQLite's dialect. Values are read from the body by functions that the connection has, each the
//! odata module's own reading.

use super::sql::{Bind, Dialect, Searching, Sql};
use super::{Column, Listed};
use crate::odata::expression::{Form, TextFunction};

#[derive(Debug)]
pub(crate) enum Sqlite {}

impl Dialect for Sqlite {
    fn place(number: usize, _: &Bind) -> String {
        format!("?{number}")
    }

    /// With a plus before a column, no index is chosen for the sake of a comparison: what is looked up
    /// is said beside the condition.
    fn value<P: Listed>(property: P) -> String {
        match property.column() {
            Some(Column::NumberFold) => "+number_fold".to_owned(),
            Some(Column::Id) | None => format!("\"{}\"(body)", value_function(property)),
        }
    }

    fn length<P: Listed>(property: P, form: Form) -> String {
        format!("\"{}\"(body)", length_function(property, form))
    }

    fn function(function: TextFunction, text: &str, part: &str) -> String {
        format!("{}({text}, {part})", text_function(function))
    }
}

impl Searching for Sqlite {
    fn word<P: Listed>(sql: &mut Sql<Self>, start: &str) -> String {
        let start = sql.bind(Bind::Text(start.to_owned()));
        format!("\"{}\"(body, {start})", word_function::<P>())
    }
}

/// The name of the function that reads the property's value.
pub(crate) fn value_function<P: Listed>(property: P) -> String {
    format!("{}/{}", P::TABLE, property.path())
}

/// The name of the function that counts the characters of the property's text.
pub(crate) fn length_function<P: Listed>(property: P, form: Form) -> String {
    let form = match form {
        Form::Original => "length",
        Form::Folded => "folded length",
    };
    format!("{}/{} {form}", P::TABLE, property.path())
}

/// The name of the function that tells whether a word begins so.
pub(crate) fn word_function<P: Listed>() -> String {
    format!("{} word", P::TABLE)
}

/// The name of the function of two texts.
pub(crate) const fn text_function(function: TextFunction) -> &'static str {
    match function {
        TextFunction::Contains => "text_contains",
        TextFunction::StartsWith => "text_starts_with",
        TextFunction::EndsWith => "text_ends_with",
    }
}
