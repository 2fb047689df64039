//! Reading settings one by one, with every fault noted and none of them the last.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fmt;
use std::ops::RangeInclusive;

use toml::{Table, Value};

use super::{Config, Environment};

pub(super) const PREFIX: &str = "DEBITOR_";

/// What is wrong with a setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Its key, such as `auth.issuers[0].issuer`.
    pub place: String,
    /// What is wrong, or what it must be.
    pub message: String,
}

/// Everything that is wrong with the settings.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct Faults(pub Vec<Fault>);

impl Faults {
    pub(super) fn one(place: impl fmt::Display, message: impl Into<String>) -> Self {
        Self(vec![Fault {
            place: place.to_string(),
            message: message.into(),
        }])
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the configuration is not valid:")?;
        self.0
            .iter()
            .try_for_each(|fault| write!(f, "\n  {}: {}", fault.place, fault.message))
    }
}

/// The text as TOML; what is wrong is told by its line, without the line's text.
pub(super) fn table(text: &str) -> Result<Table, Faults> {
    text.parse().map_err(|error: toml::de::Error| {
        let start = error.span().map_or(0, |span| span.start);
        let line = 1 + text
            .bytes()
            .take(start)
            .filter(|byte| *byte == b'\n')
            .count();
        Faults::one(format!("line {line}"), error.message())
    })
}

/// What is known of a reading as a whole.
pub(super) struct Reader<'a> {
    environment: &'a Environment,
    used: RefCell<BTreeSet<String>>,
    faults: RefCell<Vec<Fault>>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(environment: &'a Environment) -> Self {
        Self {
            environment,
            used: RefCell::default(),
            faults: RefCell::default(),
        }
    }

    pub(super) fn root(&'a self, table: Table) -> Section<'a> {
        Section {
            reader: self,
            place: String::new(),
            table,
            known: Vec::new(),
        }
    }

    pub(super) fn fault(&self, place: impl fmt::Display, message: impl Into<String>) {
        let fault = Fault {
            place: place.to_string(),
            message: message.into(),
        };
        self.faults.borrow_mut().push(fault);
    }

    /// The settings, or whatever is wrong with them.
    pub(super) fn finish(self, config: Option<Config>) -> Result<Config, Faults> {
        let faults = self.faults.into_inner();
        let used = self.used.into_inner();
        let ignored = self
            .environment
            .keys()
            .filter(|name| !used.contains(*name))
            .cloned();
        match config {
            Some(config) if faults.is_empty() => Ok(Config {
                ignored_variables: ignored.collect(),
                ..config
            }),
            _ => Err(Faults(faults)),
        }
    }

    /// A variable's value; an empty one is none, as programs that start others cannot unset it.
    fn variable(&self, name: &str) -> Option<&'a str> {
        self.used.borrow_mut().insert(name.to_owned());
        self.environment
            .get(name)
            .map(String::as_str)
            .filter(|value| !value.is_empty())
    }
}

/// A table of the file. When it goes, whatever was not asked for is a fault.
pub(super) struct Section<'a> {
    reader: &'a Reader<'a>,
    place: String,
    table: Table,
    known: Vec<&'static str>,
}

impl<'a> Section<'a> {
    /// A setting, read from its text.
    pub(super) fn parsed<T>(
        &mut self,
        key: &'static str,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        let text = self.setting(key, "must be a text", |value| match value {
            Value::String(text) => Some(text),
            _ => None,
        })?;
        parse(&text)
            .map_err(|message| self.fault(key, message))
            .ok()
    }

    /// A setting that must be there.
    pub(super) fn required<T>(
        &mut self,
        key: &'static str,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        if !self.has(key) {
            self.known.push(key);
            self.fault(key, "is required");
            return None;
        }
        self.parsed(key, parse)
    }

    /// Whether a setting is there, right or wrong.
    pub(super) fn has(&self, key: &str) -> bool {
        self.variable(key).is_some() || self.table.contains_key(key)
    }

    /// A setting that is true or false.
    pub(super) fn flag(&mut self, key: &'static str) -> Option<bool> {
        self.setting(key, "must be true or false", |value| match value {
            Value::Boolean(flag) => Some(flag),
            Value::String(text) => text.parse().ok(),
            _ => None,
        })
    }

    /// A setting that is a whole number within bounds.
    pub(super) fn number(
        &mut self,
        key: &'static str,
        bounds: RangeInclusive<usize>,
    ) -> Option<usize> {
        let expected = format!(
            "must be a whole number from {} to {}",
            bounds.start(),
            bounds.end()
        );
        self.setting(key, &expected, |value| {
            let number = match value {
                Value::Integer(number) => usize::try_from(number).ok(),
                Value::String(text) => text.parse().ok(),
                _ => None,
            };
            number.filter(|number| bounds.contains(number))
        })
    }

    /// Whether nothing is set here; these keys are all that can be.
    pub(super) fn is_empty(&self, keys: &[&str]) -> bool {
        self.table.is_empty() && keys.iter().all(|key| self.variable(key).is_none())
    }

    /// A table within this one; an empty one, if it is missing.
    pub(super) fn section(&mut self, key: &'static str) -> Section<'a> {
        self.known.push(key);
        let table = match self.table.remove(key) {
            None => Table::new(),
            Some(Value::Table(table)) => table,
            Some(_) => {
                self.fault(key, "must be a table");
                Table::new()
            }
        };
        self.child(self.place_of(key), table)
    }

    /// A list of tables, which variables can make longer.
    pub(super) fn list(&mut self, key: &'static str) -> Vec<Section<'a>> {
        self.known.push(key);
        let mut tables = match self.table.remove(key) {
            None => Vec::new(),
            Some(value) => value.try_into::<Vec<Table>>().unwrap_or_else(|_| {
                self.fault(key, "must be a list of tables");
                Vec::new()
            }),
        };
        while self.has_variables(&format!("{key}[{}].", tables.len())) {
            tables.push(Table::new());
        }
        let place = |index: usize| format!("{}[{index}]", self.place_of(key));
        let sections = tables.into_iter().enumerate();
        sections
            .map(|(index, table)| self.child(place(index), table))
            .collect()
    }

    pub(super) fn fault(&self, key: &str, message: impl Into<String>) {
        let place = self.place_of(key);
        match self.variable(key) {
            Some(_) => self
                .reader
                .fault(format!("{place} ({})", variable(&place)), message),
            None => self.reader.fault(place, message),
        }
    }

    /// The variable's value, else the file's. A text in the file is none for flags and numbers.
    fn setting<T>(
        &mut self,
        key: &'static str,
        expected: &str,
        read: impl FnOnce(Value) -> Option<T>,
    ) -> Option<T> {
        self.known.push(key);
        let in_file = self.table.remove(key);
        let value = self
            .variable(key)
            .map(|text| Value::String(text.to_owned()))
            .or(in_file)?;
        let found = read(value);
        if found.is_none() {
            self.fault(key, expected);
        }
        found
    }

    fn child(&self, place: String, table: Table) -> Section<'a> {
        Section {
            reader: self.reader,
            place,
            table,
            known: Vec::new(),
        }
    }

    fn place_of(&self, key: &str) -> String {
        if self.place.is_empty() {
            key.to_owned()
        } else {
            format!("{}.{key}", self.place)
        }
    }

    fn variable(&self, key: &str) -> Option<&'a str> {
        self.reader.variable(&variable(&self.place_of(key)))
    }

    fn has_variables(&self, key: &str) -> bool {
        let prefix = variable(&self.place_of(key));
        self.reader
            .environment
            .keys()
            .any(|name| name.starts_with(&prefix))
    }
}

impl Drop for Section<'_> {
    fn drop(&mut self) {
        for key in self.table.keys() {
            let known = self.known.join(", ");
            self.fault(
                key,
                format!("is not a setting; the settings here are: {known}"),
            );
        }
    }
}

/// The variable of a place: `auth.issuers[0].issuer` is `DEBITOR_AUTH_ISSUERS_0_ISSUER`.
fn variable(place: &str) -> String {
    let name = place
        .replace(['.', '['], "_")
        .replace(']', "")
        .to_uppercase();
    format!("{PREFIX}{name}")
}
