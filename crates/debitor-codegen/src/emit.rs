//! From the model to text: the only place where Rust is printed.

mod answers;
mod attributes;
mod document;
mod enumeration;
mod handlers;
mod parameters;
mod properties;
mod readers;
mod responses;
mod tag;
mod types;

use proc_macro2::{Ident, Span, TokenStream};
use quote::quote;

use crate::model::Api;
use crate::{Fault, GeneratedFile};

/// All files of the stubs.
pub(crate) fn files(api: &Api, mark: &str) -> Result<Vec<GeneratedFile>, Vec<Fault>> {
    let mut files = vec![
        ("mod.rs".to_owned(), document::root(api)),
        ("types.rs".to_owned(), types::file(api)),
        ("properties.rs".to_owned(), properties::file(api)),
        ("responses.rs".to_owned(), responses::file(api)),
        ("document.rs".to_owned(), document::file(api)),
    ];
    files.extend(
        api.tags
            .iter()
            .map(|tag| (format!("{}.rs", tag.module), tag::file(api, tag))),
    );
    let printed: Vec<_> = files
        .into_iter()
        .map(|(path, tokens)| print(path, tokens, mark))
        .collect();
    if printed.iter().all(Result::is_ok) {
        return Ok(printed.into_iter().flatten().collect());
    }
    Err(printed.into_iter().filter_map(Result::err).collect())
}

fn print(path: String, tokens: TokenStream, mark: &str) -> Result<GeneratedFile, Fault> {
    let file = syn::parse2(tokens).map_err(|error| {
        let problem = format!("the stubs' `{path}` is not Rust: {error}");
        Fault::new(
            "",
            problem,
            "report this: the generator should have refused the document",
        )
    })?;
    let text = format!("{mark}\n{}", prettyplease::unparse(&file));
    Ok(GeneratedFile { path, text })
}

fn ident(name: &str) -> Ident {
    Ident::new(name, Span::call_site())
}

/// The path of a named schema's type, from outside of the file of types.
fn model(name: &str) -> TokenStream {
    let name = ident(name);
    quote!(types::#name)
}

/// The comment that says what the document says, line by line.
fn doc(text: Option<&str>) -> TokenStream {
    let lines = text.unwrap_or_default().lines().map(|line| {
        if line.is_empty() {
            String::new()
        } else {
            format!(" {line}")
        }
    });
    quote!(#(#[doc = #lines])*)
}

/// The comment of a whole file.
fn file_doc(text: &str) -> TokenStream {
    let text = format!(" {text}");
    quote!(#![doc = #text])
}
