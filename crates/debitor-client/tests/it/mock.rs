//! How a program's own tests use the typed mock.

use debitor_client::httpmock::MockServerExt;
use debitor_client::{Error, Etag, types};
use futures::TryStreamExt;
use httpmock::MockServer;

use crate::{COMPANY, CUSTOMER, ETAG, INVOICE, client, customer};

#[tokio::test]
async fn a_customer_is_created_through_its_sales_invoice() {
    let server = MockServer::start_async().await;
    let create: types::CustomerCreate = types::CustomerCreate::builder()
        .display_name("Nordhafen Maschinenbau GmbH")
        .try_into()
        .unwrap();
    let mock = server.sales_invoice_customer_create(|when, then| {
        when.company_id(&COMPANY)
            .sales_invoice_id(&INVOICE)
            .body(&create);
        // Headers are not typed: they are set on the mock's own response.
        then.created(&customer()).into_inner().header("ETag", ETAG);
    });

    let created = client(&server)
        .sales_invoice_customer_create()
        .company_id(COMPANY)
        .sales_invoice_id(INVOICE)
        .body(create)
        .send()
        .await
        .unwrap();

    mock.assert();
    assert_eq!(created.status(), 201);
    assert_eq!(created.id, CUSTOMER);
    assert_eq!(created.etag(), Some(ETAG));
}

#[tokio::test]
async fn a_failure_is_typed_too() {
    let server = MockServer::start_async().await;
    let body = serde_json::json!({
        "error": { "code": "itemNotFound", "message": "There is no such customer.",
            "innerError": { "date": "2026-01-31T12:00:00Z", "request-id": COMPANY } }
    });
    let body: types::ODataErrorBody = serde_json::from_value(body).unwrap();
    server.customer_get(|when, then| {
        when.customer_id(&CUSTOMER);
        then.not_found(&body);
    });

    let client = client(&server);
    let failure = client
        .customer_get()
        .company_id(COMPANY)
        .customer_id(CUSTOMER);
    let Err(Error::ErrorResponse(answer)) = failure.send().await else {
        panic!("the mock answers 404");
    };

    assert_eq!(answer.status(), 404);
    assert_eq!(answer.error.code, "itemNotFound");
}

#[tokio::test]
async fn a_count_is_a_number() {
    let server = MockServer::start_async().await;
    server.customer_count(|when, then| {
        when.company_id(&COMPANY);
        then.ok(42);
    });

    let count = client(&server)
        .customer_count()
        .company_id(COMPANY)
        .send()
        .await
        .unwrap();

    assert_eq!(count.into_inner(), 42);
}

#[tokio::test]
async fn a_list_in_pages_is_a_stream() {
    let server = MockServer::start_async().await;
    let page = |link: Option<String>| types::CustomerPage {
        odata_context: "c".to_owned(),
        odata_count: None,
        odata_next_link: link,
        value: vec![customer()],
    };
    let address = format!("/financials/companies/{COMPANY}/customers?$skiptoken=2");
    let first = server.customer_list(|when, then| {
        when.company_id(&COMPANY).skiptoken(None);
        then.ok(&page(Some(server.url(address))));
    });
    let last = server.customer_list(|when, then| {
        when.company_id(&COMPANY).skiptoken("2");
        then.ok(&page(None));
    });

    let client = client(&server);
    let customers = client.customer_list().company_id(COMPANY).stream();
    let customers: Vec<_> = customers.try_collect().await.unwrap();

    first.assert();
    last.assert();
    assert_eq!(customers.len(), 2);
}
