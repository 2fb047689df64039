//! `$select`: which properties an answer has (OData URL Conventions, section 5.1.4).

use std::fmt;

use debitor_api::Fault;

use crate::json;

/// What every answer has, selected or not: what a client needs to change the entity.
const ALWAYS: [&str; 2] = ["@odata.etag", "id"];

/// Properties by name, in the order of the request, each once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Select {
    names: Vec<&'static str>,
}

impl Select {
    /// Reads a list such as `displayName,number`; every name must be one of `properties`, and `*`
    /// is all of them. Annotations such as `@odata.etag` cannot be selected.
    pub fn parse(text: &str, properties: &'static [&'static str]) -> Result<Self, Fault> {
        let mut names: Vec<&'static str> = Vec::new();
        let mut unknown = Vec::new();
        for name in text.split(',').map(str::trim) {
            let found = properties
                .iter()
                .filter(|own| !own.starts_with('@') && (name == "*" || **own == name));
            let before = names.len();
            let mut known = false;
            for own in found {
                known = true;
                if !names[..before].contains(own) {
                    names.push(own);
                }
            }
            if !known {
                unknown.push(format!("`{name}`"));
            }
        }
        if unknown.is_empty() {
            return Ok(Self { names });
        }
        let message = format!("names no property: {}", unknown.join(", "));
        Err(Fault {
            code: "select",
            message,
            target: "$select".into(),
        })
    }

    fn has(&self, name: &[u8]) -> bool {
        let mut names = ALWAYS.iter().chain(&self.names);
        names.any(|own| own.as_bytes() == name)
    }

    /// The selection as the context of an answer shows it, in parentheses.
    pub fn context(&self) -> String {
        format!("({self})")
    }

    /// Writes the entity with the selected properties only, without reading the others.
    pub fn write(&self, entity: &[u8], json: &mut Vec<u8>) {
        let selected = json::members(entity).filter(|member| self.has(member.name));
        json.push(b'{');
        for (index, member) in selected.enumerate() {
            if index > 0 {
                json.push(b',');
            }
            json.extend_from_slice(member.whole);
        }
        json.push(b'}');
    }
}

impl fmt::Display for Select {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.names.join(","))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROPERTIES: &[&str] = &["@odata.etag", "id", "number", "displayName"];

    #[test]
    fn names_are_known_and_kept_once() {
        let select = Select::parse("number, id,number", PROPERTIES).unwrap();
        assert_eq!(select.to_string(), "number,id");
        assert_eq!(
            Select::parse("*", PROPERTIES).unwrap().to_string(),
            "id,number,displayName"
        );
    }

    #[test]
    fn every_unknown_name_is_told() {
        let fault = Select::parse("number,x,,Number,@odata.etag", PROPERTIES).unwrap_err();
        assert_eq!(fault.target, "$select");
        assert_eq!(
            fault.message,
            "names no property: `x`, ``, `Number`, `@odata.etag`"
        );
    }
}
