//! The checker must find each kind of anomaly: histories with just one of them.

use serde_json::json;

use super::*;

const ID: Uuid = Uuid::from_u128(1);

fn etag(version: i64) -> String {
    format!("W/\"{version}-00000007\"")
}

fn invoke(op: u64, action: Action) -> Line {
    let invoke = Invoke {
        slot: 0,
        action,
        key: None,
    };
    Line {
        op,
        at: 0,
        event: Event::Invoke(invoke),
    }
}

fn create(op: u64) -> Line {
    invoke(
        op,
        Action::Create {
            invoice: None,
            body: json!({"displayName": format!("w{op}")}),
        },
    )
}

fn update(op: u64, base: i64) -> Line {
    invoke(
        op,
        Action::Update {
            id: ID,
            etag: etag(base),
            body: json!({}),
        },
    )
}

fn delete(op: u64, base: i64) -> Line {
    invoke(
        op,
        Action::Delete {
            invoice: None,
            id: ID,
            etag: etag(base),
        },
    )
}

fn read(op: u64) -> Line {
    invoke(op, Action::Read { id: ID })
}

/// The answer to `op`: the version, which `author` wrote.
fn shows(op: u64, version: i64, author: u64) -> Line {
    let body = json!({"id": ID, "displayName": format!("w{author}")});
    Line {
        op,
        at: 0,
        event: Event::Ok(Answer {
            etag: Some(etag(version)),
            body,
        }),
    }
}

fn deleted(op: u64) -> Line {
    Line {
        op,
        at: 0,
        event: Event::Ok(Answer {
            etag: None,
            body: json!(null),
        }),
    }
}

fn refused(op: u64, status: u16) -> Line {
    Line {
        op,
        at: 0,
        event: Event::Fail {
            status,
            code: String::new(),
        },
    }
}

fn unknown(op: u64) -> Line {
    Line {
        op,
        at: 0,
        event: Event::Unknown { why: String::new() },
    }
}

fn anomalies(lines: &[Line]) -> Vec<String> {
    check(lines).anomalies
}

/// The lines after a create that was answered.
fn after_create(lines: impl IntoIterator<Item = Line>) -> Vec<Line> {
    [create(1), shows(1, 1, 1)]
        .into_iter()
        .chain(lines)
        .collect()
}

#[test]
fn a_history_of_every_kind_of_request_is_fine() {
    let history = after_create([
        update(2, 1),
        read(3),
        // The read overtakes the answer to the change that it shows.
        shows(3, 2, 2),
        shows(2, 2, 2),
        update(4, 2),
        update(5, 2),
        refused(5, 412),
        shows(4, 3, 4),
        update(6, 3),
        unknown(6),
        read(7),
        shows(7, 4, 6),
        delete(8, 4),
        read(9),
        refused(9, 404),
        deleted(8),
        read(10),
        refused(10, 404),
    ]);
    let report = check(&history);
    assert_eq!(report.anomalies, [""; 0]);
    let counts = (report.reads, report.writes, report.stale, report.deletes);
    assert_eq!(counts, (2, 3, 1, 1));
}

#[test]
fn a_version_acknowledged_twice_is_found() {
    let history = [update(2, 1), update(3, 1), shows(2, 2, 2), shows(3, 2, 3)];
    assert_ne!(anomalies(&after_create(history)), [""; 0]);
    let history = [update(2, 1), delete(3, 1), shows(2, 2, 2), deleted(3)];
    assert_ne!(anomalies(&after_create(history)), [""; 0]);
}

#[test]
fn a_skipped_version_is_found() {
    assert_ne!(
        anomalies(&after_create([update(2, 1), shows(2, 3, 2)])),
        [""; 0]
    );
}

#[test]
fn a_stale_read_is_found() {
    let history = [update(2, 1), shows(2, 2, 2), read(3), shows(3, 1, 1)];
    assert_ne!(anomalies(&after_create(history)), [""; 0]);
    // Nobody was told of version 2 but by another read.
    let history = [
        update(2, 1),
        read(3),
        shows(3, 2, 2),
        read(4),
        shows(4, 1, 1),
    ];
    assert_ne!(anomalies(&after_create(history)), [""; 0]);
}

#[test]
fn a_change_of_an_old_version_is_found() {
    let history = [
        update(2, 1),
        unknown(2),
        read(3),
        shows(3, 2, 2),
        update(4, 1),
        shows(4, 2, 4),
    ];
    assert_ne!(anomalies(&after_create(history)), [""; 0]);
}

#[test]
fn a_customer_back_from_the_dead_is_found() {
    let history = [delete(2, 1), deleted(2), read(3), shows(3, 1, 1)];
    assert_ne!(anomalies(&after_create(history)), [""; 0]);
}

#[test]
fn a_customer_that_nobody_deleted_is_missed() {
    assert_ne!(
        anomalies(&after_create([read(2), refused(2, 404)])),
        [""; 0]
    );
}

#[test]
fn a_refused_write_that_is_seen_is_found() {
    let history = [
        update(2, 1),
        update(3, 1),
        refused(2, 412),
        unknown(3),
        read(4),
        shows(4, 2, 2),
    ];
    assert_ne!(anomalies(&after_create(history)), [""; 0]);
}

#[test]
fn a_refusal_without_a_cause_is_found() {
    assert_ne!(
        anomalies(&after_create([update(2, 1), refused(2, 412)])),
        [""; 0]
    );
}

#[test]
fn a_read_of_what_nobody_wrote_is_found() {
    assert_ne!(anomalies(&after_create([read(2), shows(2, 2, 9)])), [""; 0]);
    assert_ne!(anomalies(&after_create([read(2), shows(2, 2, 1)])), [""; 0]);
}
