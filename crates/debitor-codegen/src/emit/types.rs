//! The named schemas: their types, their annotations and how requests read them.

use proc_macro2::TokenStream;
use quote::quote;

use super::attributes::{constraints, rust_type, value};
use super::readers::{or_default, reader};
use super::{doc, file_doc, ident};
use crate::model::{Api, Inline, InlineShape, Property, Schema, Shape, Variant};

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
    let definition = match &schema.shape {
        Shape::Object { properties, closed } => object(schema, properties, *closed),
        Shape::Enumeration(variants) => {
            enumeration(&schema.name, variants, schema, schema.in_responses)
        }
    };
    let decode = schema.in_requests.then(|| match &schema.shape {
        Shape::Object { properties, closed } => decode_object(&schema.name, properties, *closed),
        Shape::Enumeration(_) => decode_enumeration(&schema.name),
    });
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
    let example: Vec<_> = value("example", schema.example.as_ref()).into_iter().collect();
    let example = attribute("schema", &example);
    let closed = closed.then(|| quote!(#[serde(deny_unknown_fields)]));
    let fields = properties.iter().map(|property| field(schema, property));
    let names = properties.iter().map(|property| &property.name);
    let names = schema.in_responses.then(|| {
        quote! {
            impl #name {
                /// The names of its properties, in the order of the document.
                pub const PROPERTIES: &'static [&'static str] = &[#(#names),*];
            }
        }
    });
    quote! {
        #doc
        #[derive(Debug, Clone, PartialEq, #default #serde ToSchema)]
        #closed
        #example
        pub struct #name { #(#fields,)* }
        #names
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
    let Shape::Object { properties, .. } = &schema.shape else { return false };
    properties.iter().any(|one| holding(one, schema.in_responses) == Holding::Defaulted)
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
    let unknown = if closed { quote!(Unknown::Refused) } else { quote!(Unknown::Ignored) };
    let (mut reads, mut fields) = (Vec::new(), Vec::new());
    for property in properties {
        let (field, wire) = (ident(&property.field), &property.name);
        let reader = reader(&property.kind, &TokenStream::new());
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

fn enumeration(
    name: &str,
    variants: &[Variant],
    prose: impl Prose,
    serialized: bool,
) -> TokenStream {
    let (doc, name) = (doc(prose.description()), ident(name));
    let serde = serialized.then(|| quote!(, Serialize, Deserialize));
    let renames = serialized.then_some(variants).unwrap_or_default().iter().map(|variant| {
        let value = &variant.value;
        quote!(#[serde(rename = #value)])
    });
    let renames: Vec<_> = renames.chain(std::iter::repeat(TokenStream::new())).take(variants.len()).collect();
    let schema = enumeration_schema(&name, &prose);
    let idents: Vec<_> = variants.iter().map(|variant| ident(&variant.name)).collect();
    let values: Vec<_> = variants.iter().map(|variant| &variant.value).collect();
    let docs = values.iter().map(|value| super::doc(Some(&format!("`{value}`"))));
    quote! {
        #doc
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash #serde)]
        pub enum #name { #(#docs #renames #idents,)* }
        impl #name {
            /// Every value with its text, in the document's order.
            pub const ALL: &[(&str, Self)] = &[#((#values, Self::#idents)),*];

            /// The value's text.
            pub const fn as_str(self) -> &'static str {
                match self { #(Self::#idents => #values,)* }
            }
        }
        #schema
    }
}

/// Not derived, as utoipa takes an empty name for none.
fn enumeration_schema(name: &proc_macro2::Ident, prose: &impl Prose) -> TokenStream {
    let description = prose.description().map(|text| quote!(.description(Some(#text))));
    let example = prose.example().map(|value| {
        let value = super::attributes::json(value);
        quote!(.example(Some(serde_json::json!(#value))))
    });
    quote! {
        impl utoipa::PartialSchema for #name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
                utoipa::openapi::ObjectBuilder::new()
                    .schema_type(utoipa::openapi::Type::String)
                    .enum_values(Some(Self::ALL.iter().map(|(text, _)| *text)))
                    #description #example
                    .into()
            }
        }
        impl utoipa::ToSchema for #name {}
    }
}

fn decode_enumeration(name: &str) -> TokenStream {
    let name = ident(name);
    quote! {
        impl Decode for #name {
            fn decode(json: Json, at: &Place<'_>, faults: &mut Faults) -> Option<Self> {
                values::one_of(Self::ALL, json, at, faults)
            }
        }
    }
}

fn inline(inline: &Inline) -> TokenStream {
    let kind = match &inline.shape {
        InlineShape::Scalar(kind) => kind,
        InlineShape::Enumeration(variants) => {
            return enumeration(&inline.name, variants, inline, false);
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

/// Schemas, named or not, have prose.
trait Prose {
    fn description(&self) -> Option<&str>;
    fn example(&self) -> Option<&serde_json::Value>;
}

impl Prose for &Schema {
    fn description(&self) -> Option<&str> {
        self.description.as_deref()
    }
    fn example(&self) -> Option<&serde_json::Value> {
        self.example.as_ref()
    }
}

impl Prose for &Inline {
    fn description(&self) -> Option<&str> {
        self.description.as_deref()
    }
    fn example(&self) -> Option<&serde_json::Value> {
        self.example.as_ref()
    }
}
