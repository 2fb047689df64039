//! What the profile changes, and what it refuses.

use serde_json::{Value, json};

use super::{Profile, Shape, profile};
use crate::{Fault, Spec};

/// A document with one PATCH, whose responses and whose schema `Change` the test gives.
fn document(responses: &str, change: &str) -> Spec {
    let text = format!(
        r##"
openapi: 3.0.3
info: {{ title: Pets, version: "1" }}
paths:
  /pets/{{id}}:
    patch:
      operationId: pet_update
      requestBody:
        required: true
        content: {{ application/json: {{ schema: {{ $ref: "#/components/schemas/Change" }} }} }}
      responses: {responses}
components:
  responses:
    Number: {{ description: n, content: {{ text/plain: {{ schema: {{ type: integer }} }} }} }}
  schemas:
    Change: {change}
    Colour: {{ type: string, enum: [Red, "", " ", _x0020_] }}
    Collar: {{ type: object, properties: {{ text: {{ type: string, nullable: true }} }} }}
    Problem: {{ type: object }}
    Pet: {{ type: object, properties: {{ name: {{ type: string, default: Rex, maxLength: 9 }} }} }}
"##
    );
    Spec::parse(&text).unwrap()
}

const JSON_PET: &str = r##"{ description: a, content: { application/json: { schema: { $ref: "#/components/schemas/Pet" } } } }"##;
const NO_CHANGE: &str = "{ type: object }";

fn derived(responses: &str, change: &str) -> Profile {
    profile(&document(responses, change)).unwrap()
}

fn responses(profile: &Profile) -> &Value {
    &profile.document["paths"]["/pets/{id}"]["patch"]["responses"]
}

fn property<'a>(profile: &'a Profile, name: &str) -> &'a Value {
    &profile.document["components"]["schemas"]["Change"]["properties"][name]
}

/// The only fault of a document with these responses.
fn fault(responses: &str) -> Fault {
    let mut faults = profile(&document(responses, NO_CHANGE)).unwrap_err();
    assert_eq!(faults.len(), 1, "{faults:?}");
    faults.remove(0)
}

#[test]
fn a_success_without_a_body_is_dropped_beside_one_with() {
    let profile = derived(
        &format!("{{ '200': {JSON_PET}, '204': {{ description: b }} }}"),
        NO_CHANGE,
    );
    let statuses: Vec<&String> = responses(&profile).as_object().unwrap().keys().collect();
    assert_eq!(statuses, ["200"]);
}

#[test]
fn a_success_without_a_body_stays_alone() {
    let profile = derived(
        "{ '204': { description: b }, '304': { description: c } }",
        NO_CHANGE,
    );
    assert_eq!(responses(&profile).as_object().unwrap().len(), 2);
}

#[test]
fn a_number_as_plain_text_is_json() {
    let profile = derived(
        "{ '200': { $ref: '#/components/responses/Number' } }",
        NO_CHANGE,
    );
    let content = &profile.document["components"]["responses"]["Number"]["content"];
    assert_eq!(
        *content,
        json!({ "application/json": { "schema": { "type": "integer" } } })
    );
}

#[test]
fn constraints_and_defaults_are_dropped_but_not_properties_of_their_name() {
    let change = "{ type: object, properties: { default: { type: string, default: a, pattern: b }, \
                  pattern: { type: string, minLength: 1 } } }";
    let profile = derived(&format!("{{ '200': {JSON_PET} }}"), change);
    assert_eq!(*property(&profile, "default"), json!({ "type": "string" }));
    assert_eq!(*property(&profile, "pattern"), json!({ "type": "string" }));
    let name = &profile.document["components"]["schemas"]["Pet"]["properties"]["name"];
    assert_eq!(*name, json!({ "type": "string" }));
}

#[test]
fn blank_spellings_are_dropped_from_what_is_sent() {
    let change =
        r##"{ type: object, properties: { colour: { $ref: "#/components/schemas/Colour" } } }"##;
    let profile = derived(&format!("{{ '200': {JSON_PET} }}"), change);
    let colour = &profile.document["components"]["schemas"]["Colour"]["enum"];
    assert_eq!(*colour, json!(["Red"]));
}

/// The placeholder that an optional property of this schema becomes.
fn check(schema: &str, name: &str, rust: &str) {
    let change = format!("{{ type: object, properties: {{ it: {schema} }} }}");
    let profile = derived(&format!("{{ '200': {JSON_PET} }}"), &change);
    let reference = format!("#/components/schemas/{name}");
    assert_eq!(
        property(&profile, "it")["allOf"],
        json!([{ "$ref": reference }])
    );
    let placeholder = profile
        .placeholders
        .iter()
        .find(|p| p.name == name)
        .unwrap();
    assert_eq!(placeholder.shape.rust("::pets"), rust);
    assert!(
        profile.document["components"]["schemas"]
            .get(name)
            .is_some()
    );
}

#[test]
fn what_may_be_null_or_empty_becomes_a_placeholder() {
    let colour =
        r##"{ nullable: true, type: string, allOf: [{ $ref: "#/components/schemas/Colour" }] }"##;
    check(
        "{ type: string, nullable: true }",
        "NullableString",
        "::pets::Nullable<::std::string::String>",
    );
    check(
        "{ type: string, format: uuid, nullable: true }",
        "NullableUuid",
        "::pets::Nullable<::uuid::Uuid>",
    );
    check(
        colour,
        "NullableColour",
        "::pets::Nullable<::pets::types::Colour>",
    );
    check(
        "{ type: array, items: { type: boolean } }",
        "ListOfBoolean",
        "::std::vec::Vec<bool>",
    );
    check(
        "{ type: array, nullable: true, items: { type: integer, format: int32 } }",
        "NullableListOfInt32",
        "::pets::Nullable<::std::vec::Vec<i32>>",
    );
    check(
        "{ type: object, additionalProperties: { type: number } }",
        "MapOfNumber",
        "::std::collections::BTreeMap<::std::string::String, f64>",
    );
}

#[test]
fn an_enumeration_names_its_values_where_it_may_be_null() {
    let change = r##"{ type: object, properties: { colour: { nullable: true, description: Fur.,
        allOf: [{ $ref: "#/components/schemas/Colour" }] } } }"##;
    let profile = derived(&format!("{{ '200': {JSON_PET} }}"), change);
    assert_eq!(
        property(&profile, "colour")["description"],
        "Fur. One of `Red`, or null."
    );
}

#[test]
fn what_a_change_refers_to_has_three_states_too() {
    let change =
        r##"{ type: object, properties: { collar: { $ref: "#/components/schemas/Collar" } } }"##;
    let profile = derived(&format!("{{ '200': {JSON_PET} }}"), change);
    assert!(profile.patched.contains("Collar"));
    assert_eq!(
        profile.placeholders[0].shape,
        Shape::Nullable(Box::new(Shape::Scalar("String", "::std::string::String")))
    );
}

#[test]
fn a_required_property_stays_as_it_is() {
    let change =
        "{ type: object, required: [it], properties: { it: { type: string, nullable: true } } }";
    let profile = derived(&format!("{{ '200': {JSON_PET} }}"), change);
    assert_eq!(
        *property(&profile, "it"),
        json!({ "type": "string", "nullable": true })
    );
    assert!(profile.placeholders.is_empty());
}

#[test]
fn what_progenitor_would_panic_on_is_a_fault() {
    let problem = r##"{ description: p, content: { application/json: { schema: { $ref: "#/components/schemas/Problem" } } } }"##;
    let check = |responses: &str, expected: &str| {
        let fault = fault(responses);
        assert!(
            fault
                .pointer
                .starts_with("/paths/~1pets~1{id}/patch/responses"),
            "{fault}"
        );
        assert!(fault.problem.contains(expected), "{fault}");
    };
    check(
        &format!("{{ '200': {JSON_PET}, '202': {problem} }}"),
        "different bodies",
    );
    check(
        &format!("{{ '200': {JSON_PET}, '400': {problem}, '404': {{ description: x }} }}"),
        "the errors have different bodies",
    );
    check(
        &format!("{{ '200': {JSON_PET}, default: {problem} }}"),
        "`default`",
    );
    check(&format!("{{ '400': {problem} }}"), "no success");
    check(
        "{ '200': { description: x, content: { text/csv: {} } } }",
        "neither JSON nor a number",
    );
}

#[test]
fn a_property_without_a_name_for_its_type_is_a_fault() {
    let change =
        "{ type: object, properties: { it: { type: string, nullable: true, enum: [a] } } }";
    let faults = profile(&document(&format!("{{ '200': {JSON_PET} }}"), change)).unwrap_err();
    assert_eq!(
        faults[0].pointer,
        "/components/schemas/Change/properties/it"
    );
}
