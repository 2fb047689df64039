//! From the document to the model: references followed, quirks settled, and everything that the
//! stubs cannot carry noted as a fault.

mod head;
mod kind;
mod listed;
mod operation;
mod parameter;
mod response;
mod rules;
mod schema;

use std::collections::BTreeMap;

pub(crate) use rules::precondition;
use serde_json::Value;

use crate::model::{Api, Inline, Operation, Schema, Tag};
use crate::stubs::Settings;
use crate::{Fault, Spec, names};

/// The model of a document, or every fault that stands in its way.
pub(crate) fn lower(spec: &Spec, settings: &Settings) -> Result<Api, Vec<Fault>> {
    let mut lowering = Lowering {
        spec,
        settings,
        faults: Vec::new(),
        inlines: Vec::new(),
    };
    let api = lowering.api();
    if lowering.faults.is_empty() {
        return Ok(api);
    }
    let mut faults = lowering.faults;
    faults.sort();
    faults.dedup();
    Err(faults)
}

struct Lowering<'a> {
    spec: &'a Spec,
    settings: &'a Settings,
    faults: Vec<Fault>,
    inlines: Vec<Inline>,
}

impl<'a> Lowering<'a> {
    fn api(&mut self) -> Api {
        let head = self.head();
        let operations: Vec<(String, Operation)> = self
            .spec
            .operations()
            .iter()
            .filter_map(|raw| self.operation(raw))
            .collect();
        let error_body = self.error_body();
        self.check_routes();
        let schemas = self.schemas(&operations);
        let listed = listed::listed(&operations, &schemas);
        let tags = self.tags(&head.tags, operations);
        let api = Api {
            head,
            tags,
            schemas,
            listed,
            inlines: std::mem::take(&mut self.inlines),
            error_body,
        };
        self.check_names(&api);
        api
    }

    fn fault(&mut self, pointer: &str, problem: impl Into<String>, remedy: impl Into<String>) {
        self.faults.push(Fault::new(pointer, problem, remedy));
    }

    /// The value that a reference leads to and where that stands.
    fn follow(&mut self, value: &'a Value, pointer: &str) -> Option<(&'a Value, String)> {
        let Some(reference) = value.get("$ref").and_then(Value::as_str) else {
            return Some((value, pointer.to_owned()));
        };
        let Some(found) = self.spec.resolve(value) else {
            let remedy = "point it at a component of this document";
            self.fault(
                pointer,
                format!("the reference `{reference}` leads nowhere"),
                remedy,
            );
            return None;
        };
        Some((found, reference.trim_start_matches('#').to_owned()))
    }

    /// Faults for members that the stubs would silently drop.
    fn only(&mut self, value: &Value, pointer: &str, carried: &[&str]) {
        for name in value
            .as_object()
            .into_iter()
            .flat_map(|object| object.keys())
        {
            if !carried.contains(&name.as_str()) && !name.starts_with("x-") {
                let known = carried.join("`, `");
                let problem = format!("`{name}` is not carried into the stubs");
                self.fault(pointer, problem, format!("use only `{known}`"));
            }
        }
    }

    /// Faults for members that are carried elsewhere but not here.
    fn without(&mut self, value: &Value, pointer: &str, dropped: &[&str]) {
        for name in dropped.iter().filter(|name| value.get(**name).is_some()) {
            let problem = format!("`{name}` is not carried here");
            self.fault(
                pointer,
                problem,
                "leave it out, or write it beside the schema",
            );
        }
    }

    /// The identifier of a field or module.
    fn field(&mut self, name: &str, pointer: &str) -> String {
        names::field(name).unwrap_or_else(|| {
            let problem = format!("`{name}` gives no identifier");
            self.fault(pointer, problem, "use a name with ASCII letters");
            "unnamed".to_owned()
        })
    }

    fn tags(
        &mut self,
        declared: &[(String, Option<String>)],
        operations: Vec<(String, Operation)>,
    ) -> Vec<Tag> {
        let mut tags: Vec<Tag> = Vec::new();
        for (name, description) in declared {
            let module = self.field(name, "/tags");
            let api = format!("{}Api", names::camel(name));
            let description = description.clone();
            tags.push(Tag {
                name: name.clone(),
                description,
                module,
                api,
                operations: Vec::new(),
            });
        }
        for (tag, operation) in operations {
            match tags.iter_mut().find(|known| known.name == tag) {
                Some(known) => known.operations.push(operation),
                None => self.fault(
                    "/tags",
                    format!("the tag `{tag}` of `{}` is not declared", operation.id),
                    "add it here, with a description",
                ),
            }
        }
        tags.retain(|tag| !tag.operations.is_empty());
        tags
    }

    /// Names that are distinct in the document must be distinct in Rust.
    fn check_names(&mut self, api: &Api) {
        let modules = api
            .tags
            .iter()
            .map(|tag| (tag.module.as_str(), tag.name.as_str()));
        let own = ["types", "document", "properties", "responses", "support"].map(|own| (own, own));
        self.clashes("/tags", modules.chain(own));
        let operations = api.tags.iter().flat_map(|tag| &tag.operations);
        let stems = operations.map(|one| (one.stem.as_str(), one.id.as_str()));
        self.clashes("/paths", stems);
        let inlines = api
            .inlines
            .iter()
            .map(|inline| (inline.name.as_str(), "a header or text"));
        let schemas = api
            .schemas
            .iter()
            .map(|one| (one.name.as_str(), one.name.as_str()));
        self.clashes("/components/schemas", schemas.chain(inlines));
        for listed in &api.listed {
            let leaves = listed.leaves.iter();
            let pointer = format!("/components/schemas/{}", listed.schema);
            self.clashes(
                &pointer,
                leaves.map(|leaf| (leaf.name.as_str(), leaf.path.as_str())),
            );
        }
    }

    fn clashes<'n>(&mut self, pointer: &str, pairs: impl Iterator<Item = (&'n str, &'n str)>) {
        for (rust, owners) in names::clashes(pairs) {
            let owners = owners.join("` and `");
            let problem = format!("`{owners}` would all be called `{rust}`");
            self.fault(pointer, problem, "rename all but one");
        }
    }

    /// The name of an inline schema: one schema, one name; other schemas get a number.
    fn inline(&mut self, stem: &str, mut inline: Inline) -> String {
        let mut number = 1;
        inline.name = names::camel(stem);
        while let Some(known) = self.inlines.iter().find(|known| known.name == inline.name) {
            if *known == inline {
                return inline.name;
            }
            number += 1;
            inline.name = format!("{}{number}", names::camel(stem));
        }
        self.inlines.push(inline.clone());
        inline.name
    }

    /// The operations' schemas and all that these reach, in the document's order.
    fn schemas(&mut self, operations: &[(String, Operation)]) -> Vec<Schema> {
        let mut lowered: BTreeMap<String, Schema> = BTreeMap::new();
        for (_, operation) in operations {
            if let Some(body) = &operation.body {
                self.reach(&body.schema, true, &mut lowered);
            }
            for response in &operation.responses {
                if let crate::model::Content::Json(schema) = &response.content {
                    self.reach(schema, false, &mut lowered);
                }
            }
        }
        self.check_cycles(&lowered);
        let declared = self
            .spec
            .root()
            .pointer("/components/schemas")
            .and_then(Value::as_object);
        let order = declared.into_iter().flat_map(|schemas| schemas.keys());
        order.filter_map(|name| lowered.remove(name)).collect()
    }
}

fn string(value: &Value, name: &str) -> Option<String> {
    // Block texts of YAML end with a newline that means nothing.
    value
        .get(name)
        .and_then(Value::as_str)
        .map(|text| text.trim_end().to_owned())
}

fn flag(value: &Value, name: &str) -> bool {
    value.get(name).and_then(Value::as_bool).unwrap_or(false)
}

fn list<'v>(value: &'v Value, name: &str) -> impl Iterator<Item = &'v Value> {
    value
        .get(name)
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
}

fn members<'v>(value: &'v Value, name: &str) -> impl Iterator<Item = (&'v String, &'v Value)> {
    value
        .get(name)
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
}
