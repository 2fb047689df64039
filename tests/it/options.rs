//! The query options of lists, as clients send them.

mod documented;
mod examples;
mod faults;
mod pages;
mod slow;
mod writers;

use debitor_tests::{Request, TestServer};
use serde_json::{Value, json};
use url::form_urlencoded::Serializer;

/// The customers whom the lists here are of: name, number, e-mail address, city.
const CUSTOMERS: [(&str, &str, Option<&str>, Option<&str>); 6] = [
    (
        "Nordhafen Maschinenbau",
        "N1",
        Some("Einkauf@Nordhafen.example"),
        Some("Hamburg"),
    ),
    ("NORDLICHT & Söhne", "N2", None, Some("Bremen")),
    ("O'Brien 100% + 1", "O1", Some("o+1@b.example"), None),
    ("Südsee_AG", "S1", None, Some("München")),
    ("Öl \\ Gas", "O2", Some("info@oel.example"), Some("Hamburg")),
    ("zuletzt", "Z1", None, Some("hamburg")),
];

/// A server with these customers.
async fn server() -> TestServer {
    filled(TestServer::start().await).await
}

async fn filled(server: TestServer) -> TestServer {
    for (name, number, email, city) in CUSTOMERS {
        let body = json!({
            "displayName": name,
            "number": number,
            "email": email,
            "phoneNumber": "+49 40 5550-12",
            "address": {"city": city},
        });
        let path = customers(&server);
        let request = server.request("POST", &path).json(&body);
        request.send().await.expect(201);
    }
    server
}

fn customers(server: &TestServer) -> String {
    format!("{}/customers", server.company_path())
}

/// The path with these options, encoded.
fn with(path: &str, options: &[(&str, &str)]) -> String {
    let mut query = Serializer::new(String::new());
    query.extend_pairs(options);
    format!("{path}?{}", query.finish())
}

async fn json_of(request: Request) -> Value {
    request.send().await.expect(200).json()
}

/// The numbers of the customers that are listed with these options.
async fn numbers(server: &TestServer, options: &[(&str, &str)]) -> Vec<String> {
    let path = with(&customers(server), options);
    let page = json_of(server.request("GET", &path)).await;
    numbers_of(&page)
}

fn numbers_of(page: &Value) -> Vec<String> {
    let value = page["value"].as_array().unwrap().iter();
    value
        .map(|customer| customer["number"].as_str().unwrap().to_owned())
        .collect()
}

/// What a path with `/$count` answers.
async fn count(server: &TestServer, path: &str) -> String {
    let answer = server.request("GET", path).send().await.expect(200);
    String::from_utf8(answer.body.to_vec()).unwrap()
}

#[tokio::test]
async fn filters_find_what_they_say_and_are_counted() {
    let server = server().await;
    let counted = format!("{}/$count", customers(&server));
    for (filter, expected) in [
        ("number eq 'n1'", "N1"),
        ("startswith(displayName,'nord')", "N1 N2"),
        ("displayName eq 'O''BRIEN 100% + 1'", "O1"),
        ("contains(displayName,'&')", "N2"),
        ("contains(displayName,'%')", "O1"),
        ("contains(displayName,'_')", "S1"),
        ("contains(displayName,'\\')", "O2"),
        ("email eq 'O+1@B.EXAMPLE'", "O1"),
        ("email eq null", "N2 S1 Z1"),
        ("email ne 'info@oel.example'", "N1 N2 O1 S1 Z1"),
        ("not endswith(email,'oel.example')", "N1 O1"),
        ("address/city in ('HAMBURG','bremen')", "N1 N2 O2 Z1"),
        (
            "address/city eq 'hamburg' and (length(displayName) lt 10 or number eq 'N1')",
            "N1 O2 Z1",
        ),
        ("number gt 'N2' and number le 'O2'", "O1 O2"),
        ("tolower(displayName) eq 'öl \\ gas'", "O2"),
        (
            "taxLiable eq false and blocked eq null and type eq 'Company'",
            "N1 N2 O1 O2 S1 Z1",
        ),
        ("lastModifiedDateTime lt 2000-01-01T00:00:00Z", ""),
    ] {
        let options = [("$filter", filter), ("$orderby", "number")];
        let found = numbers(&server, &options).await.join(" ");
        assert_eq!(found, expected, "{filter}");
        let path = with(&counted, &[("$filter", filter)]);
        let expected = expected.split_whitespace().count().to_string();
        assert_eq!(count(&server, &path).await, expected, "{filter}");
    }
}

#[tokio::test]
async fn searches_find_words_and_phrases_and_are_counted() {
    let server = server().await;
    let counted = format!("{}/$count", customers(&server));
    for (search, expected) in [
        ("NORD", "N1 N2"),
        ("nord hamburg", "N1"),
        ("nord OR öl", "N1 N2 O2"),
        ("hamburg NOT nord", "O2 Z1"),
        ("\"hafen masch\"", "N1"),
        ("nordhafen.example", "N1"),
        ("hafen", ""),
        ("494055", "N1 N2 O1 O2 S1 Z1"),
        ("(o1 OR s1) AND süd", "S1"),
    ] {
        let options = [("$search", search), ("$orderby", "number")];
        let found = numbers(&server, &options).await.join(" ");
        assert_eq!(found, expected, "{search}");
        let path = with(&counted, &[("$search", search)]);
        let expected = expected.split_whitespace().count().to_string();
        assert_eq!(count(&server, &path).await, expected, "{search}");
    }
    let both = [("$search", "hamburg"), ("$filter", "email eq null")];
    assert_eq!(numbers(&server, &both).await, ["Z1"]);
    assert_eq!(count(&server, &with(&counted, &both)).await, "1");
    let page = with(
        &customers(&server),
        &[both[0], ("$count", "true"), ("$top", "1")],
    );
    assert_eq!(
        json_of(server.request("GET", &page)).await["@odata.count"],
        3
    );
}

#[tokio::test]
async fn orders_have_several_keys_and_null_lowest() {
    let server = server().await;
    for (order, expected) in [
        ("number desc", "Z1 S1 O2 O1 N2 N1"),
        ("displayName", "N1 N2 O1 S1 Z1 O2"),
        ("address/city,number desc", "O1 N2 Z1 O2 N1 S1"),
        ("address/city desc,number", "S1 N1 O2 Z1 N2 O1"),
        ("email,number", "N2 S1 Z1 N1 O2 O1"),
    ] {
        let found = numbers(&server, &[("$orderby", order)]).await.join(" ");
        assert_eq!(found, expected, "{order}");
    }
    let some = [("$orderby", "number"), ("$skip", "2"), ("$top", "3")];
    assert_eq!(numbers(&server, &some).await, ["O1", "O2", "S1"]);
    let none = [("$skip", "6")];
    assert!(numbers(&server, &none).await.is_empty());
}

#[tokio::test]
async fn selections_reach_into_objects() {
    let server = server().await;
    let options = [
        ("$select", "NUMBER,address/City"),
        ("$filter", "number eq 'N2'"),
    ];
    let path = with(&customers(&server), &options);
    let page = json_of(server.request("GET", &path)).await;
    let mut found = page["value"][0].as_object().unwrap().clone();
    for always in ["@odata.etag", "id"] {
        assert!(found.remove(always).is_some(), "{always}");
    }
    let expected = json!({"number": "N2", "address": {"city": "Bremen"}});
    assert_eq!(Value::Object(found), expected);
}

#[tokio::test]
async fn companies_and_sales_invoices_have_them_too() {
    let server = server().await;
    let invoices = format!("{}/salesInvoices", server.company_path());
    let path = format!("{}/customers", server.company_path());
    let nord = with(&path, &[("$filter", "number eq 'N1'")]);
    let nord = json_of(server.request("GET", &nord)).await["value"][0]["id"].clone();
    for (customer, date) in [(&nord, "2026-02-01"), (&nord, "2026-01-01")] {
        let body = json!({"customerId": customer, "invoiceDate": date});
        let request = server.request("POST", &invoices).json(&body);
        request.send().await.expect(201);
    }
    let options = [
        (
            "$filter",
            "invoiceDate le 2026-02-01 and customerId ne null",
        ),
        ("$search", "nordh n1"),
        ("$orderby", "invoiceDate"),
    ];
    let page = json_of(server.request("GET", &with(&invoices, &options))).await;
    assert_eq!(numbers_of(&page), ["S00030", "S00020"]);
    let counted = with(&format!("{invoices}/$count"), &options[..2]);
    assert_eq!(count(&server, &counted).await, "2");

    let companies = "/v1.0/financials/companies";
    let by_name = [("$filter", "displayName eq 'debitor demo gmbh'")];
    for (options, expected) in [
        (by_name, 1),
        ([("$search", "\"demo gm\"")], 1),
        ([("$search", "debitor NOT demo")], 0),
        ([("$filter", "businessProfileId ne null")], 0),
    ] {
        let path = with(companies, &options);
        let page = json_of(server.request("GET", &path)).await;
        assert_eq!(
            page["value"].as_array().unwrap().len(),
            expected,
            "{options:?}"
        );
        let path = with(&format!("{companies}/$count"), &options);
        assert_eq!(
            count(&server, &path).await,
            expected.to_string(),
            "{options:?}"
        );
    }
}

#[tokio::test]
async fn counts_are_for_whom_the_lists_are() {
    let server = TestServer::start().await;
    let invoices = format!("{}/salesInvoices/$count", server.company_path());
    let companies = "/v1.0/financials/companies/$count".to_owned();
    for path in [&invoices, &companies] {
        assert_eq!(count(&server, path).await, "1", "{path}");
        let as_json = server
            .request("GET", path)
            .header("Accept", "application/json");
        as_json.send().await.expect(200);
        server.as_reader("GET", path).send().await.expect(200);
        assert_eq!(
            count(&server, &path.replace('$', "%24")).await,
            "1",
            "{path}"
        );
        server.anonymous("GET", path).send().await.expect(401);
        let token = server.token_for(None, &["Nothing"]);
        let forbidden = server.anonymous("GET", path);
        let forbidden = forbidden.header("Authorization", &format!("Bearer {token}"));
        forbidden.send().await.expect(403);
        server.request("POST", path).send().await.expect(405);
        for wrong in ["$filter=", "$top=1", "$filter=x"] {
            let path = format!("{path}?{wrong}");
            server.request("GET", &path).send().await.expect(400);
        }
    }
    let other = server.token_for(Some(uuid::Uuid::from_u128(7)), &["Financials.Read.All"]);
    let asked = |path: &str| {
        let request = server.anonymous("GET", path);
        request
            .header("Authorization", &format!("Bearer {other}"))
            .send()
    };
    assert_eq!(&asked(&companies).await.expect(200).body[..], b"0");
    asked(&invoices).await.expect(404);
    let key = format!("('{}')/", server.company());
    let in_parentheses = invoices.replace(&format!("/{}/", server.company()), &key);
    assert_eq!(count(&server, &in_parentheses).await, "1");
}
