//! Named schemas: objects and enumerations, and what they reach.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{Lowering, flag, list, members, string};
use crate::model::{Kind, Property, Schema, Shape, Variant};
use crate::names;
use crate::spec::escape;

impl<'a> Lowering<'a> {
    /// Lowers a schema and all that it reaches, and notes from which side it was reached.
    pub(super) fn reach(
        &mut self,
        name: &str,
        by_request: bool,
        lowered: &mut BTreeMap<String, Schema>,
    ) {
        let known = lowered
            .get(name)
            .map(|schema| (schema.in_requests, schema.in_responses));
        match known {
            Some((true, _)) if by_request => return,
            Some((_, true)) if !by_request => return,
            Some(_) => {}
            None => match self.schema(name) {
                Some(schema) => {
                    lowered.insert(name.to_owned(), schema);
                }
                None => return,
            },
        }
        let Some(schema) = lowered.get_mut(name) else {
            return;
        };
        schema.in_requests |= by_request;
        schema.in_responses |= !by_request;
        for next in models(schema) {
            self.reach(&next, by_request, lowered);
        }
    }

    /// A schema that holds itself would be a type, and a document, without end.
    pub(super) fn check_cycles(&mut self, lowered: &BTreeMap<String, Schema>) {
        for name in lowered.keys() {
            let mut reached = BTreeSet::new();
            let mut next = vec![name.clone()];
            while let Some(holder) = next.pop() {
                let held = lowered.get(&holder).map(models).unwrap_or_default();
                next.extend(held.into_iter().filter(|name| reached.insert(name.clone())));
            }
            if reached.contains(name) {
                let pointer = format!("/components/schemas/{}", escape(name));
                let problem = format!("`{name}` holds itself");
                self.fault(&pointer, problem, "refer to the inner one by its id");
            }
        }
    }

    fn schema(&mut self, name: &str) -> Option<Schema> {
        let pointer = format!("/components/schemas/{}", escape(name));
        let spec = self.spec;
        let Some(value) = spec.root().pointer(&pointer) else {
            self.fault(&pointer, "there is no such schema", "declare it");
            return None;
        };
        if !names::is_type(name) {
            let remedy = "use a name of letters and digits that starts with a capital";
            self.fault(
                &pointer,
                format!("`{name}` cannot be the name of a type"),
                remedy,
            );
            return None;
        }
        let shape = match value.get("type").and_then(Value::as_str) {
            Some("object") => self.object(value, &pointer),
            Some("string") if value.get("enum").is_some() => {
                self.only(value, &pointer, &["type", "enum", "description", "example"]);
                Shape::Enumeration(self.variants(value, &pointer))
            }
            _ => {
                let remedy = "make it an object or an enumeration, or write it where it is used";
                self.fault(
                    &pointer,
                    "a named schema that is a plain value is not carried",
                    remedy,
                );
                return None;
            }
        };
        let (description, example) = (string(value, "description"), value.get("example").cloned());
        let name = name.to_owned();
        Some(Schema {
            name,
            description,
            example,
            shape,
            in_requests: false,
            in_responses: false,
        })
    }

    pub(super) fn variants(&mut self, value: &Value, pointer: &str) -> Vec<Variant> {
        let mut variants = Vec::new();
        for one in list(value, "enum") {
            match one.as_str() {
                Some(text) => variants.push(Variant {
                    value: text.to_owned(),
                    name: names::variant(text),
                }),
                None => self.fault(pointer, format!("`{one}` is no string"), "use strings only"),
            }
        }
        let pairs: Vec<_> = variants
            .iter()
            .map(|v| (v.name.as_str(), v.value.as_str()))
            .collect();
        self.clashes(pointer, pairs.into_iter());
        variants
    }

    fn object(&mut self, value: &'a Value, pointer: &str) -> Shape {
        let carried = [
            "type",
            "properties",
            "required",
            "additionalProperties",
            "description",
            "example",
        ];
        self.only(value, pointer, &carried);
        let open = value
            .get("additionalProperties")
            .is_none_or(|more| more == true);
        if !open && value["additionalProperties"] != false {
            let remedy = "leave it out or set it to false";
            self.fault(
                pointer,
                "`additionalProperties` with a schema is not carried",
                remedy,
            );
        }
        let required = super::head::strings(&value["required"]);
        let mut properties = Vec::new();
        for (name, property) in members(value, "properties") {
            let place = format!("{pointer}/properties/{}", escape(name));
            properties.extend(self.property(name, property, &place, required.contains(name)));
        }
        for name in required
            .iter()
            .filter(|name| properties.iter().all(|p| p.name != **name))
        {
            let problem = format!("`{name}` is required but is no property");
            self.fault(pointer, problem, "declare it, or do not require it");
        }
        let pairs: Vec<_> = properties
            .iter()
            .map(|p| (p.field.as_str(), p.name.as_str()))
            .collect();
        self.clashes(pointer, pairs.into_iter());
        Shape::Object {
            properties,
            closed: !open,
        }
    }

    fn property(
        &mut self,
        name: &str,
        value: &'a Value,
        pointer: &str,
        required: bool,
    ) -> Option<Property> {
        let kind = self.kind(value, pointer)?;
        let default = value.get("default").cloned();
        self.check_default(default.as_ref(), &kind, pointer);
        if default.is_some() && matches!(kind, Kind::Model(_)) {
            let problem = "a default beside a reference is not carried";
            self.fault(pointer, problem, "say it in the description");
        }
        Some(Property {
            name: name.to_owned(),
            field: self.field(name, pointer),
            description: string(value, "description"),
            required,
            nullable: flag(value, "nullable"),
            read_only: flag(value, "readOnly"),
            kind,
            default,
            example: value.get("example").cloned(),
        })
    }
}

/// The schemas that a schema refers to.
fn models(schema: &Schema) -> Vec<String> {
    let Shape::Object { properties, .. } = &schema.shape else {
        return Vec::new();
    };
    let named = |kind: &Kind| match kind {
        Kind::Model(name) => Some(name.clone()),
        Kind::Array { item, .. } => match item.as_ref() {
            Kind::Model(name) => Some(name.clone()),
            _ => None,
        },
        _ => None,
    };
    properties
        .iter()
        .filter_map(|property| named(&property.kind))
        .collect()
}
