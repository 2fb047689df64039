//! What the stubs cannot carry is refused: where, what, and all of it in one run.

use serde_json::{Value, json};

use crate::golden::{generated, merged};

fn faults(feature: &Value) -> Vec<String> {
    let found = generated(&merged(feature)).expect_err("the document is at fault");
    found
        .iter()
        .map(|fault| format!("{}: {}", fault.pointer, fault.problem))
        .collect()
}

/// Checks the faults of a document with this feature.
#[track_caller]
fn check(feature: &Value, expected: &[&str]) {
    assert_eq!(faults(feature), expected);
}

/// Checks the fault of a property of a request.
#[track_caller]
fn property(schema: &Value, expected: &str) {
    let feature =
        json!({"components": {"schemas": {"ThingCreate": {"properties": {"x": schema}}}}});
    check(
        &feature,
        &[&format!(
            "/components/schemas/ThingCreate/properties/x{expected}"
        )],
    );
}

fn operation(change: &Value) -> Value {
    json!({"paths": {"/things": {"post": change}}})
}

const POST: &str = "/paths/~1things/post";

#[test]
fn schemas_beyond_the_subset() {
    property(
        &json!({"type": "object"}),
        ": an object without a name is not carried",
    );
    property(&json!({"type": "array"}), ": an array without `items`");
    property(
        &json!({"type": "integer"}),
        ": an integer whose size is not said",
    );
    property(
        &json!({"type": "string", "format": "byte"}),
        ": `string byte` is not carried into the stubs",
    );
    property(&json!({}), ": `no type` is not carried into the stubs");
    property(
        &json!({"type": "string", "enum": ["a"]}),
        ": `enum` is not carried into the stubs",
    );
    property(
        &json!({"type": "string", "maximum": 1}),
        ": `maximum` is not carried into the stubs",
    );
    property(
        &json!({"type": "object", "allOf": []}),
        ": `allOf` is carried only around a single reference",
    );
    property(
        &json!({"type": "array", "items": {"type": "string", "maxLength": 5}}),
        "/items: items with constraints of their own are not carried",
    );
    property(
        &json!({"type": "integer", "format": "int32", "maximum": 5_000_000_000_u64}),
        ": `maximum: 5000000000` is no integer of this format",
    );
    property(
        &json!({"type": "boolean", "default": "yes"}),
        ": this default is not carried into the stubs",
    );
    property(
        &json!({"type": "string", "pattern": "^(?=a)"}),
        ": the pattern `^(?=a)` is not carried: `(?` is carried as `(?:` only",
    );
}

#[test]
fn references_that_lead_nowhere_or_round() {
    let reference = json!({"$ref": "#/components/schemas/No"});
    let feature =
        json!({"components": {"schemas": {"ThingCreate": {"properties": {"x": reference}}}}});
    check(
        &feature,
        &["/components/schemas/No: there is no such schema"],
    );
    let own = json!({"$ref": "#/components/schemas/Thing"});
    let feature = json!({"components": {"schemas": {"Thing": {"properties": {"x": own}}}}});
    check(
        &feature,
        &["/components/schemas/Thing: `Thing` holds itself"],
    );
    let failed = json!({"$ref": "#/components/responses/No"});
    let found = faults(&operation(&json!({"responses": {"400": failed}})));
    let nowhere = "the reference `#/components/responses/No` leads nowhere";
    assert!(
        found.contains(&format!("{POST}/responses/400: {nowhere}")),
        "{found:?}"
    );
}

#[test]
fn names_that_clash() {
    let property = json!({"type": "boolean"});
    let properties = json!({"a-b": property, "a_b": property});
    let feature = json!({"components": {"schemas": {"ThingCreate": {"properties": properties}}}});
    check(
        &feature,
        &["/components/schemas/ThingCreate: `a-b` and `a_b` would all be called `a_b`"],
    );
    let kind = json!({"type": "string", "enum": ["a b", "a-b", "_"]});
    let thing = json!({"properties": {"x": {"$ref": "#/components/schemas/Kind"}}});
    let feature = json!({"components": {"schemas": {"Kind": kind, "Thing": thing}}});
    check(
        &feature,
        &["/components/schemas/Kind: `a b` and `a-b` would all be called `AB`"],
    );
}

#[test]
fn statuses_that_the_server_sends_are_declared() {
    let none = json!({"400": null, "401": null, "403": null, "405": null, "408": null, "413": null, "415": null, "429": null});
    let lacks = |status| format!("{POST}: `thing_create` lacks the status {status}");
    let expected: Vec<_> = [400, 401, 403, 405, 408, 413, 415, 429].map(lacks).into();
    assert_eq!(faults(&operation(&json!({"responses": none}))), expected);
    let open = json!({"security": [], "responses": {"401": null, "403": null, "429": null}});
    assert!(generated(&merged(&operation(&open))).is_ok());
    check(
        &operation(&json!({"responses": {"500": null}})),
        &[&format!("{POST}: `thing_create` lacks the status 500")],
    );
}

#[test]
fn preconditions_and_ids_have_their_statuses() {
    let header =
        json!({"name": "If-Match", "in": "header", "required": true, "schema": {"type": "string"}});
    check(
        &operation(&json!({"parameters": [header]})),
        &[
            &format!("{POST}: `thing_create` lacks the status 412"),
            &format!("{POST}: `thing_create` lacks the status 428"),
        ],
    );
    let id = json!({"name": "id", "in": "path", "required": true, "schema": {"type": "string"}});
    check(
        &operation(&json!({"parameters": [id]})),
        &[
            &format!("{POST}: `id` is not both in the path and among its parameters"),
            &format!("{POST}: `thing_create` lacks the status 404"),
        ],
    );
}

#[test]
fn paths_that_no_router_takes() {
    let post = merged(&json!({}))["paths"]["/things"]["post"].clone();
    let at = |path: &str, id: &str| {
        let mut post = post.clone();
        post["operationId"] = json!(id);
        let name = path.split(['{', '}']).nth(1).unwrap_or_default();
        let parameter = json!({"name": name, "in": "path", "schema": {"type": "string"}});
        post["parameters"] = if name.is_empty() {
            json!([])
        } else {
            json!([parameter])
        };
        post["responses"]["404"] = post["responses"]["400"].clone();
        json!({"post": post})
    };
    check(
        &json!({"paths": {"/a/{b}": at("/a/{b}", "b"), "/a/{c}/d": at("/a/{c}/d", "c")}}),
        &["/paths/~1a~1{c}~1d/post: `{b}` and `{c}` are at the same place"],
    );
    check(
        &json!({"paths": {"/a/:b": at("/a/:b", "b")}}),
        &["/paths/~1a~1:b/post: `/a/:b` cannot be a route"],
    );
    check(
        &json!({"paths": {"/a/b({b})": at("/a/b({b})", "b")}}),
        &[
            "/paths/~1a~1b({b})/post: `b` is not both in the path and among its parameters",
            "/paths/~1a~1b({b})/post: the segment `b({b})` mixes text and parameter",
        ],
    );
}

#[test]
fn errors_share_one_body() {
    let other = json!({"description": "x", "content": {"application/json": {"schema":
        {"$ref": "#/components/schemas/Thing"}}}});
    check(
        &operation(&json!({"responses": {"401": other}})),
        &[&format!(
            "{POST}/responses/401: errors have both `Error` and `Thing` as bodies"
        )],
    );
    check(
        &operation(&json!({"responses": {"404": {"description": "x"}}})),
        &[&format!(
            "{POST}/responses/404: an error without a named JSON body"
        )],
    );
}

#[test]
fn operations_beyond_the_subset() {
    check(
        &operation(&json!({"tags": ["a", "b"], "callbacks": {}})),
        &[
            &format!("{POST}: `callbacks` is not carried into the stubs"),
            &format!("{POST}: an operation needs exactly one tag"),
        ],
    );
    check(
        &operation(&json!({"operationId": "createThing"})),
        &[&format!(
            "{POST}: `createThing` cannot be the name of a method"
        )],
    );
    check(
        &operation(&json!({"requestBody": {"required": false}})),
        &[&format!(
            "{POST}/requestBody: a body that may be left out is not carried"
        )],
    );
    let default = json!({"description": "x"});
    check(
        &operation(&json!({"responses": {"default": default}})),
        &[&format!(
            "{POST}/responses/default: the status `default` is not carried"
        )],
    );
    let filter = json!({"name": "f", "in": "query", "schema": {"type": "array", "items": {"type": "string"}}});
    check(
        &operation(&json!({"parameters": [filter]})),
        &[&format!(
            "{POST}/parameters/0/schema: `array` is not carried into the stubs"
        )],
    );
}

#[test]
fn all_faults_come_at_once() {
    let feature = json!({
        "components": {
            "schemas": {"Thing": {"properties": {"a": {"type": "object"}, "b": {"type": "integer"}}}},
            "securitySchemes": {"bearerAuth": {"type": "apiKey"}},
        },
        "paths": {"/things": {"post": {"tags": ["none"], "responses": {"400": null}}}},
    });
    assert_eq!(faults(&feature).len(), 5);
}

#[test]
fn values_of_a_listed_schema_that_share_a_name() {
    let page = json!({"type": "object", "required": ["value"], "properties": {"value": {
        "type": "array", "items": {"$ref": "#/components/schemas/Thing"},
    }}});
    let thing = json!({"properties": {
        "sizeUnit": {"type": "string"},
        "size": {"$ref": "#/components/schemas/Size"},
    }});
    let size = json!({"type": "object", "properties": {"unit": {"type": "string"}}});
    let failed = json!({"$ref": "#/components/responses/Failed"});
    let things = json!({"description": "Things.", "content": {"application/json": {
        "schema": {"$ref": "#/components/schemas/ThingPage"},
    }}});
    let list = json!({
        "operationId": "thing_list", "tags": ["thing"], "summary": "List things",
        "responses": {"200": things, "401": failed, "403": failed, "405": failed, "429": failed, "500": failed},
    });
    check(
        &json!({
            "paths": {"/things": {"get": list}},
            "components": {"schemas": {"ThingPage": page, "Thing": thing, "Size": size}},
        }),
        &["/components/schemas/Thing: `sizeUnit` and `size/unit` would all be called `SizeUnit`"],
    );
}
