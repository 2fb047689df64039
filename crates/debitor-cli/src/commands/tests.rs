//! The tree of commands, as it is committed.

use clap::Command;

use super::{command, nest};

/// Where the tree of commands is kept; `UPDATE_SNAPSHOTS=1 cargo test -p debitor-cli` rewrites it.
const SNAPSHOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/commands/tree.txt");

/// A command and all below it, with their flags; `!` marks those that must be given.
fn tree(command: &Command, path: &str) -> String {
    let flags = command
        .get_arguments()
        .filter(|arg| !arg.is_hide_set())
        .map(|arg| {
            let required = if arg.is_required_set() { "!" } else { "" };
            format!("    --{}{required}\n", arg.get_long().unwrap_or_default())
        });
    let below = command.get_subcommands();
    let below = below.map(|below| tree(below, &format!("{path} {}", below.get_name())));
    std::iter::once(format!("{path}\n"))
        .chain(flags)
        .chain(below)
        .collect()
}

#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "a test's own switch; the file is no one's data"
)]
fn the_tree_is_as_it_was_reviewed() {
    let text = tree(&command(), "debitor");
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
        std::fs::write(SNAPSHOT, &text).unwrap();
    }
    let reviewed = std::fs::read_to_string(SNAPSHOT).unwrap_or_default();
    assert!(
        text == reviewed,
        "the commands have changed; run `UPDATE_SNAPSHOTS=1 cargo test -p debitor-cli` and review \
         the difference of {SNAPSHOT}"
    );
}

#[test]
fn clap_finds_no_contradiction() {
    command().debug_assert();
}

#[test]
fn a_noun_stands_in_the_longest_noun_it_begins_with() {
    let nouns = [
        "sales_invoice",
        "sales_invoice_line",
        "sales_invoice_line_item",
        "customer",
    ];
    let check = |noun: &str, expected: &[&str]| assert_eq!(nest(noun, &nouns), expected);
    check("customer", &["customer"]);
    check("sales_invoice", &["sales-invoice"]);
    check("sales_invoice_line", &["sales-invoice", "line"]);
    check(
        "sales_invoice_line_item",
        &["sales-invoice", "line", "item"],
    );
    check("sales_invoices", &["sales-invoices"]);
}
