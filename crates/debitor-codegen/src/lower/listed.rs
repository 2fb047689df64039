//! What the entities of lists can be asked for by: their plain values, by the paths to them.

use crate::model::{Content, Kind, Leaf, Listed, Operation, Property, Schema, Shape};
use crate::names;

/// The schemas whose entities some operation lists, in the order of `schemas`.
pub(super) fn listed(operations: &[(String, Operation)], schemas: &[Schema]) -> Vec<Listed> {
    let items: Vec<_> = operations
        .iter()
        .filter_map(|(_, operation)| item(operation, schemas))
        .collect();
    let listed = schemas.iter().filter(|one| items.contains(&&*one.name));
    listed
        .map(|schema| {
            let mut leaves = Vec::new();
            collect(schema, &Place::default(), schemas, &mut leaves);
            let schema = schema.name.clone();
            Listed { schema, leaves }
        })
        .collect()
}

/// The schema of the entities in the page that the operation answers, if it answers one.
fn item<'a>(operation: &Operation, schemas: &'a [Schema]) -> Option<&'a str> {
    let response = operation
        .response(200)
        .filter(|_| operation.method == "get");
    let Content::Json(page) = &response?.content else {
        return None;
    };
    let value = properties(find(schemas, page)?)
        .iter()
        .find(|property| property.name == "value")?;
    let Kind::Array { item, .. } = &value.kind else {
        return None;
    };
    match &**item {
        Kind::Model(name) => Some(name),
        _ => None,
    }
}

/// The objects on the way to a property.
#[derive(Default)]
struct Place {
    /// Empty, or ending with a slash.
    prefix: String,
    nullable: bool,
}

/// Annotations are no properties, and nothing is asked of arrays. Schemas that hold themselves are
/// refused elsewhere; until then they only must not make this endless.
fn collect(schema: &Schema, place: &Place, schemas: &[Schema], leaves: &mut Vec<Leaf>) {
    const DEEPEST: usize = 4;
    let own = properties(schema)
        .iter()
        .filter(|property| !property.name.starts_with('@'));
    for property in own {
        let path = format!("{}{}", place.prefix, property.name);
        let nullable = place.nullable || property.nullable;
        match inner(property, schemas) {
            Some(schema) if path.matches('/').count() < DEEPEST => {
                let prefix = format!("{path}/");
                collect(schema, &Place { prefix, nullable }, schemas, leaves);
            }
            None if !matches!(property.kind, Kind::Array { .. }) => leaves.push(Leaf {
                name: names::variant(&path),
                path,
                description: property.description.clone(),
                nullable,
                kind: property.kind.clone(),
            }),
            _ => {}
        }
    }
}

/// The schema of the property's value, if that is an object.
fn inner<'a>(property: &Property, schemas: &'a [Schema]) -> Option<&'a Schema> {
    let Kind::Model(name) = &property.kind else {
        return None;
    };
    find(schemas, name).filter(|schema| matches!(schema.shape, Shape::Object { .. }))
}

fn find<'a>(schemas: &'a [Schema], name: &str) -> Option<&'a Schema> {
    schemas.iter().find(|schema| schema.name == name)
}

fn properties(schema: &Schema) -> &[Property] {
    match &schema.shape {
        Shape::Object { properties, .. } => properties,
        Shape::Enumeration(_) => &[],
    }
}
