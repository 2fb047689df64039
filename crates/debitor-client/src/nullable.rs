//! A value that may be null, beside `Option`, which says whether it is there at all.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A value or null. In a PATCH `None` keeps a property, `Some(Null)` clears it and
/// `Some(Value(..))` sets it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Nullable<T> {
    /// The property has no value.
    Null,
    /// The property's value.
    Value(T),
}

impl<T> Nullable<T> {
    /// The value, or `None` for null.
    pub fn into_option(self) -> Option<T> {
        match self {
            Self::Null => None,
            Self::Value(value) => Some(value),
        }
    }
}

impl<T> From<T> for Nullable<T> {
    fn from(value: T) -> Self {
        Self::Value(value)
    }
}

impl From<&str> for Nullable<String> {
    fn from(value: &str) -> Self {
        Self::Value(value.to_owned())
    }
}

/// `null` on a command line is null; a text that reads `null` can only be sent as JSON.
impl<T: FromStr> FromStr for Nullable<T> {
    type Err = T::Err;

    fn from_str(text: &str) -> Result<Self, T::Err> {
        if text == "null" {
            Ok(Self::Null)
        } else {
            text.parse().map(Self::Value)
        }
    }
}

impl<T: fmt::Display> fmt::Display for Nullable<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Value(value) => value.fmt(f),
        }
    }
}

impl<T: Serialize> Serialize for Nullable<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_none(),
            Self::Value(value) => value.serialize(serializer),
        }
    }
}

/// By way of `Option`, so that a wrong value is told as serde tells it for `T`.
impl<'de, T: Deserialize<'de>> Deserialize<'de> for Nullable<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Option::deserialize(deserializer)?.map_or(Self::Null, Self::Value))
    }
}

impl<T: JsonSchema> JsonSchema for Nullable<T> {
    fn schema_name() -> Cow<'static, str> {
        Option::<T>::schema_name()
    }

    fn schema_id() -> Cow<'static, str> {
        Option::<T>::schema_id()
    }

    fn inline_schema() -> bool {
        Option::<T>::inline_schema()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        Option::<T>::json_schema(generator)
    }
}

/// Reads a property that is there, even if it is null; the generated code calls it.
#[doc(hidden)]
pub fn present<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    T::deserialize(deserializer).map(Some)
}

#[cfg(test)]
mod tests {
    use super::Nullable;

    fn check(json: &str, expected: Nullable<i32>) {
        let read: Nullable<i32> = serde_json::from_str(json).unwrap();
        assert_eq!(read, expected);
        assert_eq!(serde_json::to_string(&read).unwrap(), json);
        assert_eq!(json.parse(), Ok(expected));
        assert_eq!(expected.to_string(), json);
    }

    #[test]
    fn json_and_text_say_the_same() {
        check("null", Nullable::Null);
        check("7", Nullable::Value(7));
    }

    #[test]
    fn a_wrong_value_is_told_as_for_the_type_itself() {
        let error = serde_json::from_str::<Nullable<i32>>("\"x\"").unwrap_err();
        assert!(
            error
                .to_string()
                .contains("invalid type: string \"x\", expected i32"),
            "{error}"
        );
    }

    #[test]
    fn a_schema_allows_null() {
        let schema = schemars::schema_for!(Nullable<i32>);
        assert_eq!(
            schema.as_value()["type"],
            serde_json::json!(["integer", "null"])
        );
    }
}
