//! Sales invoices, as far as the life of a customer needs them.

use debitor_tests::TestServer;
use serde_json::{Value, json};

fn invoices(server: &TestServer) -> String {
    format!("{}/salesInvoices", server.company_path())
}

async fn created(server: &TestServer, body: Value) -> (Value, String) {
    let answer = server
        .request("POST", &invoices(server))
        .json(&body)
        .send()
        .await
        .expect(201);
    (answer.json(), answer.header("location").unwrap().to_owned())
}

async fn customer(server: &TestServer, name: &str) -> Value {
    let path = format!("{}/customers", server.company_path());
    let body = json!({"displayName": name});
    server
        .request("POST", &path)
        .json(&body)
        .send()
        .await
        .expect(201)
        .json()
}

#[tokio::test]
async fn an_invoice_starts_as_a_draft_with_the_next_number() {
    let server = TestServer::start().await;
    let body = json!({"invoiceDate": "2026-01-31", "currencyCode": " ", "number": "ignored"});
    let (invoice, location) = created(&server, body).await;
    assert_eq!(invoice["status"], "Draft");
    assert_eq!(invoice["invoiceDate"], "2026-01-31");
    assert!(invoice["currencyCode"].is_null() && invoice["customerId"].is_null());
    let demo = format!("{}/{}", invoices(&server), server.sales_invoice());
    let demo = server.request("GET", &demo).send().await.expect(200).json();
    assert_eq!(
        (&demo["number"], &invoice["number"]),
        (&json!("S00010"), &json!("S00020"))
    );
    let read = server.request("GET", &location).send().await.expect(200);
    assert_eq!(read.json(), invoice);
    let known = server
        .request("GET", &location)
        .header("If-None-Match", &read.etag());
    known.send().await.expect(304);
    let page = format!("{}?$count=true&$top=1", invoices(&server));
    let page = server.request("GET", &page).send().await.expect(200).json();
    assert_eq!(page["@odata.count"], 2);
    assert!(page["@odata.nextLink"].is_string());
}

#[tokio::test]
async fn the_customer_is_chosen_by_id_or_number() {
    let server = TestServer::start().await;
    let (a, b) = (customer(&server, "A").await, customer(&server, "B").await);
    let (invoice, path) = created(&server, json!({"customerId": a["id"]})).await;
    assert_eq!(
        (&invoice["customerNumber"], &invoice["customerName"]),
        (&a["number"], &json!("A"))
    );
    let change = |body: Value| {
        server
            .request("PATCH", &path)
            .header("If-Match", "*")
            .json(&body)
    };
    let number = b["number"].as_str().unwrap().to_lowercase();
    let changed = change(json!({"customerNumber": number}))
        .send()
        .await
        .expect(200)
        .json();
    assert_eq!(changed["customerId"], b["id"]);
    let both = json!({"customerId": a["id"], "customerNumber": b["number"]});
    assert_eq!(
        change(both).send().await.expect(400).targets(),
        ["customerNumber"]
    );
    let unknown = json!({"customerId": path.rsplit('/').next()});
    assert_eq!(
        change(unknown).send().await.expect(400).targets(),
        ["customerId"]
    );
    let none = json!({"customerNumber": "none"});
    assert_eq!(
        change(none).send().await.expect(400).targets(),
        ["customerNumber"]
    );
    let cleared = change(json!({"customerId": null}))
        .send()
        .await
        .expect(200)
        .json();
    assert!(cleared["customerNumber"].is_null());
}

#[tokio::test]
async fn a_draft_follows_its_customer_and_an_issued_invoice_does_not() {
    let server = TestServer::start().await;
    let a = customer(&server, "A").await;
    let (draft, draft_path) = created(&server, json!({"customerId": a["id"]})).await;
    let issued = json!({"customerId": a["id"], "status": "Open"});
    let (_, issued_path) = created(&server, issued).await;
    let path = format!(
        "{}/customers/{}",
        server.company_path(),
        a["id"].as_str().unwrap()
    );
    let rename = json!({"displayName": "Renamed"});
    server
        .request("PATCH", &path)
        .header("If-Match", "*")
        .json(&rename)
        .send()
        .await
        .expect(200);
    let read = server
        .request("GET", &draft_path)
        .send()
        .await
        .expect(200)
        .json();
    assert_eq!(read["customerName"], "Renamed");
    assert_ne!(read["@odata.etag"], draft["@odata.etag"]);
    let read = server
        .request("GET", &issued_path)
        .send()
        .await
        .expect(200)
        .json();
    assert_eq!(read["customerName"], "A");
}

#[tokio::test]
async fn an_issued_invoice_changes_its_status_alone() {
    let server = TestServer::start().await;
    let (invoice, path) = created(&server, json!({"status": "Open"})).await;
    let change = |body: Value| {
        server
            .request("PATCH", &path)
            .header("If-Match", "*")
            .json(&body)
    };
    change(json!({"status": "Draft"})).send().await.expect(409);
    change(json!({"dueDate": "2026-01-31"}))
        .send()
        .await
        .expect(409);
    let mut whole = invoice.clone();
    whole["status"] = json!("Paid");
    let paid = change(whole).send().await.expect(200).json();
    assert_eq!(paid["status"], "Paid");
    server
        .request("DELETE", &path)
        .header("If-Match", "*")
        .send()
        .await
        .expect(409);
}

#[tokio::test]
async fn changes_and_deletes_need_the_etag() {
    let server = TestServer::start().await;
    let (invoice, path) = created(&server, json!({})).await;
    let etag = invoice["@odata.etag"].as_str().unwrap();
    let change = json!({"dueDate": "2026-02-28", "invoiceDate": null});
    let update = || server.request("PATCH", &path).json(&change);
    update().send().await.expect(428);
    update()
        .header("If-Match", "\"x\"")
        .send()
        .await
        .expect(412);
    let minimal = update()
        .header("If-Match", etag)
        .header("Prefer", "return=minimal");
    let minimal = minimal.send().await.expect(204);
    server.request("DELETE", &path).send().await.expect(428);
    server
        .request("DELETE", &path)
        .header("If-Match", etag)
        .send()
        .await
        .expect(412);
    let delete = server
        .request("DELETE", &path)
        .header("If-Match", &minimal.etag());
    delete.send().await.expect(204);
    server.request("GET", &path).send().await.expect(404);
    let own = json!({"id": invoice["id"]});
    created(&server, own.clone()).await;
    let again = server
        .request("POST", &invoices(&server))
        .json(&own)
        .send()
        .await
        .expect(409);
    assert_eq!(again.code(), "nameAlreadyExists");
}
