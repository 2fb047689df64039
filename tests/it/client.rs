//! The generated client against the running server.

use debitor_client::{Client, Error, Etag, Nullable, types};
use debitor_tests::TestServer;
use uuid::Uuid;

fn client(server: &TestServer) -> Client {
    Client::authorized(&server.base_url(), &server.token()).unwrap()
}

#[tokio::test]
async fn the_main_job_and_the_life_of_a_customer() {
    let server = TestServer::start().await;
    let client = client(&server);
    let company = server.company();
    let created = client
        .sales_invoice_customer_create()
        .company_id(company)
        .sales_invoice_id(server.sales_invoice())
        .body_map(|body| {
            body.display_name("Nordhafen")
                .email(Some("a@b.example".to_owned()))
        })
        .send()
        .await
        .unwrap();
    let location = created.headers()["location"].to_str().unwrap();
    assert!(location.ends_with(&created.id.to_string()));
    assert_eq!(created.etag(), Some(created.odata_etag.as_str()));

    let changed = client
        .customer_update()
        .company_id(company)
        .customer_id(created.id)
        .if_match(created.etag().unwrap())
        .body_map(|body| {
            body.email(Nullable::Null)
                .website(Nullable::from("https://a.example"))
        })
        .send()
        .await
        .unwrap();
    assert_eq!(
        (&changed.email, changed.website.as_deref()),
        (&None, Some("https://a.example"))
    );
    assert_eq!(changed.display_name.as_deref(), Some("Nordhafen"));

    let page = client
        .customer_list()
        .company_id(company)
        .count(true)
        .send()
        .await
        .unwrap();
    assert_eq!((page.odata_count, page.value.len()), (Some(1), 1));
    let count = client
        .customer_count()
        .company_id(company)
        .send()
        .await
        .unwrap();
    assert_eq!(count.into_inner(), 1);
}

#[tokio::test]
async fn errors_are_typed_with_every_detail() {
    let server = TestServer::start().await;
    let client = client(&server);
    let (company, customer) = (server.company(), Uuid::from_u128(1));
    let missing = client
        .customer_get()
        .company_id(company)
        .customer_id(customer)
        .send()
        .await;
    let Err(Error::ErrorResponse(answer)) = missing else {
        panic!("{missing:?}")
    };
    assert_eq!(
        (answer.status().as_u16(), answer.error.code.as_str()),
        (404, "itemNotFound")
    );

    let body = types::CustomerCreate::builder()
        .display_name("A")
        .number(Some("x".repeat(21)));
    let refused = client
        .customer_create()
        .company_id(company)
        .body(body)
        .send()
        .await;
    let Err(Error::ErrorResponse(answer)) = refused else {
        panic!("{refused:?}")
    };
    assert_eq!(answer.error.details[0].target.as_deref(), Some("number"));
}

#[tokio::test]
async fn a_known_version_comes_back_as_304() {
    let server = TestServer::start().await;
    let client = client(&server);
    let (company, id) = (server.company(), server.sales_invoice());
    let read = client
        .sales_invoice_get()
        .company_id(company)
        .sales_invoice_id(id);
    let etag = read.send().await.unwrap().etag().unwrap().to_owned();
    let again = client
        .sales_invoice_get()
        .company_id(company)
        .sales_invoice_id(id);
    let again = again.if_none_match(etag).send().await;
    let Err(Error::UnexpectedResponse(answer)) = again else {
        panic!("{again:?}")
    };
    assert_eq!(answer.status().as_u16(), 304);
}
