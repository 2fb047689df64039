//! Parts of annotations: JSON values, constraints, and the types that stand for kinds.

use proc_macro2::{Literal, TokenStream};
use quote::quote;
use serde_json::Value;

use super::ident;
use crate::model::{Kind, TextRules};

/// A value as it stands within `json!`.
pub(super) fn json(value: &Value) -> TokenStream {
    match value {
        Value::Null => quote!(null),
        Value::Bool(value) => quote!(#value),
        Value::Number(number) => number.to_string().parse().unwrap_or_default(),
        Value::String(text) => quote!(#text),
        Value::Array(items) => {
            let items = items.iter().map(json);
            quote!([#(#items),*])
        }
        Value::Object(members) => {
            let (names, values) = (members.keys(), members.values().map(json));
            quote!({ #(#names: #values),* })
        }
    }
}

/// `name = value`, where there is a value.
pub(super) fn value(name: &str, value: Option<&Value>) -> Option<TokenStream> {
    let (name, value) = (ident(name), json(value?));
    Some(quote!(#name = json!(#value)))
}

/// `name = number`, where there is a number.
fn number(name: &str, number: Option<impl ToString>) -> Option<TokenStream> {
    let name = ident(name);
    let number: TokenStream = number?.to_string().parse().ok()?;
    Some(quote!(#name = #number))
}

/// The type of a value; `prefix` stands before the names of schemas.
pub(super) fn rust_type(kind: &Kind, prefix: &TokenStream) -> TokenStream {
    match kind {
        Kind::Text(_) => quote!(String),
        Kind::Uuid => quote!(Uuid),
        Kind::Date => quote!(NaiveDate),
        Kind::DateTime => quote!(DateTime<Utc>),
        Kind::Integer { wide: false, .. } => quote!(i32),
        Kind::Integer { wide: true, .. } => quote!(i64),
        Kind::Number { .. } => quote!(f64),
        Kind::Boolean => quote!(bool),
        Kind::Model(name) => {
            let name = ident(name);
            quote!(#prefix #name)
        }
        Kind::Array { item, .. } => {
            let item = rust_type(item, prefix);
            quote!(Vec<#item>)
        }
    }
}

/// The constraints of a value, as the annotations write them.
pub(super) fn constraints(kind: &Kind) -> Vec<TokenStream> {
    let listed = match kind {
        Kind::Text(rules) => return text(rules),
        Kind::Integer {
            minimum, maximum, ..
        } => [number("minimum", *minimum), number("maximum", *maximum)],
        Kind::Number {
            minimum, maximum, ..
        } => [number("minimum", *minimum), number("maximum", *maximum)],
        Kind::Array {
            min_items,
            max_items,
            ..
        } => [
            number("min_items", *min_items),
            number("max_items", *max_items),
        ],
        Kind::Uuid | Kind::Date | Kind::DateTime | Kind::Boolean | Kind::Model(_) => [None, None],
    };
    listed.into_iter().flatten().collect()
}

fn text(rules: &TextRules) -> Vec<TokenStream> {
    let pattern = rules
        .pattern
        .as_ref()
        .map(|pattern| Literal::string(&pattern.source));
    let listed = [
        number("min_length", rules.min_length),
        number("max_length", rules.max_length),
        pattern.map(|pattern| quote!(pattern = #pattern)),
        rules.format.as_ref().map(|format| quote!(format = #format)),
    ];
    listed.into_iter().flatten().collect()
}
