//! Fixtures, what is generated from them, and the goldens that this is compared with.

use std::fs;
use std::path::{Path, PathBuf};

use debitor_codegen::stubs::{Settings, generate};
use debitor_codegen::{Fault, GeneratedFile, Spec, metadata};
use serde_json::Value;

/// Each fixture with the generated file that shows its feature; `None` shows all files.
pub(crate) const GOLDENS: [(&str, Option<&str>); 7] = [
    ("base", None),
    ("objects", Some("types.rs")),
    ("enumerations", Some("types.rs")),
    ("listed", Some("properties.rs")),
    ("parameters", Some("thing.rs")),
    ("answers", Some("thing.rs")),
    ("metadata", Some("metadata.xml")),
];

/// The folder of fixtures and goldens.
fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it")
}

/// Where the golden of a fixture is.
pub(crate) fn path(fixture: &str) -> PathBuf {
    folder().join(format!("goldens/{fixture}.txt"))
}

/// What a golden should say: the chosen files, each below its name.
pub(crate) fn text(fixture: &str, chosen: Option<&str>) -> String {
    let files = generated(&merged(&read(fixture))).expect("the fixture has no faults");
    let shown = files
        .iter()
        .filter(|file| chosen.is_none_or(|chosen| chosen == file.path));
    shown
        .flat_map(|file| ["==> ", &file.path, "\n", &file.text])
        .collect()
}

/// The stubs of a document, and its metadata if it can have any.
pub(crate) fn generated(document: &Value) -> Result<Vec<GeneratedFile>, Vec<Fault>> {
    let settings = Settings {
        mark: "// @generated".into(),
        layer_headers: vec!["x-layer".into()],
    };
    let spec = Spec::parse(&document.to_string()).expect("the document is YAML");
    let mut files = generate(&spec, &settings)?;
    if document.get(metadata::EXTENSION).is_some() {
        files.extend(metadata::generate(&spec, &settings)?);
    }
    Ok(files)
}

/// The base document with a feature merged into it, object by object.
pub(crate) fn merged(feature: &Value) -> Value {
    let mut document = read("base");
    merge(&mut document, feature);
    document
}

pub(crate) fn read(fixture: &str) -> Value {
    let text = fs::read_to_string(folder().join(format!("fixtures/{fixture}.yaml")));
    let spec = Spec::parse(&text.expect("the fixture is there")).expect("the fixture is YAML");
    spec.root().clone()
}

/// As JSON merge patches go: null takes away.
fn merge(document: &mut Value, feature: &Value) {
    match (document, feature) {
        (Value::Object(document), Value::Object(feature)) => {
            for (name, value) in feature {
                if value.is_null() {
                    document.shift_remove(name);
                } else {
                    merge(document.entry(name).or_insert(Value::Null), value);
                }
            }
        }
        (document, feature) => *document = feature.clone(),
    }
}
