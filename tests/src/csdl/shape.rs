//! Which elements there are, and what they can have (edmx.xsd and edm.xsd of OASIS).

use super::{Csdl, EDM, EDMX, Rule, place, tag, text};

pub(super) const RULES: &[Rule] = &[versions, elements];

/// An element, the attributes it must have, those it may have, and its children.
type Shape = (&'static str, &'static str, &'static str, &'static str);

const SHAPES: [Shape; 23] = [
    ("Edmx", "Version", "", "Reference DataServices"),
    ("Reference", "Uri", "", "Include"),
    ("Include", "Namespace", "", ""),
    ("DataServices", "", "", "Schema"),
    (
        "Schema",
        "Namespace",
        "",
        "EntityType ComplexType EntityContainer Annotations",
    ),
    (
        "EntityType",
        "Name",
        "",
        "Key Property NavigationProperty Annotation",
    ),
    ("ComplexType", "Name", "", "Property Annotation"),
    ("Key", "", "", "PropertyRef"),
    ("PropertyRef", "Name", "", ""),
    (
        "Property",
        "Name Type",
        "Nullable MaxLength Precision",
        "Annotation",
    ),
    (
        "NavigationProperty",
        "Name Type",
        "Nullable ContainsTarget",
        "ReferentialConstraint Annotation",
    ),
    (
        "ReferentialConstraint",
        "Property ReferencedProperty",
        "",
        "",
    ),
    (
        "EntityContainer",
        "Name",
        "",
        "EntitySet Singleton Annotation",
    ),
    (
        "EntitySet",
        "Name EntityType",
        "",
        "NavigationPropertyBinding Annotation",
    ),
    (
        "Singleton",
        "Name Type",
        "",
        "NavigationPropertyBinding Annotation",
    ),
    ("NavigationPropertyBinding", "Path Target", "", ""),
    ("Annotations", "Target", "", "Annotation"),
    ("Annotation", "Term", "Bool String", "Record Collection"),
    ("Collection", "", "", "Record PropertyPath"),
    ("Record", "", "", "PropertyValue"),
    (
        "PropertyValue",
        "Property",
        "Bool String NavigationPropertyPath",
        "Record Collection",
    ),
    ("PropertyPath", "", "", ""),
    // Nothing else is known.
    ("", "", "", ""),
];

/// The elements around the schema.
const OUTER: [&str; 4] = ["Edmx", "Reference", "Include", "DataServices"];

fn versions(csdl: &Csdl<'_>, faults: &mut Vec<String>) {
    let root = csdl.document.root_element();
    if !root.has_tag_name((EDMX, "Edmx")) {
        faults.push(format!("the root is `{}`", tag(root)));
    }
    if text(root, "Version") != "4.0" {
        faults.push(format!("the version is `{}`", text(root, "Version")));
    }
    for (name, expected) in [("EntityContainer", 1), ("Schema", 1)] {
        let count = csdl.all(name).count();
        if count != expected {
            faults.push(format!("there are {count} of `{name}`"));
        }
    }
}

fn elements(csdl: &Csdl<'_>, faults: &mut Vec<String>) {
    let elements = csdl.document.root().descendants();
    for node in elements.filter(roxmltree::Node::is_element) {
        let namespace = if OUTER.contains(&tag(node)) {
            EDMX
        } else {
            EDM
        };
        if node.tag_name().namespace() != Some(namespace) {
            faults.push(format!("{} is not of its namespace", place(node)));
        }
        let shape = SHAPES.iter().find(|shape| shape.0 == tag(node));
        let (_, required, optional, children) = shape.unwrap_or(&SHAPES[SHAPES.len() - 1]);
        for attribute in required.split(' ').filter(|name| !name.is_empty()) {
            if text(node, attribute).is_empty() {
                faults.push(format!("{} has no `{attribute}`", place(node)));
            }
        }
        for attribute in node.attributes().map(|attribute| attribute.name()) {
            let known = required.split(' ').chain(optional.split(' '));
            if !known.into_iter().any(|name| name == attribute) {
                faults.push(format!("{} has `{attribute}`", place(node)));
            }
        }
        for child in node.children().filter(roxmltree::Node::is_element) {
            if !children.split(' ').any(|name| name == tag(child)) {
                faults.push(format!("{} holds a `{}`", place(node), tag(child)));
            }
        }
    }
}
