//! The typed client, its commands and its mock: progenitor's output for the client profile.

mod lists;
mod progenitor;
mod rewrite;

#[cfg(test)]
mod tests;

use serde_json::Value;

use crate::profile::profile;
use crate::{Fault, Spec};

/// What the generator is told of the crates it writes for.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The text of the first line of every file, without the sign of a comment.
    pub mark: String,
    /// The name of the crate that holds the client, such as `acme_client`. It declares `Nullable`,
    /// `present` and `paging`, and itself as an `extern crate`.
    pub client_crate: String,
    /// The path of the function by which commands read the file of `--json-body`. It has the shape
    /// of `std::fs::read_to_string` and may read standard input for `-`.
    pub read_body: String,
    /// The path of the asynchronous function by which commands write all pages of a list. It takes
    /// the command's `ArgMatches` and a stream of pages, and returns an `anyhow::Result<()>`.
    pub write_pages: String,
}

/// The texts of the generated files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Client {
    /// The client profile, as YAML.
    pub profile: String,
    /// The client and its types.
    pub client: String,
    /// The commands.
    pub cli: String,
    /// The typed mock.
    pub httpmock: String,
}

/// Generates everything that is on the consumers' side of the document.
pub fn generate(spec: &Spec, settings: &Settings) -> Result<Client, Vec<Fault>> {
    let profile = profile(spec)?;
    let output = progenitor::run(spec, &profile, settings)?;
    let failed = |error: syn::Error| vec![internal(&error.to_string())];
    let lists = lists::of(spec);
    let client = rewrite::client(output.client, &profile, &lists, settings).map_err(failed)?;
    let cli = rewrite::cli(output.cli, &lists, settings).map_err(failed)?;
    let httpmock = rewrite::httpmock(output.httpmock).map_err(failed)?;
    let rust = |file: &syn::File| format!("// {}\n{}", settings.mark, prettyplease::unparse(file));
    Ok(Client {
        profile: yaml(&profile.document, settings)?,
        client: without_ignored_examples(&rust(&client)),
        cli: rust(&cli),
        httpmock: rust(&httpmock),
    })
}

/// progenitor's examples are sketches with `...` in them: text to read, and not tests to skip.
fn without_ignored_examples(client: &str) -> String {
    client.replace("```ignore", "```text")
}

fn yaml(document: &Value, settings: &Settings) -> Result<String, Vec<Fault>> {
    let text = yaml_serde::to_string(document).map_err(|e| vec![internal(&e.to_string())])?;
    Ok(format!("# {}\n{text}", settings.mark))
}

/// A fault that no document should cause.
fn internal(problem: &str) -> Fault {
    Fault::new(
        "",
        format!("the client cannot be generated: {problem}"),
        "mend the generator",
    )
}
