//! From paths and schemas to the entity data model.

use std::collections::{BTreeMap, BTreeSet};

use super::capabilities::Capabilities;
use super::properties::{Properties, Property};
use super::settable;
use super::tree::Node;
use super::{EntityType, KEY, Member, Model, Navigation, Onward, is_identifier, type_name};
use crate::Fault;
use crate::model::{Api, Kind, Shape};

/// The model, or everything of the document that it cannot say.
pub(super) fn model(api: &Api, names: (String, String)) -> Result<Model, Vec<Fault>> {
    let root = Node::root(api);
    let mut lowering = Lowering {
        api,
        homes: BTreeMap::new(),
        entities: Vec::new(),
        properties: Properties::new(api),
    };
    lowering.find_homes(&root);
    let members: Vec<_> = lowering
        .navigations(&root, &[])
        .into_iter()
        .map(|navigation| Member { navigation })
        .collect();
    let complexes = lowering.properties.complexes();
    let model = Model {
        namespace: names.0,
        container: names.1,
        entities: lowering.entities,
        complexes,
        members,
        batches: root.has("$batch"),
    };
    let mut faults = lowering.properties.faults;
    faults.extend(clashes(&model));
    if faults.is_empty() {
        Ok(model)
    } else {
        Err(faults)
    }
}

struct Lowering<'a> {
    api: &'a Api,
    /// Where the entities of a schema belong: the pointer of that path.
    homes: BTreeMap<&'a str, String>,
    entities: Vec<EntityType>,
    properties: Properties<'a>,
}

impl<'a> Lowering<'a> {
    /// An entity belongs to one collection only (CSDL 4.01, 8.4, containment).
    fn find_homes(&mut self, root: &Node<'a>) {
        for node in root.all() {
            let schema = node.schema().filter(|_| node.key.is_some());
            let Some(schema) = schema else { continue };
            let first = self.homes.insert(schema, node.pointer.clone());
            if let Some(first) = first {
                let problem = format!("`{schema}` belongs to `{first}` too");
                let remedy = "give the entities of each collection a schema of their own";
                self.properties.fault(&node.pointer, problem, remedy);
            }
        }
    }

    /// The ways from an entity with these properties, whose place in the tree is given.
    fn navigations(&mut self, place: &Node<'a>, properties: &[Property]) -> Vec<Navigation> {
        let children = place.children();
        children
            .filter_map(|child| self.navigation(child, properties))
            .collect()
    }

    fn navigation(&mut self, node: &Node<'a>, properties: &[Property]) -> Option<Navigation> {
        if !is_identifier(node.name) {
            let problem = format!("`{}` cannot be a name in the metadata", node.name);
            let remedy = "use letters, digits and underscores";
            self.properties.fault(&node.pointer, problem, remedy);
            return None;
        }
        let collection = node.key.is_some();
        let schema = node.schema();
        if schema.is_none() && !node.is_group() {
            let problem = "no `GET` answers an entity here, whose type would be the metadata's";
            let remedy = "write one, or leave the path out: actions are not carried";
            self.properties.fault(&node.pointer, problem, remedy);
            return None;
        }
        let home = schema.and_then(|schema| self.homes.get(schema));
        let refers = home.is_some() && !collection;
        let onwards = if refers {
            self.leads_no_further(node);
            Vec::new()
        } else {
            self.entity(node, schema)
        };
        let get = node.operation("get");
        Some(Navigation {
            name: node.name.to_owned(),
            target: type_name(schema.unwrap_or(node.name)),
            description: get.and_then(|get| get.description.clone()),
            collection,
            contains: !refers,
            dependent: schema
                .filter(|_| refers)
                .and_then(|schema| self.dependent(node.name, schema, properties)),
            capabilities: Capabilities::of(self.api, node),
            onwards,
        })
    }

    fn leads_no_further(&mut self, node: &Node<'a>) {
        if node.children().next().is_some() {
            let problem = "paths go on behind an entity that belongs elsewhere";
            let remedy = "let them go on where it belongs";
            self.properties.fault(&node.pointer, problem, remedy);
        }
    }

    /// Adds the type of the entities at a place. Gives what can be done behind them.
    fn entity(&mut self, node: &Node<'a>, schema: Option<&'a str>) -> Vec<Onward> {
        let place = node.key.as_deref().unwrap_or(node);
        let schema = schema.and_then(|name| self.properties.schema(name));
        let mut properties = schema.map_or_else(Vec::new, |schema| self.properties.of(schema));
        for property in &mut properties {
            property.set_by_service = settable::term(self.api, node, &property.name);
        }
        let key = properties.iter().find(|property| property.name == KEY);
        if let Some(schema) = schema
            && key.is_none_or(|key| key.nullable || key.value.complex || key.value.collection)
        {
            let problem = format!("`{}` has no key: a plain `{KEY}`, never null", schema.name);
            let pointer = format!("/components/schemas/{}", schema.name);
            self.properties.fault(&pointer, problem, "add it");
        }
        // Its place among the types is before those that are reached from it.
        let index = self.entities.len();
        self.entities.push(EntityType {
            name: type_name(schema.map_or(node.name, |schema| &schema.name)),
            description: schema.and_then(|schema| schema.description.clone()),
            properties: Vec::new(),
            navigations: Vec::new(),
        });
        let navigations = self.navigations(place, &properties);
        self.entities[index].properties = properties;
        self.entities[index].navigations = navigations;
        let onward = |child: &Node<'a>| Onward {
            name: child.name.to_owned(),
            collection: child.key.is_some(),
            capabilities: Capabilities::of(self.api, child),
        };
        place.children().map(onward).collect()
    }

    /// The property that holds the key of what is referred to, by its name: `customerId` beside
    /// `customer`.
    fn dependent(&self, name: &str, schema: &str, properties: &[Property]) -> Option<String> {
        let expected = format!("{name}Id");
        let dependent = properties.iter().find(|one| one.name == expected)?;
        let target = self.properties.schema(schema)?;
        let Shape::Object { properties, .. } = &target.shape else {
            return None;
        };
        let key = properties.iter().find(|one| one.name == KEY)?;
        let fits =
            dependent.nullable && key.kind == Kind::Uuid && dependent.value.name == "Edm.Guid";
        fits.then_some(expected)
    }
}

/// Types and the container share one set of names, as do all that one type has.
fn clashes(model: &Model) -> Vec<Fault> {
    let types = model.entities.iter().map(|one| one.name.as_str());
    let complexes = model.complexes.iter().map(|one| one.name.as_str());
    let container = std::iter::once(model.container.as_str());
    let mut faults = twice(types.chain(complexes).chain(container), "the metadata");
    for entity in &model.entities {
        let properties = entity.properties.iter().map(|one| one.name.as_str());
        let navigations = entity.navigations.iter().map(|one| one.name.as_str());
        faults.extend(twice(properties.chain(navigations), &entity.name));
    }
    faults
}

fn twice<'n>(names: impl Iterator<Item = &'n str>, place: &str) -> Vec<Fault> {
    let mut seen = BTreeSet::new();
    let second: Vec<_> = names.filter(|name| !seen.insert(*name)).collect();
    let fault = |name: &str| {
        let problem = format!("`{name}` would be there twice in {place}");
        Fault::new(
            "/paths",
            problem,
            "rename a schema, a property or a segment",
        )
    };
    second.into_iter().map(fault).collect()
}
