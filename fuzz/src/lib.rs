//! What the fuzz targets have in common: a customer, and how long an input may take.

use std::time::{Duration, Instant};

/// The longest that any input of 4 KiB may take.
const LIMIT: Duration = Duration::from_millis(10);
/// How often an input is tried before it is called slow: other programs can be what took the time.
const TRIES: usize = 5;

/// A customer as the server keeps it.
pub const CUSTOMER: &[u8] = br#"{"id":"3b2f52b9-52b9-4b2f-b952-2f3bb9522f3b","number":"C1","displayName":"Nordhafen \"\u00d6l\"","type":"Company","address":{"street":null,"city":"Hamburg"},"phoneNumber":"+49 40","email":null,"taxLiable":true,"lastModifiedDateTime":"2026-01-31T12:00:00.001Z"}"#;

/// The input as text, if it is one.
pub fn text(input: &[u8]) -> Option<&str> {
    std::str::from_utf8(input).ok()
}

/// Does the work on an input, and fails if that is slow every time.
pub fn quickly(work: impl Fn()) {
    let mut fastest = Duration::MAX;
    for _ in 0..TRIES {
        let start = Instant::now();
        work();
        fastest = fastest.min(start.elapsed());
        if fastest < LIMIT {
            return;
        }
    }
    panic!("the input takes {fastest:?} at least");
}
