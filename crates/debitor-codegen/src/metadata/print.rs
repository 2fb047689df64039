//! The model as CSDL.

use super::annotations::{CAPABILITIES, CORE, VALIDATION, abilities, annotation, description};
use super::properties::{ComplexType, Property, ValueType};
use super::xml::Element;
use super::{EntityType, KEY, Member, Model, Navigation};

/// Where the vocabularies are published.
const VOCABULARIES: &str = "https://oasis-tcs.github.io/odata-vocabularies/vocabularies";

/// The whole document. The mark is on the first line, behind what XML wants at the very beginning.
pub(super) fn document(model: &Model, mark: &str) -> String {
    let mut text = format!("<?xml version=\"1.0\" encoding=\"utf-8\"?><!-- {mark} -->\n");
    let schema = Element::new("Schema")
        .with("xmlns", "http://docs.oasis-open.org/odata/ns/edm")
        .with("Namespace", &model.namespace)
        .holding(model.entities.iter().map(|one| entity(model, one)))
        .holding(model.complexes.iter().map(|one| complex(model, one)))
        .holding([container(model)]);
    Element::new("edmx:Edmx")
        .with("xmlns:edmx", "http://docs.oasis-open.org/odata/ns/edmx")
        .with("Version", "4.0")
        .holding([CORE, CAPABILITIES, VALIDATION].map(vocabulary))
        .holding([Element::new("edmx:DataServices").holding([schema])])
        .write(0, &mut text);
    text
}

fn vocabulary(namespace: &str) -> Element {
    Element::new("edmx:Reference")
        .with("Uri", format!("{VOCABULARIES}/{namespace}.xml"))
        .holding([Element::new("edmx:Include").with("Namespace", namespace)])
}

fn entity(model: &Model, entity: &EntityType) -> Element {
    let key = entity.properties.iter().any(|one| one.name == KEY);
    let key = key.then(|| {
        let reference = Element::new("PropertyRef").with("Name", KEY);
        Element::new("Key").holding([reference])
    });
    Element::new("EntityType")
        .with("Name", &entity.name)
        .holding(key)
        .holding(entity.properties.iter().map(|one| property(model, one)))
        .holding(entity.navigations.iter().map(|one| navigation(model, one)))
        .holding(description(entity.description.as_ref()))
}

fn complex(model: &Model, complex: &ComplexType) -> Element {
    Element::new("ComplexType")
        .with("Name", &complex.name)
        .holding(complex.properties.iter().map(|one| property(model, one)))
        .holding(description(complex.description.as_ref()))
}

fn property(model: &Model, property: &Property) -> Element {
    let value = &property.value;
    let mut element = Element::new("Property")
        .with("Name", &property.name)
        .with("Type", value_type(model, value));
    if !property.nullable {
        element = element.with("Nullable", false);
    }
    if let Some(length) = value.max_length {
        element = element.with("MaxLength", length);
    }
    if let Some(precision) = value.precision {
        element = element.with("Precision", precision);
    }
    let service = property.set_by_service;
    let allowed = (!value.allowed.is_empty()).then(|| allowed(value));
    element
        .holding(description(property.description.as_ref()))
        .holding(service.map(|term| annotation(CORE, term).with("Bool", true)))
        .holding(allowed)
}

fn value_type(model: &Model, value: &ValueType) -> String {
    let name = if value.complex {
        format!("{}.{}", model.namespace, value.name)
    } else {
        value.name.clone()
    };
    many(name, value.collection)
}

fn many(name: String, collection: bool) -> String {
    if collection {
        format!("Collection({name})")
    } else {
        name
    }
}

fn allowed(value: &ValueType) -> Element {
    let records = value.allowed.iter().map(|text| {
        let value = Element::new("PropertyValue").with("Property", "Value");
        Element::new("Record").holding([value.with("String", text)])
    });
    annotation(VALIDATION, "AllowedValues").holding([Element::new("Collection").holding(records)])
}

fn navigation(model: &Model, way: &Navigation) -> Element {
    let name = format!("{}.{}", model.namespace, way.target);
    let mut element = Element::new("NavigationProperty")
        .with("Name", &way.name)
        .with("Type", many(name, way.collection));
    if way.contains {
        element = element.with("ContainsTarget", true);
    }
    let constraint = way.dependent.as_ref().map(|dependent| {
        Element::new("ReferentialConstraint")
            .with("Property", dependent)
            .with("ReferencedProperty", KEY)
    });
    // Terms for what can be done are for collections; a single entity's are where its owners are.
    let terms = way.collection.then(|| abilities(way));
    element
        .holding(constraint)
        .holding(description(way.description.as_ref()))
        .holding(terms.into_iter().flatten())
}

fn container(model: &Model) -> Element {
    let flag = |term, value| annotation(CAPABILITIES, term).with("Bool", value);
    Element::new("EntityContainer")
        .with("Name", &model.container)
        .holding(model.members.iter().map(|one| member(model, one)))
        .holding([
            flag("KeyAsSegmentSupported", true),
            flag("BatchSupported", model.batches),
            flag("CrossJoinSupported", false),
            flag("AsynchronousRequestsSupported", false),
        ])
}

fn member(model: &Model, member: &Member) -> Element {
    let way = &member.navigation;
    let name = format!("{}.{}", model.namespace, way.target);
    let described = description(way.description.as_ref());
    if way.collection {
        let tags = annotation(CORE, "OptimisticConcurrency").holding([Element::new("Collection")]);
        return Element::new("EntitySet")
            .with("Name", &way.name)
            .with("EntityType", name)
            .holding(described)
            .holding(abilities(way))
            .holding(way.capabilities.tagged.then_some(tags));
    }
    Element::new("Singleton")
        .with("Name", &way.name)
        .with("Type", name)
        .holding(described)
        .holding(abilities(way))
}
