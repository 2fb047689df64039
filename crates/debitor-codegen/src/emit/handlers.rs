//! Handlers: the annotation that says what an operation is, and the code that is just that.

use heck::ToShoutySnakeCase;
use proc_macro2::TokenStream;
use quote::{format_ident, quote};

use super::attributes::json;
use super::parameters::places;
use super::responses::{self, media_type};
use super::{ident, model};
use crate::model::{Operation, Response, Tag};

/// The constant that describes an operation to the server.
pub(super) fn description(operation: &Operation) -> proc_macro2::Ident {
    ident(&operation.id.to_shouty_snake_case())
}

/// An operation's description, its annotated handler and the steps behind it.
pub(super) fn handler(tag: &Tag, operation: &Operation) -> TokenStream {
    let (constant, describe) = (description(operation), describe(tag, operation));
    let (annotation, steps) = (annotation(tag, operation), steps(tag, operation));
    let (name, api) = (ident(&operation.id), ident(&tag.api));
    let step = format_ident!("{}_steps", operation.id);
    let deprecated = operation.deprecated.then(|| quote!(#[deprecated]));
    quote! {
        #describe
        #annotation
        #deprecated
        async fn #name<A: #api>(State(api): State<A>, request: Request) -> Response {
            let mut call = Call::new(&#constant, request);
            let visit = api.entered(call.operation);
            let result = #step(&api, &mut call).await;
            let response = reply::answer(result, &call.context);
            api.answered(visit, response.status());
            response
        }
        #steps
    }
}

fn describe(tag: &Tag, operation: &Operation) -> TokenStream {
    let (constant, id, tag) = (description(operation), &operation.id, &tag.name);
    let (method, path) = (operation.method.to_uppercase(), &operation.path);
    let (secured, permissions) = (operation.secured(), &operation.permissions);
    let statuses = operation
        .responses
        .iter()
        .map(|r| proc_macro2::Literal::u16_unsuffixed(r.status));
    // Where the document has no 406, `Accept` is not looked at.
    let mut produces: Vec<&str> = Vec::new();
    if operation.response(406).is_some() {
        let successes = operation
            .responses
            .iter()
            .filter(|response| response.status < 300);
        produces.extend(successes.filter_map(|response| media_type(&response.content)));
        produces.dedup();
    }
    let doc = super::doc(Some(&format!("`{method} {path}`")));
    quote! {
        #doc
        pub static #constant: Operation = Operation {
            id: #id,
            tag: #tag,
            method: #method,
            path: #path,
            secured: #secured,
            permissions: &[#(#permissions),*],
            statuses: &[#(#statuses),*],
            produces: &[#(#produces),*],
        };
    }
}

fn annotation(tag: &Tag, operation: &Operation) -> TokenStream {
    let method = ident(&operation.method);
    let (path, id, tag) = (&operation.path, &operation.id, &tag.name);
    let mut parts = vec![
        quote!(#method),
        quote!(path = #path),
        quote!(operation_id = #id),
        quote!(tag = #tag),
    ];
    parts.extend(
        operation
            .summary
            .as_ref()
            .map(|text| quote!(summary = #text)),
    );
    parts.extend(
        operation
            .description
            .as_ref()
            .map(|text| quote!(description = #text)),
    );
    let structs: Vec<_> = places(operation)
        .map(|place| place.name(operation))
        .collect();
    if !structs.is_empty() {
        parts.push(quote!(params(#(#structs),*)));
    }
    parts.extend(operation.body.as_ref().map(|body| {
        let schema = model(&body.schema);
        let text = body
            .description
            .as_ref()
            .map(|text| quote!(, description = #text));
        quote!(request_body(content = #schema, content_type = "application/json" #text))
    }));
    let responses = operation.responses.iter().map(response);
    parts.push(quote!(responses(#(#responses),*)));
    if !operation.security.is_empty() {
        let alternatives = operation.security.iter().map(|one| {
            let schemes = one
                .iter()
                .map(|(name, scopes)| quote!(#name = [#(#scopes),*]));
            quote!((#(#schemes),*))
        });
        parts.push(quote!(security(#(#alternatives),*)));
    }
    if !operation.extensions.is_empty() {
        let extensions = operation.extensions.iter().map(|(name, value)| {
            let value = json(value);
            quote!((#name = json!(#value)))
        });
        parts.push(quote!(extensions(#(#extensions),*)));
    }
    quote!(#[utoipa::path(#(#parts),*)])
}

fn response(response: &Response) -> TokenStream {
    let status = proc_macro2::Literal::u16_unsuffixed(response.status);
    if let Some(name) = responses::shared(response) {
        let name = ident(name);
        return quote!((status = #status, response = inline(responses::#name)));
    }
    let (parts, body) = (responses::parts(response), responses::body(response));
    let body = body.map(|body| quote!(body = #body,));
    quote!((status = #status, #body #(#parts),*))
}

/// The steps in the order in which a request can be refused.
fn steps(tag: &Tag, operation: &Operation) -> TokenStream {
    let (step, api) = (format_ident!("{}_steps", operation.id), ident(&tag.api));
    let (method, request) = (
        ident(&operation.id),
        format_ident!("{}Request", operation.stem),
    );
    let response = format_ident!("{}Response", operation.stem);
    let caller = operation
        .secured()
        .then(|| quote!(let caller = call.authenticate(api).await?;));
    let given = operation.secured().then(|| quote!(caller,));
    let accept = operation.response(406).map(|_| quote!(call.accept()?;));
    let json = operation
        .body
        .as_ref()
        .map(|_| quote!(let json = call.json(api.body_limit()).await?;));
    let found =
        (!operation.path_parameters.is_empty()).then(|| quote!(let found = call.path().await?;));
    let reads = reads(operation);
    let mut fields: Vec<_> = places(operation).map(|place| ident(place.field)).collect();
    fields.extend(operation.body.as_ref().map(|_| ident("body")));
    quote! {
        async fn #step<A: #api>(api: &A, call: &mut Call) -> Result<#response, Problem> {
            #caller
            #accept
            #json
            call.admit(api)?;
            #found
            let mut faults = Faults::default();
            #(#reads)*
            let (#(Some(#fields),)* true) = (#(#fields,)* faults.is_empty()) else {
                return Err(faults.into_problem());
            };
            let context = call.context.clone();
            let request = #request { context, #(#fields),* };
            api.#method(#given request).await.map_err(Into::into)
        }
    }
}

/// The reading of each place, in the order in which faults are listed.
fn reads(operation: &Operation) -> Vec<TokenStream> {
    let place = |field: &str, source: TokenStream| {
        let place = places(operation).find(|place| place.field == field)?;
        let (field, name) = (ident(place.field), place.name(operation));
        Some(quote!(let #field = #name::read(#source, &mut faults);))
    };
    // An operation without parameters in its query refuses every one.
    let no_query = || quote!(Parameters::query(call.query(), &[], &mut faults););
    let body = || quote!(let body = decode::body(json, &mut faults););
    let reads = [
        place("path", quote!(&found)),
        place("query", quote!(call.query())).or_else(|| Some(no_query())),
        place("headers", quote!(call.headers())),
        operation.body.as_ref().map(|_| body()),
    ];
    reads.into_iter().flatten().collect()
}
