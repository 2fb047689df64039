//! `$orderby`: whatever can be parsed gives an entity a place.
#![no_main]

use debitor_api::properties::CustomerProperty;
use debitor_fuzz::{CUSTOMER, quickly, text};
use debitor_server::odata::orderby;
use uuid::Uuid;

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let Some(text) = text(input) else { return };
    quickly(|| match orderby::parse::<CustomerProperty>(text) {
        Ok(order) => {
            let position = order.position(Uuid::nil(), CUSTOMER);
            assert!(order.compare(&position, &position).is_eq());
        }
        Err(error) => assert!(error.at >= 1 && error.message.len() < 1024),
    });
});
