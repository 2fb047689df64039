//! Rules on the parameters of an operation.

use super::Report;
use super::names::{RESERVED_PARAMETERS, collision, snake};
use super::view::{Operation, Place};

/// Headers that OpenAPI ignores as parameters.
const IGNORED_HEADERS: [&str; 3] = ["accept", "content-type", "authorization"];

pub(super) fn check(operation: &Operation<'_>, report: &mut Report) {
    for parameter in &operation.parameters {
        shape(parameter, report);
        location(parameter, report);
        name(parameter, report);
        schema(operation, parameter, report);
    }
    listed_once(operation, report);
    distinct(operation, report);
    template(operation, report);
}

fn shape(parameter: &Place<'_>, report: &mut Report) {
    let known = ["name", "in", "required", "description", "schema", "example"];
    report.unknown_keys(parameter, &known, "a parameter");
    report.needs_text(parameter, "name", "the parameter");
    report.needs_text(parameter, "description", "the parameter");
}

fn location(parameter: &Place<'_>, report: &mut Report) {
    match parameter.text("in") {
        "query" | "header" => {}
        "path" if parameter.flag("required") => {}
        "path" => {
            let problem = "a parameter of the path is optional";
            report.fault(&parameter.pointer, problem, "write `required: true`");
        }
        other => report.fault(
            &parameter.below("in"),
            format!("parameters in `{other}` are not carried by the generators"),
            "use path, query or header",
        ),
    }
}

fn name(parameter: &Place<'_>, report: &mut Report) {
    let name = parameter.text("name");
    if RESERVED_PARAMETERS.contains(&snake(name).as_str()) {
        let problem = format!("`{name}` is a method of generated requests");
        report.fault(&parameter.below("name"), problem, "rename the parameter");
    }
    let ignored = IGNORED_HEADERS.contains(&name.to_ascii_lowercase().as_str());
    if parameter.text("in") == "header" && ignored {
        let problem = format!("OpenAPI ignores the header parameter `{name}`");
        report.fault(
            &parameter.below("name"),
            problem,
            "remove it; bodies and security say it",
        );
    }
}

fn schema(operation: &Operation<'_>, parameter: &Place<'_>, report: &mut Report) {
    let schema = parameter
        .child("schema")
        .and_then(|schema| schema.follow(operation.spec));
    let kind = schema.as_ref().map_or("", |schema| schema.text("type"));
    if !matches!(kind, "string" | "integer" | "number" | "boolean") {
        report.fault(
            &parameter.below("schema"),
            format!(
                "the parameter `{}` is not a plain value",
                parameter.text("name")
            ),
            "write a string, integer, number or boolean; a list is a string with commas",
        );
    }
    if schema.is_some_and(|schema| schema.flag("nullable")) {
        let remedy = "remove `nullable`; an optional parameter is left out";
        report.fault(
            &parameter.below("schema"),
            "a parameter cannot be null",
            remedy,
        );
    }
}

/// The view lets an operation's parameter win over its path's; within one list nothing may repeat.
fn listed_once(operation: &Operation<'_>, report: &mut Report) {
    let own = operation.place.items("parameters").into_iter();
    let own: Vec<_> = own.filter_map(|p| p.follow(operation.spec)).collect();
    for (index, parameter) in own.iter().enumerate() {
        let key = (parameter.text("in"), parameter.text("name"));
        if own[..index]
            .iter()
            .any(|p| (p.text("in"), p.text("name")) == key)
        {
            report.fault(
                &operation.place.below("parameters"),
                format!("the parameter `{}` in {} is listed twice", key.1, key.0),
                "list it once",
            );
        }
    }
}

/// progenitor drops one of two parameters that share a name, in silence.
fn distinct(operation: &Operation<'_>, report: &mut Report) {
    let names = operation
        .parameters
        .iter()
        .map(|parameter| parameter.text("name"));
    if let Some((first, second)) = collision(names, snake) {
        report.fault(
            &operation.place.below("parameters"),
            format!("the parameters `{first}` and `{second}` are one argument in code"),
            "rename one of them, wherever they are sent",
        );
    }
}

fn template(operation: &Operation<'_>, report: &mut Report) {
    let in_path = |p: &&Place<'_>| p.text("in") == "path";
    let declared: Vec<_> = operation
        .parameters
        .iter()
        .filter(in_path)
        .map(|p| p.text("name"))
        .collect();
    let written = template_names(operation.path);
    for name in written.iter().filter(|name| !declared.contains(name)) {
        report.fault(
            &operation.place.below("parameters"),
            format!("`{{{name}}}` of the path is not declared"),
            format!("declare a parameter `{name}` with `in: path`"),
        );
    }
    for name in declared.iter().filter(|name| !written.contains(name)) {
        report.fault(
            &operation.place.below("parameters"),
            format!("the path has no `{{{name}}}`"),
            "remove the parameter, or write it in the path",
        );
    }
}

fn template_names(path: &str) -> Vec<&str> {
    path.split('{')
        .skip(1)
        .filter_map(|rest| rest.split('}').next())
        .collect()
}
