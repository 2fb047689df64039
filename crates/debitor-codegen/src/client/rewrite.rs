//! What is put right in progenitor's output.

use std::collections::BTreeSet;

use heck::ToPascalCase;
use proc_macro2::{Group, Literal, TokenStream, TokenTree};
use quote::ToTokens;
use syn::visit_mut::{self, VisitMut};
use syn::{Attribute, Expr, ExprMethodCall, File, ImplItemFn, ItemStruct, Path, Type, parse_quote};

use super::Settings;
use super::lists::{self, List};
use crate::profile::Profile;

/// The client, where a null in the body of a PATCH is told from an absent property, and lists are
/// streams.
pub(super) fn client(
    tokens: TokenStream,
    profile: &Profile,
    lists: &[List],
    settings: &Settings,
) -> syn::Result<File> {
    let mut file = syn::parse2(tokens)?;
    let present = format!("::{}::present", settings.client_crate);
    let mut pass = TellNullFromAbsent {
        structs: profile
            .patched
            .iter()
            .map(|name| name.to_pascal_case())
            .collect(),
        attribute: parse_quote!(#[serde(default, deserialize_with = #present)]),
    };
    pass.visit_file_mut(&mut file);
    lists::client(&mut file, lists, settings)?;
    Ok(file)
}

/// The commands, which read `--json-body` by a function of ours and before the other flags, and
/// `null` in a flag as null, and answer whole lists with `--all`.
pub(super) fn cli(tokens: TokenStream, lists: &[List], settings: &Settings) -> syn::Result<File> {
    let mut file = syn::parse2(tokens)?;
    ReadBodies {
        with: syn::parse_str(&settings.read_body)?,
    }
    .visit_file_mut(&mut file);
    ParseNull.visit_file_mut(&mut file);
    lists::cli(&mut file, lists, settings)?;
    Ok(file)
}

/// The mock, for answers that are plain numbers and for paths with a `$` too.
pub(super) fn httpmock(tokens: TokenStream) -> syn::Result<File> {
    let mut file = syn::parse2(escape_paths(tokens))?;
    BorrowBodies.visit_file_mut(&mut file);
    Ok(file)
}

/// serde reads null as `None` wherever it finds an `Option`, which would lose `Some(Null)`, and
/// would drop a null that the server has to refuse.
struct TellNullFromAbsent {
    structs: BTreeSet<String>,
    attribute: Attribute,
}

impl VisitMut for TellNullFromAbsent {
    fn visit_item_struct_mut(&mut self, item: &mut ItemStruct) {
        let is_read = item
            .attrs
            .iter()
            .any(|a| a.path().is_ident("derive") && mentions(a, "Deserialize"));
        if is_read && self.structs.contains(&item.ident.to_string()) {
            for field in item.fields.iter_mut().filter(|field| is_option(&field.ty)) {
                field.attrs.push(self.attribute.clone());
            }
        }
        visit_mut::visit_item_struct_mut(self, item);
    }
}

fn is_option(ty: &Type) -> bool {
    let Type::Path(path) = ty else { return false };
    path.path
        .segments
        .last()
        .is_some_and(|segment| segment.ident == "Option")
}

/// progenitor lets the file of `--json-body` throw away the other flags; here they refine it.
struct ReadBodies {
    with: Path,
}

impl VisitMut for ReadBodies {
    fn visit_impl_item_fn_mut(&mut self, function: &mut ImplItemFn) {
        if function.sig.ident.to_string().starts_with("execute_") {
            let statements = &mut function.block.stmts;
            if let Some(place) = statements.iter().position(|s| mentions(s, "\"json-body\"")) {
                let statement = statements.remove(place);
                statements.insert(1, statement);
            }
        }
        visit_mut::visit_impl_item_fn_mut(self, function);
    }

    fn visit_path_mut(&mut self, path: &mut Path) {
        let segments = path
            .segments
            .iter()
            .map(|segment| segment.ident.to_string());
        if segments.eq(["std", "fs", "read_to_string"]) {
            *path = self.with.clone();
        }
        visit_mut::visit_path_mut(self, path);
    }
}

/// clap's own choice of a parser prefers `From<String>` to `FromStr`, and `From` knows no null.
struct ParseNull;

impl VisitMut for ParseNull {
    fn visit_expr_mut(&mut self, expression: &mut Expr) {
        visit_mut::visit_expr_mut(self, expression);
        let Expr::Macro(call) = expression else {
            return;
        };
        let name = call
            .mac
            .path
            .segments
            .last()
            .map(|segment| segment.ident.to_string());
        if name.as_deref() == Some("value_parser") && mentions(&call.mac.tokens, "Nullable") {
            let ty = call.mac.tokens.clone();
            *expression = parse_quote!(|text: &str| text.parse::<#ty>());
        }
    }
}

/// progenitor passes structures by reference and numbers by value where a reference is wanted.
struct BorrowBodies;

impl VisitMut for BorrowBodies {
    fn visit_expr_method_call_mut(&mut self, call: &mut ExprMethodCall) {
        if call.method == "json_body_obj" {
            for argument in &mut call.args {
                *argument = parse_quote!(&#argument);
            }
        }
        visit_mut::visit_expr_method_call_mut(self, call);
    }
}

/// progenitor puts paths into regular expressions as they are: `^/pets/$count$` matches nothing.
/// They stand inside macros as well, so that this looks at tokens and not at the syntax.
fn escape_paths(tokens: TokenStream) -> TokenStream {
    let escape = |token| match token {
        TokenTree::Group(group) => {
            TokenTree::Group(Group::new(group.delimiter(), escape_paths(group.stream())))
        }
        TokenTree::Literal(literal) => TokenTree::Literal(escape_path(literal)),
        other => other,
    };
    tokens.into_iter().map(escape).collect()
}

fn escape_path(literal: Literal) -> Literal {
    let text = literal.to_string();
    let Some(path) = text
        .strip_prefix("\"^/")
        .and_then(|t| t.strip_suffix("$\""))
    else {
        return literal;
    };
    let special = |c| matches!(c, '$' | '(' | ')' | '+' | '|');
    let escape = |c| {
        if special(c) {
            format!("\\{c}")
        } else {
            c.to_string()
        }
    };
    Literal::string(&format!(
        "^/{}$",
        path.chars().map(escape).collect::<String>()
    ))
}

pub(super) fn mentions(tokens: &impl ToTokens, word: &str) -> bool {
    tokens.to_token_stream().to_string().contains(word)
}
