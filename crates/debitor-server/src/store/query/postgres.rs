//! PostgreSQL's dialect. A row has its values in the column `fold`, an object of JSON that the server
//! writes beside the body: for each path of a property that has a value, that value, as
//! [`crate::odata::value::value`] gives it; and as [`WORDS`] all words of the row, each behind a space.

use debitor_api::support::properties::Type;

use super::sql::{Bind, Dialect, Sql};
use super::{Column, Listed};
use crate::odata::expression::{Form, TextFunction};

/// The name of the words among the values: no property's path has a space.
pub(crate) const WORDS: &str = "all words";

#[derive(Debug)]
pub(crate) enum Postgres {}

impl Dialect for Postgres {
    fn place(number: usize, bind: &Bind) -> String {
        let kind = match bind {
            Bind::Text(_) => "text",
            Bind::Number(_) => "float8",
            Bind::Boolean(_) => "boolean",
            Bind::Id(_) => "uuid",
            Bind::Rows(_) => "bigint",
        };
        format!("${number}::{kind}")
    }

    fn value<P: Listed>(property: P) -> String {
        let text = match property.column() {
            Some(Column::Id) => "id::text".to_owned(),
            Some(Column::NumberFold) => Column::NumberFold.name().to_owned(),
            None => folded(property),
        };
        match property.kind() {
            Type::Boolean => format!("({text})::boolean"),
            Type::Number => format!("({text})::float8"),
            Type::Text | Type::Enumeration(_) | Type::Guid | Type::Date | Type::DateTime => {
                format!("({text} COLLATE \"C\")")
            }
        }
    }

    fn length<P: Listed>(property: P, form: Form) -> String {
        let text = match form {
            Form::Original => {
                let path = property.path().replace('/', ",");
                format!("body::jsonb #>> '{{{path}}}'")
            }
            Form::Folded => folded(property),
        };
        format!("char_length({text})::float8")
    }

    fn function(function: TextFunction, text: &str, part: &str) -> String {
        match function {
            TextFunction::Contains => format!("(strpos({text}, {part}) > 0)"),
            TextFunction::StartsWith => format!("starts_with({text}, {part})"),
            TextFunction::EndsWith => format!("(right({text}, char_length({part})) = {part})"),
        }
    }

    fn word<P: Listed>(sql: &mut Sql<Self>, start: &str) -> String {
        let start = sql.bind(Bind::Text(format!(" {start}")));
        format!("coalesce(strpos(fold->>'{WORDS}', {start}) > 0, FALSE)")
    }
}

fn folded<P: Listed>(property: P) -> String {
    format!("(fold->>'{}')", property.path())
}
