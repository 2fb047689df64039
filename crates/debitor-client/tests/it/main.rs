//! The generated client against its own typed mock.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that fails may panic"
)]

mod bounds;
mod changes;
mod client;
mod fake;
mod mock;
mod paging;

use debitor_client::{Client, types};
use httpmock::MockServer;
use uuid::{Uuid, uuid};

const COMPANY: Uuid = uuid!("5a0c8e4d-3f4b-4f1e-9c57-1d2f6b7a8c90");
const INVOICE: Uuid = uuid!("7d1f4f0a-8a7e-4b0c-9a55-0c7e5d2b9e11");
const CUSTOMER: Uuid = uuid!("3b2f52b9-52b9-4b2f-b952-2f3bb9522f3b");
const ETAG: &str = "W/\"1-8c90\"";

fn client(server: &MockServer) -> Client {
    Client::authorized(&server.base_url(), "a-token").unwrap()
}

fn customer() -> types::Customer {
    types::Customer::builder()
        .id(CUSTOMER)
        .odata_etag(ETAG)
        .display_name("Nordhafen Maschinenbau GmbH".to_owned())
        .try_into()
        .unwrap()
}
