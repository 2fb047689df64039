//! The metadata and the service document, as a client without a token reads them, and the contexts of
//! answers in them.

use std::collections::BTreeSet;

use debitor_tests::csdl::Csdl;
use debitor_tests::document::Document;
use debitor_tests::{Answer, TestServer};
use serde_json::{Map, Value, json};

/// The metadata under a base.
async fn metadata(server: &TestServer, path: &str) -> String {
    let answer = server.anonymous("GET", path).send().await.expect(200);
    assert_eq!(answer.header("content-type"), Some("application/xml"));
    assert_eq!(answer.header("odata-version"), Some("4.0"));
    String::from_utf8(answer.body.to_vec()).unwrap()
}

#[tokio::test]
async fn the_metadata_keeps_the_rules_of_csdl() {
    let server = TestServer::start().await;
    let xml = metadata(&server, "/v1.0/$metadata").await;
    assert_eq!(Csdl::parse(&xml).unwrap().faults(), Vec::<String>::new());
    for path in ["/beta/$metadata", "/v1.0/%24metadata", "/beta/%24metadata"] {
        assert!(metadata(&server, path).await == xml, "{path}");
    }
}

#[tokio::test]
async fn every_path_of_the_document_leads_somewhere_in_it() {
    let server = TestServer::start().await;
    let xml = metadata(&server, "/v1.0/$metadata").await;
    let csdl = Csdl::parse(&xml).unwrap();
    for operation in Document::of_repository().operations() {
        let end = csdl.resource(&operation.path);
        assert!(end.is_ok(), "{}: {end:?}", operation.path);
    }
    let customers = "financials/companies/{id}/salesInvoices/{id}/customer";
    assert_eq!(
        csdl.resource(customers).unwrap(),
        "microsoft.graph.customer"
    );
}

#[tokio::test]
async fn the_service_document_lists_what_the_container_has() {
    let server = TestServer::start().await;
    let xml = metadata(&server, "/v1.0/$metadata").await;
    let csdl = Csdl::parse(&xml).unwrap();
    for (base, path) in [
        ("/v1.0", "/v1.0"),
        ("/v1.0", "/v1.0/"),
        ("/beta", "/beta"),
        ("/beta", "/beta/"),
    ] {
        let answer = server.anonymous("GET", path).send().await.expect(200);
        assert_eq!(answer.header("content-type"), Some("application/json"));
        assert_eq!(answer.header("odata-version"), Some("4.0"));
        let service = answer.json();
        let origin = server.origin();
        let financials = json!({"name": "financials", "kind": "Singleton", "url": "financials"});
        let expected = json!({
            "@odata.context": format!("{origin}{base}/$metadata"),
            "value": [financials],
        });
        assert_eq!(service, expected, "{path}");
        for one in service["value"].as_array().unwrap() {
            csdl.resource(one["name"].as_str().unwrap()).unwrap();
        }
    }
}

#[tokio::test]
async fn they_are_read_only_and_negotiated() {
    let server = TestServer::start().await;
    for (path, other) in [
        ("/v1.0/$metadata", "application/json"),
        ("/v1.0", "application/xml"),
    ] {
        let head = server.anonymous("HEAD", path).send().await.expect(200);
        assert!(head.body.is_empty());
        for method in ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"] {
            let answer = server.anonymous(method, path).send().await.expect(405);
            assert_eq!(answer.header("allow"), Some("GET, HEAD"), "{method} {path}");
            assert_eq!(answer.json()["error"]["code"], "methodNotAllowed");
        }
        let request = server.anonymous("GET", path).header("Accept", other);
        let refused = request.send().await.expect(406).json();
        assert_eq!(refused["error"]["code"], "notAcceptable");
        assert!(refused["error"]["innerError"]["request-id"].is_string());
    }
    server
        .anonymous("GET", "/v1.0/$metadata/")
        .send()
        .await
        .expect(404);
}

/// The type that an answer's context names, in the metadata that it names.
async fn context_type(server: &TestServer, answer: &Answer) -> String {
    let body = answer.json();
    let context = body["@odata.context"].as_str().unwrap();
    let (address, fragment) = context.split_once('#').unwrap();
    let path = address.strip_prefix(&server.origin()).unwrap();
    let xml = metadata(server, path).await;
    let end = Csdl::parse(&xml).unwrap().context(fragment);
    end.unwrap_or_else(|fault| panic!("{context}: {fault}"))
}

#[tokio::test]
async fn contexts_lead_to_the_type_that_the_address_has() {
    let server = TestServer::start().await;
    let company = server.company_path();
    let created = server
        .request(
            "POST",
            &format!(
                "{company}/salesInvoices/{}/customer",
                server.sales_invoice()
            ),
        )
        .json(&json!({"displayName": "Nordhafen", "@odata.type": "#microsoft.graph.customer"}))
        .send()
        .await
        .expect(201);
    assert_eq!(
        context_type(&server, &created).await,
        "microsoft.graph.customer"
    );
    let customer = created.json()["id"].as_str().unwrap().to_owned();
    let invoice = server.sales_invoice();
    let paths = [
        "/v1.0/financials/companies".to_owned(),
        "/v1.0/financials/companies?$select=displayName".to_owned(),
        company.clone(),
        format!("{company}/customers"),
        format!("{company}/customers?$select=id,address"),
        format!("{company}/customers/{customer}"),
        format!("{company}/salesInvoices?$count=true"),
        format!("{company}/salesInvoices/{invoice}"),
        format!("{company}/salesInvoices/{invoice}/customer"),
    ];
    let xml = metadata(&server, "/v1.0/$metadata").await;
    let csdl = Csdl::parse(&xml).unwrap();
    for path in paths {
        for path in [path.clone(), path.replace("/v1.0/", "/beta/")] {
            let answer = server.request("GET", &path).send().await.expect(200);
            let address = path.split('?').next().unwrap_or_default();
            let address = address
                .trim_start_matches("/v1.0")
                .trim_start_matches("/beta");
            let expected = csdl.resource(address).unwrap();
            assert_eq!(context_type(&server, &answer).await, expected, "{path}");
        }
    }
}

/// Each property of an answer is one of its type, and each non-nullable one is there.
#[tokio::test]
async fn answers_have_the_properties_of_their_types() {
    let server = TestServer::start().await;
    let xml = metadata(&server, "/v1.0/$metadata").await;
    let csdl = Csdl::parse(&xml).unwrap();
    let company = server.company_path();
    let address = json!({"street": "Speicherstraße 12", "city": "Hamburg"});
    let created = server
        .request("POST", &format!("{company}/customers"))
        .json(&json!({"displayName": "Nordhafen", "address": address}))
        .send()
        .await
        .expect(201)
        .json();
    let invoice = format!("{company}/salesInvoices/{}", server.sales_invoice());
    let invoice = server
        .request("GET", &invoice)
        .send()
        .await
        .expect(200)
        .json();
    let seen = server
        .request("GET", &company)
        .send()
        .await
        .expect(200)
        .json();
    for (entity, name) in [
        (&created, "microsoft.graph.customer"),
        (&created["address"], "microsoft.graph.postalAddressType"),
        (&invoice, "microsoft.graph.salesInvoice"),
        (&seen, "microsoft.graph.company"),
    ] {
        let names = entity.as_object().unwrap().keys();
        let names: BTreeSet<_> = names.filter(|name| !name.contains('@')).cloned().collect();
        assert_eq!(names, csdl.properties(name), "{name}");
    }
    let time = created["lastModifiedDateTime"].as_str().unwrap();
    let digits = csdl.precision("microsoft.graph.customer", "lastModifiedDateTime");
    assert_eq!(
        time.len(),
        "2026-01-31T12:00:00.Z".len() + digits.unwrap(),
        "{time}"
    );
    assert_ne!(created["id"], Value::Null);
}

/// Something else than any entity has.
fn another(kind: &str) -> Value {
    match kind {
        "Edm.Guid" => json!("0badcafe-0000-4000-8000-000000000001"),
        "Edm.DateTimeOffset" => json!("2001-02-03T04:05:06.000Z"),
        _ => json!("another"),
    }
}

#[tokio::test]
async fn what_the_service_sets_no_request_does() {
    let server = TestServer::start().await;
    let xml = metadata(&server, "/v1.0/$metadata").await;
    let csdl = Csdl::parse(&xml).unwrap();
    for (set, kind) in [("customers", "customer"), ("salesInvoices", "salesInvoice")] {
        let path = format!("{}/{set}", server.company_path());
        let kind = format!("microsoft.graph.{kind}");
        let of = |term| csdl.with_term(&kind, term).into_iter();
        let sent: Map<String, Value> = of("Computed")
            .map(|(name, kind)| (name, another(&kind)))
            .collect();
        assert!(sent.len() >= 2, "{sent:?}");
        let mut body = sent.clone();
        if set == "customers" {
            body.insert("displayName".to_owned(), json!("Nordhafen"));
        }
        let created = server.request("POST", &path).json(&json!(body));
        let created = created.send().await.expect(201).json();
        let mut sent = sent;
        sent.extend(of("Immutable").map(|(name, kind)| (name, another(&kind))));
        let path = format!("{path}/{}", created["id"].as_str().unwrap());
        let update = server.request("PATCH", &path).header("If-Match", "*");
        let updated = update.json(&json!(sent)).send().await.expect(200).json();
        for (name, value) in &sent {
            assert_ne!(created[name], *value, "{kind}: {name} was set");
            assert_ne!(updated[name], *value, "{kind}: {name} was changed");
        }
        assert_eq!(updated["id"], created["id"]);
    }
}
