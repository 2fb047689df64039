//! The spellings of "none": blank text and the GUID of zeros are stored as null.

use debitor_api::Field;
use uuid::Uuid;

/// Blank text means none.
pub fn text(field: Field<String>) -> Field<String> {
    unless(field, |text| text.trim().is_empty())
}

/// The GUID of zeros means none.
pub fn guid(field: Field<Uuid>) -> Field<Uuid> {
    unless(field, Uuid::is_nil)
}

/// What is absent from a new entity is null in it.
pub fn or_null<T>(field: Field<T>) -> Field<T> {
    match field {
        Field::Absent => Field::Null,
        other => other,
    }
}

/// Changes a property as PATCH says: absent keeps, null clears, a value sets.
pub fn change<T>(property: &mut Field<T>, change: Field<T>) {
    if !matches!(change, Field::Absent) {
        *property = change;
    }
}

fn unless<T>(field: Field<T>, none: impl Fn(&T) -> bool) -> Field<T> {
    match field {
        Field::Value(value) if none(&value) => Field::Null,
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blank_spellings_are_null() {
        for blank in ["", " ", "   "] {
            assert_eq!(text(Field::Value(blank.to_owned())), Field::Null);
        }
        assert_eq!(
            text(Field::Value(" x".to_owned())),
            Field::Value(" x".to_owned())
        );
        assert_eq!(text(Field::Absent), Field::Absent);
        assert_eq!(guid(Field::Value(Uuid::nil())), Field::Null);
    }

    #[test]
    fn a_change_keeps_clears_or_sets() {
        let mut property = Field::Value(1);
        change(&mut property, Field::Absent);
        assert_eq!(property, Field::Value(1));
        change(&mut property, Field::Value(2));
        assert_eq!(property, Field::Value(2));
        change(&mut property, Field::Null);
        assert_eq!(property, Field::Null);
    }
}
