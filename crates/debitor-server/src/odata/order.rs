//! `$orderby`: the order of a list, and places within it (OData URL Conventions, section 5.1.4).
//!
//! Null is lowest: first where the order ascends, last where it descends. Entities that the keys do
//! not tell apart are in ascending order of their ids, so that the order is total.

use std::cmp::Ordering;

use debitor_api::support::properties::Property;
use uuid::Uuid;

use super::value::{Value, value};

/// The order of a list; without keys it is that of the ids.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order<P> {
    keys: Vec<Key<P>>,
}

/// What comes first: less or more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    Ascending,
    Descending,
}

/// A key of the order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key<P> {
    pub property: P,
    pub direction: Direction,
}

/// The place of an entity in an order: what follows it is the rest of the list.
#[derive(Debug, Clone, PartialEq)]
pub struct Position {
    /// Its value of each of the order's keys.
    pub values: Vec<Option<Value>>,
    pub id: Uuid,
}

impl Direction {
    /// How values of one key follow each other.
    pub fn compare(self, one: Option<&Value>, other: Option<&Value>) -> Ordering {
        // None is less than any value. Values of one property are always comparable.
        let ascending = one.partial_cmp(&other).unwrap_or(Ordering::Equal);
        match self {
            Self::Ascending => ascending,
            Self::Descending => ascending.reverse(),
        }
    }
}

impl<P: Property> Order<P> {
    /// The order by these keys. A property counts where it is first named, and no key tells more
    /// entities apart after the id.
    pub fn new(keys: impl IntoIterator<Item = Key<P>>) -> Self {
        let mut own: Vec<Key<P>> = Vec::new();
        for key in keys {
            if own.iter().any(|one| one.property.path() == "id") {
                break;
            }
            if own.iter().all(|one| one.property != key.property) {
                own.push(key);
            }
        }
        Self { keys: own }
    }

    pub fn keys(&self) -> &[Key<P>] {
        &self.keys
    }

    /// Where the entity is.
    pub fn position(&self, id: Uuid, entity: &[u8]) -> Position {
        let values = self.keys.iter().map(|key| value(key.property, entity));
        Position {
            values: values.collect(),
            id,
        }
    }

    /// Which of two entities comes first.
    pub fn compare(&self, one: &Position, other: &Position) -> Ordering {
        let pairs = one.values.iter().zip(&other.values);
        self.keys
            .iter()
            .zip(pairs)
            .map(|(key, (one, other))| key.direction.compare(one.as_ref(), other.as_ref()))
            .find(|order| order.is_ne())
            .unwrap_or_else(|| one.id.cmp(&other.id))
    }
}

#[cfg(test)]
mod tests {
    use debitor_api::properties::CustomerProperty as P;

    use super::*;

    fn order(keys: &[(P, Direction)]) -> Order<P> {
        Order::new(keys.iter().map(|&(property, direction)| Key {
            property,
            direction,
        }))
    }

    use Direction::{Ascending, Descending};

    #[test]
    fn keys_that_decide_nothing_are_left_out() {
        let order = order(&[
            (P::Email, Ascending),
            (P::Email, Descending),
            (P::Id, Descending),
            (P::Number, Ascending),
        ]);
        let properties: Vec<_> = order.keys().iter().map(|key| key.property).collect();
        assert_eq!(properties, [P::Email, P::Id]);
    }

    /// Checks that the order leaves the emails as they are.
    #[track_caller]
    fn check(direction: Direction, emails: [Option<&str>; 4]) {
        let order = order(&[(P::Email, direction)]);
        let position = |(index, email): (usize, &Option<&str>)| {
            let json = serde_json::json!({ "email": email }).to_string();
            order.position(Uuid::from_u128(index as u128), json.as_bytes())
        };
        let positions: Vec<_> = emails.iter().enumerate().map(position).collect();
        for pair in positions.windows(2) {
            assert_eq!(
                order.compare(&pair[0], &pair[1]),
                Ordering::Less,
                "{pair:?}"
            );
            assert_eq!(order.compare(&pair[1], &pair[0]), Ordering::Greater);
        }
        assert_eq!(order.compare(&positions[0], &positions[0]), Ordering::Equal);
    }

    #[test]
    fn null_is_lowest_and_ids_tell_equals_apart() {
        check(Ascending, [None, Some("a"), Some("A"), Some("b")]);
        check(Descending, [Some("b"), Some("A"), Some("a"), None]);
    }
}
