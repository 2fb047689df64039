//! The metadata as a reader sees it: what breaks the rules of CSDL XML 4.0, and where paths lead.
//!
//! It shares nothing with the generator but the rules of OASIS, and knows the part of CSDL that the
//! service uses; anything beyond is a fault too, as nothing would check it.

mod annotations;
mod path;
mod rules;
mod shape;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use roxmltree::{Document, Node};

const EDM: &str = "http://docs.oasis-open.org/odata/ns/edm";
const EDMX: &str = "http://docs.oasis-open.org/odata/ns/edmx";

/// A rule: adds what it finds wrong.
type Rule = fn(&Csdl<'_>, &mut Vec<String>);

/// A document of metadata.
pub struct Csdl<'x> {
    document: Document<'x>,
}

impl<'x> Csdl<'x> {
    /// Reads XML.
    pub fn parse(xml: &'x str) -> Result<Self, String> {
        let document = Document::parse(xml).map_err(|error| error.to_string())?;
        Ok(Self { document })
    }

    /// Everything that breaks a rule.
    pub fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        for rule in [shape::RULES, rules::RULES, annotations::RULES].concat() {
            rule(self, &mut faults);
        }
        faults
    }

    /// The names of a type's properties.
    pub fn properties(&self, qualified: &str) -> BTreeSet<String> {
        let of = self.declared(qualified);
        let children = of.into_iter().flat_map(|of| of.children());
        let properties = children.filter(|child| tag(*child) == "Property");
        properties.map(|one| text(one, "Name").to_owned()).collect()
    }

    /// The properties of a type that have a term of the core vocabulary, each with its type.
    pub fn with_term(&self, qualified: &str, term: &str) -> Vec<(String, String)> {
        let term = format!("Org.OData.Core.V1.{term}");
        let annotations = self.all("Annotation");
        let annotations = annotations.filter(|one| text(*one, "Term") == term);
        annotations
            .filter_map(|one| one.parent_element())
            .filter(|property| property.parent_element() == self.declared(qualified))
            .map(|property| {
                (
                    text(property, "Name").to_owned(),
                    type_text(property).to_owned(),
                )
            })
            .collect()
    }

    /// How many digits of a second a property has, if it is a time.
    pub fn precision(&self, qualified: &str, property: &str) -> Option<usize> {
        let property = member(self.declared(qualified)?, property)?;
        text(property, "Precision").parse().ok()
    }

    /// All elements of this name, in the namespace of the entity data model.
    fn all(&self, name: &'static str) -> impl Iterator<Item = Node<'_, 'x>> {
        let all = self.document.root().descendants();
        all.filter(move |node| node.has_tag_name((EDM, name)))
    }

    /// The type of this qualified name.
    fn declared(&self, qualified: &str) -> Option<Node<'_, 'x>> {
        let (namespace, name) = qualified.rsplit_once('.')?;
        let is_own = |node: &Node<'_, 'x>| {
            let schema = node.parent_element();
            schema.is_some_and(|schema| text(schema, "Namespace") == namespace)
        };
        let types = ["EntityType", "ComplexType"];
        let mut all = types.into_iter().flat_map(|tag| self.all(tag));
        all.find(|node| text(*node, "Name") == name && is_own(node))
    }

    /// The type of what a property, a set or a singleton holds.
    fn type_of(&self, node: Node<'_, 'x>) -> Option<Node<'_, 'x>> {
        self.declared(item(type_text(node)))
    }

    /// What the container has of this name.
    fn contained(&self, name: &str) -> Option<Node<'_, 'x>> {
        let container = self.all("EntityContainer").next()?;
        child(container, &["EntitySet", "Singleton"], name)
    }
}

/// The property of a type, or its way to other entities.
fn member<'a, 'x>(of: Node<'a, 'x>, name: &str) -> Option<Node<'a, 'x>> {
    child(of, &["Property", "NavigationProperty"], name)
}

fn child<'a, 'x>(of: Node<'a, 'x>, tags: &[&str], name: &str) -> Option<Node<'a, 'x>> {
    let mut children = of.children().filter(|node| text(*node, "Name") == name);
    children.find(|node| tags.contains(&node.tag_name().name()))
}

/// An attribute; empty if there is none.
fn text<'a>(node: Node<'a, '_>, attribute: &str) -> &'a str {
    node.attribute(attribute).unwrap_or_default()
}

/// The type as it is written, of whatever has one.
fn type_text<'a>(node: Node<'a, '_>) -> &'a str {
    let attribute = if tag(node) == "EntitySet" {
        "EntityType"
    } else {
        "Type"
    };
    text(node, attribute)
}

/// The type of the items of a collection; any other as it is.
fn item(written: &str) -> &str {
    let inner = written.strip_prefix("Collection(");
    inner
        .and_then(|inner| inner.strip_suffix(')'))
        .unwrap_or(written)
}

fn is_collection(node: Node<'_, '_>) -> bool {
    tag(node) == "EntitySet" || item(type_text(node)) != type_text(node)
}

fn tag<'a>(node: Node<'a, '_>) -> &'a str {
    node.tag_name().name()
}

/// Whether null can be there: it can, where nothing is said.
fn is_nullable(node: Node<'_, '_>) -> bool {
    text(node, "Nullable") != "false"
}

/// Where an element is, for people.
fn place(node: Node<'_, '_>) -> String {
    let names = node.ancestors().filter_map(|one| one.attribute("Name"));
    let mut names: Vec<_> = names.collect();
    names.reverse();
    format!("{} {}", tag(node), names.join("/"))
}
