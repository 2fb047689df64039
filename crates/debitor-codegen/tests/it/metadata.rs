//! What the metadata cannot say is refused, and what the service document lists.

use serde_json::{Value, json};

use crate::golden::{generated, merged, read};

/// A document with the metadata's fixture, to be changed.
fn document() -> Value {
    merged(&read("metadata"))
}

/// The faults after `value` was put at `pointer`.
fn faults(pointer: &str, value: Value) -> Vec<String> {
    let mut document = document();
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    document.pointer_mut(parent).unwrap()[key.replace("~1", "/")] = value;
    let found = generated(&document).expect_err("the document is at fault");
    let found = found.iter();
    found
        .map(|one| format!("{}: {}", one.pointer, one.problem))
        .collect()
}

#[track_caller]
fn check(pointer: &str, value: Value, expected: &str) {
    let found = faults(pointer, value);
    assert!(found.iter().any(|one| one == expected), "{found:#?}");
}

/// A path with what another has, its operations by other names.
fn copied(path: &str, ids: &str) -> Value {
    let mut item = document()["paths"][path].clone();
    for (method, operation) in item.as_object_mut().unwrap() {
        operation["operationId"] = json!(format!("{ids}_{method}"));
    }
    item
}

#[test]
fn the_service_document_lists_sets_and_singletons() {
    let files = generated(&document()).unwrap();
    let list = files
        .iter()
        .find(|file| file.path == "metadata.rs")
        .unwrap();
    let expected = "&[(\"Singleton\", \"archive\"), (\"EntitySet\", \"books\")]";
    assert!(list.text.contains(expected), "{}", list.text);
    assert!(list.text.starts_with("// @generated\n"), "{}", list.text);
}

#[test]
fn the_namespace_and_the_container_are_needed() {
    let expected = "/x-odata: `x-odata` names no namespace and container";
    check("/x-odata", json!({"namespace": "a"}), expected);
}

#[test]
fn properties_that_odata_does_not_have() {
    let at = "/components/schemas/Book/properties";
    let text = json!({"type": "string"});
    let expected = format!("{at}/a-b: `a-b` cannot be a name in the metadata");
    check(&format!("{at}/a-b"), text, &expected);
    let list = json!({"type": "array", "nullable": true, "items": {"type": "string"}});
    let expected = format!("{at}/x: a list is never null in OData");
    check(&format!("{at}/x"), list, &expected);
    let time = json!({"type": "string", "format": "date-time"});
    let expected = format!("{at}/x: no example shows how fine the time is");
    check(&format!("{at}/x"), time, &expected);
}

#[test]
fn entities_without_a_key() {
    let expected = "/components/schemas/Book: `Book` has no key: a plain `id`, never null";
    let book = "/components/schemas/Book/properties";
    check(book, json!({"lent": {"type": "boolean"}}), expected);
    let id = json!({"type": "string", "format": "uuid", "nullable": true});
    check(&format!("{book}/id"), id, expected);
}

#[test]
fn paths_that_lead_to_no_entity() {
    let mut action = copied("/archive/shelves", "lend");
    action.as_object_mut().unwrap().shift_remove("get");
    let problem = "no `GET` answers an entity here, whose type would be the metadata's";
    check(
        "/paths/~1lend",
        action,
        &format!("/paths/~1lend: {problem}"),
    );
    let expected = "/paths/~1a-b: `a-b` cannot be a name in the metadata";
    check("/paths/~1a-b", copied("/books", "a"), expected);
}

#[test]
fn entities_of_two_places() {
    let expected = "/paths/~1more~1{id}: `Book` belongs to `/paths/~1books` too";
    check(
        "/paths/~1more~1{id}",
        copied("/books/{id}", "more"),
        expected,
    );
}

#[test]
fn paths_behind_a_reference() {
    let best = "/paths/~1archive~1shelves~1{id}~1best";
    let expected = format!("{best}: paths go on behind an entity that belongs elsewhere");
    let more = copied("/archive/shelves/{id}/best", "more");
    check(&format!("{best}~1more"), more, &expected);
}

#[test]
fn names_that_clash() {
    let twice = "would be there twice in";
    let expected = format!("/paths: `shelf` {twice} the metadata");
    check("/x-odata/container", json!("shelf"), &expected);
    let best = json!({"type": "boolean"});
    let expected = format!("/paths: `best` {twice} shelf");
    check("/components/schemas/Shelf/properties/best", best, &expected);
}
