//! Schemas: the subset that the stubs carry, and a fault for all beyond it.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{Lowering, flag, list, members, string};
use crate::model::{Kind, Pattern, Property, Schema, Shape, TextRules, Variant};
use crate::spec::{escape, reference_name};
use crate::{names, patterns};

/// What any schema of a value may say beside its own constraints.
const COMMON: [&str; 8] =
    ["type", "format", "description", "example", "default", "nullable", "readOnly", "title"];

impl<'a> Lowering<'a> {
    /// Lowers a schema and all that it reaches, and notes from which side it was reached.
    pub(super) fn reach(&mut self, name: &str, by_request: bool, lowered: &mut BTreeMap<String, Schema>) {
        let known = lowered.get(name).map(|schema| (schema.in_requests, schema.in_responses));
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
        let Some(schema) = lowered.get_mut(name) else { return };
        schema.in_requests |= by_request;
        schema.in_responses |= !by_request;
        for next in models(schema) {
            self.reach(&next, by_request, lowered);
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
            self.fault(&pointer, format!("`{name}` cannot be the name of a type"), remedy);
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
                self.fault(&pointer, "a named schema that is a plain value is not carried", remedy);
                return None;
            }
        };
        let (description, example) = (string(value, "description"), value.get("example").cloned());
        let name = name.to_owned();
        Some(Schema { name, description, example, shape, in_requests: false, in_responses: false })
    }

    pub(super) fn variants(&mut self, value: &Value, pointer: &str) -> Vec<Variant> {
        let mut variants = Vec::new();
        for one in list(value, "enum") {
            match one.as_str() {
                Some(text) => variants.push(Variant { value: text.to_owned(), name: names::variant(text) }),
                None => self.fault(pointer, format!("`{one}` is no string"), "use strings only"),
            }
        }
        let pairs: Vec<_> = variants.iter().map(|v| (v.name.as_str(), v.value.as_str())).collect();
        self.clashes(pointer, pairs.into_iter());
        variants
    }

    fn object(&mut self, value: &'a Value, pointer: &str) -> Shape {
        let carried =
            ["type", "properties", "required", "additionalProperties", "description", "example"];
        self.only(value, pointer, &carried);
        let open = value.get("additionalProperties").is_none_or(|more| more == true);
        if !open && value["additionalProperties"] != false {
            let remedy = "leave it out or set it to false";
            self.fault(pointer, "`additionalProperties` with a schema is not carried", remedy);
        }
        let required = super::head::strings(&value["required"]);
        let mut properties = Vec::new();
        for (name, property) in members(value, "properties") {
            let place = format!("{pointer}/properties/{}", escape(name));
            properties.extend(self.property(name, property, &place, required.contains(name)));
        }
        for name in required.iter().filter(|name| properties.iter().all(|p| p.name != **name)) {
            let problem = format!("`{name}` is required but is no property");
            self.fault(pointer, problem, "declare it, or do not require it");
        }
        let pairs: Vec<_> = properties.iter().map(|p| (p.field.as_str(), p.name.as_str())).collect();
        self.clashes(pointer, pairs.into_iter());
        Shape::Object { properties, closed: !open }
    }

    fn property(&mut self, name: &str, value: &'a Value, pointer: &str, required: bool) -> Option<Property> {
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

    /// What a value is: a reference, an array or a scalar.
    fn kind(&mut self, value: &'a Value, pointer: &str) -> Option<Kind> {
        if let Some(name) = reference_name(value) {
            return Some(Kind::Model(name.to_owned()));
        }
        if value.get("allOf").is_some() {
            return self.wrapped(value, pointer);
        }
        match value.get("type").and_then(Value::as_str) {
            Some("array") => self.array(value, pointer),
            Some("object") => {
                let problem = "an object without a name is not carried";
                self.fault(pointer, problem, "declare it under `components/schemas`");
                None
            }
            _ => self.scalar(value, pointer),
        }
    }

    /// `allOf` with one reference: the way to say more of a reference than it says itself.
    fn wrapped(&mut self, value: &'a Value, pointer: &str) -> Option<Kind> {
        let carried = ["type", "allOf", "nullable", "description", "default", "readOnly"];
        self.only(value, pointer, &carried);
        let only = value["allOf"].as_array().filter(|all| all.len() == 1).and_then(|all| all.first());
        if let Some(name) = only.and_then(reference_name) {
            return Some(Kind::Model(name.to_owned()));
        }
        let problem = "`allOf` is carried only around a single reference";
        self.fault(pointer, problem, "declare one schema with all properties");
        None
    }

    fn array(&mut self, value: &'a Value, pointer: &str) -> Option<Kind> {
        let carried = ["type", "items", "minItems", "maxItems", "nullable", "description", "example", "readOnly"];
        self.only(value, pointer, &carried);
        let place = format!("{pointer}/items");
        let Some(items) = value.get("items") else {
            self.fault(pointer, "an array without `items`", "say what its items are");
            return None;
        };
        let item = self.kind(items, &place)?;
        if !plain(&item) || flag(items, "nullable") {
            let problem = "items with constraints of their own are not carried";
            self.fault(&place, problem, "use a plain type or a reference");
        }
        let number = |name| value.get(name).and_then(Value::as_u64);
        let (min_items, max_items) = (number("minItems"), number("maxItems"));
        Some(Kind::Array { item: Box::new(item), min_items, max_items })
    }

    /// A value that is neither object nor array, of JSON as of parameters and headers.
    pub(super) fn scalar(&mut self, value: &Value, pointer: &str) -> Option<Kind> {
        let format = value.get("format").and_then(Value::as_str);
        match (value.get("type").and_then(Value::as_str), format) {
            (Some("string"), Some("uuid")) => self.bare(value, pointer, Kind::Uuid),
            (Some("string"), Some("date")) => self.bare(value, pointer, Kind::Date),
            (Some("string"), Some("date-time")) => self.bare(value, pointer, Kind::DateTime),
            (Some("boolean"), None) => self.bare(value, pointer, Kind::Boolean),
            (Some("string"), None | Some("email" | "uri")) => self.text(value, pointer),
            (Some("integer"), Some("int32" | "int64")) => self.integer(value, pointer),
            (Some("number"), Some("double")) => self.number(value, pointer),
            (Some("integer"), _) => {
                let remedy = "write `format: int32` or `format: int64`";
                self.fault(pointer, "an integer whose size is not said", remedy);
                None
            }
            (kind, format) => {
                let what = format!("{} {}", kind.unwrap_or("no type"), format.unwrap_or_default());
                let problem = format!("`{}` is not carried into the stubs", what.trim());
                let remedy = "use string (uuid, date, date-time, email, uri), integer (int32, int64), \
                    number (double) or boolean";
                self.fault(pointer, problem, remedy);
                None
            }
        }
    }

    fn bare(&mut self, value: &Value, pointer: &str, kind: Kind) -> Option<Kind> {
        self.only(value, pointer, &COMMON);
        Some(kind)
    }

    fn text(&mut self, value: &Value, pointer: &str) -> Option<Kind> {
        self.only(value, pointer, &[&COMMON[..], &["minLength", "maxLength", "pattern"]].concat());
        let number = |name| value.get(name).and_then(Value::as_u64);
        Some(Kind::Text(TextRules {
            min_length: number("minLength"),
            max_length: number("maxLength"),
            pattern: self.pattern(value, pointer),
            format: string(value, "format"),
        }))
    }

    fn pattern(&mut self, value: &Value, pointer: &str) -> Option<Pattern> {
        let source = value.get("pattern")?.as_str()?.to_owned();
        match patterns::translate(&source) {
            Ok(rust) => Some(Pattern { source, rust }),
            Err(reason) => {
                let remedy = "use what ECMA-262 and Rust's `regex` both have";
                self.fault(pointer, format!("the pattern `{source}` is not carried: {reason}"), remedy);
                None
            }
        }
    }

    fn integer(&mut self, value: &Value, pointer: &str) -> Option<Kind> {
        self.only(value, pointer, &[&COMMON[..], &["minimum", "maximum"]].concat());
        let wide = value["format"] == "int64";
        let mut bound = |name| {
            let number = value.get(name)?;
            let fits = number.as_i64().filter(|n| wide || i32::try_from(*n).is_ok());
            if fits.is_none() {
                let problem = format!("`{name}: {number}` is no integer of this format");
                self.fault(pointer, problem, "use a bound that the format has, or none");
            }
            fits
        };
        let (minimum, maximum) = (bound("minimum"), bound("maximum"));
        Some(Kind::Integer { wide, minimum, maximum })
    }

    fn number(&mut self, value: &Value, pointer: &str) -> Option<Kind> {
        self.only(value, pointer, &[&COMMON[..], &["minimum", "maximum"]].concat());
        let bound = |name| value.get(name).and_then(Value::as_f64);
        Some(Kind::Number { minimum: bound("minimum"), maximum: bound("maximum") })
    }

    /// A default must be a value of its type.
    pub(super) fn check_default(&mut self, default: Option<&Value>, kind: &Kind, pointer: &str) {
        let fits = match (default, kind) {
            (None, _) => true,
            (Some(default), Kind::Text(_)) => default.is_string(),
            (Some(default), Kind::Boolean) => default.is_boolean(),
            (Some(default), Kind::Number { .. }) => default.is_number(),
            (Some(default), Kind::Integer { wide, .. }) => {
                default.as_i64().is_some_and(|n| *wide || i32::try_from(n).is_ok())
            }
            (Some(_), _) => false,
        };
        if !fits {
            let problem = "this default is not carried into the stubs";
            self.fault(pointer, problem, "use a string, a number or a boolean of the same type");
        }
    }
}

fn plain(kind: &Kind) -> bool {
    match kind {
        Kind::Text(rules) => *rules == TextRules::default(),
        Kind::Integer { minimum, maximum, .. } => minimum.is_none() && maximum.is_none(),
        Kind::Number { minimum, maximum } => minimum.is_none() && maximum.is_none(),
        Kind::Array { .. } => false,
        Kind::Uuid | Kind::Date | Kind::DateTime | Kind::Boolean | Kind::Model(_) => true,
    }
}

/// The schemas that a schema refers to.
fn models(schema: &Schema) -> Vec<String> {
    let Shape::Object { properties, .. } = &schema.shape else { return Vec::new() };
    let named = |kind: &Kind| match kind {
        Kind::Model(name) => Some(name.clone()),
        Kind::Array { item, .. } => match item.as_ref() {
            Kind::Model(name) => Some(name.clone()),
            _ => None,
        },
        _ => None,
    };
    properties.iter().filter_map(|property| named(&property.kind)).collect()
}
