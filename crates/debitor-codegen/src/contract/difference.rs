//! What differs between two contracts, and where.

use std::collections::BTreeSet;
use std::fmt;

use serde_json::Value;

use super::Contract;
use crate::spec::escape;

/// One place where two contracts differ.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference {
    /// JSON pointer into the canonical form, where parameters are keyed as `query $top`.
    pub pointer: String,
    /// What the document by hand says there, if anything.
    pub document: Option<Value>,
    /// What the mounted routes say there, if anything.
    pub mounted: Option<Value>,
}

/// Every difference between the document by hand and that of what is mounted.
pub fn compare(document: &Contract, mounted: &Contract) -> Vec<Difference> {
    let mut differences = Vec::new();
    walk(
        "",
        Some(&document.value),
        Some(&mounted.value),
        &mut differences,
    );
    differences
}

fn walk(
    pointer: &str,
    document: Option<&Value>,
    mounted: Option<&Value>,
    found: &mut Vec<Difference>,
) {
    match (document, mounted) {
        (Some(Value::Object(left)), Some(Value::Object(right))) => {
            let keys: BTreeSet<_> = left.keys().chain(right.keys()).collect();
            for key in keys {
                let below = format!("{pointer}/{}", escape(key));
                walk(&below, left.get(key), right.get(key), found);
            }
        }
        (Some(Value::Array(left)), Some(Value::Array(right))) if alike(left, right) => {
            for (index, (left, right)) in left.iter().zip(right).enumerate() {
                walk(
                    &format!("{pointer}/{index}"),
                    Some(left),
                    Some(right),
                    found,
                );
            }
        }
        (left, right) if left == right => {}
        (left, right) => found.push(Difference {
            pointer: pointer.to_owned(),
            document: left.cloned(),
            mounted: right.cloned(),
        }),
    }
}

/// Lists of objects are compared one by one; lists of plain values are clearer side by side.
fn alike(left: &[Value], right: &[Value]) -> bool {
    left.len() == right.len() && left.iter().chain(right).all(Value::is_object)
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (document, mounted) = (shown(self.document.as_ref()), shown(self.mounted.as_ref()));
        write!(
            f,
            "{} | document: {document} | mounted: {mounted}",
            self.pointer
        )
    }
}

/// A value on one line, cut where it only repeats what the pointer says.
fn shown(value: Option<&Value>) -> String {
    const LONGEST: usize = 200;
    let Some(value) = value else {
        return "absent".into();
    };
    let text = value.to_string();
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}
