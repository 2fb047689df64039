//! PostgreSQL's dialect. Values are read from the body, which each row has as `json` besides; where SQL
//! has no simple way to a value, the server writes it into the column `fold`, by the property's path,
//! as [`crate::odata::value::value`] gives it. Searches are not written: the server judges the rows.

use debitor_api::support::properties::Type;
use serde_json::Value as Json;

use super::sql::{Bind, Dialect};
use super::{Column, Listed};
use crate::json;
use crate::odata::expression::{Form, TextFunction};
use crate::odata::order::Direction;
use crate::odata::value::{Value, value};

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
            None => return read(property),
        };
        format!("({text} COLLATE \"C\")")
    }

    fn length<P: Listed>(property: P, form: Form) -> String {
        let text = match form {
            Form::Original => member(property),
            Form::Folded => Self::value(property),
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

    fn operator(column: Option<Column>, operator: &'static str) -> &'static str {
        match (column, operator) {
            (Some(Column::NumberFold), ">") => "~>~",
            (Some(Column::NumberFold), ">=") => "~>=~",
            (Some(Column::NumberFold), "<") => "~<~",
            (Some(Column::NumberFold), "<=") => "~<=~",
            (_, other) => other,
        }
    }

    fn sorting(column: Column, direction: Direction) -> &'static str {
        match (column, direction) {
            (Column::NumberFold, Direction::Ascending) => " USING ~<~",
            (Column::NumberFold, Direction::Descending) => " USING ~>~",
            (Column::Id, Direction::Ascending) => "",
            (Column::Id, Direction::Descending) => " DESC",
        }
    }
}

/// The property's text in the body; null if it has none.
fn member<P: Listed>(property: P) -> String {
    format!("(json #>> '{{{}}}')", property.path().replace('/', ","))
}

/// The property's value, of a property without a column.
fn read<P: Listed>(property: P) -> String {
    let (member, path) = (member(property), property.path());
    let plain = match property.kind() {
        Type::Boolean => return format!("{member}::boolean"),
        Type::Number => return format!("{member}::float8"),
        Type::Text | Type::Enumeration(_) | Type::Guid => format!("lower({member} COLLATE \"C\")"),
        Type::Date => member,
        Type::DateTime => format!("rpad(rtrim({member}, 'Z'), {INSTANT}, '0') || 'Z'"),
    };
    format!("(coalesce(fold->>'{path}', {plain}) COLLATE \"C\")")
}

/// The length of an instant without its `Z`.
const INSTANT: usize = "2026-01-31T12:00:00.000000000".len();

/// What SQL makes of the property's text without `fold`.
fn plain(kind: Type, text: &str) -> String {
    match kind {
        Type::DateTime => {
            let text: String = text.trim_end_matches('Z').chars().take(INSTANT).collect();
            format!("{text:0<INSTANT$}Z")
        }
        Type::Date => text.to_owned(),
        _ => text.to_ascii_lowercase(),
    }
}

/// Whether the text is an instant as nearly all are, with a fraction of a second and a `Z`: those are
/// plain, which is found out without a calendar.
fn is_instant(text: &str) -> bool {
    const SECONDS: &[u8] = b"0000-00-00T00:00:00.";
    let Some((seconds, fraction)) = text.as_bytes().split_at_checked(SECONDS.len()) else {
        return false;
    };
    let is_alike = |(byte, like): (&u8, &u8)| match like {
        b'0' => byte.is_ascii_digit(),
        _ => byte == like,
    };
    let is_fraction = |digits: &[u8]| {
        (1..=INSTANT - SECONDS.len()).contains(&digits.len())
            && digits.iter().all(u8::is_ascii_digit)
    };
    seconds.iter().zip(SECONDS).all(is_alike)
        && fraction.strip_suffix(b"Z").is_some_and(is_fraction)
}

/// What belongs in the row's column `fold`.
pub(crate) fn fold<P: Listed>(entity: &str) -> Option<String> {
    if cfg!(debitor_bare) {
        return None;
    }
    // Most have nothing but ASCII, whose texts are plain.
    let is_plain = entity.is_ascii() && !entity.contains("\\u");
    let may_differ = |property: &P| {
        let is_read = property.column().is_none();
        is_read && (!is_plain || property.kind() == Type::DateTime)
    };
    let exceptions = P::ALL.iter().copied().filter(may_differ);
    let exceptions = exceptions.filter_map(|property| {
        let text = text(property, entity)?;
        if property.kind() == Type::DateTime && is_instant(&text) {
            return None;
        }
        let Some(Value::Text(value)) = value(property, entity.as_bytes()) else {
            return None;
        };
        let is_plain = plain(property.kind(), &text) == value;
        (!is_plain).then(|| (property.path().to_owned(), Json::String(value)))
    });
    let exceptions: serde_json::Map<_, _> = exceptions.collect();
    (!exceptions.is_empty()).then(|| Json::Object(exceptions).to_string())
}

/// The property's text as it is in the body.
fn text<P: Listed>(property: P, entity: &str) -> Option<String> {
    let mut json = entity.as_bytes();
    for name in property.path().split('/') {
        let mut members = json::members(json);
        json = members.find(|member| member.name == name.as_bytes())?.value;
    }
    serde_json::from_slice(json).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_looks_like_an_instant_is_what_sql_makes_of_it() {
        let formed = |text: &str| {
            let instant = chrono::DateTime::parse_from_rfc3339(text).unwrap();
            Value::date_time(instant.to_utc())
        };
        for (text, expected) in [
            ("2026-01-31T12:00:00.5Z", true),
            ("2026-01-31T12:00:00.123456789Z", true),
            ("2026-01-31T12:00:00Z", false),
            ("2026-01-31T12:00:00.5+01:00", false),
            ("2026-01-31t12:00:00.5z", false),
            ("2026-01-31T12:00:00.1234567890Z", false),
        ] {
            assert_eq!(is_instant(text), expected, "{text}");
            let is_plain = Value::Text(plain(Type::DateTime, text)) == formed(text);
            assert!(is_plain || !expected, "{text}");
        }
        for text in [
            "",
            "Z",
            "2026-01-31T12:00:00.Z",
            "2026-01-31T12:00:00.\u{e9}Z",
        ] {
            assert!(!is_instant(text), "{text}");
        }
    }
}
