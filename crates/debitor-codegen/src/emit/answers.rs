//! The enum of an operation's answers: the documented statuses and nothing else.

use heck::ToShoutySnakeCase;
use proc_macro2::TokenStream;
use quote::{format_ident, quote};

use super::{doc, ident, model};
use crate::model::{Api, Content, Header, Operation, Response};

/// The enum and how it becomes a response.
pub(super) fn answers(api: &Api, operation: &Operation) -> TokenStream {
    let name = format_ident!("{}Response", operation.stem);
    let doc = doc(Some(&format!(
        "The documented answers of `{}`.",
        operation.id
    )));
    let error = model(&api.error_body);
    let variants = operation
        .responses
        .iter()
        .map(|response| variant(api, response));
    let problems = operation
        .responses
        .iter()
        .filter_map(|response| problem(api, response));
    let replies = operation.responses.iter().map(reply);
    quote! {
        #doc
        #[derive(Debug, Clone, PartialEq)]
        pub enum #name { #(#variants,)* }
        impl Answer for #name {
            type Error = #error;

            fn from_problem(problem: Problem, context: &Context) -> Result<Self, Problem> {
                match problem.status.as_u16() {
                    #(#problems)*
                    _ => Err(problem),
                }
            }

            fn respond(self, context: &Context) -> Response {
                let reply = match self { #(#replies)* };
                reply.finish::<Self::Error>(context)
            }
        }
    }
}

/// The headers that a handler gives.
fn own(response: &Response) -> impl Iterator<Item = &Header> {
    response.headers.iter().filter(|header| !header.layered)
}

fn variant(api: &Api, response: &Response) -> TokenStream {
    let (doc_text, name) = (doc(Some(&response.description)), ident(&response.variant));
    let headers = own(response).map(|header| {
        let (text, field) = (doc(header.description.as_deref()), ident(&header.field));
        let kind = ident(header.typed.rust);
        let kind = if header.required {
            quote!(#kind)
        } else {
            quote!(Option<#kind>)
        };
        quote!(#text #field: #kind,)
    });
    let body = match &response.content {
        Content::Empty => None,
        Content::Json(schema) if *schema == api.error_body => Some(model(schema)),
        Content::Json(schema) => {
            let schema = model(schema);
            Some(quote!(Body<#schema>))
        }
        Content::Text(typed) => {
            let kind = ident(typed.rust);
            Some(quote!(#kind))
        }
    };
    let body = body.map(|kind| quote!(#[doc = " The body."] body: #kind,));
    let fields: TokenStream = headers.chain(body).collect();
    if fields.is_empty() {
        return quote!(#doc_text #name);
    }
    quote!(#doc_text #name { #fields })
}

/// The arm that makes an answer of a problem: one whose body, if any, is the error body.
fn problem(api: &Api, response: &Response) -> Option<TokenStream> {
    let body = match &response.content {
        Content::Empty => None,
        Content::Json(schema) if *schema == api.error_body => {
            let error = model(&api.error_body);
            Some(quote!(body: #error::new(problem, context)))
        }
        _ => return None,
    };
    let (status, name) = (
        proc_macro2::Literal::u16_unsuffixed(response.status),
        ident(&response.variant),
    );
    let reads = own(response).map(|header| {
        let (field, wire) = (ident(&header.field), header.name.to_ascii_lowercase());
        if header.required {
            quote!(let Some(#field) = problem.header_value(#wire) else { return Err(problem) };)
        } else {
            quote!(let #field = problem.header_value(#wire);)
        }
    });
    let fields: Vec<_> = own(response)
        .map(|header| ident(&header.field))
        .map(|f| quote!(#f))
        .chain(body)
        .collect();
    let made = if fields.is_empty() {
        quote!(Self::#name)
    } else {
        quote!(Self::#name { #(#fields),* })
    };
    Some(quote!(#status => { #(#reads)* Ok(#made) }))
}

fn reply(response: &Response) -> TokenStream {
    let name = ident(&response.variant);
    let status = ident(&response.variant.to_shouty_snake_case());
    let fields: Vec<_> = own(response).map(|header| ident(&header.field)).collect();
    let headers = own(response).map(|header| {
        let (field, wire) = (ident(&header.field), header.name.to_ascii_lowercase());
        if header.required {
            quote!(.header(#wire, &#field))
        } else {
            quote!(.optional_header(#wire, #field))
        }
    });
    let body = match &response.content {
        Content::Empty => None,
        Content::Json(_) if response.status >= 400 => Some(quote!(.json(&body))),
        Content::Json(_) => Some(quote!(.body(body))),
        Content::Text(_) => Some(quote!(.text(&body))),
    };
    let taken = body.as_ref().map(|_| quote!(body));
    let pattern: Vec<_> = fields
        .iter()
        .map(|field| quote!(#field))
        .chain(taken)
        .collect();
    let pattern = if pattern.is_empty() {
        quote!()
    } else {
        quote!({ #(#pattern),* })
    };
    quote!(Self::#name #pattern => Reply::new(StatusCode::#status)#(#headers)* #body,)
}
