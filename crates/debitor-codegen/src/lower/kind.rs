//! Values: the kinds that the stubs carry, and a fault for all beyond them.

use serde_json::Value;

use super::{Lowering, string};
use crate::model::{Kind, Pattern, TextRules};
use crate::patterns;
use crate::spec::reference_name;

/// What any schema of a value may say beside its own constraints.
const COMMON: [&str; 7] = [
    "type",
    "format",
    "description",
    "example",
    "default",
    "nullable",
    "readOnly",
];

impl<'a> Lowering<'a> {
    /// What a value is: a reference, an array or a scalar.
    pub(super) fn kind(&mut self, value: &'a Value, pointer: &str) -> Option<Kind> {
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
        let carried = [
            "type",
            "allOf",
            "nullable",
            "description",
            "default",
            "readOnly",
        ];
        self.only(value, pointer, &carried);
        let only = value["allOf"]
            .as_array()
            .filter(|all| all.len() == 1)
            .and_then(|all| all.first());
        if let Some(name) = only.and_then(reference_name) {
            return Some(Kind::Model(name.to_owned()));
        }
        let problem = "`allOf` is carried only around a single reference";
        self.fault(pointer, problem, "declare one schema with all properties");
        None
    }

    fn array(&mut self, value: &'a Value, pointer: &str) -> Option<Kind> {
        let carried = [
            "type",
            "items",
            "minItems",
            "maxItems",
            "nullable",
            "description",
            "example",
            "readOnly",
        ];
        self.only(value, pointer, &carried);
        let place = format!("{pointer}/items");
        let Some(items) = value.get("items") else {
            self.fault(
                pointer,
                "an array without `items`",
                "say what its items are",
            );
            return None;
        };
        let item = self.kind(items, &place)?;
        if !plain(&item) {
            let problem = "items with constraints of their own are not carried";
            self.fault(&place, problem, "use a plain type or a reference");
        }
        self.without(
            items,
            &place,
            &["nullable", "default", "readOnly", "example", "description"],
        );
        let number = |name| value.get(name).and_then(Value::as_u64);
        let (min_items, max_items) = (number("minItems"), number("maxItems"));
        Some(Kind::Array {
            item: Box::new(item),
            min_items,
            max_items,
        })
    }

    /// A value that is neither object nor array, of JSON as of parameters and headers.
    pub(super) fn scalar(&mut self, value: &Value, pointer: &str) -> Option<Kind> {
        let format = value.get("format").and_then(Value::as_str);
        match (value.get("type").and_then(Value::as_str), format) {
            (Some("string"), Some("uuid")) => Some(self.bare(value, pointer, Kind::Uuid)),
            (Some("string"), Some("date")) => Some(self.bare(value, pointer, Kind::Date)),
            (Some("string"), Some("date-time")) => Some(self.bare(value, pointer, Kind::DateTime)),
            (Some("boolean"), None) => Some(self.bare(value, pointer, Kind::Boolean)),
            (Some("string"), None | Some("email" | "uri")) => Some(self.text(value, pointer)),
            (Some("integer"), Some("int32" | "int64")) => Some(self.integer(value, pointer)),
            (Some("number"), Some("double")) => Some(self.number(value, pointer)),
            (Some("integer"), _) => {
                let remedy = "write `format: int32` or `format: int64`";
                self.fault(pointer, "an integer whose size is not said", remedy);
                None
            }
            (kind, format) => {
                let what = format!(
                    "{} {}",
                    kind.unwrap_or("no type"),
                    format.unwrap_or_default()
                );
                let problem = format!("`{}` is not carried into the stubs", what.trim());
                let remedy = "use string (uuid, date, date-time, email, uri), integer (int32, int64), \
                    number (double) or boolean";
                self.fault(pointer, problem, remedy);
                None
            }
        }
    }

    fn bare(&mut self, value: &Value, pointer: &str, kind: Kind) -> Kind {
        self.only(value, pointer, &COMMON);
        kind
    }

    fn text(&mut self, value: &Value, pointer: &str) -> Kind {
        self.only(
            value,
            pointer,
            &[&COMMON[..], &["minLength", "maxLength", "pattern"]].concat(),
        );
        let number = |name| value.get(name).and_then(Value::as_u64);
        Kind::Text(TextRules {
            min_length: number("minLength"),
            max_length: number("maxLength"),
            pattern: self.pattern(value, pointer),
            format: string(value, "format"),
        })
    }

    fn pattern(&mut self, value: &Value, pointer: &str) -> Option<Pattern> {
        let source = value.get("pattern")?.as_str()?.to_owned();
        match patterns::translate(&source) {
            Ok(rust) => Some(Pattern { source, rust }),
            Err(reason) => {
                let remedy = "use what ECMA-262 and Rust's `regex` both have";
                self.fault(
                    pointer,
                    format!("the pattern `{source}` is not carried: {reason}"),
                    remedy,
                );
                None
            }
        }
    }

    fn integer(&mut self, value: &Value, pointer: &str) -> Kind {
        self.only(
            value,
            pointer,
            &[&COMMON[..], &["minimum", "maximum"]].concat(),
        );
        let wide = value["format"] == "int64";
        let mut bound = |name| {
            let number = value.get(name)?;
            let fits = number
                .as_i64()
                .filter(|n| wide || i32::try_from(*n).is_ok());
            if fits.is_none() {
                let problem = format!("`{name}: {number}` is no integer of this format");
                self.fault(pointer, problem, "use a bound that the format has, or none");
            }
            fits
        };
        let (minimum, maximum) = (bound("minimum"), bound("maximum"));
        Kind::Integer {
            wide,
            minimum,
            maximum,
        }
    }

    fn number(&mut self, value: &Value, pointer: &str) -> Kind {
        self.only(
            value,
            pointer,
            &[&COMMON[..], &["minimum", "maximum"]].concat(),
        );
        let bound = |name| value.get(name).and_then(Value::as_f64);
        Kind::Number {
            minimum: bound("minimum"),
            maximum: bound("maximum"),
        }
    }

    /// A default must be a value of its type.
    pub(super) fn check_default(&mut self, default: Option<&Value>, kind: &Kind, pointer: &str) {
        let fits = match (default, kind) {
            (None, _) => true,
            (Some(default), Kind::Text(_)) => default.is_string(),
            (Some(default), Kind::Boolean) => default.is_boolean(),
            (Some(default), Kind::Number { .. }) => default.is_number(),
            (Some(default), Kind::Integer { wide, .. }) => default
                .as_i64()
                .is_some_and(|n| *wide || i32::try_from(n).is_ok()),
            (Some(_), _) => false,
        };
        if !fits {
            let problem = "this default is not carried into the stubs";
            self.fault(
                pointer,
                problem,
                "use a string, a number or a boolean of the same type",
            );
        }
    }
}

pub(super) fn plain(kind: &Kind) -> bool {
    match kind {
        Kind::Text(rules) => *rules == TextRules::default(),
        Kind::Integer {
            minimum, maximum, ..
        } => minimum.is_none() && maximum.is_none(),
        Kind::Number { minimum, maximum } => minimum.is_none() && maximum.is_none(),
        Kind::Array { .. } => false,
        Kind::Uuid | Kind::Date | Kind::DateTime | Kind::Boolean | Kind::Model(_) => true,
    }
}
