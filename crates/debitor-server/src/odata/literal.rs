//! The literals of `$filter`: what they are by themselves, and as values of a property's type.

use chrono::{DateTime, Datelike, NaiveDate, Utc};
use debitor_api::support::properties::Type;
use uuid::Uuid;

use super::error::quoted;
use super::value::{Value, fold};

/// A literal that is not null.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Literal {
    Text(String),
    Guid(Uuid),
    Date(NaiveDate),
    DateTime(DateTime<Utc>),
    Boolean(bool),
    Number(f64),
}

impl Literal {
    /// Reads what stands without quotes; none if it is no literal.
    pub(super) fn bare(word: &str) -> Option<Self> {
        if let Some(boolean) = boolean(word) {
            return Some(Self::Boolean(boolean));
        }
        guid(word)
            .map(Self::Guid)
            .or_else(|| date(word).map(Self::Date))
            .or_else(|| date_time(word).map(Self::DateTime))
            .or_else(|| number(word).map(Self::Number))
    }

    /// What it is by itself.
    pub(super) fn kind(&self) -> Type {
        match self {
            Self::Text(_) => Type::Text,
            Self::Guid(_) => Type::Guid,
            Self::Date(_) => Type::Date,
            Self::DateTime(_) => Type::DateTime,
            Self::Boolean(_) => Type::Boolean,
            Self::Number(_) => Type::Number,
        }
    }

    /// The value to compare with one of this type; none if it cannot be one.
    pub(super) fn value(&self, kind: Type) -> Option<Value> {
        match (kind, self) {
            (Type::Text | Type::Enumeration(_), Self::Text(text)) => Some(Value::text(text)),
            (Type::Guid, Self::Guid(id)) => Some(text_of(*id)),
            // Graph has ids that are texts, and so clients quote them.
            (Type::Guid, Self::Text(text)) => guid(text).map(text_of),
            (Type::Date, Self::Date(date)) => Some(Value::date(*date)),
            (Type::DateTime, Self::DateTime(instant)) => Some(Value::date_time(*instant)),
            (Type::DateTime, Self::Date(date)) => Some(Value::date_time(
                date.and_time(chrono::NaiveTime::MIN).and_utc(),
            )),
            (Type::Boolean, Self::Boolean(boolean)) => Some(Value::Boolean(*boolean)),
            (Type::Number, Self::Number(number)) => Value::number(*number),
            _ => None,
        }
    }
}

/// Whether the text is one of an enumeration's, in any letter case.
pub(super) fn is_value_of(kind: Type, value: &Value) -> bool {
    match (kind, value) {
        (Type::Enumeration(known), Value::Text(text)) => known.iter().any(|own| fold(own) == *text),
        _ => true,
    }
}

/// What a literal of the type looks like.
pub(super) fn describe(kind: Type) -> String {
    match kind {
        Type::Text => "a text in quotes, such as 'Nord'".to_owned(),
        Type::Enumeration(known) => {
            let known: Vec<_> = known.iter().map(|text| format!("'{text}'")).collect();
            format!("one of {}", known.join(", "))
        }
        Type::Guid => "a GUID, such as 3b2f52b9-52b9-4b2f-b952-2f3bb9522f3b".to_owned(),
        Type::Date => "a date without quotes, such as 2026-01-31".to_owned(),
        Type::DateTime => {
            "an instant without quotes, such as 2026-01-31T12:00:00Z; a `+` in it is written `%2B`"
                .to_owned()
        }
        Type::Boolean => "`true` or `false`".to_owned(),
        Type::Number => "a number, such as 12".to_owned(),
    }
}

/// What to tell of a word that is no literal, though it begins with a year and a month as dates and
/// instants do. No name begins with a digit.
pub(super) fn no_date(word: &str) -> Option<String> {
    let (year, rest) = word.split_once('-')?;
    let is_year = year.len() == 4 && year.bytes().all(|c| c.is_ascii_digit());
    if !is_year || !rest.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let shown = quoted(word);
    Some(if rest.contains(['T', 't']) {
        format!(
            "{shown} looks like an instant, such as 2026-01-31T12:00:00Z, and is none; a `+` in it \
             is written `%2B`"
        )
    } else {
        format!("{shown} looks like a date, such as 2026-01-31, and is none")
    })
}

fn text_of(id: Uuid) -> Value {
    Value::Text(id.hyphenated().to_string())
}

fn boolean(word: &str) -> Option<bool> {
    let known = [("true", true), ("false", false)];
    let mut known = known.into_iter();
    known
        .find(|(name, _)| name.eq_ignore_ascii_case(word))
        .map(|(_, boolean)| boolean)
}

fn guid(text: &str) -> Option<Uuid> {
    const LENGTH: usize = 36;
    (text.len() == LENGTH)
        .then(|| Uuid::try_parse(text).ok())
        .flatten()
}

fn date(word: &str) -> Option<NaiveDate> {
    const LENGTH: usize = 10;
    // The parser would take shorter ones, and signs.
    let is_date = word.len() == LENGTH && word.starts_with(|c: char| c.is_ascii_digit());
    is_date
        .then(|| NaiveDate::parse_from_str(word, "%Y-%m-%d").ok())
        .flatten()
}

/// An instant; its seconds can be missing, and have nine decimals at most, which all are kept.
fn date_time(word: &str) -> Option<DateTime<Utc>> {
    const MINUTES: usize = 16;
    if !word.is_ascii() || word.len() <= MINUTES || decimals(word) > 9 {
        return None;
    }
    let (minutes, rest) = word.split_at(MINUTES);
    let text = if rest.starts_with(':') {
        word.to_owned()
    } else {
        format!("{minutes}:00{rest}")
    };
    let instant = DateTime::parse_from_rfc3339(&text).ok()?.to_utc();
    // Beyond these years instants have no fixed width.
    (0..=9999).contains(&instant.year()).then_some(instant)
}

fn decimals(word: &str) -> usize {
    let fraction = word.split_once('.').map_or("", |(_, fraction)| fraction);
    fraction.bytes().take_while(u8::is_ascii_digit).count()
}

/// A finite number. Names of numbers, such as `NaN`, are none.
fn number(word: &str) -> Option<f64> {
    let digits = word.strip_prefix('-').unwrap_or(word);
    let number: f64 = digits
        .starts_with(|c: char| c.is_ascii_digit())
        .then(|| word.parse().ok())
        .flatten()?;
    number.is_finite().then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(word: &str, kind: Type, expected: &str) {
        let literal = Literal::bare(word).unwrap();
        assert_eq!(literal.kind(), kind, "{word}");
        let value = literal.value(kind).unwrap();
        let shown = match value {
            Value::Text(text) => text,
            Value::Number(number) => number.to_string(),
            Value::Boolean(boolean) => boolean.to_string(),
        };
        assert_eq!(shown, expected, "{word}");
    }

    #[test]
    fn literals_have_one_form() {
        check("TRUE", Type::Boolean, "true");
        check("-0.0", Type::Number, "0");
        check("1.5e3", Type::Number, "1500");
        let id = "3b2f52b9-52b9-4b2f-b952-2f3bb9522f3b";
        check(&id.to_uppercase(), Type::Guid, id);
        check("2026-01-31", Type::Date, "2026-01-31");
        for (word, expected) in [
            ("2026-01-31T12:00Z", "2026-01-31T12:00:00.000000000Z"),
            ("2026-01-31t12:00:01z", "2026-01-31T12:00:01.000000000Z"),
            (
                "2026-01-31T00:00:00.1+02:00",
                "2026-01-30T22:00:00.100000000Z",
            ),
            ("2026-01-31T12:00-01:30", "2026-01-31T13:30:00.000000000Z"),
            (
                "0001-01-01T00:00:00.123456789Z",
                "0001-01-01T00:00:00.123456789Z",
            ),
        ] {
            check(word, Type::DateTime, expected);
        }
    }

    #[test]
    fn other_words_are_no_literals() {
        for word in [
            "",
            "x",
            "yes",
            "NaN",
            "INF",
            "-INF",
            "1e999",
            "0x10",
            ".5",
            "-",
            "+1",
            "2026-02-30",
            "2026-1-31",
            "+026-01-31",
            "2026-01-31T12:00",
            "2026-01-31T12:00:00",
            "2026-01-31T12:00:00.1234567890Z",
            "9999-12-31T23:59:59-01:00",
            "2026-01-31T24:00:00Z",
            "2026-01-31Tä2:00:00Z",
            "3b2f52b952b94b2fb9522f3bb9522f3b",
            "{3b2f52b9-52b9-4b2f-b952-2f3bb9522f3b}",
        ] {
            assert_eq!(Literal::bare(word), None, "{word}");
        }
    }

    #[test]
    fn what_looks_like_a_date_or_an_instant_is_told_from_other_words() {
        let date = "looks like a date, such as 2026-01-31, and is none";
        for word in [
            "2026-13-01",
            "2026-02-30",
            "2026-1-31",
            "2026-01-311",
            "2026-0",
        ] {
            assert_eq!(no_date(word), Some(format!("`{word}` {date}")));
        }
        let instant = "looks like an instant, such as 2026-01-31T12:00:00Z, and is none; a `+` in it \
                       is written `%2B`";
        for word in [
            "2026-01-01T25:00:00Z",
            "2026-13-01T12:00:00Z",
            "2026-01-31t12:00:00",
            "2026-01-31Tä2:00:00Z",
        ] {
            assert_eq!(no_date(word), Some(format!("`{word}` {instant}")));
        }
        for word in [
            "",
            "2026",
            "2026-",
            "-2026-01",
            "20260-01-01",
            "202ä-1",
            "2026-city",
        ] {
            assert_eq!(no_date(word), None, "{word}");
        }
    }

    #[test]
    fn values_fit_their_type() {
        let date = Literal::bare("2026-01-31").unwrap();
        let midnight = Value::Text("2026-01-31T00:00:00.000000000Z".into());
        assert_eq!(date.value(Type::DateTime), Some(midnight));
        assert_eq!(date.value(Type::Text), None);
        let id = "3B2F52B9-52b9-4b2f-b952-2f3bb9522f3b";
        let quoted = Literal::Text(id.into());
        assert_eq!(quoted.value(Type::Guid), Some(Value::text(id)));
        assert_eq!(Literal::Text("x".into()).value(Type::Guid), None);
        assert_eq!(Literal::Number(1.0).value(Type::Text), None);
        let kind = Type::Enumeration(&["In Review"]);
        assert!(is_value_of(kind, &Value::text("IN review")));
        assert!(!is_value_of(kind, &Value::text("review")));
    }
}
