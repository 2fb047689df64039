//! Which properties clients cannot set: those that the bodies of requests lack or say are ignored.

use super::capabilities::properties;
use super::tree::Node;
use crate::model::{Api, Operation};

/// How the description of a property starts that a request may have without effect.
const IGNORED: &str = "Ignored:";

/// The term for a property that is not to be set at all, or only when an entity is created; none for
/// one that can be set, and where nothing can.
pub(super) fn term(api: &Api, node: &Node<'_>, name: &str) -> Option<&'static str> {
    let entity = node.key.as_deref().unwrap_or(node);
    let sets = |operation: &Operation| {
        let body = operation.body.as_ref().map(|body| body.schema.as_str());
        let mut properties = properties(api, body).iter();
        let found = properties.find(|one| one.name == name);
        found.is_some_and(|one| {
            let description = one.description.as_deref().unwrap_or_default();
            !description.starts_with(IGNORED)
        })
    };
    let created = node.operation("post").map(sets);
    let updated = entity.operation("patch").map(sets);
    match (created, updated) {
        (Some(true), Some(false)) => Some("Immutable"),
        (Some(false), Some(false) | None) | (None, Some(false)) => Some("Computed"),
        _ => None,
    }
}
