//! Annotations: of terms that are included, on what they are for, with paths that lead somewhere.

use std::collections::BTreeSet;

use roxmltree::Node;

use super::{Csdl, EDMX, Rule, is_collection, place, tag, text};

pub(super) const RULES: &[Rule] = &[included, unique, applicable, targets, paths];

/// The terms that the service uses, and what each is for (`AppliesTo`); nothing: for everything.
const TERMS: [(&str, &str); 22] = [
    ("Core.V1.Computed", "Property"),
    ("Core.V1.Description", ""),
    ("Core.V1.Immutable", "Property"),
    ("Core.V1.OptimisticConcurrency", "EntitySet"),
    (
        "Capabilities.V1.AsynchronousRequestsSupported",
        "EntityContainer",
    ),
    ("Capabilities.V1.BatchSupported", "EntityContainer"),
    ("Capabilities.V1.CrossJoinSupported", "EntityContainer"),
    ("Capabilities.V1.KeyAsSegmentSupported", "EntityContainer"),
    ("Capabilities.V1.CountRestrictions", "EntitySet Collection"),
    (
        "Capabilities.V1.DeleteRestrictions",
        "EntitySet Singleton Collection",
    ),
    (
        "Capabilities.V1.ExpandRestrictions",
        "EntitySet Singleton Collection",
    ),
    ("Capabilities.V1.FilterRestrictions", "EntitySet Collection"),
    ("Capabilities.V1.InsertRestrictions", "EntitySet Collection"),
    (
        "Capabilities.V1.NavigationRestrictions",
        "EntitySet Singleton Collection",
    ),
    (
        "Capabilities.V1.ReadRestrictions",
        "EntitySet Singleton Collection",
    ),
    ("Capabilities.V1.SearchRestrictions", "EntitySet Collection"),
    (
        "Capabilities.V1.SelectSupport",
        "EntityContainer EntitySet Singleton Collection",
    ),
    ("Capabilities.V1.SkipSupported", "EntitySet Collection"),
    ("Capabilities.V1.SortRestrictions", "EntitySet Collection"),
    ("Capabilities.V1.TopSupported", "EntitySet Collection"),
    (
        "Capabilities.V1.UpdateRestrictions",
        "EntitySet Singleton Collection",
    ),
    ("Validation.V1.AllowedValues", "Property"),
];

fn purpose(term: &str) -> Option<&'static str> {
    let name = term.strip_prefix("Org.OData.")?;
    let found = TERMS.iter().find(|(known, _)| *known == name);
    found.map(|(_, purpose)| *purpose)
}

fn included(csdl: &Csdl<'_>, faults: &mut Vec<String>) {
    let all = csdl.document.root().descendants();
    let references = all.filter(|node| node.has_tag_name((EDMX, "Include")));
    let included: BTreeSet<_> = references.map(|node| text(node, "Namespace")).collect();
    for annotation in csdl.all("Annotation") {
        let term = text(annotation, "Term");
        let namespace = term.rsplit_once('.').map_or("", |(namespace, _)| namespace);
        if !included.contains(namespace) {
            faults.push(format!("the vocabulary of `{term}` is not included"));
        }
    }
}

fn unique(csdl: &Csdl<'_>, faults: &mut Vec<String>) {
    for node in csdl.document.root().descendants() {
        let mut seen = BTreeSet::new();
        for annotation in node.children().filter(|one| tag(*one) == "Annotation") {
            let term = text(annotation, "Term");
            if !seen.insert(term) {
                faults.push(format!("{} has `{term}` twice", place(node)));
            }
        }
    }
}

fn applicable(csdl: &Csdl<'_>, faults: &mut Vec<String>) {
    for annotation in csdl.all("Annotation") {
        let term = text(annotation, "Term");
        let Some(purpose) = purpose(term) else {
            faults.push(format!("`{term}` is not known"));
            continue;
        };
        let Some(target) = annotated(csdl, annotation) else {
            continue;
        };
        let ways = ["Property", "NavigationProperty"].contains(&tag(target));
        let fits = |kind: &str| {
            kind == tag(target) || (kind == "Collection" && ways && is_collection(target))
        };
        if !purpose.is_empty() && !purpose.split(' ').any(fits) {
            faults.push(format!("`{term}` is not for {}", place(target)));
        }
    }
}

fn targets(csdl: &Csdl<'_>, faults: &mut Vec<String>) {
    for annotations in csdl.all("Annotations") {
        let target = text(annotations, "Target");
        if resolved(csdl, target).is_none() {
            faults.push(format!("there is nothing to annotate at `{target}`"));
        }
    }
}

/// Paths in annotations start at the type of what is annotated; those in a restriction of a way, at
/// the type of its end.
fn paths(csdl: &Csdl<'_>, faults: &mut Vec<String>) {
    for annotation in csdl.all("Annotation") {
        let Some(target) = annotated(csdl, annotation) else {
            continue;
        };
        let Some(start) = csdl.type_of(target) else {
            continue;
        };
        for node in annotation.descendants() {
            let path = match tag(node) {
                "PropertyPath" => node.text(),
                _ => node.attribute("NavigationPropertyPath"),
            };
            let Some(path) = path else { continue };
            let restricted = way(node).filter(|_| tag(node) == "PropertyPath");
            let from = match restricted {
                Some(way) => csdl.walk(start, way).ok().and_then(|way| csdl.type_of(way)),
                None => Some(start),
            };
            let end = from.and_then(|from| csdl.walk(from, path).ok());
            let kind = if tag(node) == "PropertyPath" {
                "Property"
            } else {
                "NavigationProperty"
            };
            if end.map(tag) != Some(kind) {
                faults.push(format!(
                    "`{path}` in an annotation of {} leads nowhere",
                    place(target)
                ));
            }
        }
    }
}

/// The way that the record around a node restricts.
fn way<'a>(node: Node<'a, '_>) -> Option<&'a str> {
    let records = node.ancestors().filter(|one| tag(*one) == "Record");
    let mut members = records.flat_map(|record| record.children());
    members.find_map(|member| member.attribute("NavigationPropertyPath"))
}

/// What an annotation is on.
fn annotated<'a, 'x>(csdl: &'a Csdl<'x>, annotation: Node<'a, 'x>) -> Option<Node<'a, 'x>> {
    let parent = annotation.parent_element()?;
    match tag(parent) {
        "Annotations" => resolved(csdl, text(parent, "Target")),
        _ => Some(parent),
    }
}

/// The type, property, container, set or singleton of a qualified path.
fn resolved<'a, 'x>(csdl: &'a Csdl<'x>, target: &str) -> Option<Node<'a, 'x>> {
    let (first, rest) = target
        .split_once('/')
        .map_or((target, None), |(a, b)| (a, Some(b)));
    let container = csdl.all("EntityContainer").next()?;
    let is_container = first
        .rsplit_once('.')
        .is_some_and(|(_, name)| name == text(container, "Name"));
    match (is_container, rest) {
        (true, None) => Some(container),
        (true, Some(name)) => csdl.contained(name),
        (false, None) => csdl.declared(first),
        (false, Some(path)) => csdl.walk(csdl.declared(first)?, path).ok(),
    }
}
