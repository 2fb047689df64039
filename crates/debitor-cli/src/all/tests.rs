//! A list in pages reads as the same list on one page.

use serde_json::{Value, json};

use super::List;

fn check(pages: &[Value], expected: &Value) {
    let mut list = List::default();
    let pages: String = pages.iter().map(|page| list.page(page.clone())).collect();
    assert_eq!(format!("{pages}{}", list.end()), format!("{expected:#}\n"));
}

#[test]
fn the_text_is_that_of_one_page() {
    let entity = |name: &str| json!({ "id": 1, "name": name, "address": { "street": "a\nb" } });
    let page = |names: &[&str]| {
        let value: Vec<_> = names.iter().map(|name| entity(name)).collect();
        json!({ "@odata.context": "c", "@odata.count": 3, "value": value })
    };
    let linked = |names| {
        let mut page = page(names);
        page["@odata.nextLink"] = "http://127.0.0.1/next".into();
        page
    };
    let whole = page(&["a", "b", "c"]);
    check(std::slice::from_ref(&whole), &whole);
    check(&[linked(&["a", "b"]), page(&["c"])], &whole);
    check(
        &[linked(&[]), linked(&["a"]), linked(&[]), page(&["b", "c"])],
        &whole,
    );
}

#[test]
fn a_list_may_be_empty_and_its_head_too() {
    check(&[json!({ "value": [] })], &json!({ "value": [] }));
    check(&[json!({ "value": [1] })], &json!({ "value": [1] }));
    let empty = json!({ "@odata.context": "c", "value": [] });
    check(std::slice::from_ref(&empty), &empty);
}

#[test]
fn a_text_that_was_not_ended_is_no_json() {
    let mut list = List::default();
    for _ in 0..2 {
        let page = json!({ "@odata.nextLink": "n", "value": [{ "id": 1 }] });
        let text = list.page(page);
        assert!(serde_json::from_str::<Value>(&text).is_err(), "{text}");
    }
}
