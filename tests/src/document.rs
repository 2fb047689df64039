//! The document as the judge needs it: operations by path, and validators of what they exchange.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock};

use debitor_codegen::spec::RawOperation;
use debitor_codegen::{Spec, contract};
use jsonschema::Validator;
use serde_json::{Value, json};

use crate::binaries;

/// The versions that the document's servers name.
const BASES: [&str; 2] = ["/v1.0", "/beta"];

/// What OData describes and the document does not: the service document and the metadata. The former
/// is at the base itself too.
const ROOT: [&str; 2] = ["/", "/$metadata"];

/// The document by hand, read once.
pub struct Document {
    pub spec: Spec,
    operations: Vec<Operation>,
    /// For what is sent.
    sent: Validators,
    /// For what is answered, with every object closed: an answer has no property that the document
    /// lacks.
    answered: Validators,
}

/// An operation of the document.
#[derive(Debug, Clone)]
pub struct Operation {
    pub id: String,
    pub method: String,
    pub path: String,
    pub value: Value,
    pub parameters: Vec<Value>,
}

impl Document {
    /// The repository's document.
    pub fn of_repository() -> &'static Self {
        static DOCUMENT: OnceLock<Document> = OnceLock::new();
        DOCUMENT.get_or_init(|| {
            let path = binaries::root().join("openapi/debitor.yaml");
            let text = std::fs::read_to_string(path).expect("the document is there");
            Self::new(Spec::parse(&text).expect("the document is YAML"))
        })
    }

    fn new(spec: Spec) -> Self {
        let components = contract::lift(spec.root())["components"].clone();
        let mut closed = components.clone();
        close(&mut closed["schemas"]);
        let operations = spec
            .operations()
            .iter()
            .map(|raw| Operation::new(&spec, raw))
            .collect();
        let (sent, answered) = (Validators::new(components), Validators::new(closed));
        Self {
            spec,
            operations,
            sent,
            answered,
        }
    }

    /// Every operation.
    pub fn operations(&self) -> &[Operation] {
        &self.operations
    }

    /// The operations of the path template that fits; `None` for a path outside the versions.
    pub fn operations_at(&self, path: &str) -> Option<Vec<&Operation>> {
        let segments = segments(path)?;
        let mut fitting: Vec<&Operation> = self
            .operations
            .iter()
            .filter(|o| fits(&o.path, &segments))
            .collect();
        // `/customers/$count` fits `/customers/{customerId}` too; the one without a variable wins.
        let variables = |operation: &&Operation| operation.path.matches('{').count();
        let fewest = fitting.iter().map(variables).min().unwrap_or_default();
        fitting.retain(|operation| variables(operation) == fewest);
        Some(fitting)
    }

    /// What the document says of an operation's status.
    pub fn response(&self, operation: &Operation, status: u16) -> Option<Value> {
        let response = operation.value["responses"].get(status.to_string())?;
        self.spec.resolve(response).cloned()
    }

    /// What the document says of an error that belongs to no operation.
    pub fn shared_response(&self, name: &str) -> Value {
        self.spec.root()["components"]["responses"][name].clone()
    }

    /// Follows a reference.
    pub fn resolved(&self, value: &Value) -> Value {
        self.spec.resolve(value).cloned().unwrap_or_default()
    }

    /// What is wrong with a body that was answered.
    pub fn faults_of_answer(&self, schema: &Value, body: &Value) -> Vec<String> {
        self.answered.faults(schema, body)
    }

    /// What is wrong with a body or a parameter that was sent.
    pub fn faults_of_request(&self, schema: &Value, value: &Value) -> Vec<String> {
        self.sent.faults(schema, value)
    }
}

/// The variable parts of a path that an operation's template has, in order.
pub fn path_values(template: &str, path: &str) -> Vec<(String, String)> {
    let segments = segments(path).unwrap_or_default();
    let pairs = template.trim_matches('/').split('/').zip(segments);
    pairs
        .filter_map(|(own, value)| {
            let name = own.strip_prefix('{')?.strip_suffix('}')?;
            Some((name.to_owned(), value))
        })
        .collect()
}

/// The segments below the version, with `customers(key)` as the two segments that it stands for.
fn segments(path: &str) -> Option<Vec<String>> {
    let below = BASES.iter().find_map(|base| path.strip_prefix(base))?;
    let decoded = percent_decoded(below);
    if !below.starts_with('/') || ROOT.contains(&decoded.as_str()) {
        return None;
    }
    let parts = decoded.trim_start_matches('/').split('/');
    Some(parts.flat_map(key_syntax).collect())
}

fn key_syntax(segment: &str) -> Vec<String> {
    match segment
        .strip_suffix(')')
        .and_then(|whole| whole.split_once('('))
    {
        Some((name, key)) => vec![name.to_owned(), key.trim_matches('\'').to_owned()],
        None => vec![segment.to_owned()],
    }
}

fn percent_decoded(path: &str) -> String {
    // A plus sign is itself in a path.
    let escaped = path.replace('+', "%2B");
    url::form_urlencoded::parse(format!("p={escaped}").as_bytes())
        .next()
        .map(|(_, value)| value.into_owned())
        .unwrap_or_default()
}

fn fits(template: &str, segments: &[String]) -> bool {
    let own: Vec<&str> = template.trim_matches('/').split('/').collect();
    own.len() == segments.len()
        && own
            .iter()
            .zip(segments)
            .all(|(own, given)| own.starts_with('{') || own == given)
}

fn lifted(schema: &Value) -> Value {
    let whole = json!({"openapi": "3.0.3", "components": {"schemas": {"it": schema}}});
    contract::lift(&whole)["components"]["schemas"]["it"].clone()
}

/// Validators by their schema, each compiled once.
struct Validators {
    components: Value,
    compiled: Mutex<HashMap<String, Arc<Validator>>>,
}

impl Validators {
    fn new(components: Value) -> Self {
        Self {
            components,
            compiled: Mutex::default(),
        }
    }

    fn faults(&self, schema: &Value, value: &Value) -> Vec<String> {
        let validator = self.of(schema);
        validator
            .iter_errors(value)
            .map(|e| format!("{}: {e}", e.instance_path()))
            .collect()
    }

    fn of(&self, schema: &Value) -> Arc<Validator> {
        let mut compiled = self.compiled.lock().expect("no holder panics");
        let one = compiled.entry(schema.to_string());
        Arc::clone(one.or_insert_with(|| Arc::new(self.compile(schema))))
    }

    fn compile(&self, schema: &Value) -> Validator {
        let whole = json!({"allOf": [lifted(schema)], "components": self.components});
        let options = jsonschema::options().should_validate_formats(true);
        options
            .build(&whole)
            .expect("the document's schemas are schemas")
    }
}

impl Operation {
    fn new(spec: &Spec, raw: &RawOperation<'_>) -> Self {
        Self {
            id: raw.value["operationId"]
                .as_str()
                .unwrap_or_default()
                .to_owned(),
            method: raw.method.to_uppercase(),
            path: raw.path.to_owned(),
            value: raw.value.clone(),
            parameters: spec.parameters(raw).into_iter().cloned().collect(),
        }
    }
}

/// Closes every object schema that names properties.
fn close(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            if members.get("properties").is_some_and(Value::is_object)
                && members.get("type").is_some()
            {
                members
                    .entry("additionalProperties")
                    .or_insert(Value::Bool(false));
            }
            members.values_mut().for_each(close);
        }
        Value::Array(items) => items.iter_mut().for_each(close),
        _ => {}
    }
}
