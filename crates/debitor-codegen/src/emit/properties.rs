//! An enumeration for each schema that is listed: what its entities can be asked for by.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};

use super::{doc, file_doc, ident};
use crate::model::{Api, Kind, Leaf, Listed, Shape, Variant};

pub(super) fn file(api: &Api) -> TokenStream {
    let header = file_doc("What the entities of each list can be asked for by.");
    let tables = api.listed.iter().map(|listed| table(api, listed));
    let uses = (!api.listed.is_empty()).then(|| {
        quote!(
            use crate::support::properties::{Property, Type};
        )
    });
    quote!(#header #uses #(#tables)*)
}

fn table(api: &Api, listed: &Listed) -> TokenStream {
    let name = format_ident!("{}Property", listed.schema);
    let text = doc(Some(&format!(
        "The plain values of a `{}`, by the paths to them.",
        listed.schema
    )));
    let leaves = &listed.leaves;
    let variants = leaves.iter().map(variant);
    let names: Vec<_> = leaves.iter().map(|leaf| ident(&leaf.name)).collect();
    let paths = leaves.iter().map(|leaf| &leaf.path);
    let types = leaves.iter().map(|leaf| kind(api, &leaf.kind));
    let nullable = leaves.iter().map(|leaf| leaf.nullable);
    quote! {
        #text
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum #name { #(#variants,)* }
        impl Property for #name {
            const ALL: &'static [Self] = &[#(Self::#names),*];

            fn path(self) -> &'static str {
                match self { #(Self::#names => #paths,)* }
            }

            fn kind(self) -> Type {
                match self { #(Self::#names => #types,)* }
            }

            fn nullable(self) -> bool {
                match self { #(Self::#names => #nullable,)* }
            }
        }
    }
}

fn variant(leaf: &Leaf) -> TokenStream {
    let (text, name) = (doc(leaf.description.as_deref()), ident(&leaf.name));
    quote!(#text #name)
}

fn kind(api: &Api, kind: &Kind) -> TokenStream {
    match kind {
        Kind::Text(_) => quote!(Type::Text),
        Kind::Uuid => quote!(Type::Guid),
        Kind::Date => quote!(Type::Date),
        Kind::DateTime => quote!(Type::DateTime),
        Kind::Boolean => quote!(Type::Boolean),
        Kind::Integer { .. } | Kind::Number { .. } => quote!(Type::Number),
        // Objects and arrays are never leaves.
        Kind::Model(_) | Kind::Array { .. } => {
            let values = values(api, kind).iter().map(|variant| &variant.value);
            quote!(Type::Enumeration(&[#(#values),*]))
        }
    }
}

fn values<'a>(api: &'a Api, kind: &Kind) -> &'a [Variant] {
    let mut schemas = api.schemas.iter();
    let named = schemas.find(|schema| matches!(kind, Kind::Model(name) if *name == schema.name));
    match named.map(|schema| &schema.shape) {
        Some(Shape::Enumeration(variants)) => variants,
        _ => &[],
    }
}
