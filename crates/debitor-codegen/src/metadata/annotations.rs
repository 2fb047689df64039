//! Annotations: what is said in the terms of the OASIS vocabularies.

use super::capabilities::Capabilities;
use super::xml::Element;
use super::{Navigation, Onward};

pub(super) const CORE: &str = "Org.OData.Core.V1";
pub(super) const CAPABILITIES: &str = "Org.OData.Capabilities.V1";
pub(super) const VALIDATION: &str = "Org.OData.Validation.V1";

/// The query options of a list that a term of their own is for: its name, and the member of its
/// record that says it; a term without one is true or false itself.
const OPTIONS: [(&str, &str, Option<&str>); 8] = [
    ("$top", "TopSupported", None),
    ("$skip", "SkipSupported", None),
    ("$count", "CountRestrictions", Some("Countable")),
    ("$filter", "FilterRestrictions", Some("Filterable")),
    ("$orderby", "SortRestrictions", Some("Sortable")),
    ("$search", "SearchRestrictions", Some("Searchable")),
    ("$expand", "ExpandRestrictions", Some("Expandable")),
    ("$select", "SelectSupport", Some("Supported")),
];

/// What can be done at the end of a way, as annotations.
pub(super) fn abilities(way: &Navigation) -> Vec<Element> {
    let able = &way.capabilities;
    let mut terms: Vec<_> = restrictions(able, way.collection)
        .into_iter()
        .map(|(term, record)| annotation(CAPABILITIES, term).holding([record]))
        .collect();
    let options = able.list.iter().flat_map(|list| {
        OPTIONS.map(|(option, term, member)| {
            let supported = list.iter().any(|one| one == option);
            let term = annotation(CAPABILITIES, term);
            match member {
                Some(member) => term.holding([record([flag(member, supported)])]),
                None => term.with("Bool", supported),
            }
        })
    });
    terms.extend(options);
    terms.extend(onwards(way));
    terms
}

/// What can be done behind an entity that terms at that place itself cannot say.
fn onwards(way: &Navigation) -> Option<Element> {
    let restricted: Vec<_> = way.onwards.iter().filter_map(restricted).collect();
    if restricted.is_empty() {
        return None;
    }
    let collection = Element::new("Collection").holding(restricted.into_iter().map(record));
    let properties = Element::new("PropertyValue")
        .with("Property", "RestrictedProperties")
        .holding([collection]);
    Some(annotation(CAPABILITIES, "NavigationRestrictions").holding([record([properties])]))
}

fn restricted(onward: &Onward) -> Option<Vec<Element>> {
    let able = &onward.capabilities;
    if onward.collection && !able.tagged {
        return None;
    }
    let path = Element::new("PropertyValue").with("Property", "NavigationProperty");
    let mut members = vec![path.with("NavigationPropertyPath", &onward.name)];
    if !onward.collection {
        members.extend(restrictions(able, true).into_iter().map(|(term, record)| {
            let member = Element::new("PropertyValue").with("Property", term);
            member.holding([record])
        }));
    }
    members.push(flag("OptimisticConcurrencyControl", able.tagged));
    Some(members)
}

/// Reading, inserting, updating and deleting: the term, and its record.
fn restrictions(able: &Capabilities, inserts: bool) -> Vec<(&'static str, Element)> {
    let mut insert = vec![flag("Insertable", able.insert.is_some())];
    let names = able.insert.iter().flatten();
    let required: Vec<_> = names
        .map(|name| Element::new("PropertyPath").saying(name))
        .collect();
    if !required.is_empty() {
        let member = Element::new("PropertyValue").with("Property", "RequiredProperties");
        insert.push(member.holding([Element::new("Collection").holding(required)]));
    }
    let mut terms = vec![("ReadRestrictions", record([flag("Readable", able.read)]))];
    if inserts {
        terms.push(("InsertRestrictions", record(insert)));
    }
    terms.push((
        "UpdateRestrictions",
        record([flag("Updatable", able.update)]),
    ));
    terms.push((
        "DeleteRestrictions",
        record([flag("Deletable", able.delete)]),
    ));
    terms
}

pub(super) fn annotation(vocabulary: &str, term: &str) -> Element {
    Element::new("Annotation").with("Term", format!("{vocabulary}.{term}"))
}

pub(super) fn description(text: Option<&String>) -> Option<Element> {
    text.map(|text| annotation(CORE, "Description").with("String", text))
}

fn record(members: impl IntoIterator<Item = Element>) -> Element {
    Element::new("Record").holding(members)
}

fn flag(name: &str, value: bool) -> Element {
    Element::new("PropertyValue")
        .with("Property", name)
        .with("Bool", value)
}
