//! Formats of strings.

use crate::support::formats::{date, date_time, email, uri, uuid};

#[track_caller]
fn check(fits: impl Fn(&str) -> bool, yes: &[&str], no: &[&str]) {
    for text in yes {
        assert!(fits(text), "{text:?} should fit");
    }
    for text in no {
        assert!(!fits(text), "{text:?} should not fit");
    }
}

#[test]
fn guids() {
    let guid = "3b2f52b9-52b9-4b2f-b952-2f3bb9522f3b";
    check(
        |text| uuid(text).is_some(),
        &[
            guid,
            &guid.to_uppercase(),
            "00000000-0000-0000-0000-000000000000",
        ],
        &[
            "",
            &guid.replace('-', ""),
            &format!("{{{guid}}}"),
            &format!("urn:uuid:{guid}"),
            &format!(" {guid}"),
            "3b2f52b9-52b9-4b2f-b952-2f3bb9522f3g",
            "3b2f52b952b9-4b2f-b952-2f3bb9522f3b-",
            "ä2f52b9-52b9-4b2f-b952-2f3bb9522f3b",
        ],
    );
}

#[test]
fn dates() {
    check(
        |text| date(text).is_some(),
        &["2026-04-01", "2024-02-29", "0001-01-01"],
        &[
            "",
            "2026-4-1",
            "2026-02-30",
            "+2026-04-01",
            "2026-04-01T00:00:00Z",
            "26-04-01",
            "2026/04/01",
        ],
    );
}

#[test]
fn instants() {
    check(
        |text| date_time(text).is_some(),
        &[
            "2026-04-01T10:30:00Z",
            "2026-04-01t10:30:00z",
            "2026-04-01T10:30:00.1Z",
            "2026-04-01T10:30:00.123456789Z",
            "2026-04-01T10:30:00+02:00",
            "2026-12-31T23:59:60Z",
        ],
        &[
            "",
            "2026-04-01",
            "2026-04-01 10:30:00Z",
            "2026-04-01T10:30:00",
            "2026-04-01T10:30:00.1234567890Z",
            "2026-04-01T10:30:00.Z",
            "2026-04-01T10:30Z",
            "2026-04-01T25:30:00Z",
            "2026-04-01T10:30:0äZ",
        ],
    );
    let summer = date_time("2026-04-01T00:30:00+02:00").unwrap();
    assert_eq!(summer.to_rfc3339(), "2026-03-31T22:30:00+00:00");
}

#[test]
fn addresses() {
    check(
        uri,
        &["https://a.example/x?y#z", "urn:a:b", "mailto:a@b"],
        &[
            "",
            "a",
            "/a",
            "https://a b",
            "https://ä.example",
            " https://a",
            "https://",
        ],
    );
    check(
        email,
        &["a@b", "a.b+c@d-e.example", "ä@ü.example"],
        &[
            "", "a", "@b", "a@", "a@@b", "a b@c", "a@b..c", "a@-b", "a@b c", "a@b,c@d", "a@.b",
        ],
    );
}
