//! What can be done at a place, by the operations that the document has there.

use super::tree::Node;
use crate::model::{Api, Operation, Property, Schema, Shape};

/// What can be done with a collection or an entity.
#[derive(Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is there or not, whatever the others are"
)]
pub(super) struct Capabilities {
    pub(super) read: bool,
    /// The properties that an insertion must have, if there can be any.
    pub(super) insert: Option<Vec<String>>,
    pub(super) update: bool,
    pub(super) delete: bool,
    /// Whether changes need the entity's tag.
    pub(super) tagged: bool,
    /// The query options of a list, none for what is no list.
    pub(super) list: Option<Vec<String>>,
}

impl Capabilities {
    pub(super) fn of(api: &Api, node: &Node<'_>) -> Self {
        let entity = node.key.as_deref().unwrap_or(node);
        let (update, delete) = (entity.operation("patch"), entity.operation("delete"));
        let list = node.operation("get").filter(|_| node.key.is_some());
        Self {
            read: node.operation("get").is_some(),
            insert: node
                .operation("post")
                .map(|post| required(api, post, node.schema())),
            update: update.is_some(),
            delete: delete.is_some(),
            tagged: [update, delete].into_iter().flatten().any(needs_tag),
            list: list.map(|get| get.query.iter().map(|one| one.name.clone()).collect()),
        }
    }
}

fn needs_tag(operation: &Operation) -> bool {
    let mut headers = operation.headers.iter();
    headers.any(|header| header.required && header.name.eq_ignore_ascii_case("If-Match"))
}

/// What an insertion must have of the entity's properties.
fn required(api: &Api, post: &Operation, entity: Option<&str>) -> Vec<String> {
    let body = post.body.as_ref().map(|body| body.schema.as_str());
    let data = properties(api, entity);
    let required = properties(api, body).iter().filter(|one| one.required);
    required
        .filter(|one| data.iter().any(|other| other.name == one.name))
        .map(|one| one.name.clone())
        .collect()
}

/// The properties of a schema that is an object.
pub(super) fn properties<'a>(api: &'a Api, schema: Option<&str>) -> &'a [Property] {
    let mut schemas = api.schemas.iter();
    match schemas.find(|one| Some(one.name.as_str()) == schema) {
        Some(Schema {
            shape: Shape::Object { properties, .. },
            ..
        }) => properties,
        _ => &[],
    }
}
