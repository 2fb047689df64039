//! The record of changes: one row for each version of each entity, in the change's own transaction.
//!
//! A row says who changed which properties, never to what: it outlives the data.

use rusqlite::{Connection, params};
use uuid::Uuid;

use super::super::Result;
use super::Writing;
use crate::domain::version::Version;
use crate::{failpoint, json};

/// What was done to an entity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Action<'a> {
    /// It was made; this is its JSON.
    Create(&'a str),
    /// It was changed; this was its JSON and is now.
    Update(&'a str, &'a str),
    Delete,
}

/// An entity in the version that a change made, or that would have followed the deleted one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Subject {
    pub(super) entity: &'static str,
    pub(super) id: Uuid,
    pub(super) version: Version,
}

/// What every change sets by itself.
const AUTOMATIC: [&str; 3] = ["@odata.etag", "id", "lastModifiedDateTime"];

/// Adds the row of a change.
pub(super) fn record(
    db: &Connection,
    write: &Writing,
    action: Action<'_>,
    subject: Subject,
) -> Result<()> {
    let (name, properties) = match action {
        Action::Create(json) => ("create", given(json)),
        Action::Update(before, after) => ("update", changed(before, after)),
        Action::Delete => ("delete", String::new()),
    };
    db.prepare_cached(
        "INSERT INTO audit (at, tenant_id, company_id, actor, request_id, action, entity,
         entity_id, version, incarnation, properties)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
    )?
    .execute(params![
        write.clock.now().timestamp_millis(),
        write.scope.tenant.as_bytes(),
        write.scope.company.as_bytes(),
        write.actor,
        write.request_id.as_bytes(),
        name,
        subject.entity,
        subject.id.as_bytes(),
        subject.version.number,
        subject.version.incarnation,
        properties,
    ])?;
    failpoint::hit("audit.row");
    Ok(())
}

/// The names of the properties that have a value.
fn given(json: &str) -> String {
    names(json::members(json.as_bytes()).filter(|member| member.value != b"null"))
}

/// The names of the properties whose values differ.
fn changed(before: &str, after: &str) -> String {
    let same = |member: &json::Member<'_>| {
        json::members(before.as_bytes())
            .any(|old| old.name == member.name && old.value == member.value)
    };
    names(json::members(after.as_bytes()).filter(|member| !same(member)))
}

fn names<'a>(members: impl Iterator<Item = json::Member<'a>>) -> String {
    let mut text = String::new();
    let names = members.map(|member| String::from_utf8_lossy(member.name));
    for name in names.filter(|name| !AUTOMATIC.contains(&name.as_ref())) {
        if !text.is_empty() {
            text.push(',');
        }
        text.push_str(&name);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn properties_are_told_by_name_alone() {
        let before = r#"{"@odata.etag":"1","id":"i","number":"C1","email":null,"city":"Kiel"}"#;
        let after = r#"{"@odata.etag":"2","id":"i","number":"C1","email":"a@b","city":null}"#;
        assert_eq!(given(before), "number,city");
        assert_eq!(changed(before, after), "email,city");
        assert_eq!(changed(after, after), "");
    }
}
