//! Operations: what they are called, who may use them, and their bodies.

use serde_json::{Map, Value};

use super::head::{requirements, strings};
use super::{Lowering, flag, members, string};
use crate::model::{Operation, RequestBody};
use crate::names;
use crate::spec::{RawOperation, reference_name};

impl<'a> Lowering<'a> {
    /// An operation with its tag.
    pub(super) fn operation(&mut self, raw: &RawOperation<'a>) -> Option<(String, Operation)> {
        let (value, pointer) = (raw.value, raw.pointer.as_str());
        let carried = [
            "operationId",
            "tags",
            "summary",
            "description",
            "parameters",
            "requestBody",
            "responses",
            "security",
            "deprecated",
        ];
        self.only(value, pointer, &carried);
        let id = self.operation_id(value, pointer)?;
        let [tag] = strings(value.get("tags")?).try_into().ok().or_else(|| {
            self.fault(
                pointer,
                "an operation needs exactly one tag",
                "name one tag",
            );
            None
        })?;
        let own = value.get("security").map(|_| requirements(value));
        let extensions = extensions(value);
        let operation = Operation {
            stem: names::camel(&id),
            method: raw.method.to_owned(),
            path: raw.path.to_owned(),
            summary: string(value, "summary"),
            description: string(value, "description"),
            deprecated: flag(value, "deprecated"),
            security: own.unwrap_or_else(|| requirements(self.spec.root())),
            permissions: extensions
                .get("x-permissions")
                .map(strings)
                .unwrap_or_default(),
            extensions,
            path_parameters: self.parameters(raw, "path"),
            query: self.parameters(raw, "query"),
            headers: self.parameters(raw, "header"),
            body: self.body(value, pointer),
            responses: self.responses(value, pointer, &id),
            id,
        };
        self.check_operation(&operation, pointer);
        Some((tag, operation))
    }

    fn operation_id(&mut self, value: &Value, pointer: &str) -> Option<String> {
        let id = value.get("operationId").and_then(Value::as_str)?;
        if names::field(id).as_deref() == Some(id) {
            return Some(id.to_owned());
        }
        let remedy = "write it in snake_case, and not as a word of Rust";
        self.fault(
            pointer,
            format!("`{id}` cannot be the name of a method"),
            remedy,
        );
        None
    }

    fn body(&mut self, value: &'a Value, pointer: &str) -> Option<RequestBody> {
        let place = format!("{pointer}/requestBody");
        let (body, place) = self.follow(value.get("requestBody")?, &place)?;
        self.only(body, &place, &["description", "required", "content"]);
        if !flag(body, "required") {
            let problem = "a body that may be left out is not carried";
            self.fault(&place, problem, "write `required: true`");
        }
        let mut media = members(body, "content");
        let (Some(("application/json", json)), None) = (
            media.next().map(|(name, value)| (name.as_str(), value)),
            media.next(),
        ) else {
            let problem = "a body of another type than application/json alone is not carried";
            self.fault(&place, problem, "offer application/json alone");
            return None;
        };
        let schema = self.named_schema(json, &place)?;
        Some(RequestBody {
            schema,
            description: string(body, "description"),
        })
    }

    pub(super) fn named_schema(&mut self, media: &Value, pointer: &str) -> Option<String> {
        self.only(media, pointer, &["schema"]);
        let name = media
            .get("schema")
            .and_then(reference_name)
            .map(str::to_owned);
        if name.is_none() {
            let problem = "a body whose schema has no name is not carried";
            self.fault(
                pointer,
                problem,
                "declare it under `components/schemas` and refer to it",
            );
        }
        name
    }
}

fn extensions(value: &Value) -> Map<String, Value> {
    let members = value.as_object().into_iter().flatten();
    members
        .filter(|(name, _)| name.starts_with("x-"))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}
