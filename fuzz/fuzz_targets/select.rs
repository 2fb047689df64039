//! `$select`: whatever can be parsed can be written, and is what it says.
#![no_main]

use debitor_api::properties::CustomerProperty;
use debitor_fuzz::{CUSTOMER, quickly, text};
use debitor_server::odata::select::Select;

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let Some(text) = text(input) else { return };
    quickly(|| {
        if let Ok(select) = Select::parse::<CustomerProperty>(text) {
            let mut json = Vec::new();
            select.write(CUSTOMER, &mut json);
            assert!(json.starts_with(b"{\"id\":") && json.len() <= CUSTOMER.len());
            let again = Select::parse::<CustomerProperty>(&select.to_string());
            assert_eq!(again, Ok(select));
        }
    });
});
