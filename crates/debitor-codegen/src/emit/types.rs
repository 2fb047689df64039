//! The named schemas: their types, their annotations and how requests read them.

use proc_macro2::TokenStream;
use quote::quote;

use super::attributes::{constraints, rust_type, value};
use super::enumeration::Enumeration;
use super::readers::{or_default, reader};
use super::{doc, file_doc, ident};
use crate::model::{Api, Inline, InlineShape, Property, Schema, Shape};

pub(super) fn file(api: &Api) -> TokenStream {
    let header = file_doc("The document's schemas.");
    let schemas = api.schemas.iter().map(schema);
    let inlines = api.inlines.iter().map(inline);
    quote! {
        #header
        use chrono::{DateTime, NaiveDate, Utc};
        use serde::{Deserialize, Serialize};
        use utoipa::ToSchema;
        use uuid::Uuid;
        use crate::support::decode::{Decode, Object, Place, Unknown};
        use crate::support::json::Json;
        use crate::support::{Faults, Field, values};
        #(#schemas)*
        #(#inlines)*
    }
}

fn schema(schema: &Schema) -> TokenStream {
    let (definition, decode) = match &schema.shape {
        Shape::Object { properties, closed } => (
            object(schema, properties, *closed),
            schema
                .in_requests
                .then(|| decode_object(&schema.name, properties, *closed)),
        ),
        Shape::Enumeration(variants) => {
            let enumeration = Enumeration {
                name: &schema.name,
                variants,
                description: schema.description.as_deref(),
                example: schema.example.as_ref(),
                serialized: schema.in_responses,
            };
            (
                enumeration.definition(),
                schema.in_requests.then(|| enumeration.decode()),
            )
        }
    };
    quote!(#definition #decode)
}

/// `#[name(a, b)]`, or nothing where there is nothing to say.
fn attribute(name: &str, parts: &[TokenStream]) -> Option<TokenStream> {
    let name = ident(name);
    (!parts.is_empty()).then(|| quote!(#[#name(#(#parts),*)]))
}

fn object(schema: &Schema, properties: &[Property], closed: bool) -> TokenStream {
    let (doc, name) = (doc(schema.description.as_deref()), ident(&schema.name));
    let serde = schema.in_responses.then(|| quote!(Serialize, Deserialize,));
    let optional = properties.iter().all(|property| !property.required);
    let default = (optional && !applies_defaults(schema)).then(|| quote!(Default,));
    let example: Vec<_> = value("example", schema.example.as_ref())
        .into_iter()
        .collect();
    let example = attribute("schema", &example);
    let closed = closed.then(|| quote!(#[serde(deny_unknown_fields)]));
    let fields = properties.iter().map(|property| field(schema, property));
    quote! {
        #doc
        #[derive(Debug, Clone, PartialEq, #default #serde ToSchema)]
        #closed
        #example
        pub struct #name { #(#fields,)* }
    }
}

/// How a property is held: what is absent, what is null and what has a default differ.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Holding {
    Value,
    Defaulted,
    Option,
    RequiredOption,
    Field,
}

fn holding(property: &Property, in_responses: bool) -> Holding {
    match (property.required, property.nullable) {
        (true, false) => Holding::Value,
        (true, true) => Holding::RequiredOption,
        (false, true) => Holding::Field,
        // Answers that leave a property out must be told from those that have its default.
        (false, false) if property.default.is_some() && !in_responses => Holding::Defaulted,
        (false, false) => Holding::Option,
    }
}

fn applies_defaults(schema: &Schema) -> bool {
    let Shape::Object { properties, .. } = &schema.shape else {
        return false;
    };
    properties
        .iter()
        .any(|one| holding(one, schema.in_responses) == Holding::Defaulted)
}

fn field(schema: &Schema, property: &Property) -> TokenStream {
    let (doc, name) = (doc(property.description.as_deref()), ident(&property.field));
    let kind = rust_type(&property.kind, &TokenStream::new());
    let holding = holding(property, schema.in_responses);
    let held = match holding {
        Holding::Value | Holding::Defaulted => kind.clone(),
        Holding::Option | Holding::RequiredOption => quote!(Option<#kind>),
        Holding::Field => quote!(Field<#kind>),
    };
    let serde = attribute("serde", &serde_parts(schema, property, holding));
    let annotation = attribute("schema", &schema_parts(property, holding, &kind));
    quote!(#doc #serde #annotation pub #name: #held)
}

fn serde_parts(schema: &Schema, property: &Property, holding: Holding) -> Vec<TokenStream> {
    let mut parts = Vec::new();
    if property.name != property.field {
        let name = &property.name;
        parts.push(quote!(rename = #name));
    }
    if schema.in_responses {
        match holding {
            Holding::Option => parts.push(quote!(default, skip_serializing_if = "Option::is_none")),
            Holding::Field => parts.push(quote!(default, skip_serializing_if = "Field::is_absent")),
            Holding::Value | Holding::Defaulted | Holding::RequiredOption => {}
        }
    }
    parts
}

fn schema_parts(property: &Property, holding: Holding, kind: &TokenStream) -> Vec<TokenStream> {
    let mut parts = match holding {
        Holding::Value => Vec::new(),
        Holding::Defaulted => vec![quote!(required = false)],
        Holding::Option => vec![quote!(nullable = false)],
        Holding::RequiredOption => vec![quote!(required)],
        Holding::Field => vec![quote!(value_type = Option<#kind>)],
    };
    parts.extend(constraints(&property.kind));
    parts.extend(value("default", property.default.as_ref()));
    parts.extend(value("example", property.example.as_ref()));
    if property.read_only {
        parts.push(quote!(read_only));
    }
    parts
}

fn decode_object(name: &str, properties: &[Property], closed: bool) -> TokenStream {
    let name = ident(name);
    let names = properties.iter().map(|property| &property.name);
    let unknown = if closed {
        quote!(Unknown::Refused)
    } else {
        quote!(Unknown::Ignored)
    };
    let (mut reads, mut fields) = (Vec::new(), Vec::new());
    for property in properties {
        let (field, wire) = (ident(&property.field), &property.name);
        let reader = reader(&property.kind, property.description.as_deref());
        let held = holding(property, false);
        let method = ident(match held {
            Holding::Value => "required",
            Holding::RequiredOption => "required_nullable",
            Holding::Option | Holding::Defaulted => "optional",
            Holding::Field => "field",
        });
        reads.push(quote!(let #field = object.#method(#wire, &#reader);));
        let default = or_default(property.default.as_ref()).filter(|_| held == Holding::Defaulted);
        fields.push(quote!(#field: #field?#default));
    }
    quote! {
        impl Decode for #name {
            fn decode(json: Json, at: &Place<'_>, faults: &mut Faults) -> Option<Self> {
                const NAMES: &[&str] = &[#(#names),*];
                let mut object = Object::open(json, NAMES, #unknown, at, faults)?;
                #(#reads)*
                Some(Self { #(#fields),* })
            }
        }
    }
}

fn inline(inline: &Inline) -> TokenStream {
    let kind = match &inline.shape {
        InlineShape::Scalar(kind) => kind,
        InlineShape::Enumeration(variants) => {
            let description = inline.description.as_deref();
            let (name, example) = (inline.name.as_str(), inline.example.as_ref());
            return Enumeration {
                name,
                variants,
                description,
                example,
                serialized: false,
            }
            .definition();
        }
    };
    let (doc, name) = (doc(inline.description.as_deref()), ident(&inline.name));
    let held = rust_type(kind, &TokenStream::new());
    let mut parts = constraints(kind);
    parts.extend(value("example", inline.example.as_ref()));
    let annotation = attribute("schema", &parts);
    quote! {
        #doc
        #[derive(Debug, Clone, PartialEq, ToSchema)]
        #annotation
        pub struct #name(pub #held);
    }
}
