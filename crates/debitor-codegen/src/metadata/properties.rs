//! Properties of entities and of complex values, in the types of the entity data model.

use std::collections::BTreeSet;

use super::{is_identifier, type_name};
use crate::Fault;
use crate::model::{self, Api, Kind, Shape};

/// A property.
pub(super) struct Property {
    pub(super) name: String,
    pub(super) description: Option<String>,
    pub(super) nullable: bool,
    pub(super) value: ValueType,
    /// The term that says that clients cannot set it.
    pub(super) set_by_service: Option<&'static str>,
}

/// What a property holds.
#[derive(Default)]
pub(super) struct ValueType {
    /// A primitive type's name; of a complex type the name without its namespace.
    pub(super) name: String,
    pub(super) complex: bool,
    pub(super) collection: bool,
    pub(super) max_length: Option<u64>,
    pub(super) precision: Option<usize>,
    /// The only texts that it can be, if they are listed.
    pub(super) allowed: Vec<String>,
}

/// A type of values that have members.
pub(super) struct ComplexType {
    pub(super) name: String,
    pub(super) description: Option<String>,
    pub(super) properties: Vec<Property>,
}

/// What is made of schemas on the way, and what is wrong with them.
pub(super) struct Properties<'a> {
    api: &'a Api,
    /// Schemas of complex values that were met.
    met: BTreeSet<&'a str>,
    pub(super) faults: Vec<Fault>,
}

impl<'a> Properties<'a> {
    pub(super) fn new(api: &'a Api) -> Self {
        Self {
            api,
            met: BTreeSet::new(),
            faults: Vec::new(),
        }
    }

    pub(super) fn schema(&self, name: &str) -> Option<&'a model::Schema> {
        self.api.schemas.iter().find(|schema| schema.name == name)
    }

    /// The properties of an object's schema that are data: control information such as
    /// `@odata.etag` is OData's own.
    pub(super) fn of(&mut self, schema: &'a model::Schema) -> Vec<Property> {
        let Shape::Object { properties, .. } = &schema.shape else {
            return Vec::new();
        };
        let data = properties.iter().filter(|one| !one.name.contains('@'));
        data.filter_map(|one| self.property(one, &schema.name))
            .collect()
    }

    fn property(&mut self, property: &'a model::Property, schema: &str) -> Option<Property> {
        let place = format!("/components/schemas/{schema}/properties/{}", property.name);
        if !is_identifier(&property.name) {
            let problem = format!("`{}` cannot be a name in the metadata", property.name);
            self.fault(&place, problem, "use letters, digits and underscores");
            return None;
        }
        let mut value = self.value(&property.kind, &place)?;
        if value.collection && property.nullable {
            let remedy = "answer an empty list instead";
            self.fault(&place, "a list is never null in OData", remedy);
        }
        if property.kind == Kind::DateTime {
            value.precision = self.precision(property, &place);
        }
        Some(Property {
            name: property.name.clone(),
            description: property.description.clone(),
            nullable: property.nullable,
            value,
            set_by_service: None,
        })
    }

    fn value(&mut self, kind: &'a Kind, place: &str) -> Option<ValueType> {
        let primitive = match kind {
            Kind::Text(_) => "Edm.String",
            Kind::Uuid => "Edm.Guid",
            Kind::Date => "Edm.Date",
            Kind::DateTime => "Edm.DateTimeOffset",
            Kind::Integer { wide: true, .. } => "Edm.Int64",
            Kind::Integer { wide: false, .. } => "Edm.Int32",
            Kind::Number { .. } => "Edm.Double",
            Kind::Boolean => "Edm.Boolean",
            Kind::Model(name) => return self.named(name, place),
            Kind::Array { item, .. } => {
                let collection = true;
                return self
                    .value(item, place)
                    .map(|item| ValueType { collection, ..item });
            }
        };
        let max_length = match kind {
            Kind::Text(rules) => rules.max_length,
            _ => None,
        };
        Some(ValueType {
            name: primitive.into(),
            max_length,
            ..ValueType::default()
        })
    }

    /// Enumerations are strings, as in Graph, so that a new value breaks no client.
    fn named(&mut self, name: &str, place: &str) -> Option<ValueType> {
        let Some(schema) = self.schema(name) else {
            self.fault(place, format!("there is no `{name}`"), "declare it");
            return None;
        };
        if let Shape::Enumeration(variants) = &schema.shape {
            let allowed = variants.iter().map(|one| one.value.clone()).collect();
            return Some(ValueType {
                name: "Edm.String".into(),
                allowed,
                ..ValueType::default()
            });
        }
        self.met.insert(&schema.name);
        Some(ValueType {
            name: type_name(name),
            complex: true,
            ..ValueType::default()
        })
    }

    /// Without a precision a time has whole seconds; the example shows what is answered.
    fn precision(&mut self, property: &model::Property, place: &str) -> Option<usize> {
        let example = property.example.as_ref().and_then(|value| value.as_str());
        let Some(example) = example else {
            let problem = "no example shows how fine the time is";
            let remedy = "write `example:` with as many digits as are answered";
            self.fault(place, problem, remedy);
            return None;
        };
        let fraction = example.split_once('.').map(|(_, rest)| rest);
        let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
        fraction.map(digits)
    }

    /// The complex types that were met, and those that they hold, in the document's order.
    pub(super) fn complexes(&mut self) -> Vec<ComplexType> {
        let mut done = std::collections::BTreeMap::new();
        while let Some(name) = self.met.pop_first() {
            if let Some(schema) = self.schema(name).filter(|_| !done.contains_key(name)) {
                done.insert(name, self.complex(schema));
            }
        }
        let order = self.api.schemas.iter();
        order
            .filter_map(|schema| done.remove(schema.name.as_str()))
            .collect()
    }

    fn complex(&mut self, schema: &'a model::Schema) -> ComplexType {
        ComplexType {
            name: type_name(&schema.name),
            description: schema.description.clone(),
            properties: self.of(schema),
        }
    }

    pub(super) fn fault(&mut self, place: &str, problem: impl Into<String>, remedy: &str) {
        self.faults.push(Fault::new(place, problem, remedy));
    }
}
