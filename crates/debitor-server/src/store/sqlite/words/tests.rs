//! What the index is told, and what it is asked.

use super::*;

fn customer(name: &str, email: &str) -> String {
    format!(r#"{{"number":"C1","displayName":"{name}","email":"{email}"}}"#)
}

#[test]
fn words_stand_behind_their_company() {
    let json = customer("Müller & Söhne", "A.b-c@nord-hafen.example");
    let expected = [
        "7_a_b_c",
        "7_c1",
        "7_müller",
        "7_nord_hafen_example",
        "7_söhne",
    ];
    assert_eq!(tokens(7, &json), expected);
    let long = "Donaudampfschifffahrtsgesellschaft";
    assert_eq!(
        tokens(7, &customer(long, "")),
        ["7_c1", "7_donaudampfschifffahrtsge"]
    );
}

#[test]
fn a_change_is_of_what_differs() {
    let (before, after) = (customer("Nord Hafen", "a@b"), customer("Nord Süd", "a@b"));
    let change = Change::new(7, 1, Some(&before), Some(&after));
    assert_eq!((&*change.removed, &*change.added), ("7_hafen", "7_süd"));
    assert!(Change::new(7, 1, Some(&before), Some(&before)).is_none());
}

#[test]
fn searches_that_the_index_answers_alone() {
    let check = |text, expected| {
        let search = search::parse(text).unwrap();
        assert_eq!(is_exact(&search), expected, "{text}");
    };
    check("nord", true);
    check("Müller AND (b OR 10)", true);
    check("\"nord\"", false);
    check("a AND NOT b", false);
    check("x.example", false);
    check("donaudampfschifffahrtsgesellschaft", false);
}

/// Terms by which the index finds its pages, without the byte that says which index they are of.
fn separators(db: &Connection) -> Vec<String> {
    let sql = "SELECT CAST(substr(term, 2) AS TEXT) FROM customer_words_idx WHERE length(term) > 0";
    let mut rows = db.prepare(sql).unwrap();
    let rows = rows.query_map([], |row| row.get(0)).unwrap();
    rows.map(Result::unwrap).collect()
}

/// A word of a customer that is there no more can be a page's first; made anew, the index has none of it.
#[test]
fn an_index_that_is_made_anew_has_no_beginnings_of_words_that_are_gone() {
    let directory = tempfile::tempdir().unwrap();
    let database = super::super::connection::Database::lock(directory.path()).unwrap();
    let db = database.open_writer().unwrap();
    // Words that differ at their ends alone, so that a page's beginning is a whole word.
    let words: Vec<_> = (0..2000).map(|n| format!("1_gemeinsam{n:06}")).collect();
    for (row, word) in (1..).zip(&words) {
        let change = Change {
            company: 1,
            row,
            customers: 0,
            removed: String::new(),
            added: word.clone(),
        };
        index(&db, &change).unwrap();
    }
    let optimize = "INSERT INTO customer_words (customer_words) VALUES ('optimize')";
    db.execute(optimize, []).unwrap();
    let first = separators(&db).remove(0);
    let (row, word) = (1..).zip(&words).find(|(_, word)| **word == first).unwrap();
    let change = Change {
        company: 1,
        row,
        customers: 0,
        removed: word.clone(),
        added: String::new(),
    };
    index(&db, &change).unwrap();
    let count = count_of(&db, &format!("\"{word}\"")).unwrap();
    assert_eq!((count, separators(&db).contains(word)), (0, true));
    renew(&db).unwrap();
    assert!(!separators(&db).contains(word));
}

/// The rows that an index with these customers finds.
fn found(customers: &[String], words: &Words) -> Vec<i64> {
    let db = Connection::open_in_memory().unwrap();
    let table = "CREATE VIRTUAL TABLE customer_words USING fts5 (words, content = '', \
                 columnsize = 0, detail = none, tokenize = \"ascii tokenchars '_'\"); \
                 CREATE VIRTUAL TABLE customer_word USING fts5vocab (customer_words, instance);";
    db.execute_batch(table).unwrap();
    let rows = (1..).zip(customers);
    db.execute_batch("CREATE TABLE company (row, customers)")
        .unwrap();
    let changes = rows.map(|(row, json)| Change::new(7, row, None, Some(json)));
    write(&db, changes.collect()).unwrap();
    let asked = matching(&db, &question(7, words), 9).unwrap().unwrap();
    let found = candidates(&db, 7, words, 9, Effort::Full).unwrap().unwrap();
    let is_among = |row| found.contains(row);
    assert!(asked.iter().all(is_among), "{asked:?} {found:?}");
    asked
}

#[test]
fn the_index_finds_whole_words_and_starts() {
    let customers = [
        customer("Nord", "a.b@x.example"),
        customer("Nordhafen", "a-b@x.example"),
        customer("Süd \\u0022*", "c@x.example"),
    ];
    let whole = |word: &str| Words::Whole(word.to_owned());
    let start = |word: &str| Words::Start(word.to_owned());
    let check = |words, expected: &[i64]| assert_eq!(found(&customers, &words), expected);
    check(whole("nord"), &[1]);
    check(start("nord"), &[1, 2]);
    // Not told apart here, but by whoever checks.
    check(whole("a.b"), &[1, 2]);
    check(Words::All(vec![start("n"), whole("x.example")]), &[1, 2]);
    check(Words::Any(vec![whole("süd"), whole("nord")]), &[1, 3]);
    check(whole("\"*\" OR x"), &[]);
    check(start("donau\" OR \"7_nord"), &[]);
}
