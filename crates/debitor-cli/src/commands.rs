//! The tree of commands: `sales_invoice_customer_create` is `sales-invoice customer create`.

#[cfg(test)]
mod tests;

use std::any::TypeId;

use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};

use crate::generated::{Cli, CliCommand};
use crate::output::{Format, Printer};

const AFTER_HELP: &str = "\
The answer is written to standard output; its ETag, for the `--if-match` of the next change, to
standard error as `ETag: W/\"...\"`. A flag of a change that is left out keeps the property, `null`
clears it.

A list is answered in pages, `--top` entities each; with `--all` as one, by following the links to
the next page, which must stay below `--url`. JSON is written as the pages come, and breaks off in
the middle if one fails; a table is written at the end or not at all.

Exit codes: 0 done, 1 the server answered an error, 2 wrong usage, 3 the server was not reached, 74
the answer cannot be written.";

const BODY_HELP: &str =
    "A file with the body as JSON, `-` for standard input; the other flags win over it";

/// The whole command line.
pub(crate) fn command() -> Command {
    let root = Command::new("debitor")
        .about("Customers, sales invoices and companies of a debitor service")
        .version(env!("CARGO_PKG_VERSION"))
        .after_help(AFTER_HELP)
        .subcommand_required(true)
        .arg_required_else_help(true)
        .args(settings().map(|arg| arg.global(true).help_heading("Global options")));
    CliCommand::iter().fold(root, |root, operation| {
        insert(root, &path(operation), leaf(operation))
    })
}

/// The operation that was chosen, and what was given to it.
pub(crate) fn chosen(matches: &ArgMatches) -> Option<(CliCommand, &ArgMatches)> {
    let (mut names, mut matches) = (Vec::new(), matches);
    while let Some((name, below)) = matches.subcommand() {
        names.push(name);
        matches = below;
    }
    let operation = CliCommand::iter().find(|operation| path(*operation) == names)?;
    Some((operation, matches))
}

fn settings() -> impl Iterator<Item = Arg> {
    let url = Arg::new("url")
        .long("url")
        .value_name("URL")
        .env("DEBITOR_URL")
        .help("The address of the service, such as http://127.0.0.1:8080/v1.0");
    let token = Arg::new("token")
        .long("token")
        .value_name("TOKEN")
        .env("DEBITOR_TOKEN")
        .hide_env_values(true)
        .help("The bearer token; the variable keeps it out of the list of processes");
    let output = Arg::new("output")
        .long("output")
        .value_parser(value_parser!(Format))
        .default_value("json")
        .help("How the answer is written");
    [url, token, output].into_iter()
}

/// The names that lead to an operation: its nouns from the outermost, then its verb.
fn path(operation: CliCommand) -> Vec<String> {
    let (noun, verb) = split(operation.operation_id());
    let nouns: Vec<&str> = CliCommand::iter()
        .map(|o| split(o.operation_id()).0)
        .collect();
    let mut path = nest(noun, &nouns);
    path.push(verb.to_owned());
    path
}

/// The noun and the verb of an operation id.
fn split(operation_id: &'static str) -> (&'static str, &'static str) {
    operation_id
        .rsplit_once('_')
        .unwrap_or((operation_id, "call"))
}

/// A noun stands inside the longest other noun that it begins with.
fn nest(noun: &str, nouns: &[&str]) -> Vec<String> {
    let within = |outer: &str| noun.strip_prefix(outer)?.strip_prefix('_');
    let outer = nouns
        .iter()
        .filter(|outer| within(outer).is_some())
        .max_by_key(|o| o.len());
    let (mut path, own) = match outer {
        Some(outer) => (nest(outer, nouns), within(outer).unwrap_or(noun)),
        None => (Vec::new(), noun),
    };
    path.push(own.replace('_', "-"));
    path
}

/// The generated command of an operation, with what progenitor leaves rough made smooth.
fn leaf(operation: CliCommand) -> Command {
    let command = Cli::<Printer<'_>>::get_command(operation).mut_args(smooth);
    // The list of commands shows the summary, the command's own help all of the text.
    let text = command
        .get_about()
        .map(ToString::to_string)
        .unwrap_or_default();
    let summary = text.split("\n\n").next().unwrap_or_default().to_owned();
    command.about(summary).long_about(text)
}

fn smooth(arg: Arg) -> Arg {
    let placeholder = arg.get_id().as_str().replace('-', "_").to_uppercase();
    match arg.get_id().as_str() {
        "json-body" => arg.value_name("FILE").help(BODY_HELP),
        "json-body-template" => arg.hide(true),
        _ if matches!(arg.get_action(), ArgAction::SetTrue) => arg,
        _ if arg.get_value_parser().type_id() == TypeId::of::<bool>() => {
            arg.num_args(0..=1).default_missing_value("true")
        }
        _ => arg.value_name(placeholder),
    }
}

/// Hangs `leaf` into the tree; a group tells in the list of commands what is in it.
fn insert(parent: Command, path: &[String], leaf: Command) -> Command {
    let Some((name, below)) = path.split_first() else {
        return parent;
    };
    if below.is_empty() {
        return parent.subcommand(leaf.name(name.clone()));
    }
    let known = parent.find_subcommand(name).is_some();
    let parent = if known {
        parent
    } else {
        parent.subcommand(group(name))
    };
    parent.mut_subcommand(name, |group| {
        let group = insert(group, below, leaf);
        let names: Vec<&str> = group.get_subcommands().map(Command::get_name).collect();
        let about = names.join(", ");
        group.about(about)
    })
}

fn group(name: &str) -> Command {
    Command::new(name.to_owned())
        .subcommand_required(true)
        .arg_required_else_help(true)
}
