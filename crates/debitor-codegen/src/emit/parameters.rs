//! The structs of an operation's parameters and of its whole request.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};

use super::attributes::{constraints, rust_type, value};
use super::readers::{or_default, reader};
use super::{doc, ident};
use crate::lower::precondition;
use crate::model::{Operation, Parameter};

/// A place that has parameters.
pub(super) struct Place<'a> {
    /// The field of the request, such as `path`.
    pub(super) field: &'static str,
    /// The end of the struct's name, and what the annotation calls the place.
    suffix: &'static str,
    position: &'static str,
    /// The parameters there.
    pub(super) parameters: &'a [Parameter],
}

/// The places of an operation that have parameters.
pub(super) fn places(operation: &Operation) -> impl Iterator<Item = Place<'_>> {
    let all = [
        ("path", "Path", "Path", &operation.path_parameters),
        ("query", "Query", "Query", &operation.query),
        ("headers", "Headers", "Header", &operation.headers),
    ];
    all.into_iter()
        .filter(|(.., parameters)| !parameters.is_empty())
        .map(|(field, suffix, position, parameters)| Place {
            field,
            suffix,
            position,
            parameters,
        })
}

impl Place<'_> {
    /// The struct's name.
    pub(super) fn name(&self, operation: &Operation) -> proc_macro2::Ident {
        format_ident!("{}{}", operation.stem, self.suffix)
    }
}

/// The parameters of an operation, place by place, and its request.
pub(super) fn structs(operation: &Operation) -> TokenStream {
    let places = places(operation).map(|place| parameters(operation, &place));
    let request = request(operation);
    quote!(#(#places)* #request)
}

fn parameters(operation: &Operation, place: &Place<'_>) -> TokenStream {
    let name = place.name(operation);
    let position = ident(place.position);
    let text = format!(
        "The parameters of `{}` in its {}.",
        operation.id, place.field
    );
    let (doc, fields) = (doc(Some(&text)), place.parameters.iter().map(field));
    let read = read(operation, place);
    quote! {
        #doc
        #[derive(Debug, Clone, PartialEq, IntoParams)]
        #[into_params(parameter_in = #position)]
        pub struct #name { #(#fields,)* }
        #read
    }
}

fn field(parameter: &Parameter) -> TokenStream {
    let (doc, field) = (
        doc(parameter.description.as_deref()),
        ident(&parameter.field),
    );
    let kind = rust_type(&parameter.kind, &TokenStream::new());
    let mut parts = Vec::new();
    if parameter.name != parameter.field {
        let name = &parameter.name;
        parts.push(quote!(rename = #name));
    }
    let held = match (parameter.required, &parameter.default) {
        (true, _) => kind,
        (false, Some(_)) => {
            parts.push(quote!(required = false));
            kind
        }
        (false, None) => {
            parts.push(quote!(nullable = false));
            quote!(Option<#kind>)
        }
    };
    parts.extend(constraints(&parameter.kind));
    parts.extend(value("default", parameter.default.as_ref()));
    parts.extend(value("example", parameter.example.as_ref()));
    let annotation = (!parts.is_empty()).then(|| quote!(#[param(#(#parts),*)]));
    let deprecated = parameter.deprecated.then(|| quote!(#[deprecated]));
    quote!(#doc #deprecated #annotation pub #field: #held)
}

fn read(operation: &Operation, place: &Place<'_>) -> TokenStream {
    let name = place.name(operation);
    let names = place.parameters.iter().map(|parameter| &parameter.name);
    let (argument, open) = match place.field {
        "path" => (
            quote!(found: &PathParameters),
            quote!(Parameters::path(found, faults)),
        ),
        "query" => (
            quote!(query: &str),
            quote!(Parameters::query(query, &[#(#names),*], faults)),
        ),
        _ => {
            let lower = names.map(|name| name.to_ascii_lowercase());
            let shown = place.parameters.iter().map(|parameter| &parameter.name);
            let pairs = quote!(&[#((#lower, #shown)),*]);
            (
                quote!(headers: &HeaderMap),
                quote!(Parameters::headers(headers, #pairs, faults)),
            )
        }
    };
    let (mut reads, mut fields) = (Vec::new(), Vec::new());
    for parameter in place.parameters {
        let (field, wire) = (ident(&parameter.field), &parameter.name);
        let reader = reader(&parameter.kind, parameter.description.as_deref());
        let method = ident(match parameter.required {
            true if place.field == "headers" && precondition(wire) => "precondition",
            true => "required",
            false => "optional",
        });
        reads.push(quote!(let #field = parameters.#method(#wire, &#reader);));
        let default = or_default(parameter.default.as_ref()).filter(|_| !parameter.required);
        fields.push(quote!(#field: #field?#default));
    }
    quote! {
        impl #name {
            fn read(#argument, faults: &mut Faults) -> Option<Self> {
                let mut parameters = #open;
                #(#reads)*
                Some(Self { #(#fields),* })
            }
        }
    }
}

fn request(operation: &Operation) -> TokenStream {
    let name = format_ident!("{}Request", operation.stem);
    let doc = doc(Some(&format!(
        "A request of `{}`, with every constraint checked.",
        operation.id
    )));
    let parts = places(operation).map(|place| {
        let (field, name) = (ident(place.field), place.name(operation));
        let doc = super::doc(Some(&format!("The parameters in its {}.", place.field)));
        quote!(#doc pub #field: #name)
    });
    let body = operation.body.as_ref().map(|body| {
        let schema = super::model(&body.schema);
        let doc = super::doc(body.description.as_deref());
        quote!(#doc pub body: #schema,)
    });
    quote! {
        #doc
        #[derive(Debug, Clone)]
        pub struct #name {
            /// What surrounds the request.
            pub context: Context,
            #(#parts,)*
            #body
        }
    }
}
