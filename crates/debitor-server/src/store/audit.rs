//! The record of changes, whatever the engine: what a row says.
//!
//! A row says who changed which properties, never to what: it outlives the data.

use uuid::Uuid;

use crate::domain::right::{Grantee, Right};
use crate::domain::version::Version;
use crate::json;

/// What was done to an entity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action<'a> {
    /// It was made; this is its JSON.
    Create(&'a str),
    /// It was changed; this was its JSON and is now.
    Update(&'a str, &'a str),
    Delete,
    /// It was taken out of everything, now or some time after it was deleted.
    Erase,
    /// It was granted so far, or no more.
    Grant(&'a Grantee, Right),
}

/// An entity in the version that a change made, or that would have followed the deleted one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Subject {
    pub(crate) entity: &'static str,
    pub(crate) id: Uuid,
    pub(crate) version: Version,
}

/// What every change sets by itself.
const AUTOMATIC: [&str; 3] = ["@odata.etag", "id", "lastModifiedDateTime"];
/// Bytes that the names of a customer's properties take, about.
const TYPICAL: usize = 256;

impl Subject {
    pub(crate) fn company(id: Uuid, version: Version) -> Self {
        let entity = "company";
        Self {
            entity,
            id,
            version,
        }
    }

    pub(crate) fn customer(id: Uuid, version: Version) -> Self {
        let entity = "customer";
        Self {
            entity,
            id,
            version,
        }
    }

    pub(crate) fn sales_invoice(id: Uuid, version: Version) -> Self {
        let entity = "salesInvoice";
        Self {
            entity,
            id,
            version,
        }
    }
}

impl Action<'_> {
    /// Its name, and the names of the properties that it gave or changed.
    pub(crate) fn told(self) -> (&'static str, String) {
        match self {
            Self::Create(json) => ("create", given(json)),
            Self::Update(before, after) => ("update", changed(before, after)),
            Self::Delete => ("delete", String::new()),
            Self::Erase => ("erase", String::new()),
            Self::Grant(to, Right::None) => ("revoke", to.to_string()),
            Self::Grant(to, right) => ("grant", format!("{to} {right}")),
        }
    }
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
    let mut text = String::with_capacity(TYPICAL);
    let names = members.filter_map(|member| str::from_utf8(member.name).ok());
    for name in names.filter(|name| !AUTOMATIC.contains(name)) {
        if !text.is_empty() {
            text.push(',');
        }
        text.push_str(name);
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

    #[test]
    fn a_grant_says_to_whom_and_how_far() {
        let (ada, all) = (Grantee::Subject("ada".to_owned()), Grantee::Everyone);
        let told = |to, right| Action::Grant(to, right).told();
        assert_eq!(
            told(&ada, Right::Read),
            ("grant", "subject:ada read".to_owned())
        );
        assert_eq!(told(&all, Right::None), ("revoke", "everyone".to_owned()));
    }
}
