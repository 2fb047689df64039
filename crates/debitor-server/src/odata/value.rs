//! The values that are compared, and the one way in which they are taken from an entity.
//!
//! Values of a property are of one kind, and in one form each, so that their order is that of the
//! numbers or bytes themselves: text is folded, GUIDs are lower-case, days are `2026-01-31` and
//! instants `2026-01-31T12:00:00.000000000Z`.

use std::cmp::Ordering;

use chrono::{DateTime, NaiveDate, Utc};
use debitor_api::support::properties::{Property, Type};

use super::expression::{Form, Operand};
use crate::json;

/// A value that is not null.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// In the form in which it is compared.
    Text(String),
    /// Finite.
    Number(f64),
    Boolean(bool),
}

impl Value {
    /// Text, folded.
    pub fn text(text: &str) -> Self {
        Self::Text(fold(text))
    }

    /// A day.
    pub fn date(date: NaiveDate) -> Self {
        Self::Text(date.format("%Y-%m-%d").to_string())
    }

    /// An instant.
    pub fn date_time(instant: DateTime<Utc>) -> Self {
        Self::Text(instant.format("%Y-%m-%dT%H:%M:%S%.9fZ").to_string())
    }

    /// A number, if it is finite. There is one zero.
    pub fn number(number: f64) -> Option<Self> {
        number.is_finite().then_some(Self::Number(number + 0.0))
    }
}

/// The order of `$orderby` and of comparisons; values of different kinds are never compared.
impl PartialOrd for Value {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Text(one), Self::Text(other)) => Some(one.cmp(other)),
            (Self::Number(one), Self::Number(other)) => one.partial_cmp(other),
            (Self::Boolean(one), Self::Boolean(other)) => Some(one.cmp(other)),
            _ => None,
        }
    }
}

/// Text in the form in which letter case makes no difference: each character in lower case by itself,
/// whatever stands around it.
pub fn fold(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    text.chars().flat_map(char::to_lowercase).collect()
}

/// The property's value in the entity's JSON; none if that has it not, or null.
///
/// The JSON is such as this program writes, without white space between its tokens.
pub fn value<P: Property>(property: P, entity: &[u8]) -> Option<Value> {
    typed(property.kind(), &raw(property, entity)?)
}

/// How many characters the property's text has.
pub fn length<P: Property>(property: P, form: Form, entity: &[u8]) -> Option<usize> {
    let text = raw(property, entity)?;
    let text = text.as_str()?;
    Some(match form {
        Form::Original => text.chars().count(),
        Form::Folded => fold(text).chars().count(),
    })
}

/// What an operand is for the entity.
pub fn operand<P: Property>(operand: &Operand<P>, entity: &[u8]) -> Option<Value> {
    match operand {
        Operand::Property(property) => value(*property, entity),
        Operand::Length(property, form) => {
            let length = length(*property, *form, entity)?;
            u32::try_from(length)
                .ok()
                .and_then(|length| Value::number(length.into()))
        }
        Operand::Literal(value) => Some(value.clone()),
    }
}

/// The JSON value that the property's path leads to.
fn raw<P: Property>(property: P, entity: &[u8]) -> Option<serde_json::Value> {
    let mut json = entity;
    for name in property.path().split('/') {
        let mut members = json::members(json);
        json = members.find(|member| member.name == name.as_bytes())?.value;
    }
    serde_json::from_slice(json).ok()
}

fn typed(kind: Type, json: &serde_json::Value) -> Option<Value> {
    match kind {
        Type::Boolean => json.as_bool().map(Value::Boolean),
        Type::Number => json.as_f64().and_then(Value::number),
        Type::Text | Type::Enumeration(_) | Type::Guid => json.as_str().map(Value::text),
        Type::Date => json.as_str().map(|text| Value::Text(text.to_owned())),
        Type::DateTime => {
            let instant = DateTime::parse_from_rfc3339(json.as_str()?).ok()?;
            Some(Value::date_time(instant.to_utc()))
        }
    }
}

#[cfg(test)]
mod tests {
    use debitor_api::properties::{CustomerProperty, SalesInvoiceProperty};

    use super::*;

    #[test]
    fn folding_knows_each_character_alone() {
        for (text, expected) in [
            ("", ""),
            ("Straße 12", "straße 12"),
            ("ÄÖÜ", "äöü"),
            ("ΟΔΟΣ", "οδοσ"),
            ("οδος", "οδος"),
            ("İ", "i\u{307}"),
            ("ẞ", "ß"),
            ("Ǆ", "ǆ"),
            ("𐐀", "𐐨"),
        ] {
            assert_eq!(fold(text), expected, "{text}");
        }
    }

    #[test]
    fn folded_text_stays_as_it_is() {
        let all: String = ('\0'..=char::MAX).collect();
        let folded = fold(&all);
        assert_eq!(fold(&folded), folded);
    }

    const CUSTOMER: &[u8] = br#"{"id":"3B2F52B9-52B9-4B2F-B952-2F3BB9522F3B","displayName":"NORD \"\u00c4\"","email":null,"address":{"street":null,"city":"Hamburg"},"taxLiable":true,"lastModifiedDateTime":"2026-01-31T12:00:00.1+02:00"}"#;

    fn text(text: &str) -> Option<Value> {
        Some(Value::Text(text.to_owned()))
    }

    #[test]
    fn each_type_has_one_form() {
        use CustomerProperty as P;
        let check = |property, expected| {
            assert_eq!(value(property, CUSTOMER), expected, "{property:?}");
        };
        check(P::Id, text("3b2f52b9-52b9-4b2f-b952-2f3bb9522f3b"));
        check(P::DisplayName, text("nord \"ä\""));
        check(P::AddressCity, text("hamburg"));
        check(P::TaxLiable, Some(Value::Boolean(true)));
        check(
            P::LastModifiedDateTime,
            text("2026-01-31T10:00:00.100000000Z"),
        );
        let invoice = br#"{"invoiceDate":"2026-01-31"}"#;
        assert_eq!(
            value(SalesInvoiceProperty::InvoiceDate, invoice),
            text("2026-01-31")
        );
    }

    #[test]
    fn what_is_null_absent_or_of_another_type_has_no_value() {
        use CustomerProperty as P;
        for property in [P::Email, P::AddressStreet, P::AddressState, P::Number] {
            assert_eq!(value(property, CUSTOMER), None, "{property:?}");
        }
        assert_eq!(value(P::AddressCity, br#"{"address":null}"#), None);
        assert_eq!(value(P::AddressCity, br#"{"address":"x"}"#), None);
        assert_eq!(value(P::TaxLiable, br#"{"taxLiable":"true"}"#), None);
        assert_eq!(value(P::TaxLiable, b"not JSON"), None);
    }

    #[test]
    fn lengths_count_code_points() {
        let customer = "{\"displayName\":\"İ𐐀\"}".as_bytes();
        let name = CustomerProperty::DisplayName;
        assert_eq!(length(name, Form::Original, customer), Some(2));
        assert_eq!(length(name, Form::Folded, customer), Some(3));
        assert_eq!(
            length(CustomerProperty::Email, Form::Original, CUSTOMER),
            None
        );
    }

    #[test]
    fn values_are_ordered_within_their_kind() {
        assert!(Value::text("a") < Value::text("B"));
        assert!(Value::Boolean(false) < Value::Boolean(true));
        assert_eq!(Value::number(-0.0), Value::number(0.0));
        assert!(Value::Number(2.0) < Value::Number(10.0));
        assert_eq!(Value::number(f64::NAN), None);
    }
}
