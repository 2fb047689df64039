//! Each rule, by one change to a document that has no faults.

use serde_json::{Value, json};

use super::lint;
use crate::{Fault, Spec};

const BOOKS: &str = include_str!("tests.yaml");

/// One change in a line, and the fault that it makes.
const TABLE: &str = include_str!("tests.table");

/// Short for pointers, in the table.
const NAMES: [(&str, &str); 4] = [
    ("LIST", "/paths/~1books/get"),
    ("UPDATE", UPDATE),
    ("BOOK", "/components/schemas/Book"),
    ("CHANGES", "/components/schemas/BookUpdate"),
];

const UPDATE: &str = "/paths/~1books~1{bookId}/patch";

fn document() -> Value {
    yaml_serde::from_str(BOOKS).unwrap()
}

/// The faults after `value` was put at `pointer`; null removes what is there.
fn faults(pointer: &str, value: Value) -> Vec<Fault> {
    let mut document = document();
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    let key = key.replace("~1", "/").replace("~0", "~");
    match document.pointer_mut(parent).unwrap() {
        Value::Object(object) if value.is_null() => drop(object.shift_remove(&key)),
        Value::Object(object) => drop(object.insert(key, value)),
        Value::Array(items) => items.insert(key.parse().unwrap(), value),
        other => panic!("{parent} is {other}"),
    }
    lint(&Spec::from(document))
}

#[test]
fn a_good_document_has_no_faults() {
    assert_eq!(lint(&Spec::parse(BOOKS).unwrap()), []);
}

#[test]
fn each_change_of_the_table_makes_its_fault() {
    let rows = TABLE.lines().filter(|row| row.contains(" => "));
    assert!(rows.clone().count() > 100);
    for row in rows {
        let (change, fault) = row.split_once(" => ").unwrap();
        let (changed, value) = change.split_once(" = ").unwrap();
        let changed = pointer(changed);
        let (place, problem) = match fault.split_once(": ") {
            Some((place, problem)) => (pointer(place), problem),
            None => (changed.rsplit_once('/').unwrap().0.to_owned(), fault),
        };
        let found = faults(&changed, serde_json::from_str(value).unwrap());
        let hit = |f: &Fault| f.pointer.starts_with(&place) && f.problem.contains(problem);
        assert!(found.iter().any(hit), "{row}: {found:#?}");
        assert!(
            found.iter().all(|f| !f.remedy.is_empty()),
            "{row}: {found:#?}"
        );
    }
}

fn pointer(text: &str) -> String {
    let (name, rest) = text.split_at(text.find('/').unwrap_or(text.len()));
    let found = NAMES.iter().find(|(short, _)| *short == name);
    format!("{}{rest}", found.map_or("", |(_, pointer)| *pointer))
}

#[test]
fn faults_are_reported_all_at_once_and_shared_ones_once() {
    let mut document = document();
    document["openapi"] = json!("3.1.0");
    document["components"]["responses"]["Error"]["description"] = json!("");
    document["components"]["schemas"]["Book"]["properties"]["title"]["description"] = json!(" ");
    let found = lint(&Spec::from(document));
    let pointers: Vec<_> = found.iter().map(|fault| fault.pointer.as_str()).collect();
    let title = "/components/schemas/Book/properties/title";
    assert_eq!(pointers, ["/openapi", "/components/responses/Error", title]);
}

#[test]
fn nonsense_is_refused_without_a_panic() {
    for text in [
        "",
        "[]",
        "3",
        "paths: 1",
        "paths: {/a: {get: 1}}",
        "paths: {/a: {get: {tags: {}}}}",
    ] {
        assert!(!lint(&Spec::parse(text).unwrap()).is_empty(), "{text}");
    }
}

#[test]
fn every_part_may_be_missing_or_of_another_type_without_a_panic() {
    fn pointers(value: &Value, at: &str, found: &mut Vec<String>) {
        for (key, child) in value.as_object().into_iter().flatten() {
            let pointer = format!("{at}/{}", crate::spec::escape(key));
            pointers(child, &pointer, found);
            found.push(pointer);
        }
    }
    let mut all = Vec::new();
    pointers(&document(), "", &mut all);
    assert!(all.len() > 100);
    for pointer in all {
        for value in [Value::Null, json!([1]), json!({ "$ref": "#/nowhere" })] {
            let _ = faults(&pointer, value);
        }
    }
}

#[test]
fn an_action_has_a_verb_of_its_own() {
    let mut document = document();
    let mut action = document.pointer(UPDATE).unwrap().clone();
    action["operationId"] = json!("rare_book_lend_out");
    action["responses"]
        .as_object_mut()
        .unwrap()
        .shift_remove("204");
    document["paths"]["/books/{bookId}/lendOut"] = json!({ "post": action });
    assert_eq!(lint(&Spec::from(document)), []);
}

#[test]
fn common_patterns_are_let_through() {
    let place = "/components/schemas/BookUpdate/properties/title/pattern";
    let good = [
        r"^[A-Z]{2}$",
        r"^#?a\.b$",
        "(?:a|b)+",
        r"[\[\]\-]",
        r"\S",
        "[^-a]",
    ];
    for pattern in good {
        assert_eq!(faults(place, json!(pattern)), [], "{pattern}");
    }
}
