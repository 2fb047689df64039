//! Enumerations of strings, named or not.

use proc_macro2::TokenStream;
use quote::quote;
use serde_json::Value;

use super::attributes::json;
use super::{doc, ident};
use crate::model::Variant;

/// An enumeration as it is printed.
pub(super) struct Enumeration<'a> {
    pub(super) name: &'a str,
    pub(super) variants: &'a [Variant],
    pub(super) description: Option<&'a str>,
    pub(super) example: Option<&'a Value>,
    /// Whether answers hold it.
    pub(super) serialized: bool,
}

impl Enumeration<'_> {
    /// The type and its schema.
    pub(super) fn definition(&self) -> TokenStream {
        let (text, name, schema) = (doc(self.description), ident(self.name), self.schema());
        let serde = self.serialized.then(|| quote!(, Serialize, Deserialize));
        let variants = self.variants.iter().map(|variant| self.variant(variant));
        let idents: Vec<_> = self
            .variants
            .iter()
            .map(|variant| ident(&variant.name))
            .collect();
        let values: Vec<_> = self.variants.iter().map(|variant| &variant.value).collect();
        quote! {
            #text
            #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash #serde)]
            pub enum #name { #(#variants,)* }
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

    fn variant(&self, variant: &Variant) -> TokenStream {
        let (name, value) = (ident(&variant.name), &variant.value);
        let text = doc(Some(&format!("`{value}`")));
        let rename = self.serialized.then(|| quote!(#[serde(rename = #value)]));
        quote!(#text #rename #name)
    }

    /// Not derived, as utoipa takes an empty name for none.
    fn schema(&self) -> TokenStream {
        let name = ident(self.name);
        let description = self
            .description
            .map(|text| quote!(.description(Some(#text))));
        let example = self.example.map(|value| {
            let value = json(value);
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

    /// How requests read it.
    pub(super) fn decode(&self) -> TokenStream {
        let name = ident(self.name);
        quote! {
            impl Decode for #name {
                fn decode(json: Json, at: &Place<'_>, faults: &mut Faults) -> Option<Self> {
                    values::one_of(Self::ALL, &json, at, faults)
                }
            }
        }
    }
}
