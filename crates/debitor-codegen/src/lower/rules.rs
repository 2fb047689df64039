//! Rules that tie an operation's parts together: what the server can answer must be documented.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{Lowering, members};
use crate::model::Operation;
use crate::spec::reference_name;

impl Lowering<'_> {
    /// The statuses that the generated code itself answers must be there.
    pub(super) fn check_operation(&mut self, operation: &Operation, pointer: &str) {
        let conditional = operation
            .headers
            .iter()
            .any(|h| h.required && precondition(&h.name));
        let parameters =
            operation.path_parameters.len() + operation.query.len() + operation.headers.len();
        let needed: [(bool, &[u16], &str); 6] = [
            (true, &[405, 500], "every operation"),
            (parameters > 0, &[400], "an operation with parameters"),
            (
                operation.body.is_some(),
                &[400, 408, 413, 415],
                "an operation with a body",
            ),
            (operation.secured(), &[401, 403, 429], "a secured operation"),
            (
                !operation.path_parameters.is_empty(),
                &[404],
                "an operation with an id in its path",
            ),
            (
                conditional,
                &[412, 428],
                "an operation that needs a precondition",
            ),
        ];
        for (applies, statuses, who) in needed {
            for status in statuses
                .iter()
                .filter(|s| applies && operation.response(**s).is_none())
            {
                let problem = format!("`{}` lacks the status {status}", operation.id);
                self.fault(
                    pointer,
                    problem,
                    format!("declare it, as {who} can answer it"),
                );
            }
        }
        self.check_responses(operation, pointer);
        self.check_path(operation, pointer);
    }

    fn check_responses(&mut self, operation: &Operation, pointer: &str) {
        if !operation
            .responses
            .iter()
            .any(|response| response.status < 300)
        {
            let problem = format!("`{}` has no success", operation.id);
            self.fault(pointer, problem, "declare a status of 200 to 299");
        }
        for response in operation.responses.iter().filter(|r| r.status == 500) {
            // What cannot be answered otherwise ends here, so that nothing may be missing for it.
            if response
                .headers
                .iter()
                .any(|header| header.required && !header.layered)
            {
                let problem = "status 500 has a required header of its own";
                self.fault(pointer, problem, "leave it out, or have a layer set it");
            }
        }
    }

    fn check_path(&mut self, operation: &Operation, pointer: &str) {
        // Older routers gave these characters a meaning, so that ours refuses them.
        if !operation.path.starts_with('/')
            || operation.path.contains("/:")
            || operation.path.contains("/*")
        {
            let problem = format!("`{}` cannot be a route", operation.path);
            self.fault(
                pointer,
                problem,
                "start it with `/`, and no segment with `:` or `*`",
            );
        }
        let segments = operation
            .path
            .split('/')
            .filter(|segment| segment.contains(['{', '}']));
        let mut named = BTreeSet::new();
        for segment in segments {
            let whole = segment
                .strip_prefix('{')
                .and_then(|rest| rest.strip_suffix('}'));
            if whole.is_none() {
                let problem = format!("the segment `{segment}` mixes text and parameter");
                self.fault(pointer, problem, "give the parameter a segment of its own");
            }
            named.extend(whole.map(str::to_owned));
        }
        let declared = operation
            .path_parameters
            .iter()
            .map(|p| p.name.clone())
            .collect();
        for name in named.symmetric_difference(&declared) {
            let problem = format!("`{name}` is not both in the path and among its parameters");
            self.fault(
                pointer,
                problem,
                "name and declare each of the path's parameters",
            );
        }
    }

    /// Routers know a parameter by its place: one place, one name.
    pub(super) fn check_routes(&mut self) {
        let mut known: BTreeMap<String, String> = BTreeMap::new();
        for raw in self.spec.operations() {
            let mut place = String::new();
            for segment in raw.path.split('/').skip(1) {
                let parameter = segment.starts_with('{');
                place.push_str(if parameter { "/{}" } else { "/" });
                if !parameter {
                    place.push_str(segment);
                    continue;
                }
                let first = known
                    .entry(place.clone())
                    .or_insert_with(|| segment.to_owned());
                if first != segment {
                    let problem = format!("`{first}` and `{segment}` are at the same place");
                    self.fault(&raw.pointer, problem, "call the parameter by one name");
                }
            }
        }
    }

    /// The one schema of all 4xx and 5xx answers.
    pub(super) fn error_body(&mut self) -> String {
        let mut found: Option<String> = None;
        for raw in self.spec.operations() {
            for (code, listed) in members(raw.value, "responses") {
                if !code.starts_with(['4', '5']) {
                    continue;
                }
                let place = format!("{}/responses/{code}", raw.pointer);
                let Some(name) = self.error_schema(listed) else {
                    let problem = "an error without a named JSON body";
                    self.fault(
                        &place,
                        problem,
                        "give it the error body that the others have",
                    );
                    continue;
                };
                match &found {
                    None => found = Some(name),
                    Some(first) if *first == name => {}
                    Some(first) => {
                        let problem = format!("errors have both `{first}` and `{name}` as bodies");
                        self.fault(&place, problem, "use one schema for all errors");
                    }
                }
            }
        }
        found.unwrap_or_default()
    }

    fn error_schema(&self, listed: &Value) -> Option<String> {
        let json = self
            .spec
            .resolve(listed)?
            .pointer("/content/application~1json/schema")?;
        reference_name(json).map(str::to_owned)
    }
}

/// Whether a header states a precondition, whose absence has a status of its own.
pub(crate) fn precondition(name: &str) -> bool {
    ["if-match", "if-unmodified-since"]
        .iter()
        .any(|own| name.eq_ignore_ascii_case(own))
}
