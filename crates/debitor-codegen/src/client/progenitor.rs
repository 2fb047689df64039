//! Running progenitor, whose panics become faults with a place in the document.

use std::panic::{AssertUnwindSafe, catch_unwind};

use openapiv3::OpenAPI;
use proc_macro2::TokenStream;
use progenitor_impl::{
    GenerationSettings, Generator, HooksMode, InterfaceStyle, TagStyle, TypeImpl,
};
use serde_json::Value;

use super::{Settings, internal};
use crate::Fault;
use crate::profile::Profile;
use crate::spec::{METHODS, Spec};

/// What progenitor writes.
pub(super) struct Output {
    pub(super) client: TokenStream,
    pub(super) cli: TokenStream,
    pub(super) httpmock: TokenStream,
}

/// Generates everything; what progenitor does not take is reported where it stands.
pub(super) fn run(
    spec: &Spec,
    profile: &Profile,
    settings: &Settings,
) -> Result<Output, Vec<Fault>> {
    let generation = generation(profile, settings);
    attempt(&profile.document, &generation, settings).map_err(|problem| {
        let culprits = culprits(spec, profile, &generation, settings);
        if culprits.is_empty() {
            vec![internal(&problem)]
        } else {
            culprits
        }
    })
}

fn generation(profile: &Profile, settings: &Settings) -> GenerationSettings {
    let mut generation = GenerationSettings::default();
    generation
        .with_interface(InterfaceStyle::Builder)
        .with_tag(TagStyle::Merged)
        .with_hooks(HooksMode::Expected)
        .with_derive("schemars::JsonSchema");
    let client = format!("::{}", settings.client_crate);
    for placeholder in &profile.placeholders {
        let text = [TypeImpl::FromStr, TypeImpl::Display];
        let abilities = text.into_iter().filter(|_| placeholder.shape.is_text());
        let rust = placeholder.shape.rust(&client);
        generation.with_replacement(&placeholder.name, rust, abilities);
    }
    generation
}

/// Runs progenitor once. It asserts many things of a document instead of returning an error.
fn attempt(
    document: &Value,
    generation: &GenerationSettings,
    settings: &Settings,
) -> Result<Output, String> {
    let document: OpenAPI =
        serde_json::from_value(document.clone()).map_err(|error| error.to_string())?;
    let emit = || -> progenitor_impl::Result<Output> {
        let mut generator = Generator::new(generation);
        Ok(Output {
            client: generator.generate_tokens(&document)?,
            cli: generator.cli(&document, &settings.client_crate)?,
            httpmock: generator.httpmock(&document, &settings.client_crate)?,
        })
    };
    match catch_unwind(AssertUnwindSafe(emit)) {
        Ok(output) => output.map_err(|error| error.to_string()),
        Err(panic) => Err(message(panic.as_ref())),
    }
}

fn message(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("it panicked")
        .to_owned()
}

/// The operations that progenitor does not take even if the document had no other.
fn culprits(
    spec: &Spec,
    profile: &Profile,
    generation: &GenerationSettings,
    settings: &Settings,
) -> Vec<Fault> {
    let mut faults = Vec::new();
    for operation in spec.operations() {
        let alone = alone(&profile.document, operation.path, operation.method);
        if let Err(problem) = attempt(&alone, generation, settings) {
            let problem = format!("progenitor cannot generate a client for it: {problem}");
            faults.push(Fault::new(
                operation.pointer,
                problem,
                "write it in a plainer way",
            ));
        }
    }
    faults
}

fn alone(document: &Value, path: &str, method: &str) -> Value {
    let mut document = document.clone();
    if let Some(paths) = document.get_mut("paths").and_then(Value::as_object_mut) {
        paths.retain(|name, _| name == path);
        if let Some(item) = paths.values_mut().next().and_then(Value::as_object_mut) {
            item.retain(|name, _| name == method || !METHODS.contains(&name.as_str()));
        }
    }
    document
}
