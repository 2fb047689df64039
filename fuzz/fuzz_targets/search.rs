//! `$search`: whatever can be parsed can be looked for.
#![no_main]

use debitor_api::properties::CustomerProperty;
use debitor_fuzz::{CUSTOMER, quickly, text};
use debitor_server::odata::{evaluate, search};

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let Some(text) = text(input) else { return };
    quickly(|| match search::parse(text) {
        Ok(search) => {
            evaluate::finds::<CustomerProperty>(&search, CUSTOMER);
        }
        Err(error) => assert!(error.at >= 1 && error.message.len() < 1024),
    });
});
