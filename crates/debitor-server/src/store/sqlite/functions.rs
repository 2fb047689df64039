//! Functions of SQL that read the body: properties need no columns of their own to be asked for by.

use debitor_api::properties::{CompanyProperty, CustomerProperty, SalesInvoiceProperty};
use rusqlite::Connection;
use rusqlite::functions::{Context, FunctionFlags};
use rusqlite::types::{ToSqlOutput, Value as Sql, ValueRef};

use super::super::query::Listed;
use super::super::query::sql::Bind;
use super::super::query::sqlite::{length_function, text_function, value_function, word_function};
use crate::odata::expression::{Form, TextFunction};
use crate::odata::search::words;
use crate::odata::value::{Value, length, value};

/// Statements may call them, the schema may not: other programs do not have them.
const FLAGS: FunctionFlags = FunctionFlags::SQLITE_UTF8
    .union(FunctionFlags::SQLITE_DETERMINISTIC)
    .union(FunctionFlags::SQLITE_DIRECTONLY);

/// Adds all of them to the connection.
pub(super) fn add_to(db: &Connection) -> rusqlite::Result<()> {
    add_list::<CompanyProperty>(db)?;
    add_list::<CustomerProperty>(db)?;
    add_list::<SalesInvoiceProperty>(db)?;
    add_text(db, TextFunction::Contains, |text, part| text.contains(part))?;
    add_text(db, TextFunction::StartsWith, |text, part| {
        text.starts_with(part)
    })?;
    add_text(db, TextFunction::EndsWith, |text, part| {
        text.ends_with(part)
    })
}

fn add_list<P: Listed>(db: &Connection) -> rusqlite::Result<()> {
    for &property in P::ALL {
        db.create_scalar_function(value_function(property).as_str(), 1, FLAGS, move |call| {
            Ok(bytes(call, 0)
                .and_then(|body| value(property, body))
                .map(sql))
        })?;
        for form in [Form::Original, Form::Folded] {
            let name = length_function(property, form);
            db.create_scalar_function(name.as_str(), 1, FLAGS, move |call| {
                let length = bytes(call, 0).and_then(|body| length(property, form, body));
                Ok(length.and_then(|length| i64::try_from(length).ok()))
            })?;
        }
    }
    db.create_scalar_function(word_function::<P>().as_str(), 2, FLAGS, |call| {
        let (Some(body), Some(start)) = (bytes(call, 0), text(call, 1)) else {
            return Ok(false);
        };
        Ok(words::<P>(body).iter().any(|word| word.starts_with(start)))
    })
}

fn add_text(
    db: &Connection,
    function: TextFunction,
    holds: fn(&str, &str) -> bool,
) -> rusqlite::Result<()> {
    db.create_scalar_function(text_function(function), 2, FLAGS, move |call| {
        let both = text(call, 0).zip(text(call, 1));
        Ok(both.map(|(text, part)| holds(text, part)))
    })
}

fn bytes<'a>(call: &'a Context<'_>, argument: usize) -> Option<&'a [u8]> {
    match call.get_raw(argument) {
        ValueRef::Text(text) => Some(text),
        _ => None,
    }
}

fn text<'a>(call: &'a Context<'_>, argument: usize) -> Option<&'a str> {
    call.get_raw(argument).as_str().ok()
}

fn sql(value: Value) -> Sql {
    match value {
        Value::Text(text) => Sql::Text(text),
        Value::Number(number) => Sql::Real(number),
        Value::Boolean(boolean) => Sql::Integer(boolean.into()),
    }
}

impl rusqlite::ToSql for Bind {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match self {
            Self::Text(text) => ToSqlOutput::from(text.as_str()),
            Self::Number(number) => ToSqlOutput::from(*number),
            Self::Boolean(boolean) => ToSqlOutput::from(*boolean),
            Self::Id(id) => ToSqlOutput::Borrowed(ValueRef::Blob(id.as_bytes())),
            Self::Rows(rows) => ToSqlOutput::from(*rows),
        })
    }
}
