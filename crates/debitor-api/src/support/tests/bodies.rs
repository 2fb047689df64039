//! Reading bodies: the parser, and every fault of a body at once.

use crate::support::Field;
use crate::support::decode::{self, Decode, Object, Place, Unknown};
use crate::support::json::Json;
use crate::support::values::{Array, Boolean, Integer, Model, Pattern, Real, Text, one_of};
use crate::support::{Fault, Faults};

#[derive(Debug, PartialEq)]
struct Person {
    name: String,
    age: Option<i32>,
    nick: Field<String>,
    home: Field<Home>,
    pets: Option<Vec<Pet>>,
    born: Option<String>,
    weight: Option<f64>,
    admin: bool,
}

#[derive(Debug, PartialEq)]
struct Home {
    city: String,
}

#[derive(Debug, PartialEq, Clone, Copy)]
enum Pet {
    Cat,
    None,
}

static CAPITAL: Pattern = Pattern::new("^[A-Z]", "^[A-Z]", "Starts with a capital.");

impl Decode for Person {
    fn decode(json: Json, at: &Place<'_>, faults: &mut Faults) -> Option<Self> {
        const NAMES: &[&str] = &[
            "name", "age", "nick", "home", "pets", "born", "weight", "admin",
        ];
        let mut object = Object::open(json, NAMES, Unknown::Refused, at, faults)?;
        let text = Text::new().min_length(2).max_length(5);
        let name = object.required("name", &text.pattern(&CAPITAL));
        let age = object.optional("age", &Integer::int32().minimum(0).maximum(150));
        let nick = object.field("nick", &text);
        let home = object.field("home", &Model::<Home>::new());
        let pets = object.optional(
            "pets",
            &Array::of(Model::<Pet>::new()).min_items(1).max_items(2),
        );
        let born = object.required_nullable("born", &Text::new());
        let weight = object.optional("weight", &Real::new().minimum(0.5).maximum(2.0));
        let admin = object.optional("admin", &Boolean);
        Some(Self {
            name: name?,
            age: age?,
            nick: nick?,
            home: home?,
            pets: pets?,
            born: born?,
            weight: weight?,
            admin: admin?.unwrap_or(false),
        })
    }
}

impl Decode for Home {
    fn decode(json: Json, at: &Place<'_>, faults: &mut Faults) -> Option<Self> {
        let mut object = Object::open(json, &["city"], Unknown::Ignored, at, faults)?;
        let city = object.required("city", &Text::new());
        Some(Self { city: city? })
    }
}

impl Decode for Pet {
    fn decode(json: Json, at: &Place<'_>, faults: &mut Faults) -> Option<Self> {
        one_of(&[("cat", Pet::Cat), ("", Pet::None)], &json, at, faults)
    }
}

fn read<T: Decode>(body: &str) -> Result<T, Vec<Fault>> {
    let mut faults = Faults::default();
    let read = decode::body(Json::parse(body.as_bytes()).unwrap(), &mut faults);
    read.filter(|_| faults.is_empty())
        .ok_or_else(|| faults.listed().to_vec())
}

fn faults(body: &str) -> Vec<String> {
    let told = |fault: Fault| format!("{} {}", fault.target, fault.code);
    read::<Person>(body)
        .unwrap_err()
        .into_iter()
        .map(told)
        .collect()
}

#[track_caller]
fn check(body: &str, expected: &[&str]) {
    assert_eq!(faults(body), expected, "{body}");
}

#[test]
fn a_sound_body_is_read() {
    let body = r#"{"name":"Ada","age":36.0,"nick":null,"home":{"city":"x","new":1},"pets":["cat",""],
        "born":null,"weight":1,"admin":true}"#;
    let expected = Person {
        name: "Ada".into(),
        age: Some(36),
        nick: Field::Null,
        home: Field::Value(Home { city: "x".into() }),
        pets: Some(vec![Pet::Cat, Pet::None]),
        born: None,
        weight: Some(1.0),
        admin: true,
    };
    assert_eq!(read(body), Ok(expected));
}

#[test]
fn absent_is_not_null() {
    let person: Person = read(r#"{"name":"Ada","born":"x"}"#).unwrap();
    assert_eq!(
        (person.nick, person.home, person.age),
        (Field::Absent, Field::Absent, None)
    );
}

#[test]
fn all_faults_are_found_at_once() {
    let body = r#"{"name":"x","age":-1,"nick":5,"home":{"city":null},"pets":["cat","dog"],"no":1}"#;
    check(
        body,
        &[
            "no unknownProperty",
            "name minLength",
            "age minimum",
            "nick type",
            "home/city nullNotAllowed",
            "pets/1 enum",
            "born required",
        ],
    );
}

#[test]
fn each_kind_of_fault() {
    check(r#"{"name":"Abcdef","born":""}"#, &["name maxLength"]);
    check(r#"{"name":"abc","born":""}"#, &["name pattern"]);
    check(r#"{"name":"Äbc","born":""}"#, &["name pattern"]);
    check(r#"{"name":null,"born":""}"#, &["name nullNotAllowed"]);
    check(
        r#"{"name":"Ada","born":"","age":null}"#,
        &["age nullNotAllowed"],
    );
    check(r#"{"name":"Ada","born":"","age":1.5}"#, &["age type"]);
    check(r#"{"name":"Ada","born":"","age":"1"}"#, &["age type"]);
    check(
        r#"{"name":"Ada","born":"","age":99999999999}"#,
        &["age maximum"],
    );
    check(r#"{"name":"Ada","born":"","age":1e300}"#, &["age type"]);
    check(
        r#"{"name":"Ada","born":"","weight":0.1}"#,
        &["weight minimum"],
    );
    check(
        r#"{"name":"Ada","born":"","weight":3}"#,
        &["weight maximum"],
    );
    check(
        r#"{"name":"Ada","born":"","admin":"true"}"#,
        &["admin type"],
    );
    check(r#"{"name":"Ada","born":"","pets":[]}"#, &["pets minItems"]);
    check(
        r#"{"name":"Ada","born":"","pets":["cat","cat","cat"]}"#,
        &["pets maxItems"],
    );
    check(
        r#"{"name":"Ada","born":"","pets":[null,1]}"#,
        &["pets/0 nullNotAllowed", "pets/1 type"],
    );
    check(r#"{"name":"Ada","born":"","home":[]}"#, &["home type"]);
    check("[]", &[" type"]);
    check("null", &[" type"]);
}

#[test]
fn lengths_are_of_characters() {
    let person: Person = read(r#"{"name":"Aääää","born":""}"#).unwrap();
    assert_eq!(person.name.len(), 9);
}

#[test]
fn duplicates_are_faults_whatever_their_values() {
    check(
        r#"{"name":"Ada","born":"","name":"Ada"}"#,
        &["name duplicateProperty"],
    );
    check(
        r#"{"name":"Ada","born":"","n\u0061me":null}"#,
        &["name duplicateProperty"],
    );
}

#[test]
fn the_character_zero_is_a_fault_where_it_stands() {
    check(
        r#"{"name":"A\u0000"}"#,
        &["name character", "born required"],
    );
}

#[test]
fn malformed_json_says_where() {
    for (body, expected) in [
        (
            &b"{\"name\":"[..],
            "EOF while parsing a value at line 1 column 8",
        ),
        (b"", "EOF while parsing a value at line 1 column 0"),
        (b"{} x", "trailing characters at line 1 column 4"),
        (b"{\n'a':1}", "key must be a string at line 2 column 1"),
        (
            b"{\"a\":\"\xff\"}",
            "invalid unicode code point at line 1 column 7",
        ),
        (b"[1e999]", "number out of range at line 1 column 6"),
        (
            b"\"\\ud800\"",
            "unexpected end of hex escape at line 1 column 8",
        ),
    ] {
        let problem = Json::parse(body).unwrap_err();
        assert_eq!(
            (problem.status.as_u16(), problem.code),
            (400, "malformedJson")
        );
        let message = format!("The body is not the JSON it should be: {expected}.");
        assert_eq!(
            &*problem.message,
            message,
            "{}",
            String::from_utf8_lossy(body)
        );
    }
}

#[test]
fn depth_is_limited() {
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    assert!(Json::parse(nested(32).as_bytes()).is_ok());
    let problem = Json::parse(nested(33).as_bytes()).unwrap_err();
    assert!(
        problem.message.contains("nested deeper than 32 levels"),
        "{problem}"
    );
    assert!(Json::parse("[".repeat(1_000_000).as_bytes()).is_err());
}

#[test]
fn unknown_names_are_repeated_in_part() {
    let body = format!(r#"{{"name":"Ada","born":"","{}":1}}"#, "ä".repeat(5000));
    let faults = read::<Person>(&body).unwrap_err();
    assert_eq!(faults[0].target, "ä".repeat(100));
}
