//! The audit table: one row for each version of each entity; and the idempotency records: one for
//! each keyed write.

use std::collections::BTreeMap;

use uuid::Uuid;

use crate::contents::{Audit, Contents};

/// An entity as the audit table tells it apart.
type Key<'a> = (&'a str, Uuid, i64);

/// Compares the audit rows with the entities that are there and with those that are `gone`.
pub(crate) fn check(contents: &Contents, gone: &BTreeMap<Uuid, i64>) -> Vec<String> {
    let mut chains: BTreeMap<Key<'_>, Vec<&Audit>> = BTreeMap::new();
    for row in &contents.audit {
        chains
            .entry((&row.entity, row.id, row.incarnation))
            .or_default()
            .push(row);
    }
    let mut violations: Vec<String> = chains
        .iter()
        .filter_map(|(key, rows)| broken(*key, rows))
        .collect();
    for (name, entities) in [
        ("customer", &contents.customers),
        ("salesInvoice", &contents.invoices),
    ] {
        for (id, entity) in entities {
            let last = chains.remove(&(name, *id, entity.incarnation));
            let last =
                last.and_then(|rows| rows.last().map(|row| (row.action.as_str(), row.version)));
            if !last.is_some_and(|(action, v)| action != "delete" && v == entity.version) {
                let version = entity.version;
                violations.push(format!(
                    "{name} {id} has version {version}, the audit {last:?}"
                ));
            }
        }
    }
    violations.extend(dead(&chains, gone));
    violations
}

/// What is wrong with the rows of one entity: they must be a create, updates, and maybe a delete.
fn broken((name, id, _): Key<'_>, rows: &[&Audit]) -> Option<String> {
    let fits = |(index, row): (usize, &&Audit)| {
        let action = match index {
            0 => row.action == "create",
            _ if index + 1 == rows.len() => row.action == "update" || row.action == "delete",
            _ => row.action == "update",
        };
        action && usize::try_from(row.version) == Ok(index + 1)
    };
    if rows.iter().enumerate().all(fits) {
        return None;
    }
    let chain: Vec<_> = rows
        .iter()
        .map(|row| (row.action.as_str(), row.version))
        .collect();
    Some(format!("the audit of {name} {id} is {chain:?}"))
}

/// What is wrong with the rows of customers that are not there.
fn dead(chains: &BTreeMap<Key<'_>, Vec<&Audit>>, gone: &BTreeMap<Uuid, i64>) -> Vec<String> {
    let mut missing = gone.clone();
    let mut violations = Vec::new();
    for ((name, id, _), rows) in chains.iter().filter(|((name, ..), _)| *name != "company") {
        let last = rows.last().map(|row| (row.action.as_str(), row.version));
        let expected = missing.remove(id).filter(|_| *name == "customer");
        if expected.is_none() || last != expected.map(|version| ("delete", version)) {
            violations.push(format!(
                "{name} {id} is not there, the audit ends with {last:?}"
            ));
        }
    }
    violations.extend(
        missing
            .keys()
            .map(|id| format!("no audit of deleted customer {id}")),
    );
    violations
}

/// Compares the idempotency records with those that keyed writes must have left.
pub(crate) fn check_replies(contents: &Contents, expected: &[(Uuid, String)]) -> Vec<String> {
    let mut counts: BTreeMap<(Uuid, &str), i64> = BTreeMap::new();
    for (id, etag) in expected {
        *counts.entry((*id, etag)).or_default() += 1;
    }
    for reply in &contents.replies {
        *counts.entry((reply.id, &reply.etag)).or_default() -= 1;
    }
    let wrong = counts.into_iter().filter(|(_, count)| *count != 0);
    wrong
        .map(|((id, etag), count)| {
            let what = if count > 0 {
                "lacks"
            } else {
                "has too many of"
            };
            format!("the store {what} the idempotency record of {id} {etag}")
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contents::{Entity, Reply};

    const ID: Uuid = Uuid::from_u128(1);

    fn row(action: &str, version: i64) -> Audit {
        let (action, entity) = (action.to_owned(), "customer".to_owned());
        Audit {
            action,
            entity,
            id: ID,
            version,
            incarnation: 7,
        }
    }

    /// A customer of this version, with these audit rows.
    fn contents(version: i64, audit: Vec<Audit>) -> Contents {
        let body = serde_json::Value::Null;
        let entity = Entity {
            version,
            incarnation: 7,
            body,
            customer: None,
        };
        let customers = [(ID, entity)].into();
        Contents {
            customers,
            audit,
            ..Contents::default()
        }
    }

    #[test]
    fn a_whole_chain_is_fine() {
        let living = contents(2, vec![row("create", 1), row("update", 2)]);
        assert_eq!(check(&living, &BTreeMap::new()), [""; 0]);
        let mut dead = contents(2, vec![row("create", 1), row("delete", 2)]);
        dead.customers.clear();
        assert_eq!(check(&dead, &[(ID, 2)].into()), [""; 0]);
    }

    #[test]
    fn every_damage_of_a_chain_is_found() {
        let damaged = [
            vec![],
            vec![row("create", 1)],
            vec![row("update", 2)],
            vec![row("create", 1), row("update", 2), row("update", 2)],
            vec![row("create", 1), row("update", 3)],
            vec![row("create", 1), row("update", 2), row("update", 3)],
            vec![row("create", 1), row("delete", 2)],
            vec![row("update", 2), row("create", 1)],
        ];
        for audit in damaged {
            let contents = contents(2, audit);
            assert_ne!(
                check(&contents, &BTreeMap::new()),
                [""; 0],
                "{:?}",
                contents.audit
            );
        }
    }

    #[test]
    fn rows_of_a_customer_that_is_not_there_must_end_with_the_delete_that_was_asked_for() {
        let mut contents = contents(1, vec![row("create", 1), row("delete", 2)]);
        contents.customers.clear();
        assert_ne!(check(&contents, &BTreeMap::new()), [""; 0]);
        assert_ne!(check(&contents, &[(ID, 3)].into()), [""; 0]);
        contents.audit.clear();
        assert_ne!(check(&contents, &[(ID, 2)].into()), [""; 0]);
    }

    #[test]
    fn a_record_too_few_or_too_many_is_found() {
        let reply = Reply {
            id: ID,
            etag: "x".into(),
        };
        let expected = [(ID, "x".to_owned())];
        for (count, fine) in [(0, false), (1, true), (2, false)] {
            let replies = vec![reply.clone(); count];
            let contents = Contents {
                replies,
                ..Contents::default()
            };
            assert_eq!(
                check_replies(&contents, &expected).is_empty(),
                fine,
                "{count}"
            );
        }
    }
}
