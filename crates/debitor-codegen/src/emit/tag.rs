//! The file of a tag: its trait, its routes, and what each operation takes and answers.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};

use super::{answers, doc, file_doc, handlers, ident, model, parameters};
use crate::model::{Api, Operation, Tag};

pub(super) fn file(api: &Api, tag: &Tag) -> TokenStream {
    let header = file_doc(&format!("The operations of the tag `{}`.", tag.name));
    let (contract, routes) = (contract(tag), routes(api, tag));
    let operations = tag.operations.iter().map(|operation| {
        let structs = parameters::structs(operation);
        let answers = answers::answers(api, operation);
        let handler = handlers::handler(tag, operation);
        quote!(#structs #answers #handler)
    });
    quote! {
        #header
        use std::future::Future;
        use axum::extract::{Request, State};
        use axum::http::{HeaderMap, StatusCode};
        use axum::response::Response;
        use chrono::{DateTime, NaiveDate, Utc};
        use utoipa::IntoParams;
        use uuid::Uuid;
        use crate::support::call::Call;
        use crate::support::parameters::{Parameters, PathParameters};
        use crate::support::reply::{self, Answer, Reply};
        use crate::support::{
            Api, Body, Context, ErrorBody, Faults, Operation, Problem, Routes, decode, values,
        };
        use super::{responses, types};
        #contract
        #routes
        #(#operations)*
    }
}

fn contract(tag: &Tag) -> TokenStream {
    let (text, name) = (doc(tag.description.as_deref()), ident(&tag.api));
    let methods = tag.operations.iter().map(method);
    quote!(#text pub trait #name: Api { #(#methods)* })
}

fn method(operation: &Operation) -> TokenStream {
    let prose = [
        operation.summary.as_deref(),
        operation.description.as_deref(),
    ];
    let text = doc(Some(
        &prose.into_iter().flatten().collect::<Vec<_>>().join("\n\n"),
    ));
    let name = ident(&operation.id);
    let request = format_ident!("{}Request", operation.stem);
    let response = format_ident!("{}Response", operation.stem);
    let caller = operation.secured().then(|| quote!(caller: Self::Caller,));
    quote! {
        #text
        fn #name(&self, #caller request: #request)
            -> impl Future<Output = Result<#response, Self::Error>> + Send;
    }
}

fn routes(api: &Api, tag: &Tag) -> TokenStream {
    let (name, error) = (ident(&tag.api), model(&api.error_body));
    let mounted = tag.operations.iter().map(|operation| {
        let (path, handler) = (
            format_ident!("__path_{}", operation.id),
            ident(&operation.id),
        );
        quote!(.operation::<#path, _, _>(#handler::<A>))
    });
    let constants = tag.operations.iter().map(handlers::description);
    quote! {
        /// The tag's operations.
        pub static OPERATIONS: &[&Operation] = &[#(&#constants),*];

        /// The tag's routes, with the document of them.
        pub fn routes<A: #name>() -> Routes<A> {
            Routes::new::<#error>(utoipa::openapi::OpenApi::default())#(#mounted)*
        }
    }
}
