//! The document of what is mounted equals the document by hand; and the comparison sees changes.

use debitor_codegen::Spec;
use debitor_codegen::contract::{Contract, compare};
use debitor_tests::document::Document;
use serde_json::{Value, json};

fn by_hand() -> Value {
    Document::of_repository().spec.root().clone()
}

fn mounted() -> Value {
    let (_, document) = debitor_server::app::routes().into_parts("");
    serde_json::to_value(document).unwrap()
}

fn differences(by_hand: &Value, mounted: &Value) -> Vec<String> {
    let by_hand = Contract::from_value(by_hand);
    let mounted = Contract::from_value(mounted);
    compare(&by_hand, &mounted)
        .iter()
        .map(ToString::to_string)
        .collect()
}

#[test]
fn what_is_mounted_is_what_the_document_says() {
    let differences = differences(&by_hand(), &mounted());
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

#[test]
fn a_dropped_route_is_seen() {
    let without = debitor_api::company::routes::<debitor_server::app::App>()
        .merge(debitor_api::customer::routes())
        .merge(debitor_api::sales_invoice::routes());
    let (_, document) = without.into_parts("");
    let differences = differences(&by_hand(), &serde_json::to_value(document).unwrap());
    let named = differences
        .iter()
        .filter(|d| d.contains("salesInvoiceId}~1customer"))
        .count();
    assert!(named > 0, "{}", differences.join("\n"));
}

/// Changes the document by hand in one place; the comparison must name that place.
#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn each_kind_of_change_is_seen() {
    let create = "/components/schemas/CustomerCreate";
    let customer_get = "/paths/~1financials~1companies~1{companyId}~1customers~1{customerId}/get";
    let changes: [(&str, String, Option<Value>, &str); 12] = [
        (
            "a length",
            format!("{create}/properties/website/maxLength"),
            Some(json!(81)),
            "website",
        ),
        (
            "a pattern",
            format!("{create}/properties/email/pattern"),
            Some(json!("x")),
            "email",
        ),
        (
            "a status",
            format!("{customer_get}/responses/304"),
            None,
            "304",
        ),
        (
            "a property",
            format!("{create}/properties/website"),
            None,
            "website",
        ),
        (
            "a description",
            format!("{create}/properties/website/description"),
            Some(json!("?")),
            "website",
        ),
        (
            "nullability",
            format!("{create}/properties/website/nullable"),
            None,
            "website",
        ),
        (
            "what is required",
            format!("{create}/required"),
            None,
            "required",
        ),
        (
            "a summary",
            format!("{customer_get}/summary"),
            Some(json!("?")),
            "summary",
        ),
        ("security", "/security".into(), Some(json!([])), "security"),
        (
            "permissions",
            format!("{customer_get}/x-permissions"),
            Some(json!(["X"])),
            "x-permissions",
        ),
        (
            "a header",
            "/components/responses/ServiceUnavailable/headers/Retry-After".into(),
            None,
            "etry-",
        ),
        (
            "an enum",
            "/components/schemas/CustomerType/enum/0".into(),
            Some(json!("Firm")),
            "CustomerType",
        ),
    ];
    let mounted = mounted();
    for (what, pointer, value, named) in changes {
        let mut document = by_hand();
        change(&mut document, &pointer, value);
        let differences = differences(&document, &mounted);
        let seen = differences
            .iter()
            .any(|difference| difference.contains(named));
        assert!(seen, "{what}: {}", differences.join("\n"));
    }
}

#[test]
fn a_renamed_property_is_seen_under_both_names() {
    let text = serde_json::to_string(&by_hand())
        .unwrap()
        .replace("\"website\"", "\"homepage\"");
    let renamed = Spec::parse(&text).unwrap();
    let differences = differences(renamed.root(), &mounted()).join("\n");
    assert!(
        differences.contains("website") && differences.contains("homepage"),
        "{differences}"
    );
}

fn change(document: &mut Value, pointer: &str, value: Option<Value>) {
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    let name = name.replace("~1", "/");
    match (document.pointer_mut(parent).unwrap(), value) {
        (Value::Object(members), Some(value)) => assert!(members.insert(name, value).is_some()),
        (Value::Object(members), None) => assert!(members.shift_remove(&name).is_some()),
        (Value::Array(items), Some(value)) => items[name.parse::<usize>().unwrap()] = value,
        (other, _) => panic!("{pointer} is in {other}"),
    }
}
