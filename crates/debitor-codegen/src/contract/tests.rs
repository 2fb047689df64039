//! What must be equal, and each kind of change that must not be.

use serde_json::{Value, json};

use super::{Contract, compare, lift};

/// The document by hand, in the words of OpenAPI 3.0.
const BY_HAND: &str = r"
openapi: 3.0.3
info: {title: Library, version: 1.0.0, description: 'Books.', license: {name: MIT}}
servers: [{url: /v1, description: The service.}]
security: [{bearer: []}]
tags: [{name: book, description: Books.}, {name: shelf, description: Shelves.}]
paths:
  /books/{id}:
    parameters:
      - {name: id, in: path, required: true, description: Which., schema: {type: string, format: uuid}}
      - {$ref: '#/components/parameters/Trace'}
    patch:
      operationId: book_update
      tags: [book]
      summary: Change a book
      description: |
        What is absent stays.

        Truly.
      x-permissions: [Books.Write, Books.All]
      parameters:
        - {name: $top, in: query, description: The size., schema: {type: integer, format: int32, minimum: 1, default: 10}}
      requestBody:
        required: true
        description: The changes.
        content: {application/json: {schema: {$ref: '#/components/schemas/Change'}}}
      responses:
        '200':
          description: The book.
          headers: {ETag: {$ref: '#/components/headers/ETag'}}
          content: {application/json: {schema: {$ref: '#/components/schemas/Book'}}}
        '404': {$ref: '#/components/responses/NotFound'}
    get:
      operationId: book_get
      tags: [book]
      summary: Get a book
      security: [{}]
      responses: {'200': {description: The book.}}
components:
  securitySchemes: {bearer: {type: http, scheme: bearer, description: A token.}}
  parameters: {Trace: {name: Trace-Id, in: header, description: Mine., schema: {type: string}}}
  headers: {ETag: {description: The version., required: true, schema: {type: string}}}
  responses: {NotFound: {description: None such.}}
  schemas:
    Genre: {type: string, description: Genre., enum: [Travel, Crime, ' ']}
    Unreachable: {type: string, description: Nobody sees it.}
    Change:
      type: object
      description: Changes.
      additionalProperties: false
      required: [pages, title]
      properties:
        title: {type: string, nullable: true, maxLength: 80, pattern: '^ x$', description: 'The title.', example: ' Ulysses '}
        genre: {type: string, nullable: true, allOf: [{$ref: '#/components/schemas/Genre'}], description: The genre.}
        pages: {type: integer, format: int32, minimum: 1, exclusiveMinimum: true, description: Pages.}
    Book:
      type: object
      description: A book.
      properties:
        genre: {type: string, allOf: [{$ref: '#/components/schemas/Genre'}], description: The genre.}
        sequel: {$ref: '#/components/schemas/Book'}
        weight: {type: number, minimum: 0, description: Grams.}
        tags: {type: array, items: {type: string}, description: Words.}
";

/// The same contract as utoipa writes it, in the words of OpenAPI 3.1.
fn mounted() -> Value {
    let id = json!({ "name": "id", "in": "path", "required": true, "description": "Which.",
        "schema": { "type": "string", "format": "uuid" } });
    let trace = json!({ "name": "trace-id", "in": "header", "required": false,
        "description": "Mine.", "schema": { "type": "string" } });
    let get = json!({ "operationId": "book_get", "tags": ["book"], "summary": "Get a book",
        "parameters": [trace, id], "security": [{}],
        "responses": { "200": { "description": "The book." } } });
    let patch = json!({
        "operationId": "book_update", "tags": ["book"], "summary": "Change a book",
        "description": "What is absent stays.\n\nTruly.", "deprecated": false,
        "x-permissions": ["Books.All", "Books.Write"],
        "security": [{ "bearer": [] }],
        "parameters": [trace, id, { "name": "$top", "in": "query", "required": false,
            "style": "form", "explode": true, "description": "The size.",
            "schema": { "type": "integer", "format": "int32", "minimum": 1.0, "default": 10 } }],
        "requestBody": { "required": true, "description": "The changes.", "content": {
            "application/json": { "schema": { "$ref": "#/components/schemas/Change" } } } },
        "responses": {
            "404": { "description": "None such." },
            "200": { "description": "The book.",
                "headers": { "etag": { "description": "The version.",
                    "schema": { "type": "string" } } },
                "content": { "application/json": {
                    "schema": { "$ref": "#/components/schemas/Book" } } } },
        },
    });
    let genre = json!({ "$ref": "#/components/schemas/Genre" });
    json!({
        "openapi": "3.1.0",
        "info": { "title": "Library", "version": "1.0.0", "description": "Books.\n",
            "license": { "name": "MIT" } },
        "servers": [{ "url": "/v1", "description": "The service." }],
        "tags": [{ "name": "shelf", "description": "Shelves." },
            { "name": "book", "description": "Books." }],
        "paths": { "/books/{id}": { "get": get, "patch": patch } },
        "components": {
            "securitySchemes": { "bearer": { "type": "http", "scheme": "bearer",
                "description": "A token." } },
            "schemas": {
                "Genre": { "type": "string", "description": "Genre.",
                    "enum": ["Crime", " ", "Travel"] },
                "Change": {
                    "type": "object", "description": "Changes.", "additionalProperties": false,
                    "required": ["title", "pages"],
                    "properties": {
                        "title": { "type": ["null", "string"], "maxLength": 80, "pattern": "^ x$",
                            "description": "The title.", "examples": [" Ulysses "] },
                        "genre": { "oneOf": [{ "$ref": "#/components/schemas/Genre",
                            "description": "The genre." }, { "type": "null" }] },
                        "pages": { "type": "integer", "format": "int32", "exclusiveMinimum": 1,
                            "description": "Pages." },
                    },
                },
                "Book": {
                    "description": "A book.",
                    "properties": {
                        "genre": { "allOf": [genre], "description": "The genre." },
                        "sequel": { "$ref": "#/components/schemas/Book" },
                        "weight": { "type": "number", "minimum": 0.0, "description": "Grams." },
                        "tags": { "type": "array", "items": { "type": "string" },
                            "description": "Words.", "deprecated": false },
                    },
                },
            },
        },
    })
}

fn by_hand() -> Contract {
    Contract::from_value(&yaml_serde::from_str(BY_HAND).unwrap())
}

fn differences(mounted: &Value) -> Vec<String> {
    let mounted = Contract::from_value(mounted);
    compare(&by_hand(), &mounted)
        .iter()
        .map(ToString::to_string)
        .collect()
}

/// Putting `value` at `pointer` (null removes) makes exactly one difference: at `place`.
#[track_caller]
fn check(pointer: &str, value: Value, place: &str) {
    let found = differences(&put(pointer, value));
    let at = |text: &String| text.starts_with(&format!("{place} | "));
    assert!(
        found.len() == 1 && found.iter().all(at),
        "not just {place}: {found:#?}"
    );
}

/// As [`check`], where the schema that is no longer named is a difference too.
#[track_caller]
fn check_first(pointer: &str, value: Value, place: &str) {
    let found = differences(&put(pointer, value));
    let (first, others) = found.split_first().unwrap();
    assert!(
        first.starts_with(&format!("{place} | ")),
        "not {place}: {found:#?}"
    );
    assert!(
        others.iter().all(|other| other.starts_with("/schemas/")),
        "{found:#?}"
    );
}

fn put(pointer: &str, value: Value) -> Value {
    let mut changed = mounted();
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    let key = key.replace("~1", "/");
    match changed.pointer_mut(parent).unwrap() {
        Value::Object(object) if value.is_null() => drop(object.shift_remove(&key)),
        Value::Object(object) => drop(object.insert(key, value)),
        Value::Array(items) => items[key.parse::<usize>().unwrap()] = value,
        other => panic!("{parent} is {other}"),
    }
    changed
}

const PATCH: &str = "/paths/~1books~1{id}/patch";
const CHANGE: &str = "/components/schemas/Change/properties";

#[test]
fn the_same_contract_in_both_versions_has_no_difference() {
    assert_eq!(differences(&mounted()), Vec::<String>::new());
}

#[test]
fn a_document_equals_itself_in_either_version() {
    let document = yaml_serde::from_str::<Value>(BY_HAND).unwrap();
    assert_eq!(
        Contract::from_value(&document),
        Contract::from_value(&lift(&document))
    );
    assert_eq!(lift(&lift(&document)), lift(&document));
}

#[test]
fn changes_of_operations_are_found() {
    let get = "/paths/~1books~1{id}/get";
    check(get, Value::Null, get);
    check("/paths/~1new", json!({ "get": {} }), "/paths/~1new");
    check(
        &format!("{PATCH}/operationId"),
        json!("x"),
        &format!("{PATCH}/operationId"),
    );
    check(
        &format!("{PATCH}/summary"),
        json!("x"),
        &format!("{PATCH}/summary"),
    );
    check(
        &format!("{PATCH}/description"),
        Value::Null,
        &format!("{PATCH}/description"),
    );
    check(
        &format!("{PATCH}/deprecated"),
        json!(true),
        &format!("{PATCH}/deprecated"),
    );
    check(
        &format!("{PATCH}/tags"),
        json!(["shelf"]),
        &format!("{PATCH}/tags"),
    );
    check(
        &format!("{PATCH}/x-permissions"),
        Value::Null,
        &format!("{PATCH}/x-permissions"),
    );
    check(
        &format!("{PATCH}/security"),
        Value::Null,
        &format!("{PATCH}/security"),
    );
    check(
        &format!("{PATCH}/security/0"),
        json!({}),
        &format!("{PATCH}/security/0/bearer"),
    );
    check(
        &format!("{get}/security"),
        json!([]),
        &format!("{get}/security"),
    );
}

#[test]
fn changes_of_requests_are_found() {
    let parameters = format!("{PATCH}/parameters");
    let top = format!("{parameters}/query $top");
    check(
        &format!("{parameters}/2/description"),
        json!("x"),
        &format!("{top}/description"),
    );
    check(
        &format!("{parameters}/2/required"),
        json!(true),
        &format!("{top}/required"),
    );
    check(
        &format!("{parameters}/2/schema/minimum"),
        json!(0),
        &format!("{top}/schema/minimum"),
    );
    check(
        &format!("{parameters}/2/schema/default"),
        json!(9),
        &format!("{top}/schema/default"),
    );
    check(
        &format!("{parameters}/2/explode"),
        json!(false),
        &format!("{top}/explode"),
    );
    check_first(
        &format!("{PATCH}/requestBody"),
        Value::Null,
        &format!("{PATCH}/requestBody"),
    );
    let required = format!("{PATCH}/requestBody/required");
    check(&required, Value::Null, &required);
    let media = format!("{PATCH}/requestBody/content/text~1plain");
    check(&media, json!({}), &media);
}

#[test]
fn changes_of_responses_are_found() {
    let missing = format!("{PATCH}/responses/404");
    check(&missing, Value::Null, &missing);
    check(
        &format!("{missing}/description"),
        json!("x"),
        &format!("{missing}/description"),
    );
    let header = format!("{PATCH}/responses/200/headers/etag");
    check(&header, Value::Null, &header);
    check(
        &format!("{header}/description"),
        json!("x"),
        &format!("{header}/description"),
    );
    let kind = format!("{header}/schema/type");
    check(&kind, json!("integer"), &kind);
    let reference = format!("{PATCH}/responses/200/content/application~1json/schema/$ref");
    check_first(&reference, json!("#/components/schemas/Genre"), &reference);
}

#[test]
fn changes_of_schemas_are_found() {
    let canonical = "/schemas/Change/properties";
    for (pointer, value) in [
        ("/title/maxLength", json!(81)),
        ("/title/pattern", json!("^x$")),
        ("/title/description", json!("x")),
        ("/title/type", json!("string")),
        ("/pages/format", json!("int64")),
        ("/pages/exclusiveMinimum", json!(2)),
        ("/isbn", json!({ "type": "string" })),
        ("/pages", Value::Null),
    ] {
        check(
            &format!("{CHANGE}{pointer}"),
            value,
            &format!("{canonical}{pointer}"),
        );
    }
    let example = format!("{canonical}/title/example");
    check(
        &format!("{CHANGE}/title/examples"),
        json!(["Ulysses"]),
        &example,
    );
    let change = "/components/schemas/Change";
    check(
        &format!("{change}/required/0"),
        json!("genre"),
        "/schemas/Change/required",
    );
    let open = "additionalProperties";
    check(
        &format!("{change}/{open}"),
        Value::Null,
        &format!("/schemas/Change/{open}"),
    );
    check(
        "/components/schemas/Genre/enum/1",
        json!(""),
        "/schemas/Genre/enum",
    );
    check(
        "/components/schemas/Genre/enum",
        json!(["Crime"]),
        "/schemas/Genre/enum",
    );
}

#[test]
fn a_lost_null_is_found() {
    let genre = json!({ "$ref": "#/components/schemas/Genre", "description": "The genre." });
    let found = differences(&put(&format!("{CHANGE}/genre"), genre));
    let place = "/schemas/Change/properties/genre/";
    assert!(
        !found.is_empty(),
        "a reference that may be null equals one that may not"
    );
    assert!(found.iter().all(|d| d.starts_with(place)), "{found:#?}");
}

#[test]
fn a_renamed_property_is_two_differences() {
    let mut changed = mounted();
    let properties = changed
        .pointer_mut(CHANGE)
        .unwrap()
        .as_object_mut()
        .unwrap();
    let title = properties.shift_remove("title").unwrap();
    properties.insert("heading".into(), title);
    let found = differences(&changed);
    assert_eq!(found.len(), 2, "{found:#?}");
    assert!(found[0].starts_with("/schemas/Change/properties/heading | document: absent | "));
    assert!(found[1].ends_with(" | mounted: absent"), "{found:#?}");
}

#[test]
fn changes_of_the_head_are_found() {
    check("/info/version", json!("2.0.0"), "/info/version");
    check("/info/description", json!("x"), "/info/description");
    check("/info/license", json!({ "name": "" }), "/info/license");
    check("/servers/0/url", json!("/v2"), "/servers/0/url");
    check("/tags/0/description", json!("x"), "/tags/shelf/description");
    let scheme = "/components/securitySchemes/bearer/scheme";
    check(scheme, json!("basic"), "/securitySchemes/bearer/scheme");
}

#[test]
fn a_difference_reads_as_a_sentence() {
    let mut changed = mounted();
    changed["paths"]["/books/{id}"]["patch"]["parameters"][2]["description"] = json!("Size.");
    let expected = "/paths/~1books~1{id}/patch/parameters/query $top/description \
        | document: \"The size.\" | mounted: \"Size.\"";
    assert_eq!(differences(&changed), [expected]);
}

#[test]
fn lifting_keeps_names_of_properties_and_data() {
    let lifted = lift(&json!({
        "properties": {
            "nullable": { "type": "boolean", "nullable": true },
            "enum": { "type": "string", "nullable": true, "enum": ["a"] },
        },
        "example": { "nullable": true },
    }));
    let expected = json!({
        "properties": {
            "nullable": { "type": ["boolean", "null"] },
            "enum": { "type": ["string", "null"], "enum": ["a", null] },
        },
        "example": { "nullable": true },
    });
    assert_eq!(lifted, expected);
}
