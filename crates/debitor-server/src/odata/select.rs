//! `$select`: which properties an answer has (OData URL Conventions, section 5.1.3).

use std::fmt;

use debitor_api::support::properties::Property;

use super::error::{Error, check_text};
use super::names;
use crate::json;

/// What every answer has, selected or not: what a client needs to change the entity.
const ALWAYS: [&str; 2] = ["@odata.etag", "id"];

/// The longest `$select`, in bytes.
const LONGEST: usize = 1024;
/// How many names a selection can have.
const MOST_NAMES: usize = 64;

/// Properties, objects and properties within objects, each once and in the order of the request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Select {
    paths: Vec<&'static str>,
}

impl Select {
    /// Reads a list such as `displayName,address/city`; `*` is every property. Every fault is
    /// returned. Annotations such as `@odata.etag` cannot be selected.
    pub fn parse<P: Property>(text: &str) -> Result<Self, Vec<Error>> {
        check_text(text, LONGEST).map_err(|error| vec![error])?;
        let mut select = Self { paths: Vec::new() };
        let mut errors = Vec::new();
        let mut at = 1;
        for (index, item) in text.split(',').enumerate() {
            if index == MOST_NAMES {
                errors.push(Error::new(at, format!("more than {MOST_NAMES} names")));
                break;
            }
            let name = item.trim();
            let blank = item.chars().take_while(|c| c.is_whitespace()).count();
            match paths::<P>(name) {
                Ok(paths) => paths.into_iter().for_each(|path| select.add(path)),
                Err(message) => errors.push(Error::new(at + blank, message)),
            }
            at += item.chars().count() + 1;
        }
        if errors.is_empty() {
            Ok(select)
        } else {
            Err(errors)
        }
    }

    /// An object that is selected as a whole needs none of its properties besides.
    fn add(&mut self, path: &'static str) {
        let within = |inner: &str, outer: &str| {
            let rest = inner.strip_prefix(outer);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        if self.paths.iter().any(|own| within(path, own)) {
            return;
        }
        self.paths.retain(|own| !within(own, path));
        self.paths.push(path);
    }

    /// The selection as the context of an answer shows it, in parentheses.
    pub fn context(&self) -> String {
        format!("({self})")
    }

    /// Writes the entity with the selected properties only, without reading the others.
    pub fn write(&self, entity: &[u8], json: &mut Vec<u8>) {
        let paths: Vec<&str> = ALWAYS
            .into_iter()
            .chain(self.paths.iter().copied())
            .collect();
        write(&paths, entity, json);
    }
}

/// Writes the members of an object that the paths lead to.
fn write(paths: &[&str], object: &[u8], json: &mut Vec<u8>) {
    json.push(b'{');
    let mut is_first = true;
    for member in json::members(object) {
        // What is left of the paths that lead through this member; empty for the whole of it.
        let rests: Vec<&str> = paths
            .iter()
            .filter_map(|path| rest(path, member.name))
            .collect();
        if rests.is_empty() {
            continue;
        }
        if !std::mem::take(&mut is_first) {
            json.push(b',');
        }
        if rests.contains(&"") || !member.value.starts_with(b"{") {
            json.extend_from_slice(member.whole);
        } else {
            let name = member.whole.len() - member.value.len();
            json.extend_from_slice(&member.whole[..name]);
            write(&rests, member.value, json);
        }
    }
    json.push(b'}');
}

/// What is left of a path behind its first name, if that is this one.
fn rest<'a>(path: &'a str, name: &[u8]) -> Option<&'a str> {
    let (first, rest) = path.split_once('/').unwrap_or((path, ""));
    (first.as_bytes() == name).then_some(rest)
}

/// The paths that a name selects, in any letter case.
fn paths<P: Property>(name: &str) -> Result<Vec<&'static str>, String> {
    let all = P::ALL.iter().map(|property| property.path());
    let mut objects = all.filter_map(|path| path.split_once('/').map(|(object, _)| object));
    if name == "*" {
        let all = P::ALL.iter().map(|property| property.path());
        let top = all.map(|path| path.split_once('/').map_or(path, |(object, _)| object));
        return Ok(top.collect());
    }
    if let Some(object) = objects.find(|object| object.eq_ignore_ascii_case(name)) {
        return Ok(vec![object]);
    }
    names::property::<P>(name).map(|property| vec![property.path()])
}

impl fmt::Display for Select {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.paths.join(","))
    }
}

#[cfg(test)]
mod tests {
    use debitor_api::properties::{CompanyProperty, CustomerProperty};

    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let select = Select::parse::<CustomerProperty>(text).unwrap();
        assert_eq!(select.to_string(), expected, "{text}");
    }

    #[test]
    fn names_are_known_and_kept_once() {
        check("number, id,Number", "number,id");
        check("address/city,ADDRESS/State", "address/city,address/state");
        check("address/city,number,address", "number,address");
        check("address,address/city", "address");
        let all = Select::parse::<CompanyProperty>("name,*").unwrap();
        assert_eq!(
            all.to_string(),
            "name,id,displayName,systemVersion,businessProfileId"
        );
    }

    #[test]
    fn every_unknown_name_is_told() {
        let errors = Select::parse::<CustomerProperty>("number, ä,mail,@odata.etag").unwrap_err();
        let told: Vec<_> = errors
            .iter()
            .map(|error| (error.at, error.message.split(';').next().unwrap()))
            .collect();
        assert_eq!(
            told,
            [
                (9, "`ä` names no property"),
                (11, "`mail` names no property"),
                (16, "`@odata.etag` names no property"),
            ]
        );
        let many = "id,".repeat(64);
        let errors = Select::parse::<CustomerProperty>(&format!("{many}id")).unwrap_err();
        assert_eq!(
            (errors[0].at, &*errors[0].message),
            (193, "more than 64 names")
        );
    }

    #[track_caller]
    fn written(text: &str, expected: &str) {
        let entity = br#"{"@odata.etag":"e","id":"i","number":"n","address":{"street":null,"city":"c","state":"s"},"email":null}"#;
        let mut json = Vec::new();
        let select = Select::parse::<CustomerProperty>(text).unwrap();
        select.write(entity, &mut json);
        let expected = format!(r#"{{"@odata.etag":"e","id":"i"{expected}}}"#);
        assert_eq!(String::from_utf8(json).unwrap(), expected, "{text}");
    }

    #[test]
    fn answers_have_what_was_selected() {
        written("id", "");
        written("email,number", r#","number":"n","email":null"#);
        written("address/city", r#","address":{"city":"c"}"#);
        written(
            "address/state,address/street",
            r#","address":{"street":null,"state":"s"}"#,
        );
        written(
            "address/city,address",
            r#","address":{"street":null,"city":"c","state":"s"}"#,
        );
        let mut json = Vec::new();
        let select = Select::parse::<CustomerProperty>("address/city").unwrap();
        select.write(br#"{"id":"i","address":null}"#, &mut json);
        assert_eq!(json, br#"{"id":"i","address":null}"#);
    }
}
