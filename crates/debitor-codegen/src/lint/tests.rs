//! Each rule, by one change to a document that has no faults.

use serde_json::{Value, json};

use super::lint;
use crate::{Fault, Spec};

const BOOKS: &str = include_str!("tests.yaml");
const LIST: &str = "/paths/~1books/get";
const UPDATE: &str = "/paths/~1books~1{bookId}/patch";
const BOOK: &str = "/components/schemas/Book";
const CHANGES: &str = "/components/schemas/BookUpdate";

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

/// The change makes a fault at `place` (below what was changed) that says `problem`.
#[track_caller]
fn check(changed: &str, value: Value, place: &str, problem: &str) {
    let found = faults(changed, value);
    let hit = |fault: &Fault| fault.pointer.starts_with(place) && fault.problem.contains(problem);
    assert!(
        found.iter().any(hit),
        "no fault at {place} saying {problem:?} in {found:#?}"
    );
    let bare = |fault: &Fault| fault.problem.is_empty() || fault.remedy.is_empty();
    assert!(
        !found.iter().any(bare),
        "a fault without a remedy in {found:#?}"
    );
}

#[test]
fn a_good_document_has_no_faults() {
    assert_eq!(lint(&Spec::parse(BOOKS).unwrap()), []);
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
        for value in [
            Value::Null,
            json!(1),
            json!([1]),
            json!({ "$ref": "#/nowhere" }),
        ] {
            let _ = faults(&pointer, value);
        }
    }
}

#[test]
fn rules_on_the_document() {
    check("/openapi", json!("3.1.0"), "/openapi", "of version `3.1.0`");
    check("/webhooks", json!({}), "/webhooks", "not carried");
    check("/info/description", Value::Null, "/info", "no description");
    check("/servers", json!([]), "/servers", "no server");
    check(
        "/servers/0",
        json!({ "url": "https://x.example" }),
        "/servers/0/url",
        "not a path",
    );
    check(
        "/tags/0/description",
        Value::Null,
        "/tags/0",
        "no description",
    );
    check(
        "/tags/1",
        json!({ "name": "rare_book" }),
        "/tags",
        "one trait",
    );
    check(
        "/components/securitySchemes/bearer/scheme",
        json!("basic"),
        "/components",
        "bearer",
    );
    check("/paths", json!({}), "/paths", "no paths");
    check(
        "/paths/~1books/$ref",
        json!("#/x"),
        "/paths/~1books",
        "cannot be a reference",
    );
    check("/paths/~1books~1{x}", json!({}), "/paths", "same path");
    check(
        "/paths/~1books~1{x}-{y}",
        json!({}),
        "/paths",
        "only a part",
    );
    check("/paths/~1books~1", json!({}), "/paths", "empty segment");
    check(
        "/components/schemas/book",
        json!({}),
        "/components/schemas/book",
        "type's name",
    );
    let clash = "/components/schemas/RareBookUpdateRequest";
    check(clash, json!({}), clash, "generated type");
}

#[test]
fn rules_on_references() {
    let author = &format!("{BOOK}/properties/author");
    check(
        author,
        json!({ "$ref": "#/components/schemas/None" }),
        author,
        "leads nowhere",
    );
    check(
        author,
        json!({ "$ref": "other.yaml#/Author" }),
        author,
        "leads nowhere",
    );
    check(
        author,
        json!({ "$ref": "#/info" }),
        author,
        "not the name of a schema",
    );
    check(
        &format!("{author}/description"),
        json!("x"),
        author,
        "ignored in OpenAPI 3.0",
    );
    check(
        author,
        json!({ "$ref": BOOK.replacen('/', "#/", 1) }),
        BOOK,
        "contains itself",
    );
}

#[test]
fn rules_on_operations() {
    let id = &format!("{LIST}/operationId");
    check(id, Value::Null, id, "no operationId");
    check(id, json!("rareBookList"), id, "not snake_case");
    check(id, json!("rare_book_update"), UPDATE, "operationId of");
    check(id, json!("new"), id, "method of the generated client");
    check(id, json!("rare_book_find"), id, "and a verb");
    check(id, json!("book_list"), id, "and a verb");
    check(id, json!("rare_book_create"), LIST, "is a GET");
    check(&format!("{LIST}/tags"), json!([]), LIST, "0 tags");
    check(
        &format!("{LIST}/tags"),
        json!(["rareBook", "x"]),
        LIST,
        "2 tags",
    );
    check(&format!("{LIST}/tags"), json!(["x"]), LIST, "not declared");
    check(&format!("{LIST}/summary"), Value::Null, LIST, "no summary");
    check(&format!("{LIST}/callbacks"), json!({}), LIST, "not carried");
    check(
        &format!("{LIST}/x-permissions"),
        Value::Null,
        LIST,
        "names no permission",
    );
    check(
        &format!("{LIST}/security"),
        json!([]),
        LIST,
        "open but names",
    );
    check(
        &format!("{LIST}/security"),
        json!([{ "key": [] }]),
        LIST,
        "`key` is not declared",
    );
    check(
        &format!("{LIST}/requestBody"),
        json!({ "content": {} }),
        LIST,
        "a GET has no body",
    );
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
fn rules_on_request_bodies() {
    let body = &format!("{UPDATE}/requestBody");
    let content = &format!("{body}/content");
    check(&format!("{body}/required"), json!(false), body, "optional");
    check(
        &format!("{body}/description"),
        Value::Null,
        body,
        "no description",
    );
    check(
        &format!("{content}/text~1plain"),
        json!({}),
        content,
        "not exactly",
    );
    check(
        content,
        json!({ "application/merge-patch+json": {} }),
        content,
        "not exactly",
    );
    check(
        &format!("{content}/application~1json/schema"),
        json!({}),
        content,
        "has no name",
    );
    let property = &format!("{CHANGES}/properties/bookId");
    check(property, json!({ "type": "string" }), property, "one flag");
}

#[test]
fn rules_on_parameters() {
    let top = &format!("{LIST}/parameters/0");
    let list = &format!("{LIST}/parameters");
    check(
        &format!("{top}/description"),
        Value::Null,
        top,
        "no description",
    );
    check(&format!("{top}/in"), json!("cookie"), top, "`cookie`");
    check(
        &format!("{top}/style"),
        json!("deepObject"),
        top,
        "not carried",
    );
    check(&format!("{top}/content"), json!({}), top, "not carried");
    check(
        &format!("{top}/schema"),
        json!({ "type": "array" }),
        top,
        "not a plain value",
    );
    check(
        &format!("{top}/schema/nullable"),
        json!(true),
        top,
        "cannot be null",
    );
    check(
        &format!("{top}/schema/format"),
        Value::Null,
        top,
        "no `format`",
    );
    check(
        &format!("{top}/name"),
        json!("body"),
        top,
        "method of every",
    );
    check(
        &format!("{top}/name"),
        json!("traceId"),
        list,
        "one argument",
    );
    let second = json!({ "name": "top", "in": "header", "schema": { "type": "string" } });
    check(
        &format!("{list}/0"),
        second,
        list,
        "`top` and `$top` are one argument",
    );
    let accept = json!({ "name": "Accept", "in": "header", "schema": { "type": "string" } });
    check(&format!("{list}/0"), accept, list, "OpenAPI ignores");
    let page = json!({ "name": "page", "in": "path", "schema": { "type": "string" } });
    check(&format!("{list}/0"), page.clone(), list, "is optional");
    check(&format!("{list}/0"), page, list, "the path has no `{page}`");
    check(
        &format!("{UPDATE}/parameters"),
        json!([]),
        UPDATE,
        "`{bookId}` of the path",
    );
    let twice = document().pointer(top).cloned().unwrap();
    check(&format!("{list}/0"), twice, list, "listed twice");
}

#[test]
fn rules_on_responses() {
    let responses = &format!("{LIST}/responses");
    for code in ["400", "401", "403", "405", "500"] {
        check(&format!("{responses}/{code}"), Value::Null, responses, code);
    }
    for code in ["404", "412", "413", "415", "428"] {
        check(
            &format!("{UPDATE}/responses/{code}"),
            Value::Null,
            UPDATE,
            code,
        );
    }
    let other = json!({ "description": "x", "content": {} });
    check(
        &format!("{responses}/default"),
        other.clone(),
        responses,
        "`default`",
    );
    check(
        &format!("{responses}/4XX"),
        other.clone(),
        responses,
        "`4XX`",
    );
    check(
        &format!("{responses}/404"),
        other.clone(),
        responses,
        "not `Failure` alone",
    );
    check(
        &format!("{responses}/202"),
        other.clone(),
        responses,
        "2 successes",
    );
    check(
        &format!("{UPDATE}/responses/201"),
        other.clone(),
        UPDATE,
        "3 successes",
    );
    check(
        &format!("{responses}/304"),
        other.clone(),
        responses,
        "no `If-None-Match`",
    );
    check(
        &format!("{UPDATE}/responses/204"),
        other.clone(),
        UPDATE,
        "a 204 has no body",
    );
    check(&format!("{responses}/200"), other, responses, "0 bodies");
    let success = &format!("{responses}/200");
    check(
        &format!("{success}/links"),
        json!({}),
        success,
        "not carried",
    );
    let schema = &format!("{success}/content/application~1json/schema");
    check(
        schema,
        json!({ "type": "object" }),
        success,
        "cannot carry this body",
    );
    check(
        schema,
        json!({ "$ref": BOOK.replacen('/', "#/", 1) }),
        success,
        "page",
    );
    check(
        &format!("{success}/content/text~1csv"),
        json!({}),
        success,
        "2 bodies",
    );
}

#[test]
fn rules_on_headers() {
    let headers = &format!("{UPDATE}/responses/200/headers");
    let etag = &format!("{headers}/ETag");
    check(
        &format!("{etag}/description"),
        Value::Null,
        etag,
        "no description",
    );
    check(
        &format!("{etag}/schema"),
        json!({ "type": "array" }),
        etag,
        "not a plain value",
    );
    check(&format!("{headers}/etag"), json!({}), headers, "one field");
    check(
        &format!("{headers}/Content-Type"),
        json!({}),
        headers,
        "`content`",
    );
    let allow = "/components/responses/MethodNotAllowed/headers";
    check(
        &format!("{allow}/Allow/required"),
        Value::Null,
        allow,
        "`Allow` is not always sent",
    );
}

#[test]
fn rules_on_schemas() {
    let title = &format!("{BOOK}/properties/title");
    for (keyword, value) in [
        ("oneOf", json!([])),
        ("anyOf", json!([])),
        ("not", json!({})),
        ("discriminator", json!({})),
        ("x-rust-type", json!("String")),
        ("uniqueItems", json!(true)),
    ] {
        check(&format!("{title}/{keyword}"), value, title, keyword);
    }
    check(&format!("{title}/type"), Value::Null, title, "no type");
    check(&format!("{title}/type"), json!("text"), title, "not a type");
    check(
        title,
        json!({ "type": "array", "description": "x" }),
        title,
        "no items",
    );
    let genre = &format!("{BOOK}/properties/genre");
    check(
        &format!("{genre}/type"),
        json!("object"),
        genre,
        "not that of the schema",
    );
    check(&format!("{genre}/allOf/0"), json!({}), genre, "2 members");
    check(
        &format!("{genre}/allOf"),
        json!([{ "type": "string" }]),
        genre,
        "not a reference",
    );
    check(
        "/components/schemas/Genre/nullable",
        json!(true),
        "/components/schemas/Genre",
        "named",
    );
    check(
        &format!("{title}/enum"),
        json!(["a"]),
        title,
        "this enum has no name",
    );
    check(
        title,
        json!({ "type": "object", "description": "x" }),
        title,
        "object has no name",
    );
}

#[test]
fn rules_on_objects() {
    let title = &format!("{BOOK}/properties/title");
    check(
        &format!("{BOOK}/description"),
        Value::Null,
        BOOK,
        "no description",
    );
    check(
        &format!("{title}/description"),
        Value::Null,
        title,
        "no description",
    );
    check(
        "/components/schemas/Author/description",
        Value::Null,
        "/components",
        "no description",
    );
    let twin = json!({ "type": "string", "description": "x" });
    check(
        &format!("{BOOK}/properties/odataEtag"),
        twin,
        BOOK,
        "one field",
    );
    check(
        &format!("{BOOK}/required/0"),
        json!("isbn"),
        BOOK,
        "not a property",
    );
    check(
        &format!("{BOOK}/additionalProperties"),
        json!(false),
        BOOK,
        "new property",
    );
    check(
        &format!("{BOOK}/additionalProperties"),
        json!({}),
        BOOK,
        "maps",
    );
    check(
        &format!("{CHANGES}/additionalProperties"),
        Value::Null,
        CHANGES,
        "any property",
    );
    let author = json!({ "$ref": "#/components/schemas/Author" });
    check(
        &format!("{CHANGES}/properties/author"),
        author,
        "/components",
        "and in answers",
    );
    check(
        &format!("{title}/required"),
        json!(["x"]),
        title,
        "for objects",
    );
    let pages = &format!("{CHANGES}/properties/pages");
    check(
        &format!("{pages}/default"),
        json!(1),
        pages,
        "in the body of a PATCH",
    );
    check(
        &format!("{pages}/readOnly"),
        json!(true),
        pages,
        "in the body of a PATCH",
    );
}

#[test]
fn rules_on_values() {
    let title = &format!("{CHANGES}/properties/title");
    let pages = &format!("{CHANGES}/properties/pages");
    check(
        &format!("{title}/maxLength"),
        Value::Null,
        title,
        "no length",
    );
    check(&format!("{title}/minLength"), json!(81), title, "above");
    check(&format!("{title}/minimum"), json!(1), title, "says nothing");
    check(
        &format!("{title}/format"),
        json!("password"),
        title,
        "do not know `password`",
    );
    check(
        &format!("{pages}/minimum"),
        Value::Null,
        pages,
        "no `minimum`",
    );
    let top = &format!("{LIST}/parameters/0/schema");
    check(
        &format!("{top}/default"),
        json!("10"),
        top,
        "cannot be the default",
    );
    let genre = "/components/schemas/Genre/enum";
    check(&format!("{genre}/0"), json!("Crime"), genre, "twice");
    check(&format!("{genre}/0"), json!("crime"), genre, "one variant");
    check(&format!("{genre}/0"), json!(1), genre, "not all strings");
}

#[test]
fn patterns_must_mean_the_same_to_every_engine() {
    let place = &format!("{CHANGES}/properties/title/pattern");
    for bad in [
        r"(?=a)", r"(a)\1", "[", r"\d", r"\w+", r"\bx", r"(?i)a", "[a[b]]", "[a&&b]", r"\pL",
    ] {
        check(place, json!(bad), place, "");
    }
    for good in [
        r"^[A-Z]{2}$",
        r"^#?microsoft\.graph$",
        r"(?:a|b)+",
        r"[\[\]\-]",
        r"\S",
        "[^-a]",
    ] {
        assert_eq!(faults(place, json!(good)), [], "{good}");
    }
}
