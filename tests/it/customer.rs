//! Customers: every row of the decisions that the documents leave open.

use debitor_tests::{Answer, TestServer};
use serde_json::{Value, json};
use uuid::Uuid;

fn customers(server: &TestServer) -> String {
    format!("{}/customers", server.company_path())
}

async fn create(server: &TestServer, body: Value) -> Answer {
    server
        .request("POST", &customers(server))
        .json(&body)
        .send()
        .await
}

async fn created(server: &TestServer, body: Value) -> Value {
    create(server, body).await.expect(201).json()
}

fn address_of(server: &TestServer, customer: &Value) -> String {
    format!("{}/{}", customers(server), customer["id"].as_str().unwrap())
}

async fn patch(server: &TestServer, customer: &Value, change: Value) -> Answer {
    let request = server
        .request("PATCH", &address_of(server, customer))
        .header("If-Match", "*");
    request.json(&change).send().await
}

#[tokio::test]
async fn only_the_name_is_required() {
    let server = TestServer::start().await;
    let customer = created(&server, json!({"displayName": "A"})).await;
    assert_eq!(customer["type"], "Company");
    assert_eq!(customer["taxLiable"], false);
    for name in [
        "address",
        "blocked",
        "currencyId",
        "email",
        "website",
        "taxAreaDisplayName",
    ] {
        assert!(customer[name].is_null(), "{name}");
    }
    let refused = create(&server, json!({})).await.expect(400);
    assert_eq!(refused.targets(), ["displayName"]);
}

#[tokio::test]
async fn an_own_id_makes_a_create_repeatable() {
    let server = TestServer::start().await;
    let id = Uuid::from_u128(0x0123_4567_89ab_cdef);
    let body = json!({"displayName": "A", "id": id});
    assert_eq!(created(&server, body.clone()).await["id"], json!(id));
    let again = create(&server, body).await.expect(409);
    assert_eq!(
        (again.code(), again.json()["error"]["target"].clone()),
        ("nameAlreadyExists".into(), json!("id"))
    );
}

#[tokio::test]
async fn numbers_are_given_in_steps_of_ten_and_unique_in_any_case() {
    let server = TestServer::start().await;
    let own = created(&server, json!({"displayName": "A", "number": "c00020"})).await;
    assert_eq!(own["number"], "c00020");
    let mut given = Vec::new();
    for blank in [json!({}), json!({"number": null}), json!({"number": " "})] {
        let mut body = blank;
        body["displayName"] = json!("B");
        given.push(created(&server, body).await["number"].clone());
    }
    assert_eq!(given, ["C00010", "C00030", "C00040"]);
    let taken = create(&server, json!({"displayName": "C", "number": "C00020"}))
        .await
        .expect(409);
    assert_eq!(taken.code(), "nameAlreadyExists");
    let change = json!({"number": "c00010"});
    assert_eq!(
        patch(&server, &own, change).await.expect(409).code(),
        "nameAlreadyExists"
    );
    let kept = patch(&server, &own, json!({"number": "C00020"}))
        .await
        .expect(200)
        .json();
    assert_eq!(kept["number"], "C00020");
}

#[tokio::test]
async fn read_only_properties_are_accepted_and_ignored() {
    let server = TestServer::start().await;
    let whole = created(
        &server,
        json!({
            "displayName": "A",
            "@odata.etag": "W/\"9\"",
            "@odata.context": "anything",
            "lastModifiedDateTime": "0001-01-01T00:00:00.000000+00:00",
            "taxAreaDisplayName": "Hamburg",
        }),
    )
    .await;
    assert_ne!(whole["@odata.etag"], "W/\"9\"");
    let mut sent = whole.clone();
    sent["id"] = json!(Uuid::from_u128(9));
    sent["displayName"] = json!("B");
    let changed = patch(&server, &whole, sent).await.expect(200).json();
    assert_eq!(changed["id"], whole["id"]);
    assert_eq!(changed["displayName"], "B");
    assert_ne!(changed["@odata.etag"], whole["@odata.etag"]);
}

#[tokio::test]
async fn blank_values_are_stored_as_null() {
    let server = TestServer::start().await;
    let zero = Uuid::nil();
    for blocked in ["", " ", "_x0020_"] {
        let body = json!({
            "displayName": "A", "id": zero, "blocked": blocked, "type": " ", "currencyCode": "",
            "email": " ", "phoneNumber": "", "website": " ", "taxAreaId": zero,
            "paymentTermsId": zero, "taxRegistrationNumber": "", "address": {"city": " "},
        });
        let customer = created(&server, body).await;
        assert_ne!(customer["id"], json!(zero));
        assert_eq!(customer["type"], "Company");
        for name in [
            "blocked",
            "currencyCode",
            "email",
            "phoneNumber",
            "website",
            "taxAreaId",
        ] {
            assert!(customer[name].is_null(), "{name}");
        }
        assert!(customer["address"].is_null());
        let blocked_all = patch(&server, &customer, json!({"blocked": "All"}))
            .await
            .expect(200);
        assert_eq!(blocked_all.json()["blocked"], "All");
        let cleared = patch(&server, &customer, json!({"blocked": blocked}))
            .await
            .expect(200);
        assert!(cleared.json()["blocked"].is_null());
    }
}

#[tokio::test]
async fn a_change_keeps_clears_and_sets_and_merges_the_address() {
    let server = TestServer::start().await;
    let customer = created(
        &server,
        json!({
            "displayName": "A", "email": "a@b.example", "website": "https://a.example",
            "type": "Person", "taxLiable": true,
            "address": {"street": "S 1", "city": "Hamburg", "postalCode": "20457"},
        }),
    )
    .await;
    let change = json!({
        "email": null, "phoneNumber": "+49 40 1", "type": null,
        "address": {"city": "Bremen", "postalCode": null, "state": "HB"},
    });
    let changed = patch(&server, &customer, change).await.expect(200).json();
    assert!(changed["email"].is_null());
    assert_eq!(changed["website"], "https://a.example");
    assert_eq!(changed["phoneNumber"], "+49 40 1");
    assert_eq!(
        (&changed["type"], &changed["taxLiable"]),
        (&json!("Company"), &json!(true))
    );
    let address = json!({"street": "S 1", "city": "Bremen", "state": "HB",
        "countryLetterCode": null, "postalCode": null});
    assert_eq!(changed["address"], address);
    let cleared = patch(&server, &customer, json!({"address": null}))
        .await
        .expect(200)
        .json();
    assert!(cleared["address"].is_null());
    let unchanged = patch(&server, &customer, json!({}))
        .await
        .expect(200)
        .json();
    assert_eq!(unchanged["phoneNumber"], "+49 40 1");
}

#[tokio::test]
async fn minimal_is_answered_without_a_body() {
    let server = TestServer::start().await;
    let customer = created(&server, json!({"displayName": "A"})).await;
    let path = address_of(&server, &customer);
    let request = server.request("PATCH", &path).header("If-Match", "*");
    let answer = request
        .header("Prefer", "something=else, return=minimal")
        .json(&json!({"displayName": "B"}))
        .send()
        .await
        .expect(204);
    assert!(answer.body.is_empty());
    assert_eq!(answer.header("preference-applied"), Some("return=minimal"));
    let read = server.request("GET", &path).send().await.expect(200);
    assert_eq!(
        (read.json()["displayName"].clone(), read.etag()),
        (json!("B"), answer.etag())
    );
}

#[tokio::test]
async fn changes_need_the_current_etag() {
    let server = TestServer::start().await;
    let answer = create(&server, json!({"displayName": "A"}))
        .await
        .expect(201);
    let path = address_of(&server, &answer.json());
    let change = json!({"displayName": "B"});
    for method in ["PATCH", "DELETE"] {
        let request = || match method {
            "PATCH" => server.request(method, &path).json(&change),
            _ => server.request(method, &path),
        };
        let missing = request().send().await.expect(428);
        assert_eq!(missing.targets(), ["If-Match"]);
        request()
            .header("If-Match", "W/\"1-00000000\"")
            .send()
            .await
            .expect(412);
        request()
            .header("If-Match", "1-00000000")
            .send()
            .await
            .expect(400);
    }
    assert!(answer.etag().starts_with("W/\""));
    let current = server
        .request("PATCH", &path)
        .header("If-Match", &answer.etag());
    let changed = current.json(&change).send().await.expect(200);
    assert_ne!(changed.etag(), answer.etag());
    let strong = changed.etag().trim_start_matches("W/").to_owned();
    let listed = format!("\"x\", {strong}");
    server
        .request("DELETE", &path)
        .header("If-Match", &listed)
        .send()
        .await
        .expect(204);
    server.request("GET", &path).send().await.expect(404);
    server
        .request("DELETE", &path)
        .header("If-Match", "*")
        .send()
        .await
        .expect(404);
}

#[tokio::test]
async fn a_known_version_is_not_sent_again() {
    let server = TestServer::start().await;
    let answer = create(&server, json!({"displayName": "A"}))
        .await
        .expect(201);
    let path = address_of(&server, &answer.json());
    let get = |tags: &str| {
        server
            .request("GET", &path)
            .header("If-None-Match", tags)
            .send()
    };
    assert_eq!(get(&answer.etag()).await.expect(304).etag(), answer.etag());
    get("*").await.expect(304);
    get("W/\"1-00000000\"").await.expect(200);
}

#[tokio::test]
async fn an_etag_is_never_that_of_an_earlier_customer_of_the_same_id() {
    let server = TestServer::start().await;
    let body = json!({"displayName": "A", "id": Uuid::from_u128(5)});
    let first = create(&server, body.clone()).await.expect(201);
    let path = address_of(&server, &first.json());
    server
        .request("DELETE", &path)
        .header("If-Match", "*")
        .send()
        .await
        .expect(204);
    let second = create(&server, body).await.expect(201);
    assert_ne!(first.etag(), second.etag());
}

#[tokio::test]
async fn a_customer_that_an_invoice_names_is_kept() {
    let server = TestServer::start().await;
    let customer = created(&server, json!({"displayName": "A"})).await;
    let invoices = format!("{}/salesInvoices", server.company_path());
    let body = json!({"customerNumber": customer["number"]});
    let invoice = server
        .request("POST", &invoices)
        .json(&body)
        .send()
        .await
        .expect(201)
        .json();
    let delete = server
        .request("DELETE", &address_of(&server, &customer))
        .header("If-Match", "*");
    let refused = delete.send().await.expect(409);
    let message = refused.json()["error"]["message"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(
        message.contains(invoice["number"].as_str().unwrap()),
        "{message}"
    );
}

#[tokio::test]
async fn keys_may_be_written_in_every_way() {
    let server = TestServer::start().await;
    let customer = created(&server, json!({"displayName": "A"})).await;
    let id = customer["id"].as_str().unwrap();
    let (company, upper) = (server.company(), id.to_uppercase());
    let base = format!("/beta/financials/companies({company})");
    for path in [
        format!("{base}/customers({id})"),
        format!("{base}/customers('{id}')"),
        format!("{base}/customers%28%27{upper}%27%29"),
        format!("/v1.0/financials/companies/{company}/customers/{upper}"),
    ] {
        let read = server.request("GET", &path).send().await.expect(200).json();
        assert_eq!(read["id"], customer["id"], "{path}");
    }
}

#[tokio::test]
async fn links_are_absolute_and_follow_the_version_of_the_request() {
    let server = TestServer::start().await;
    let path = format!("/beta/financials/companies/{}/customers", server.company());
    let body = json!({"displayName": "A"});
    let answer = server
        .request("POST", &path)
        .json(&body)
        .send()
        .await
        .expect(201);
    let base = format!("{}/beta/", server.origin());
    assert!(answer.header("location").unwrap().starts_with(&base));
    let forged = server
        .request("GET", &path)
        .header("X-Forwarded-Host", "evil.example");
    let page = forged.send().await.expect(200).json();
    let context = page["@odata.context"].as_str().unwrap();
    assert!(context.starts_with(&base), "{context}");
}

#[tokio::test]
async fn pages_link_to_each_other_until_the_last() {
    let server = TestServer::start().await;
    let mut expected = Vec::new();
    for n in 0..5 {
        let customer = created(&server, json!({"displayName": format!("Customer {n}")})).await;
        expected.push(customer["id"].as_str().unwrap().to_owned());
    }
    expected.sort();
    let mut next = Some(format!(
        "{}?%24top=2&$count=true&$select=number",
        customers(&server)
    ));
    let (mut ids, mut sizes) = (Vec::new(), Vec::new());
    while let Some(address) = next {
        let page = server
            .request("GET", &address)
            .send()
            .await
            .expect(200)
            .json();
        assert_eq!(page["@odata.count"], 5);
        let value = page["value"].as_array().unwrap();
        sizes.push(value.len());
        for customer in value {
            let names: Vec<&String> = customer.as_object().unwrap().keys().collect();
            assert_eq!(names, ["@odata.etag", "id", "number"]);
            ids.push(customer["id"].as_str().unwrap().to_owned());
        }
        next = page["@odata.nextLink"].as_str().map(str::to_owned);
    }
    assert_eq!((sizes, ids), (vec![2, 2, 1], expected));
    let count = format!("{}/$count", customers(&server));
    let count = server
        .request("GET", &count)
        .header("Accept", "application/json");
    let count = count.send().await.expect(200);
    assert_eq!(&count.body[..], b"5");
    assert_eq!(
        count.header("content-type"),
        Some("text/plain; charset=utf-8")
    );
}

#[tokio::test]
async fn an_empty_list_is_an_empty_page() {
    let server = TestServer::start().await;
    let page = server
        .request("GET", &customers(&server))
        .send()
        .await
        .expect(200)
        .json();
    assert_eq!(page["value"], json!([]));
    assert!(page.get("@odata.nextLink").is_none() && page.get("@odata.count").is_none());
}
