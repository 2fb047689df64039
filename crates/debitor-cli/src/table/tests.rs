//! Tables of pages, entities and plain values.

use serde_json::{Value, json};

use super::render;

fn check(body: &Value, expected: &[&str]) {
    let lines: Vec<String> = render(body).lines().map(str::to_owned).collect();
    assert_eq!(lines, expected);
}

#[test]
fn a_page_has_a_row_for_each_entity() {
    let page = json!({
        "@odata.context": "x",
        "value": [
            { "displayName": "Nordhafen", "id": 1, "address": { "city": "Hamburg" } },
            { "displayName": "Ö", "id": 22, "taxLiable": true, "@odata.etag": "e" },
        ]
    });
    check(
        &page,
        &[
            "ID  DISPLAYNAME  TAXLIABLE",
            "1   Nordhafen",
            "22  Ö            true",
        ],
    );
}

#[test]
fn an_entity_has_a_row_for_each_property() {
    let entity = json!({ "id": 1, "address": { "city": "Hamburg", "state": null }, "tags": [] });
    check(
        &entity,
        &[
            "id             1",
            "address/city   Hamburg",
            "address/state",
        ],
    );
}

#[test]
fn a_number_is_a_number() {
    check(&json!(42), &["42"]);
}

#[test]
fn a_value_stays_on_its_line() {
    check(
        &json!({ "street": "a\nb\u{1b}[31m" }),
        &["street  a b [31m"],
    );
}

#[test]
fn an_empty_page_is_an_empty_line() {
    check(&json!({ "value": [] }), &[""]);
}
