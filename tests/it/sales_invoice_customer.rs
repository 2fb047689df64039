//! The customer of a sales invoice: the service's main job.

use debitor_tests::TestServer;
use serde_json::{Value, json};
use uuid::Uuid;

fn of_invoice(server: &TestServer, invoice: Uuid) -> String {
    format!("{}/salesInvoices/{invoice}/customer", server.company_path())
}

/// A new draft without a customer.
async fn draft(server: &TestServer) -> Uuid {
    let path = format!("{}/salesInvoices", server.company_path());
    let invoice = server
        .request("POST", &path)
        .json(&json!({}))
        .send()
        .await
        .expect(201)
        .json();
    invoice["id"].as_str().unwrap().parse().unwrap()
}

async fn set_status(server: &TestServer, invoice: Uuid, status: &str) {
    let path = format!("{}/salesInvoices/{invoice}", server.company_path());
    let change = json!({"status": status});
    server
        .request("PATCH", &path)
        .header("If-Match", "*")
        .json(&change)
        .send()
        .await
        .expect(200);
}

#[tokio::test]
async fn create_answers_201_with_location_and_etag_and_it_stays_after_a_restart() {
    let mut server = TestServer::start().await;
    let path = of_invoice(&server, server.sales_invoice());
    let body = json!({"displayName": "Nordhafen Maschinenbau GmbH", "email": "a@b.example"});
    let created = server
        .request("POST", &path)
        .json(&body)
        .send()
        .await
        .expect(201);
    let location = created.header("location").unwrap().to_owned();
    let customer = created.json();
    assert_eq!(customer["displayName"], body["displayName"]);
    assert_eq!(customer["@odata.etag"], created.etag());
    let id = customer["id"].as_str().unwrap();
    let canonical = format!(
        "{}/financials/companies/{}/customers/{id}",
        server.base_url(),
        server.company()
    );
    assert_eq!(location, canonical);

    for restarted in [false, true] {
        if restarted {
            assert_eq!(server.stop(), Some(0));
            server.start_again();
        }
        for address in [&path, &location] {
            let read = server.request("GET", address).send().await.expect(200);
            assert_eq!(read.json(), customer, "{address}, restarted: {restarted}");
            assert_eq!(read.etag(), created.etag());
        }
    }
}

/// The example of the document that the project starts from, with real values for its placeholders.
#[tokio::test]
async fn the_documented_example_is_accepted_as_it_is() {
    let server = TestServer::start().await;
    let guid = "3b2f52b9-52b9-3b2f-b952-2f3bb9522f3b";
    let body = json!({
        "@odata.type": "#microsoft.graph.customer",
        "address": {"@odata.type": "microsoft.graph.postalAddressType"},
        "blocked": "Ship",
        "currencyCode": "EUR",
        "currencyId": guid,
        "displayName": "Nordhafen Maschinenbau GmbH",
        "email": "einkauf@nordhafen.example",
        "number": "N-1",
        "paymentMethodId": guid,
        "paymentTermsId": guid,
        "phoneNumber": "+49 40 5550 0142",
        "shipmentMethodId": guid,
        "taxAreaDisplayName": "Hamburg",
        "taxAreaId": guid,
        "taxLiable": true,
        "taxRegistrationNumber": "DE123456789",
        "type": "Person",
        "website": "https://nordhafen.example"
    });
    let path = of_invoice(&server, server.sales_invoice());
    let customer = server
        .request("POST", &path)
        .json(&body)
        .send()
        .await
        .expect(201)
        .json();
    for (name, value) in body.as_object().unwrap() {
        let expected = match name.as_str() {
            "@odata.type" => continue,
            "address" | "taxAreaDisplayName" => &Value::Null,
            _ => value,
        };
        assert_eq!(&customer[name], expected, "{name}");
    }
}

#[tokio::test]
async fn a_new_customer_takes_the_place_of_the_old_one_which_stays() {
    let server = TestServer::start().await;
    let invoice = draft(&server).await;
    let path = of_invoice(&server, invoice);
    let mut locations = Vec::new();
    for name in ["First", "Second"] {
        let body = json!({"displayName": name});
        let created = server
            .request("POST", &path)
            .json(&body)
            .send()
            .await
            .expect(201);
        locations.push(created.header("location").unwrap().to_owned());
    }
    let current = server.request("GET", &path).send().await.expect(200).json();
    assert_eq!(current["displayName"], "Second");
    let old = server
        .request("GET", &locations[0])
        .send()
        .await
        .expect(200)
        .json();
    assert_eq!(old["displayName"], "First");
    let invoice = format!("{}/salesInvoices/{invoice}", server.company_path());
    let invoice = server
        .request("GET", &invoice)
        .send()
        .await
        .expect(200)
        .json();
    assert_eq!(invoice["customerId"], current["id"]);
    assert_eq!(invoice["customerName"], "Second");
    assert_eq!(invoice["customerNumber"], current["number"]);
}

#[tokio::test]
async fn an_invoice_that_is_no_longer_a_draft_gets_no_customer() {
    let server = TestServer::start().await;
    let invoice = draft(&server).await;
    set_status(&server, invoice, "Open").await;
    let count = format!("{}/customers/$count", server.company_path());
    let before = server.request("GET", &count).send().await.expect(200).body;
    let body = json!({"displayName": "Nobody"});
    let path = of_invoice(&server, invoice);
    let refused = server
        .request("POST", &path)
        .json(&body)
        .send()
        .await
        .expect(409);
    assert_eq!(refused.code(), "notADraft");
    assert_eq!(
        server.request("GET", &count).send().await.expect(200).body,
        before
    );
}

#[tokio::test]
async fn a_failed_create_leaves_the_invoice_as_it_was() {
    let server = TestServer::start().await;
    let path = of_invoice(&server, draft(&server).await);
    let taken = json!({"displayName": "A", "number": "taken"});
    let customers = format!("{}/customers", server.company_path());
    server
        .request("POST", &customers)
        .json(&taken)
        .send()
        .await
        .expect(201);
    let refused = server
        .request("POST", &path)
        .json(&taken)
        .send()
        .await
        .expect(409);
    assert_eq!(refused.code(), "nameAlreadyExists");
    server.request("GET", &path).send().await.expect(404);
}

#[tokio::test]
async fn an_invoice_without_customer_and_an_unknown_one_are_404() {
    let server = TestServer::start().await;
    let body = json!({"displayName": "X"});
    for invoice in [draft(&server).await, Uuid::from_u128(1)] {
        let path = of_invoice(&server, invoice);
        server.request("GET", &path).send().await.expect(404);
        let update = server
            .request("PATCH", &path)
            .header("If-Match", "*")
            .json(&json!({}));
        update.send().await.expect(404);
        server
            .request("DELETE", &path)
            .header("If-Match", "*")
            .send()
            .await
            .expect(404);
    }
    let unknown = of_invoice(&server, Uuid::from_u128(1));
    server
        .request("POST", &unknown)
        .json(&body)
        .send()
        .await
        .expect(404);
}

#[tokio::test]
async fn change_and_delete_act_on_the_customer_under_its_etag() {
    let server = TestServer::start().await;
    let invoice = draft(&server).await;
    let path = of_invoice(&server, invoice);
    let body = json!({"displayName": "A"});
    let created = server
        .request("POST", &path)
        .json(&body)
        .send()
        .await
        .expect(201);
    let location = created.header("location").unwrap().to_owned();
    let known = server
        .request("GET", &path)
        .header("If-None-Match", &created.etag());
    assert_eq!(known.send().await.expect(304).etag(), created.etag());

    let change = json!({"displayName": "B"});
    let update = || server.request("PATCH", &path).json(&change);
    update().send().await.expect(428);
    update()
        .header("If-Match", "W/\"0-0\"")
        .send()
        .await
        .expect(412);
    let changed = update()
        .header("If-Match", &created.etag())
        .send()
        .await
        .expect(200);
    let minimal = update()
        .header("If-Match", "*")
        .header("Prefer", "return=minimal");
    let minimal = minimal.send().await.expect(204);
    assert_ne!(minimal.etag(), changed.etag());
    assert_eq!(
        server.request("GET", &location).send().await.json()["displayName"],
        "B"
    );

    server.request("DELETE", &path).send().await.expect(428);
    let stale = server
        .request("DELETE", &path)
        .header("If-Match", &created.etag());
    stale.send().await.expect(412);
    let delete = server
        .request("DELETE", &path)
        .header("If-Match", &minimal.etag());
    delete.send().await.expect(204);
    server.request("GET", &path).send().await.expect(404);
    server.request("GET", &location).send().await.expect(404);
}

#[tokio::test]
async fn a_customer_that_another_document_names_is_not_deleted() {
    let server = TestServer::start().await;
    let first = draft(&server).await;
    let path = of_invoice(&server, first);
    let body = json!({"displayName": "A"});
    let customer = server
        .request("POST", &path)
        .json(&body)
        .send()
        .await
        .expect(201)
        .json();
    let invoices = format!("{}/salesInvoices", server.company_path());
    let other = json!({"customerId": customer["id"]});
    let other = server
        .request("POST", &invoices)
        .json(&other)
        .send()
        .await
        .expect(201)
        .json();
    let delete = || server.request("DELETE", &path).header("If-Match", "*");
    let refused = delete().send().await.expect(409);
    let message = refused.json()["error"]["message"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(
        message.contains(other["number"].as_str().unwrap()),
        "{message}"
    );
    server.request("GET", &path).send().await.expect(200);

    set_status(&server, first, "Paid").await;
    assert_eq!(delete().send().await.expect(409).code(), "notADraft");
    let number = json!({"number": "n1"});
    let customers = format!("{}/customers", server.company_path());
    let taken = json!({"displayName": "T", "number": "N1"});
    server
        .request("POST", &customers)
        .json(&taken)
        .send()
        .await
        .expect(201);
    let rename = server
        .request("PATCH", &path)
        .header("If-Match", "*")
        .json(&number);
    rename.send().await.expect(409);
}
