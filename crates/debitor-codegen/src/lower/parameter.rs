//! Parameters of paths, queries and headers.

use serde_json::Value;

use super::{Lowering, flag, list, string};
use crate::model::{Kind, Parameter};
use crate::spec::{RawOperation, escape};

impl<'a> Lowering<'a> {
    /// The parameters of one place: the path's own first, and the operation's in place of them.
    pub(super) fn parameters(&mut self, raw: &RawOperation<'a>, place: &str) -> Vec<Parameter> {
        let mut found: Vec<(&'a Value, String)> = Vec::new();
        let of_path = format!("/paths/{}", escape(raw.path));
        for (holder, at) in [
            (raw.item, of_path.as_str()),
            (raw.value, raw.pointer.as_str()),
        ] {
            for (index, listed) in list(holder, "parameters").enumerate() {
                let pointer = format!("{at}/parameters/{index}");
                let Some((value, pointer)) = self.follow(listed, &pointer) else {
                    continue;
                };
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
        let pairs: Vec<_> = parameters
            .iter()
            .map(|p| (p.field.as_str(), p.name.as_str()))
            .collect();
        self.clashes(&raw.pointer, pairs.into_iter());
        parameters
    }

    fn parameter(&mut self, value: &'a Value, pointer: &str) -> Option<Parameter> {
        let carried = [
            "name",
            "in",
            "required",
            "description",
            "schema",
            "example",
            "deprecated",
        ];
        self.only(value, pointer, &carried);
        let place = format!("{pointer}/schema");
        let Some(schema) = value.get("schema") else {
            self.fault(
                pointer,
                "a parameter without a schema is not carried",
                "give it one",
            );
            return None;
        };
        let kind = self.scalar(schema, &place)?;
        if matches!(kind, Kind::Number { .. }) {
            self.fault(
                &place,
                "a number in a parameter is not carried",
                "use an integer or a string",
            );
            return None;
        }
        // The parameter itself has an example and a description.
        self.without(
            schema,
            &place,
            &["example", "description", "nullable", "readOnly"],
        );
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
}
