//! What the document says of the API as a whole.

use serde_json::Value;

use super::{Lowering, list, members, string};
use crate::model::{Head, Requirement, Scheme};

impl Lowering<'_> {
    pub(super) fn head(&mut self) -> Head {
        let root = self.spec.root();
        let info = root.get("info").unwrap_or(&Value::Null);
        let named = |value: &Value| {
            (
                string(value, "name").unwrap_or_default(),
                string(value, "description"),
            )
        };
        Head {
            title: string(info, "title").unwrap_or_default(),
            version: string(info, "version").unwrap_or_default(),
            description: string(info, "description"),
            terms: string(info, "termsOfService"),
            contact: info
                .get("contact")
                .map(|contact| ["name", "url", "email"].map(|n| string(contact, n))),
            license: info.get("license").map(|license| {
                (
                    string(license, "name").unwrap_or_default(),
                    string(license, "url"),
                )
            }),
            servers: list(root, "servers")
                .map(|server| {
                    (
                        string(server, "url").unwrap_or_default(),
                        string(server, "description"),
                    )
                })
                .collect(),
            tags: list(root, "tags").map(named).collect(),
            schemes: self.schemes(),
        }
    }

    fn schemes(&mut self) -> Vec<Scheme> {
        let none = Value::Null;
        let components = self.spec.root().get("components").unwrap_or(&none);
        let mut schemes = Vec::new();
        for (name, scheme) in members(components, "securitySchemes") {
            let pointer = format!("/components/securitySchemes/{name}");
            let kind = string(scheme, "scheme").unwrap_or_default();
            let carried = scheme["type"] == "http" && matches!(kind.as_str(), "bearer" | "basic");
            if !carried {
                let remedy = "use `type: http` with `scheme: bearer` or `basic`";
                self.fault(
                    &pointer,
                    "this security scheme is not carried into the stubs",
                    remedy,
                );
            }
            schemes.push(Scheme {
                name: name.clone(),
                scheme: kind,
                bearer_format: string(scheme, "bearerFormat"),
                description: string(scheme, "description"),
            });
        }
        schemes
    }
}

/// The alternatives of a `security` list.
pub(super) fn requirements(value: &Value) -> Vec<Requirement> {
    list(value, "security")
        .map(|one| {
            let schemes = one.as_object().into_iter().flatten();
            schemes
                .map(|(name, scopes)| (name.clone(), strings(scopes)))
                .collect()
        })
        .collect()
}

/// The strings of an array.
pub(super) fn strings(value: &Value) -> Vec<String> {
    value
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|one| one.as_str().map(str::to_owned))
        .collect()
}
