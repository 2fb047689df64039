//! `$skiptoken`: no input is a token, and every position comes back from its own.
#![no_main]

use debitor_api::properties::CustomerProperty;
use debitor_fuzz::{quickly, text};
use debitor_server::odata::order::Position;
use debitor_server::odata::orderby;
use debitor_server::odata::skiptoken::{Binding, Key, Query};
use debitor_server::odata::value::Value;
use uuid::Uuid;

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let Some(text) = text(input) else { return };
    let query = Query {
        filter: Some(text),
        orderby: Some("displayName,taxLiable"),
        ..Query::default()
    };
    let binding = Binding {
        tenant: Uuid::nil(),
        company: None,
        list: "customers",
        query,
    };
    // No entity has a longer text, and a token for one could be too long to be taken.
    let value: String = text.chars().take(250).collect();
    let key = Key::derive(b"secret");
    let order = orderby::parse::<CustomerProperty>("displayName,taxLiable").unwrap();
    quickly(|| {
        assert_eq!(key.read(&binding, &order, text), None);
        let position = Position {
            values: vec![Some(Value::text(&value)), None],
            id: Uuid::max(),
        };
        let token = key.write(&binding, &position);
        assert_eq!(key.read(&binding, &order, &token), Some(position));
    });
});
