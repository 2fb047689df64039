//! Answers: their headers and bodies.

use serde_json::Value;

use super::kind::plain;
use super::{Lowering, flag, members, string};
use crate::model::{Content, Header, Inline, InlineShape, Kind, Response, Typed};
use crate::names;
use crate::spec::{escape, reference_name};

impl<'a> Lowering<'a> {
    pub(super) fn responses(&mut self, value: &'a Value, pointer: &str, id: &str) -> Vec<Response> {
        let mut responses = Vec::new();
        for (code, listed) in members(value, "responses") {
            let place = format!("{pointer}/responses/{code}");
            let known = code.parse().ok().and_then(|n| Some((n, names::status(n)?)));
            let Some((status, variant)) = known else {
                let problem = format!("the status `{code}` is not carried");
                self.fault(&place, problem, "write each status as a number of its own");
                continue;
            };
            let Some((response, place)) = self.follow(listed, &place) else {
                continue;
            };
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
        match (
            media.next().map(|(name, value)| (name.as_str(), value)),
            media.next(),
        ) {
            (None, _) => Content::Empty,
            (Some(("application/json", json)), None) => self
                .named_schema(json, pointer)
                .map_or(Content::Empty, Content::Json),
            (Some(("text/plain", text)), None) => {
                self.only(text, pointer, &["schema"]);
                let typed = self.typed(&text["schema"], pointer, &format!("{id}_text"));
                typed.map_or(Content::Empty, Content::Text)
            }
            _ => {
                let problem = "an answer of other types than these is not carried";
                self.fault(
                    pointer,
                    problem,
                    "use application/json or text/plain, one of them",
                );
                Content::Empty
            }
        }
    }

    fn headers(&mut self, response: &'a Value, pointer: &str) -> Vec<Header> {
        let mut headers = Vec::new();
        for (name, listed) in members(response, "headers") {
            let place = format!("{pointer}/headers/{}", escape(name));
            let Some((header, place)) = self.follow(listed, &place) else {
                continue;
            };
            self.only(header, &place, &["description", "required", "schema"]);
            let Some(typed) = self.typed(&header["schema"], &place, &format!("{name}_header"))
            else {
                continue;
            };
            let layered = self
                .settings
                .layer_headers
                .iter()
                .any(|own| own.eq_ignore_ascii_case(name));
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
        let pairs: Vec<_> = fields
            .map(|h| (h.field.as_str(), h.name.as_str()))
            .collect();
        self.clashes(pointer, pairs.into_iter().chain([("body", "the body")]));
        headers
    }

    /// The type of a header or text, with a name for its schema where the type says too little.
    fn typed(&mut self, schema: &Value, pointer: &str, stem: &str) -> Option<Typed> {
        let place = format!("{pointer}/schema");
        self.without(schema, &place, &["default", "nullable", "readOnly"]);
        let shape = if schema.get("enum").is_some() {
            self.only(schema, &place, &["type", "enum", "description", "example"]);
            InlineShape::Enumeration(self.variants(schema, &place))
        } else {
            InlineShape::Scalar(self.scalar(schema, &place)?)
        };
        let rust = match &shape {
            InlineShape::Scalar(Kind::Integer { wide: false, .. }) => "i32",
            InlineShape::Scalar(Kind::Integer { wide: true, .. }) => "i64",
            InlineShape::Scalar(Kind::Boolean) => "bool",
            _ => "String",
        };
        let inline = Inline {
            name: String::new(),
            shape,
            description: string(schema, "description"),
            example: schema.get("example").cloned(),
        };
        let inline = (!says_no_more(&inline)).then(|| self.inline(stem, inline));
        Some(Typed { rust, inline })
    }
}

/// Whether the Rust type of an inline schema says all that there is to say.
fn says_no_more(inline: &Inline) -> bool {
    let InlineShape::Scalar(kind) = &inline.shape else {
        return false;
    };
    let formatted = matches!(kind, Kind::Uuid | Kind::Date | Kind::DateTime);
    plain(kind) && !formatted && inline.description.is_none() && inline.example.is_none()
}
