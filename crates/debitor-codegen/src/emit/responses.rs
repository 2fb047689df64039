//! How answers are annotated, and the file of those that the document shares between operations.

use std::collections::BTreeMap;

use proc_macro2::TokenStream;
use quote::quote;

use super::{doc, file_doc, ident, model};
use crate::model::{Api, Content, Header, Response, Typed};

/// The file of the shared answers, by name.
pub(super) fn file(api: &Api) -> TokenStream {
    let header = file_doc("The answers that operations share, as their annotations refer to them.");
    let responses = api
        .tags
        .iter()
        .flat_map(|tag| &tag.operations)
        .flat_map(|one| &one.responses);
    let by_name: BTreeMap<&str, &Response> = responses
        .filter_map(|response| Some((shared(response)?, response)))
        .collect();
    let definitions = by_name.into_iter().map(|(name, response)| {
        let (doc, name) = (doc(Some(&response.description)), ident(name));
        let (parts, body) = (parts(response), body(response));
        quote! {
            #doc
            #[derive(ToResponse)]
            #[response(#(#parts),*)]
            pub struct #name(pub #body);
        }
    });
    quote! {
        #header
        use utoipa::ToResponse;
        use super::types;
        #(#definitions)*
    }
}

/// The name of an answer that has a definition of its own: those with a body of JSON do.
pub(super) fn shared(response: &Response) -> Option<&str> {
    response
        .shared
        .as_deref()
        .filter(|_| matches!(response.content, Content::Json(_)))
}

/// What an annotation says of an answer beside its status and body.
pub(super) fn parts(response: &Response) -> Vec<TokenStream> {
    let description = &response.description;
    let media = media_type(&response.content).map(|media| quote!(content_type = #media));
    let headers: Vec<_> = response.headers.iter().map(header).collect();
    let headers = (!headers.is_empty()).then(|| quote!(headers(#(#headers),*)));
    [Some(quote!(description = #description)), media, headers]
        .into_iter()
        .flatten()
        .collect()
}

/// The type of an answer's body.
pub(super) fn body(response: &Response) -> Option<TokenStream> {
    match &response.content {
        Content::Empty => None,
        Content::Json(schema) => Some(model(schema)),
        Content::Text(typed) => Some(annotated(typed)),
    }
}

/// The media type of a body.
pub(super) fn media_type(content: &Content) -> Option<&'static str> {
    match content {
        Content::Empty => None,
        Content::Json(_) => Some("application/json"),
        Content::Text(_) => Some("text/plain"),
    }
}

fn header(header: &Header) -> TokenStream {
    let (name, kind) = (&header.name, annotated(&header.typed));
    let text = header
        .description
        .as_ref()
        .map(|text| quote!(, description = #text));
    quote!((#name = #kind #text))
}

fn annotated(typed: &Typed) -> TokenStream {
    if let Some(inline) = &typed.inline {
        let inline = model(inline);
        return quote!(inline(#inline));
    }
    let kind = ident(typed.rust);
    quote!(#kind)
}
