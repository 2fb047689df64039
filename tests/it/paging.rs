//! Lists of several pages, read to the end by the generated client and by the command line.

use std::num::NonZeroU32;

use debitor_client::{Client, types};
use debitor_tests::TestServer;
use futures::{StreamExt, TryStreamExt};
use serde_json::Value;
use uuid::Uuid;

use crate::cli::{debitor, json};

const TWO: NonZeroU32 = NonZeroU32::new(2).unwrap();

fn client(server: &TestServer) -> Client {
    Client::authorized(&server.base_url(), &server.token()).unwrap()
}

/// Creates five customers; their ids, in the order of lists.
async fn five_customers(server: &TestServer, client: &Client) -> Vec<Uuid> {
    let mut ids = Vec::new();
    for n in 0..5 {
        let create = client.customer_create().company_id(server.company());
        let create = create.body_map(|body| body.display_name(format!("Customer {n}")));
        ids.push(create.send().await.unwrap().id);
    }
    ids.sort();
    ids
}

#[tokio::test]
async fn a_stream_gives_every_customer_once() {
    let server = TestServer::start().await;
    let client = client(&server);
    let ids = five_customers(&server, &client).await;
    for top in 1..=6 {
        let list = client
            .customer_list()
            .company_id(server.company())
            .top(NonZeroU32::new(top).unwrap());
        let customers: Vec<types::Customer> = list
            .select("displayName")
            .stream()
            .try_collect()
            .await
            .unwrap();
        let listed: Vec<_> = customers.iter().map(|customer| customer.id).collect();
        assert_eq!(listed, ids, "{top}");
        // What the first page was asked for holds for all.
        assert!(
            customers
                .iter()
                .all(|customer| customer.display_name.is_some())
        );
        assert!(customers.iter().all(|customer| customer.number.is_none()));
    }
}

#[tokio::test]
async fn pages_have_the_size_and_the_count_that_were_asked_for() {
    let server = TestServer::start().await;
    let client = client(&server);
    five_customers(&server, &client).await;
    let list = client.customer_list().company_id(server.company());
    let pages: Vec<_> = list
        .top(TWO)
        .count(true)
        .pages()
        .try_collect()
        .await
        .unwrap();
    let sizes: Vec<_> = pages
        .iter()
        .map(|page| (page.value.len(), page.odata_count))
        .collect();
    assert_eq!(sizes, [(2, Some(5)), (2, Some(5)), (1, Some(5))]);
}

#[tokio::test]
async fn every_list_is_a_stream() {
    let server = TestServer::start().await;
    let client = client(&server);
    let companies: Vec<_> = client.company_list().stream().try_collect().await.unwrap();
    assert_eq!(companies[0].id, server.company());
    for _ in 0..2 {
        let create = client.sales_invoice_create().company_id(server.company());
        create.body_map(|body| body).send().await.unwrap();
    }
    let list = client.sales_invoice_list().company_id(server.company());
    let list = list.top(NonZeroU32::MIN);
    let invoices: Vec<_> = list.stream().try_collect().await.unwrap();
    assert_eq!(invoices.len(), 3);
    assert!(
        invoices
            .iter()
            .any(|invoice| invoice.id == server.sales_invoice())
    );
}

#[tokio::test]
async fn a_list_that_is_refused_is_one_error() {
    let server = TestServer::start().await;
    let client = client(&server);
    let list = client.customer_list().company_id(Uuid::from_u128(1));
    let items: Vec<_> = list.stream().collect().await;
    assert!(
        matches!(items.as_slice(), [Err(e)] if e.status().is_some_and(|s| s == 404)),
        "{items:?}"
    );
}

#[tokio::test]
async fn a_command_lists_all_pages_as_one() {
    let server = TestServer::start().await;
    let ids = five_customers(&server, &client(&server)).await;
    let company = server.company().to_string();
    let list = ["customer", "list", "--company-id", &company, "--count"];
    let whole = debitor(&server, &list, "").await;
    let paged = debitor(&server, &[&list[..], &["--all", "--top", "2"]].concat(), "").await;
    let listed = json(&paged);
    let listed: Vec<_> = listed["value"]
        .as_array()
        .unwrap()
        .iter()
        .map(|c| c["id"].as_str().unwrap())
        .collect();
    assert_eq!(listed, ids.iter().map(Uuid::to_string).collect::<Vec<_>>());
    assert_eq!(
        String::from_utf8_lossy(&paged.stdout),
        String::from_utf8_lossy(&whole.stdout)
    );

    let first: Value = json(&debitor(&server, &[&list[..], &["--top", "2"]].concat(), "").await);
    assert_eq!(first["value"].as_array().map(Vec::len), Some(2));
    let table = ["--all", "--top", "2", "--output", "table"];
    let table = debitor(&server, &[&list[..], &table].concat(), "").await;
    assert_eq!(String::from_utf8_lossy(&table.stdout).lines().count(), 6);
}
