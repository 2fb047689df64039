//! Options that are wrong, and those that only look unusual.

use debitor_tests::TestServer;
use serde_json::Value;

use super::{customers, numbers_of, server, with};

/// The target and the message of each fault.
fn told(error: &Value) -> Vec<(String, String)> {
    let details = error["error"]["details"].as_array().into_iter().flatten();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    details
        .map(|one| (text(&one["target"]), text(&one["message"])))
        .collect()
}

#[tokio::test]
async fn names_have_a_dollar_or_none_and_any_case() {
    let server = server().await;
    for query in [
        "$filter=number%20eq%20'N1'&$orderby=number",
        "%24filter=number%20eq%20'N1'&%24orderby=number",
        "filter=number%20eq%20'N1'&orderby=number",
        "FILTER=NUMBER%20EQ%20'N1'&$OrderBy=Number",
        "%24Filter=number+eq+%27N1%27&%24top=1",
    ] {
        let path = format!("{}?{query}", customers(&server));
        let answer = server.request("GET", &path).send().await;
        assert_eq!(numbers_of(&answer.expect(200).json()), ["N1"], "{query}");
    }
}

#[tokio::test]
async fn characters_of_addresses_can_be_in_literals() {
    let server = server().await;
    for (query, expected) in [
        ("$filter=contains(displayName,'%26')", "N2"),
        ("$filter=email%20eq%20'o%2B1@b.example'", "O1"),
        ("$filter=email+eq+'o%2B1@b.example'", "O1"),
        // A plus stands for a space, as in forms.
        ("$filter=email%20eq%20'o+1@b.example'", ""),
        (
            "$filter=displayName%20eq%20'O''Brien%20100%25%20%2B%201'",
            "O1",
        ),
        (
            "$filter=displayName%20eq%20%27O%27%27Brien%20100%25%20%2B%201%27",
            "O1",
        ),
        ("$filter=startswith(displayName,'s%C3%BCd')", "S1"),
        ("$search=%22licht%20%26%22", "N2"),
    ] {
        let path = format!("{}?{query}", customers(&server));
        let answer = server.request("GET", &path).send().await;
        let found = numbers_of(&answer.expect(200).json()).join(" ");
        assert_eq!(found, expected, "{query}");
    }
}

#[tokio::test]
async fn unknown_and_repeated_options_are_named() {
    let server = server().await;
    for (query, targets) in [
        ("$expand=x", vec!["$expand"]),
        ("expand=x", vec!["expand"]),
        ("$apply=x&%24compute=y", vec!["$apply", "$compute"]),
        ("$filter=taxLiable&filter=taxLiable", vec!["filter"]),
        ("$filter=taxLiable&%24FILTER=taxLiable", vec!["$FILTER"]),
        ("$$filter=taxLiable", vec!["$$filter"]),
        (
            "$orderby=id&orderBy=id&$skip=1&$Skip=1",
            vec!["orderBy", "$Skip"],
        ),
    ] {
        let path = format!("{}?{query}", customers(&server));
        let answer = server.request("GET", &path).send().await.expect(400);
        assert_eq!(answer.targets(), targets, "{query}");
    }
}

#[tokio::test]
async fn faults_say_what_is_wrong_and_where() {
    let server = server().await;
    let long = format!("number eq '{}'", "x".repeat(4096));
    let wide = format!("number eq '{}'", "ä".repeat(2048));
    let deep = format!("{}taxLiable{}", "(".repeat(21), ")".repeat(21));
    let many = vec!["taxLiable"; 102].join(" or ");
    for (option, text, expected) in [
        (
            "$filter",
            "emial eq 'x'",
            "at character 1: `emial` names no property; perhaps `email`",
        ),
        ("$filter", "number eq 5", "at character 11: "),
        ("$filter", "number = 'x'", "at character 8: "),
        (
            "$filter",
            "address eq null",
            "at character 1: `address` is an object: name a part of it",
        ),
        ("$filter", "number eq 'x", "at character 11: "),
        ("$filter", "id eq 'x'", "at character 7: "),
        ("$filter", "taxLiable gt", "at character 13: "),
        ("$filter", "substringof('a',number)", "at character 1: "),
        ("$filter", &long, "must have at most 4096 characters"),
        ("$filter", &wide, "longer than 4096 bytes"),
        ("$filter", &deep, "more than 20 "),
        ("$filter", &many, "more than 100 "),
        ("$filter", "", "must have at least 1 character"),
        ("$search", "nord (", "at character 7: "),
        (
            "$search",
            "\"nord",
            "at character 1: the phrase that starts here has no closing quote",
        ),
        (
            "$orderby",
            "name",
            "at character 1: `name` names no property",
        ),
        (
            "$orderby",
            "number down",
            "at character 8: expected `asc`, `desc`, `,` or the end",
        ),
        (
            "$orderby",
            "number,email,id,type,website,blocked",
            "more than 5 properties",
        ),
        (
            "$select",
            "number,mail",
            "at character 8: `mail` names no property; perhaps `email`",
        ),
        ("$skip", "-1", "must be at least 0"),
        ("$skip", "10001", "must be at most 10000"),
        ("$top", "0", "must be at least 1"),
        ("$count", "yes", "must be true or false"),
        (
            "$skiptoken",
            "abc",
            "must be taken from an `@odata.nextLink` of the same list",
        ),
    ] {
        refused(&server, option, text, expected).await;
    }
}

/// Checks that the option's text has one fault, and what is said of it.
async fn refused(server: &TestServer, option: &str, text: &str, expected: &str) {
    let path = with(&customers(server), &[(option, text)]);
    let answer = server.request("GET", &path).send().await.json();
    let [(target, message)] = &told(&answer)[..] else {
        panic!("{option}={text}: {answer}");
    };
    assert_eq!(target, option, "{text}");
    assert!(message.contains(expected), "{option}={text}: {message}");
    assert_eq!(answer["error"]["target"], *option);
}

#[tokio::test]
async fn every_fault_is_told_at_once() {
    let server = server().await;
    let options = [
        ("$filter", "emial eq 'x'"),
        ("$search", "("),
        ("$orderby", "name"),
        ("$select", "a,b"),
    ];
    let path = with(&customers(&server), &options);
    let answer = server.request("GET", &path).send().await.expect(400);
    let expected = ["$filter", "$search", "$orderby", "$select", "$select"];
    assert_eq!(answer.targets(), expected);
}
