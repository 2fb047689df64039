//! The oracle must see every kind of loss: databases and journals are doctored, each in one way.

use serde_json::{Value, json};
use uuid::Uuid;

use super::*;
use crate::contents::Entity;

const CUSTOMER: Uuid = Uuid::from_u128(1);
const DRAFT: Uuid = Uuid::from_u128(2);

fn line(op: u64, event: Event) -> Line {
    Line { op, at: op, event }
}

fn invoke(op: u64, action: Action) -> Line {
    line(
        op,
        Event::Invoke(Invoke {
            slot: 1,
            action,
            key: None,
        }),
    )
}

fn body(op: u64, version: i64) -> Value {
    json!({"@odata.etag": etag(version), "id": CUSTOMER, "displayName": format!("w{op}")})
}

fn etag(version: i64) -> String {
    format!("W/\"{version}-00000007\"")
}

fn ok(op: u64, version: i64) -> Line {
    line(
        op,
        Event::Ok(Answer {
            etag: Some(etag(version)),
            body: body(op, version),
        }),
    )
}

fn create(op: u64) -> Line {
    let body = json!({"id": CUSTOMER, "displayName": format!("w{op}")});
    invoke(
        op,
        Action::Create {
            invoice: Some(DRAFT),
            body,
        },
    )
}

fn update(op: u64, version: i64) -> Line {
    let body = json!({"displayName": format!("w{op}")});
    invoke(
        op,
        Action::Update {
            id: CUSTOMER,
            etag: etag(version),
            body,
        },
    )
}

/// A draft, its customer and a change, all answered.
fn journal() -> Vec<Line> {
    let draft = Answer {
        etag: Some(etag(1)),
        body: json!({"id": DRAFT}),
    };
    vec![
        invoke(1, Action::Draft { id: DRAFT }),
        line(1, Event::Ok(draft)),
        create(2),
        ok(2, 1),
        update(3, 1),
        ok(3, 2),
    ]
}

/// The database after [`journal`].
fn contents() -> Contents {
    let entity = |version, body, customer| Entity {
        version,
        incarnation: 7,
        body,
        customer,
    };
    Contents {
        customers: [(CUSTOMER, entity(2, body(3, 2), None))].into(),
        invoices: [(DRAFT, entity(3, Value::Null, Some(CUSTOMER)))].into(),
        ..Contents::default()
    }
}

fn customer(contents: &mut Contents) -> &mut Entity {
    contents.customers.get_mut(&CUSTOMER).unwrap()
}

#[test]
fn what_was_answered_and_is_there_is_fine() {
    let verdict = Oracle::default().check(&journal(), &contents());
    assert_eq!(verdict.violations, [""; 0]);
    assert_eq!((verdict.acknowledged, verdict.unknown), (3, 0));
}

type Damage = fn(&mut Contents);

#[test]
fn every_damage_of_the_database_is_found() {
    let damages: [(&str, Damage); 9] = [
        ("lost", |c| c.customers.clear()),
        ("earlier version", |c| {
            *customer(c) = Entity {
                version: 1,
                body: body(2, 1),
                ..customer(c).clone()
            };
        }),
        ("other content", |c| {
            customer(c).body["displayName"] = json!("w2");
        }),
        ("other column", |c| customer(c).version = 1),
        ("other incarnation", |c| customer(c).incarnation = 8),
        ("half a write", |c| {
            c.invoices.get_mut(&DRAFT).unwrap().customer = None;
        }),
        ("draft behind", |c| {
            c.invoices.get_mut(&DRAFT).unwrap().version = 2;
        }),
        ("invented", |c| {
            let stranger = Entity {
                body: json!({"displayName": "w9"}),
                ..customer(c).clone()
            };
            c.customers.insert(Uuid::from_u128(9), stranger);
        }),
        ("damaged", |c| c.damage.push("a page".into())),
    ];
    for (name, damage) in damages {
        let mut contents = contents();
        damage(&mut contents);
        let verdict = Oracle::default().check(&journal(), &contents);
        assert_ne!(verdict.violations, [""; 0], "{name}");
    }
}

#[test]
fn an_answer_that_skips_a_version_is_found() {
    let mut journal = journal();
    journal[5] = ok(3, 3);
    let mut contents = contents();
    *customer(&mut contents) = Entity {
        version: 3,
        body: body(3, 3),
        ..customer(&mut contents).clone()
    };
    assert_ne!(
        Oracle::default().check(&journal, &contents).violations,
        [""; 0]
    );
}

#[test]
fn a_request_without_an_answer_may_be_there_or_not_but_not_half() {
    let mut journal = journal();
    journal[5] = line(3, Event::Unknown { why: "cut".into() });
    let after = contents();
    let mut before = contents();
    *customer(&mut before) = Entity {
        version: 1,
        body: body(2, 1),
        ..customer(&mut before).clone()
    };
    before.invoices.get_mut(&DRAFT).unwrap().version = 2;
    for (contents, carried_out) in [(&after, 1), (&before, 0)] {
        let verdict = Oracle::default().check(&journal, contents);
        assert_eq!(verdict.violations, [""; 0]);
        assert_eq!((verdict.unknown, verdict.carried_out), (1, carried_out));
    }
    let half = Contents {
        invoices: before.invoices,
        ..after
    };
    assert_ne!(Oracle::default().check(&journal, &half).violations, [""; 0]);
}

#[test]
fn a_refused_request_must_not_be_there() {
    let mut journal = journal();
    journal[5] = line(
        3,
        Event::Fail {
            status: 412,
            code: String::new(),
        },
    );
    assert_ne!(
        Oracle::default().check(&journal, &contents()).violations,
        [""; 0]
    );
}

#[test]
fn what_was_found_once_must_stay() {
    let mut oracle = Oracle::default();
    let journal = journal();
    assert_eq!(oracle.check(&journal, &contents()).violations, [""; 0]);
    let mut lost = contents();
    lost.customers.clear();
    assert_ne!(oracle.check(&journal, &lost).violations, [""; 0]);
}

#[test]
fn while_clients_write_later_answers_may_be_there_in_their_order() {
    let mut journal = journal();
    journal.extend([update(4, 2), ok(4, 3)]);
    let at = |version, op, draft| {
        let mut contents = contents();
        let row = customer(&mut contents);
        *row = Entity {
            version,
            body: body(op, version),
            ..row.clone()
        };
        contents.invoices.get_mut(&DRAFT).unwrap().version = draft;
        contents
    };
    let check = |before, contents| {
        Oracle::default()
            .check_during(&journal, before, &contents)
            .violations
    };
    for contents in [at(1, 2, 2), at(2, 3, 3), at(3, 4, 4)] {
        assert_eq!(check(4, contents), [""; 0]);
    }
    assert_ne!(
        check(6, at(1, 2, 2)),
        [""; 0],
        "what was answered before is not there"
    );
    assert_ne!(
        check(4, at(2, 4, 3)),
        [""; 0],
        "a later write without the earlier one"
    );
}
