//! Lists in pages, each with the address of the next in `@odata.nextLink`: their builders get a
//! stream, their commands `--all`. progenitor knows another kind of pages only.

#[cfg(test)]
mod tests;

use heck::{ToPascalCase, ToSnakeCase};
use proc_macro2::Span;
use serde_json::Value;
use syn::visit_mut::{self, VisitMut};
use syn::{
    Error, Expr, File, GenericArgument, Ident, ImplItem, ImplItemFn, ItemImpl, Path, PathArguments,
    ReturnType, Stmt, Type, parse_quote,
};

use super::Settings;
use super::rewrite::mentions;
use crate::Spec;
use crate::spec::reference_name;

/// An operation that answers pages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct List {
    operation_id: String,
    /// The component schemas of the page and of what it lists.
    page: String,
    entity: String,
}

/// The operations of the document that answer pages of named entities.
pub(super) fn of(spec: &Spec) -> Vec<List> {
    let list = |operation: &Value| {
        let response = spec.resolve(operation.pointer("/responses/200")?)?;
        let schema = response.pointer("/content/application~1json/schema")?;
        let properties = spec.resolve(schema)?.get("properties")?;
        properties.get("@odata.nextLink")?;
        Some(List {
            operation_id: operation.get("operationId")?.as_str()?.to_owned(),
            page: reference_name(schema)?.to_owned(),
            entity: reference_name(properties.pointer("/value/items")?)?.to_owned(),
        })
    };
    let operations = spec.operations();
    operations
        .iter()
        .filter(|operation| operation.method == "get")
        .filter_map(|operation| list(operation.value))
        .collect()
}

/// Gives the builder of each list `pages` and `stream`.
pub(super) fn client(file: &mut File, lists: &[List], settings: &Settings) -> syn::Result<()> {
    let paging = syn::parse_str(&format!("::{}::paging", settings.client_crate))?;
    for list in lists {
        let mut pass = Builder {
            list,
            paging: &paging,
            done: Err(unexpected(list, "no builder with `send`")),
        };
        pass.visit_file_mut(file);
        pass.done?;
        file.items.push(page(list, &paging));
    }
    Ok(())
}

/// Gives the command of each list the flag `--all`.
pub(super) fn cli(file: &mut File, lists: &[List], settings: &Settings) -> syn::Result<()> {
    let write = syn::parse_str(&settings.write_pages)?;
    for list in lists {
        let mut pass = Command {
            list,
            write: &write,
            changed: 0,
        };
        pass.visit_file_mut(file);
        if pass.changed != 2 {
            return Err(unexpected(list, "no command"));
        }
    }
    Ok(())
}

fn unexpected(list: &List, problem: &str) -> Error {
    let problem = format!("`{}`: {problem}", list.operation_id);
    Error::new(Span::call_site(), problem)
}

fn ident(name: &str) -> Ident {
    Ident::new(name, Span::call_site())
}

/// How a page is taken apart.
fn page(list: &List, paging: &Path) -> syn::Item {
    let page = ident(&list.page.to_pascal_case());
    let entity = ident(&list.entity.to_pascal_case());
    parse_quote! {
        impl #paging::Page for types::#page {
            type Entity = types::#entity;
            fn next_link(&self) -> Option<&str> {
                self.odata_next_link.as_deref()
            }
            fn into_entities(self) -> Vec<Self::Entity> {
                self.value
            }
        }
    }
}

struct Builder<'a> {
    list: &'a List,
    paging: &'a Path,
    done: syn::Result<()>,
}

impl VisitMut for Builder<'_> {
    fn visit_item_impl_mut(&mut self, item: &mut ItemImpl) {
        let name = self.list.operation_id.to_pascal_case();
        let is_builder = item.trait_.is_none() && is_named(&item.self_ty, &name);
        let send = item.items.iter_mut().find_map(|item| match item {
            ImplItem::Fn(function) if function.sig.ident == "send" => Some(function),
            _ => None,
        });
        if let Some(send) = send.filter(|_| is_builder) {
            self.done = self.split(send).map(|added| item.items.extend(added));
        }
    }
}

impl Builder<'_> {
    /// Splits `send` into making the request and exchanging it for the answer, as a link's request
    /// is another, and its answer is read alike.
    fn split(&self, send: &mut ImplItemFn) -> syn::Result<Vec<ImplItem>> {
        let unexpected = |problem| unexpected(self.list, problem);
        let statements = &mut send.block.stmts;
        let place = statements.iter().position(|s| mentions(s, "OperationInfo"));
        let place = place.ok_or_else(|| unexpected("`send` has no hooks"))?;
        let exchange = statements.split_off(place);
        let request = std::mem::take(statements);
        let answer = answer(&send.sig.output).ok_or_else(|| unexpected("`send` has no result"))?;
        let page = argument(&answer, 0).ok_or_else(|| unexpected("`send` has no page"))?;
        let error = argument(&answer, 1).ok_or_else(|| unexpected("`send` has no error"))?;
        let body = argument(&error, 0).ok_or_else(|| unexpected("the error has no body"))?;
        send.block = parse_quote!({
            let client = self.client;
            Self::exchange(client, self.request()?).await
        });
        let mut added = self.streams(&page, &body);
        added.push(parse_quote! {
            fn request(self) -> Result<::reqwest::Request, #error> {
                #(#request)*
                Ok(request)
            }
        });
        added.push(parse_quote! {
            async fn exchange(client: &'a super::Client, mut request: ::reqwest::Request) -> #answer {
                #(#exchange)*
            }
        });
        Ok(added)
    }

    fn streams(&self, page: &Type, body: &Type) -> Vec<ImplItem> {
        let paging = self.paging;
        let entity = ident(&self.list.entity.to_pascal_case());
        let pages = parse_quote! {
            /// All pages, from the one that `send` would answer, along their `@odata.nextLink`. The
            /// next one is asked for when it is taken from the stream, which ends after an error.
            pub fn pages(self) -> #paging::Paged<'a, #page, #body> {
                let client = self.client;
                #paging::pages(client, self.request(), Self::exchange)
            }
        };
        let stream = parse_quote! {
            /// All entities of these `pages`; `top` is how many are asked for at once.
            pub fn stream(self) -> #paging::Paged<'a, types::#entity, #body> {
                #paging::entities(self.pages())
            }
        };
        vec![pages, stream]
    }
}

fn is_named(ty: &Type, name: &str) -> bool {
    let Type::Path(path) = ty else { return false };
    path.path.segments.last().is_some_and(|s| s.ident == name)
}

fn answer(output: &ReturnType) -> Option<Type> {
    match output {
        ReturnType::Type(_, ty) => Some((**ty).clone()),
        ReturnType::Default => None,
    }
}

/// The argument of a generic type at this place.
fn argument(ty: &Type, place: usize) -> Option<Type> {
    let Type::Path(path) = ty else { return None };
    let PathArguments::AngleBracketed(arguments) = &path.path.segments.last()?.arguments else {
        return None;
    };
    match arguments.args.iter().nth(place)? {
        GenericArgument::Type(ty) => Some(ty.clone()),
        _ => None,
    }
}

struct Command<'a> {
    list: &'a List,
    write: &'a Path,
    changed: usize,
}

impl VisitMut for Command<'_> {
    fn visit_impl_item_fn_mut(&mut self, function: &mut ImplItemFn) {
        let name = self.list.operation_id.to_snake_case();
        let statements = &mut function.block.stmts;
        if function.sig.ident == format!("cli_{name}") {
            self.declare(statements);
        } else if function.sig.ident == format!("execute_{name}") {
            self.obey(statements);
        }
        visit_mut::visit_impl_item_fn_mut(self, function);
    }
}

impl Command<'_> {
    fn declare(&mut self, statements: &mut [Stmt]) {
        if let Some(Stmt::Expr(command, None)) = statements.last_mut() {
            let declared: Expr = parse_quote! {
                #command.arg(
                    ::clap::Arg::new("all")
                        .long("all")
                        .action(::clap::ArgAction::SetTrue)
                        .help("All pages and not only the first, by following `@odata.nextLink`."),
                )
            };
            *command = declared;
            self.changed += 1;
        }
    }

    fn obey(&mut self, statements: &mut Vec<Stmt>) {
        let place = statements
            .iter()
            .position(|s| mentions(s, "request . send"));
        if let Some(place) = place {
            let write = self.write;
            let obey = parse_quote! {
                if matches.get_flag("all") {
                    return #write(matches, request.pages()).await;
                }
            };
            statements.insert(place, obey);
            self.changed += 1;
        }
    }
}
