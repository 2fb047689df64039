//! `$filter`: whatever can be parsed can be evaluated, and neither takes long.
#![no_main]

use debitor_api::properties::CustomerProperty;
use debitor_fuzz::{CUSTOMER, quickly, text};
use debitor_server::odata::{evaluate, filter};

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let Some(text) = text(input) else { return };
    quickly(|| match filter::parse::<CustomerProperty>(text) {
        Ok(expr) => {
            evaluate::matches(&expr, CUSTOMER);
        }
        Err(error) => assert!(error.at >= 1 && error.message.len() < 1024),
    });
});
