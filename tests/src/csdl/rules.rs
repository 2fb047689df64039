//! The prose of CSDL 4.0 on names, types, keys and ways between entities.

use std::collections::BTreeSet;

use roxmltree::Node;

use super::{Csdl, Rule, is_collection, is_nullable, item, member, place, tag, text, type_text};

pub(super) const RULES: &[Rule] = &[
    identifiers,
    unique,
    types,
    keys,
    keyless,
    facets,
    containment,
    constraints,
    bindings,
];

/// The primitive types that the service uses.
const PRIMITIVES: [&str; 8] = [
    "Edm.Boolean",
    "Edm.Date",
    "Edm.DateTimeOffset",
    "Edm.Double",
    "Edm.Guid",
    "Edm.Int32",
    "Edm.Int64",
    "Edm.String",
];

/// Names of more than letters, digits and underscores could not stand in addresses as they are.
pub(super) fn is_identifier(name: &str) -> bool {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    name.chars().all(word)
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && (1..=128).contains(&name.len())
}

fn identifiers(csdl: &Csdl<'_>, faults: &mut Vec<String>) {
    for node in csdl.document.root().descendants() {
        let named = node
            .attribute("Name")
            .filter(|_| tag(node) != "PropertyRef");
        if named.is_some_and(|name| !is_identifier(name)) {
            faults.push(format!(
                "{} has no simple identifier as its name",
                place(node)
            ));
        }
    }
    for schema in csdl.all("Schema") {
        let namespace = text(schema, "Namespace");
        let reserved = ["Edm", "odata", "System", "Transient"].contains(&namespace);
        if reserved || !namespace.split('.').all(is_identifier) {
            faults.push(format!("`{namespace}` cannot be a namespace"));
        }
    }
}

/// Names are unique among the children of a schema, of a type and of a container.
fn unique(csdl: &Csdl<'_>, faults: &mut Vec<String>) {
    for node in csdl.document.root().descendants() {
        let mut seen = BTreeSet::new();
        for child in node.children() {
            let name = child.attribute("Name");
            if name.is_some_and(|name| !seen.insert(name)) {
                faults.push(format!("{} is there twice", place(child)));
            }
        }
    }
}

fn types(csdl: &Csdl<'_>, faults: &mut Vec<String>) {
    let written = ["Property", "NavigationProperty", "EntitySet", "Singleton"];
    for node in written.into_iter().flat_map(|name| csdl.all(name)) {
        let declared = csdl.type_of(node).map(tag);
        let fits = match tag(node) {
            "Property" => {
                declared == Some("ComplexType") || PRIMITIVES.contains(&item(type_text(node)))
            }
            _ => declared == Some("EntityType"),
        };
        if !fits {
            faults.push(format!("{} has no type `{}`", place(node), type_text(node)));
        }
    }
}

/// A key is made of properties that are there, plain and never null.
fn keys(csdl: &Csdl<'_>, faults: &mut Vec<String>) {
    for reference in csdl.all("PropertyRef") {
        let entity = reference
            .ancestors()
            .find(|node| tag(*node) == "EntityType");
        let property = entity.and_then(|entity| member(entity, text(reference, "Name")));
        let plain = |property: Node<'_, '_>| {
            let kinds = ["Edm.Boolean", "Edm.Date", "Edm.DateTimeOffset", "Edm.Guid"];
            let numbers = ["Edm.Int32", "Edm.Int64", "Edm.String"];
            kinds
                .iter()
                .chain(&numbers)
                .any(|kind| *kind == type_text(property))
        };
        match property {
            None => faults.push(format!("{} is not a property", place(reference))),
            Some(one) if is_nullable(one) => {
                faults.push(format!("the key {} is nullable", place(one)));
            }
            Some(one) if !plain(one) => faults.push(format!("{} cannot be a key", place(one))),
            Some(_) => {}
        }
    }
}

/// Entities of a set, and those that many are contained of, have a key.
fn keyless(csdl: &Csdl<'_>, faults: &mut Vec<String>) {
    let ways = csdl
        .all("NavigationProperty")
        .filter(|way| is_collection(*way));
    for node in csdl.all("EntitySet").chain(ways) {
        let keys = |node: Node<'_, '_>| node.children().filter(|one| tag(*one) == "Key").count();
        if csdl.type_of(node).is_some_and(|entity| keys(entity) != 1) {
            faults.push(format!("the entities of {} have no key", place(node)));
        }
    }
}

fn facets(csdl: &Csdl<'_>, faults: &mut Vec<String>) {
    for property in csdl.all("Property") {
        let length = property.attribute("MaxLength");
        if length.is_some_and(|text| !text.parse::<u32>().is_ok_and(|n| n > 0)) {
            faults.push(format!(
                "{} has a length that is not positive",
                place(property)
            ));
        }
        if length.is_some() && item(type_text(property)) != "Edm.String" {
            faults.push(format!("{} has a length, but no text", place(property)));
        }
        let precision = property.attribute("Precision");
        if precision.is_some_and(|text| !text.parse::<u32>().is_ok_and(|n| n <= 12)) {
            faults.push(format!("{} is no precision of a time", place(property)));
        }
        if precision.is_some() && item(type_text(property)) != "Edm.DateTimeOffset" {
            faults.push(format!("{} has a precision, but no time", place(property)));
        }
    }
    for node in csdl.document.root().descendants() {
        for name in ["Nullable", "ContainsTarget", "Bool"] {
            let value = node.attribute(name);
            if value.is_some_and(|value| value != "true" && value != "false") {
                faults.push(format!(
                    "`{name}` of {} is neither true nor false",
                    place(node)
                ));
            }
        }
    }
    for way in csdl
        .all("NavigationProperty")
        .filter(|way| is_collection(*way))
    {
        if way.attribute("Nullable").is_some() {
            faults.push(format!("{} is a collection with `Nullable`", place(way)));
        }
    }
}

/// Entities are contained in one place only. The rule is on entities; a service whose entities of one
/// type are contained in two places would have to show how it keeps it.
fn containment(csdl: &Csdl<'_>, faults: &mut Vec<String>) {
    let mut seen = BTreeSet::new();
    let ways = csdl.all("NavigationProperty");
    let ways = ways.filter(|way| text(*way, "ContainsTarget") == "true");
    for node in ways.chain(csdl.all("EntitySet")) {
        if !seen.insert(item(type_text(node))) {
            faults.push(format!("what {} holds is held elsewhere too", place(node)));
        }
    }
}

fn constraints(csdl: &Csdl<'_>, faults: &mut Vec<String>) {
    for constraint in csdl.all("ReferentialConstraint") {
        let way = constraint.parent_element();
        let own = way.and_then(|way| way.parent_element());
        let other = way.and_then(|way| csdl.type_of(way));
        let own = own.and_then(|own| member(own, text(constraint, "Property")));
        let other = other.and_then(|other| member(other, text(constraint, "ReferencedProperty")));
        let (Some(way), Some(own), Some(other)) = (way, own, other) else {
            faults.push(format!("{} names no properties", place(constraint)));
            continue;
        };
        if type_text(own) != type_text(other) {
            faults.push(format!("{} compares unlike types", place(constraint)));
        }
        if is_nullable(own) != (is_nullable(way) || is_nullable(other)) {
            faults.push(format!("{} can be null at one end only", place(constraint)));
        }
    }
}

/// A binding leads over contained entities to a reference, and to where those entities are.
fn bindings(csdl: &Csdl<'_>, faults: &mut Vec<String>) {
    for binding in csdl.all("NavigationPropertyBinding") {
        let from = binding
            .parent_element()
            .and_then(|owner| csdl.type_of(owner));
        let path = text(binding, "Path");
        let way = from.and_then(|from| csdl.walk(from, path).ok());
        let refers = |way: Node<'_, '_>| text(way, "ContainsTarget") != "true";
        let Some(way) = way.filter(|way| tag(*way) == "NavigationProperty" && refers(*way)) else {
            faults.push(format!(
                "the path of {} leads to no reference: {path}",
                place(binding)
            ));
            continue;
        };
        let target = text(binding, "Target");
        match csdl.target(target) {
            None => faults.push(format!(
                "the target of {} is not there: {target}",
                place(binding)
            )),
            Some(end) if item(type_text(end)) != item(type_text(way)) => {
                faults.push(format!(
                    "the target of {} has another type: {target}",
                    place(binding)
                ));
            }
            Some(_) => {}
        }
    }
}
