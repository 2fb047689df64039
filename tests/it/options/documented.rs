//! The errors that `openapi/README.md` shows: each is what a server answers.

use std::fs;

use debitor_tests::document::Document;
use debitor_tests::{TestServer, binaries};
use serde_json::Value;

use super::{customers, server, with};

/// Where the document's notes tell of wrong options.
const CHAPTER: &str = "\n### What is wrong with an option\n";

fn chapter() -> String {
    let notes = binaries::root().join("openapi/README.md");
    let notes = fs::read_to_string(notes).unwrap();
    let (_, rest) = notes.split_once(CHAPTER).unwrap();
    let (chapter, _) = rest.split_once("\n## ").unwrap();
    chapter.to_owned()
}

/// The body of an answer with this code that is shown whole.
pub(super) fn body(code: &str) -> Value {
    let chapter = chapter();
    let blocks = chapter.split("```").skip(1).step_by(2);
    let bodies = blocks.filter_map(|block| {
        let start = block.find("{\"error\"")?;
        let body: Value = serde_json::from_str(&block[start..]).unwrap();
        (body["error"]["code"] == code).then_some(body)
    });
    let [body] = &bodies.collect::<Vec<_>>()[..] else {
        panic!("`{code}` is to be shown once");
    };
    body.clone()
}

/// What differs from answer to answer is left out.
pub(super) fn without_date(mut body: Value) -> Value {
    let error = body["error"].as_object_mut().unwrap();
    assert!(error.remove("innerError").is_some());
    body
}

/// The options of a query as people write it.
fn options(query: &str) -> Vec<(&str, &str)> {
    let pairs = query.split('&').map(|pair| pair.split_once('='));
    pairs.map(Option::unwrap).collect()
}

/// A line of the table: the query, the code and the message.
fn row(line: &str) -> Option<[&str; 3]> {
    let line = line.strip_prefix("| `$")?.strip_suffix(" |")?;
    let mut cells = line.splitn(3, " | ");
    let [query, code, message] = std::array::from_fn(|_| cells.next().unwrap());
    let code = code.strip_prefix('`')?.strip_suffix('`')?;
    Some([query.strip_suffix('`')?, code, message])
}

#[tokio::test]
async fn every_error_of_the_table_is_answered() {
    let server = server().await;
    let chapter = chapter();
    let mut shown = Vec::new();
    for [query, code, message] in chapter.lines().filter_map(row) {
        let query = format!("${query}");
        let options = options(&query);
        let path = with(&customers(&server), &options);
        let answer = server.request("GET", &path).send().await.expect(400).json();
        let details = answer["error"]["details"].as_array().unwrap();
        let [fault] = &details[..] else {
            panic!("{query}: {answer}");
        };
        let target = options.last().unwrap().0;
        let expected = [code, message, target].map(Value::from);
        let answered = ["code", "message", "target"].map(|name| fault[name].clone());
        assert_eq!(answered, expected, "{query}");
        shown.push(target.to_owned());
    }
    let document = Document::of_repository().operations().iter();
    let list = document.clone().find(|one| one.id == "customer_list");
    let parameters = list.unwrap().parameters.iter();
    for option in parameters.filter(|one| one["in"] == "query") {
        let name = option["name"].as_str().unwrap();
        assert!(shown.iter().any(|own| own == name), "no error of {name}");
    }
}

/// The options that the command sends.
fn sent(command: &str) -> Vec<String> {
    let words = command.split("--data-urlencode ").skip(1);
    let unquoted = words.map(|word| {
        let (quote, word) = word.split_at(1);
        let (word, _) = word.split_once(quote).unwrap();
        word.replace("\\$", "$")
    });
    unquoted.collect()
}

#[tokio::test]
async fn the_command_that_is_shown_is_answered_so() {
    let server: TestServer = server().await;
    let chapter = chapter();
    let (_, command) = chapter.split_once("$ curl").unwrap();
    let sent = sent(command.lines().next().unwrap());
    let options: Vec<_> = sent.iter().flat_map(|option| options(option)).collect();
    assert_eq!(options.len(), 2, "{options:?}");
    let path = with(&customers(&server), &options);
    let answer = server.request("GET", &path).send().await.expect(400).json();
    assert_eq!(without_date(answer), without_date(body("invalidRequest")));
}
