//! Operations: their parameters, bodies and answers.

use serde_json::{Map, Value};

use super::head::{requirements, strings};
use super::{Lowering, flag, list, members, string};
use crate::model::{
    Content, Header, InlineShape, Kind, Operation, Parameter, RequestBody, Response, TextRules, Typed,
};
use crate::names;
use crate::spec::{RawOperation, escape, reference_name};

impl<'a> Lowering<'a> {
    /// An operation with its tag.
    pub(super) fn operation(&mut self, raw: &RawOperation<'a>) -> Option<(String, Operation)> {
        let (value, pointer) = (raw.value, raw.pointer.as_str());
        let carried = [
            "operationId", "tags", "summary", "description", "parameters", "requestBody", "responses",
            "security", "deprecated",
        ];
        self.only(value, pointer, &carried);
        let id = self.operation_id(value, pointer)?;
        let [tag] = strings(value.get("tags")?).try_into().ok().or_else(|| {
            self.fault(pointer, "an operation needs exactly one tag", "name one tag");
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
            permissions: extensions.get("x-permissions").map(strings).unwrap_or_default(),
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
        self.fault(pointer, format!("`{id}` cannot be the name of a method"), remedy);
        None
    }

    /// The parameters of one place: the path's own first, and the operation's in place of them.
    fn parameters(&mut self, raw: &RawOperation<'a>, place: &str) -> Vec<Parameter> {
        let mut found: Vec<(&'a Value, String)> = Vec::new();
        let of_path = format!("/paths/{}", escape(raw.path));
        for (holder, at) in [(raw.item, of_path.as_str()), (raw.value, raw.pointer.as_str())] {
            for (index, listed) in list(holder, "parameters").enumerate() {
                let pointer = format!("{at}/parameters/{index}");
                let Some((value, pointer)) = self.follow(listed, &pointer) else { continue };
                if value["in"] == place {
                    found.retain(|(other, _)| other["name"] != value["name"]);
                    found.push((value, pointer));
                } else if value["in"] == "cookie" {
                    self.fault(&pointer, "cookies are not carried", "use a header");
                }
            }
        }
        let mut parameters = Vec::new();
        for (value, pointer) in found {
            parameters.extend(self.parameter(value, &pointer));
        }
        let pairs: Vec<_> = parameters.iter().map(|p| (p.field.as_str(), p.name.as_str())).collect();
        self.clashes(&raw.pointer, pairs.into_iter());
        parameters
    }

    fn parameter(&mut self, value: &'a Value, pointer: &str) -> Option<Parameter> {
        let carried = ["name", "in", "required", "description", "schema", "example", "deprecated"];
        self.only(value, pointer, &carried);
        let place = format!("{pointer}/schema");
        let Some(schema) = value.get("schema") else {
            self.fault(pointer, "a parameter without a schema is not carried", "give it one");
            return None;
        };
        let kind = self.scalar(schema, &place)?;
        if matches!(kind, Kind::Number { .. }) {
            self.fault(&place, "a number in a parameter is not carried", "use an integer or a string");
            return None;
        }
        for dropped in ["example", "description"] {
            if schema.get(dropped).is_some() {
                let problem = format!("a parameter's schema carries no `{dropped}`");
                self.fault(&place, problem, "write it beside the schema");
            }
        }
        let default = schema.get("default").cloned();
        self.check_default(default.as_ref(), &kind, &place);
        let name = string(value, "name")?;
        Some(Parameter {
            field: self.field(&name, pointer),
            description: string(value, "description"),
            required: flag(value, "required") || value["in"] == "path",
            deprecated: flag(value, "deprecated"),
            kind,
            default,
            example: value.get("example").cloned(),
            name,
        })
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
        let (Some(("application/json", json)), None) =
            (media.next().map(|(name, value)| (name.as_str(), value)), media.next())
        else {
            let problem = "a body of another type than application/json alone is not carried";
            self.fault(&place, problem, "offer application/json alone");
            return None;
        };
        let schema = self.named_schema(json, &place)?;
        Some(RequestBody { schema, description: string(body, "description") })
    }

    fn named_schema(&mut self, media: &Value, pointer: &str) -> Option<String> {
        self.only(media, pointer, &["schema"]);
        let name = media.get("schema").and_then(reference_name).map(str::to_owned);
        if name.is_none() {
            let problem = "a body whose schema has no name is not carried";
            self.fault(pointer, problem, "declare it under `components/schemas` and refer to it");
        }
        name
    }

    fn responses(&mut self, value: &'a Value, pointer: &str, id: &str) -> Vec<Response> {
        let mut responses = Vec::new();
        for (code, listed) in members(value, "responses") {
            let place = format!("{pointer}/responses/{code}");
            let known = code.parse().ok().and_then(|n| Some((n, names::status(n)?)));
            let Some((status, variant)) = known else {
                let problem = format!("the status `{code}` is not carried");
                self.fault(&place, problem, "write each status as a number of its own");
                continue;
            };
            let Some((response, place)) = self.follow(listed, &place) else { continue };
            self.only(response, &place, &["description", "headers", "content"]);
            let shared = reference_name(listed).filter(|name| names::is_type(name));
            responses.push(Response {
                status,
                variant: variant.to_owned(),
                shared: shared.map(str::to_owned),
                description: string(response, "description").unwrap_or_default(),
                headers: self.headers(response, &place),
                content: self.content(response, &place, id),
            });
        }
        responses.sort_by_key(|response| response.status);
        responses
    }

    fn content(&mut self, response: &'a Value, pointer: &str, id: &str) -> Content {
        let mut media = members(response, "content");
        match (media.next().map(|(name, value)| (name.as_str(), value)), media.next()) {
            (None, _) => Content::Empty,
            (Some(("application/json", json)), None) => {
                self.named_schema(json, pointer).map_or(Content::Empty, Content::Json)
            }
            (Some(("text/plain", text)), None) => {
                self.only(text, pointer, &["schema"]);
                let typed = self.typed(&text["schema"], pointer, &format!("{id}_text"));
                typed.map_or(Content::Empty, Content::Text)
            }
            _ => {
                let problem = "an answer of other types than these is not carried";
                self.fault(pointer, problem, "use application/json or text/plain, one of them");
                Content::Empty
            }
        }
    }

    fn headers(&mut self, response: &'a Value, pointer: &str) -> Vec<Header> {
        let mut headers = Vec::new();
        for (name, listed) in members(response, "headers") {
            let place = format!("{pointer}/headers/{}", escape(name));
            let Some((header, place)) = self.follow(listed, &place) else { continue };
            self.only(header, &place, &["description", "required", "schema"]);
            let Some(typed) = self.typed(&header["schema"], &place, &format!("{name}_header")) else {
                continue;
            };
            let layered = self.settings.layer_headers.iter().any(|own| own.eq_ignore_ascii_case(name));
            headers.push(Header {
                name: name.clone(),
                field: self.field(name, &place),
                description: string(header, "description"),
                required: flag(header, "required"),
                layered,
                typed,
            });
        }
        let fields = headers.iter().filter(|header| !header.layered);
        let pairs: Vec<_> = fields.map(|h| (h.field.as_str(), h.name.as_str())).collect();
        self.clashes(pointer, pairs.into_iter().chain([("body", "the body")]));
        headers
    }

    /// The type of a header or text, with a name for its schema where the type says too little.
    fn typed(&mut self, schema: &Value, pointer: &str, stem: &str) -> Option<Typed> {
        let place = format!("{pointer}/schema");
        let prose = (string(schema, "description"), schema.get("example").cloned());
        if schema.get("enum").is_some() {
            self.only(schema, &place, &["type", "enum", "description", "example"]);
            let shape = InlineShape::Enumeration(self.variants(schema, &place));
            return Some(Typed { rust: "String", inline: Some(self.inline(stem, shape, prose)) });
        }
        let kind = self.scalar(schema, &place)?;
        let rust = match &kind {
            Kind::Integer { wide: false, .. } => "i32",
            Kind::Integer { wide: true, .. } => "i64",
            Kind::Boolean => "bool",
            _ => "String",
        };
        let says_all = match &kind {
            Kind::Text(rules) => *rules == TextRules::default(),
            Kind::Integer { minimum, maximum, .. } => minimum.is_none() && maximum.is_none(),
            kind => *kind == Kind::Boolean,
        } && prose == (None, None);
        let inline = (!says_all).then(|| self.inline(stem, InlineShape::Scalar(kind), prose));
        Some(Typed { rust, inline })
    }
}

fn extensions(value: &Value) -> Map<String, Value> {
    let members = value.as_object().into_iter().flatten();
    members
        .filter(|(name, _)| name.starts_with("x-"))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}
