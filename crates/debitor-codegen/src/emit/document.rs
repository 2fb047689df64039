//! What the document says of the API as a whole, and the module that holds all others together.

use proc_macro2::TokenStream;
use quote::quote;

use super::{file_doc, ident, model};
use crate::model::{Api, Head, Scheme};

/// The file that begins the document of what is mounted.
pub(super) fn file(api: &Api) -> TokenStream {
    let header = file_doc("What the document says of the API as a whole.");
    let head = &api.head;
    let (info, servers, tags) = (info(head), servers(head), tags(head));
    let schemes = head.schemes.iter().map(scheme);
    quote! {
        #header
        use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
        use utoipa::openapi::{
            ComponentsBuilder, ContactBuilder, InfoBuilder, LicenseBuilder, OpenApi, OpenApiBuilder,
            ServerBuilder,
            tag::TagBuilder,
        };

        /// The document without operations.
        pub fn base() -> OpenApi {
            OpenApiBuilder::new()
                .info(#info)
                #servers
                #tags
                .components(Some(ComponentsBuilder::new() #(#schemes)* .build()))
                .build()
        }
    }
}

fn step(name: &str, value: Option<&String>) -> Option<TokenStream> {
    let name = ident(name);
    value.map(|value| quote!(.#name(Some(#value))))
}

fn info(head: &Head) -> TokenStream {
    let (title, version) = (&head.title, &head.version);
    let description = step("description", head.description.as_ref());
    let terms = step("terms_of_service", head.terms.as_ref());
    let contact = head.contact.as_ref().map(|[name, url, email]| {
        let name = step("name", name.as_ref());
        let (url, email) = (step("url", url.as_ref()), step("email", email.as_ref()));
        quote!(.contact(Some(ContactBuilder::new()#name #url #email.build())))
    });
    let license = head.license.as_ref().map(|(name, url)| {
        let url = step("url", url.as_ref());
        quote!(.license(Some(LicenseBuilder::new().name(#name)#url.build())))
    });
    quote! {
        InfoBuilder::new().title(#title).version(#version)#description #terms #contact #license.build()
    }
}

fn servers(head: &Head) -> Option<TokenStream> {
    let servers = head.servers.iter().map(|(url, description)| {
        let description = step("description", description.as_ref());
        quote!(ServerBuilder::new().url(#url)#description.build())
    });
    (!head.servers.is_empty()).then(|| quote!(.servers(Some([#(#servers),*]))))
}

fn tags(head: &Head) -> Option<TokenStream> {
    let tags = head.tags.iter().map(|(name, description)| {
        let description = step("description", description.as_ref());
        quote!(TagBuilder::new().name(#name)#description.build())
    });
    (!head.tags.is_empty()).then(|| quote!(.tags(Some([#(#tags),*]))))
}

fn scheme(scheme: &Scheme) -> TokenStream {
    let name = &scheme.name;
    let kind = ident(if scheme.scheme == "basic" {
        "Basic"
    } else {
        "Bearer"
    });
    let format = scheme
        .bearer_format
        .as_ref()
        .map(|text| quote!(.bearer_format(#text)));
    let description = step("description", scheme.description.as_ref());
    quote! {
        .security_scheme(#name, SecurityScheme::Http(
            HttpBuilder::new().scheme(HttpAuthScheme::#kind)#format #description.build(),
        ))
    }
}

/// The module that holds all files together.
pub(super) fn root(api: &Api) -> TokenStream {
    let header = file_doc(&format!(
        "The stubs of {} {}.",
        api.head.title, api.head.version
    ));
    let modules: Vec<_> = api.tags.iter().map(|tag| ident(&tag.module)).collect();
    let traits: Vec<_> = api.tags.iter().map(|tag| ident(&tag.api)).collect();
    let error = model(&api.error_body);
    quote! {
        #header
        #(pub mod #modules;)*
        pub mod document;
        pub mod properties;
        pub mod responses;
        pub mod types;
        use crate::support::{Operation, Routes};

        /// Every operation, in the document's order.
        pub fn operations() -> impl Iterator<Item = &'static Operation> {
            [#(#modules::OPERATIONS),*].into_iter().flatten().copied()
        }

        /// The whole API's routes, with the document of them.
        pub fn routes<A>() -> Routes<A>
        where
            A: #(#modules::#traits)+*,
        {
            Routes::new::<#error>(document::base())#(.merge(#modules::routes::<A>()))*
        }
    }
}
