//! Readers: for each kind, the expression that checks a value and reads it.

use proc_macro2::{Literal, TokenStream};
use quote::quote;
use serde_json::Value;

use super::attributes::rust_type;
use crate::model::{Kind, TextRules};
use crate::names;

/// The expression that makes the reader of a kind. What is read is told by its description to
/// whoever sends something that does not match its pattern.
pub(super) fn reader(kind: &Kind, description: Option<&str>) -> TokenStream {
    let prefix = &TokenStream::new();
    match kind {
        Kind::Text(rules) => text(rules, description.unwrap_or_default()),
        Kind::Uuid | Kind::Date | Kind::DateTime => {
            let parsed = rust_type(kind, prefix);
            quote!(values::Formatted::<#parsed>::new())
        }
        Kind::Integer {
            wide,
            minimum,
            maximum,
        } => {
            let start = if *wide { quote!(int64) } else { quote!(int32) };
            let minimum = minimum.map(|n| step("minimum", &Literal::i64_unsuffixed(n)));
            let maximum = maximum.map(|n| step("maximum", &Literal::i64_unsuffixed(n)));
            quote!(values::Integer::#start()#minimum #maximum)
        }
        Kind::Number { minimum, maximum } => {
            let minimum = minimum.map(|n| step("minimum", &Literal::f64_unsuffixed(n)));
            let maximum = maximum.map(|n| step("maximum", &Literal::f64_unsuffixed(n)));
            quote!(values::Real::new()#minimum #maximum)
        }
        Kind::Boolean => quote!(values::Boolean),
        Kind::Model(_) => {
            let model = rust_type(kind, prefix);
            quote!(values::Model::<#model>::new())
        }
        Kind::Array {
            item,
            min_items,
            max_items,
        } => {
            let item = reader(item, description);
            let min_items = min_items.map(|n| step("min_items", &Literal::u64_unsuffixed(n)));
            let max_items = max_items.map(|n| step("max_items", &Literal::u64_unsuffixed(n)));
            quote!(values::Array::of(#item)#min_items #max_items)
        }
    }
}

fn text(rules: &TextRules, description: &str) -> TokenStream {
    let min_length = rules
        .min_length
        .map(|n| step("min_length", &Literal::u64_unsuffixed(n)));
    let max_length = rules
        .max_length
        .map(|n| step("max_length", &Literal::u64_unsuffixed(n)));
    let format = rules.format.as_ref().map(|format| {
        let format = super::ident(&names::camel(format));
        quote!(.format(values::Format::#format))
    });
    let Some(pattern) = &rules.pattern else {
        return quote!(values::Text::new()#min_length #max_length #format);
    };
    let (source, rust) = (&pattern.source, &pattern.rust);
    quote!({
        static PATTERN: values::Pattern = values::Pattern::new(#source, #rust, #description);
        values::Text::new()#min_length #max_length #format.pattern(&PATTERN)
    })
}

fn step(name: &str, argument: &Literal) -> TokenStream {
    let name = super::ident(name);
    quote!(.#name(#argument))
}

/// What stands for a value that was left out: `.unwrap_or(100)`.
pub(super) fn or_default(default: Option<&Value>) -> Option<TokenStream> {
    Some(match default? {
        Value::String(text) => quote!(.unwrap_or_else(|| #text.to_owned())),
        other => {
            let other = super::attributes::json(other);
            quote!(.unwrap_or(#other))
        }
    })
}
