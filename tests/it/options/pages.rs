//! Walking from page to page.

use debitor_tests::{Engine, TestServer};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{customers, filled, json_of, numbers_of, server, with};

/// The numbers on the pages, each a text, from this address on.
async fn walk(server: &TestServer, first: String, prefer: Option<&str>) -> Vec<String> {
    let (mut next, mut pages) = (Some(first), Vec::new());
    let mut prefer = prefer;
    while let Some(address) = next {
        let mut request = server.request("GET", &address);
        // A client need not repeat the header: the link has what came of it.
        if let Some(prefer) = prefer.take() {
            request = request.header("Prefer", prefer);
        }
        let page = json_of(request).await;
        pages.push(numbers_of(&page).join(" "));
        next = page["@odata.nextLink"].as_str().map(str::to_owned);
    }
    pages
}

#[tokio::test]
async fn links_keep_every_option() {
    let server = server().await;
    let filter = ("$filter", "number ne 'S1' and displayName ne 'a&b + c'");
    let search = ("$search", "494055 NOT söhne");
    let order = ("$orderby", "address/city desc,displayName");
    let select = ("$select", "number");
    for (options, expected) in [
        (
            vec![("$orderby", "number"), ("$top", "4")],
            vec!["N1 N2 O1 O2", "S1 Z1"],
        ),
        (
            vec![("$orderby", "number"), ("$top", "3")],
            vec!["N1 N2 O1", "O2 S1 Z1"],
        ),
        (
            vec![("$orderby", "number"), ("$top", "2"), ("$skip", "3")],
            vec!["O2 S1", "Z1"],
        ),
        (
            vec![filter, order, ("$top", "2")],
            vec!["N1 Z1", "O2 N2", "O1"],
        ),
        (
            vec![search, order, ("$top", "3")],
            vec!["S1 N1 Z1", "O2 O1"],
        ),
        (
            vec![
                filter,
                search,
                order,
                select,
                ("$top", "1"),
                ("$count", "true"),
            ],
            vec!["N1", "Z1", "O2", "O1"],
        ),
        (
            vec![("orderby", "email,number"), ("TOP", "2")],
            vec!["N2 S1", "Z1 N1", "O2 O1"],
        ),
    ] {
        let pages = walk(&server, with(&customers(&server), &options), None).await;
        assert_eq!(pages, expected, "{options:?}");
    }
}

#[tokio::test]
async fn links_count_what_is_found_on_every_page() {
    let server = server().await;
    let options = [("$count", "true"), ("$top", "1"), ("$search", "hamburg")];
    let mut next = Some(with(&customers(&server), &options));
    let mut pages = 0;
    while let Some(address) = next {
        let page = json_of(server.request("GET", &address)).await;
        assert_eq!(page["@odata.count"], 3);
        next = page["@odata.nextLink"].as_str().map(str::to_owned);
        pages += 1;
    }
    assert_eq!(pages, 3);
}

#[tokio::test]
async fn a_preferred_page_size_is_honoured_and_said_to_be() {
    let server = server().await;
    let by_number = with(&customers(&server), &[("$orderby", "number")]);
    let prefer = "respond-async, odata.maxpagesize=4";
    let pages = walk(&server, by_number.clone(), Some(prefer)).await;
    assert_eq!(pages, ["N1 N2 O1 O2", "S1 Z1"]);
    let companies = "/v1.0/financials/companies".to_owned();
    let invoices = format!("{}/salesInvoices", server.company_path());
    for path in [&by_number, &companies, &invoices] {
        for (prefer, applied) in [
            ("odata.maxpagesize=4", Some("odata.maxpagesize=4")),
            ("maxpagesize=4", Some("odata.maxpagesize=4")),
            ("odata.maxpagesize=0", None),
            ("odata.maxpagesize=many", None),
            ("odata.maxpagesize=5000", None),
            ("return=minimal", None),
        ] {
            let request = server.request("GET", path).header("Prefer", prefer);
            let answer = request.send().await.expect(200);
            assert_eq!(
                answer.header("preference-applied"),
                applied,
                "{path} {prefer}"
            );
        }
    }
    let smaller = format!("{by_number}&$top=2");
    let request = server
        .request("GET", &smaller)
        .header("Prefer", "odata.maxpagesize=4");
    let answer = request.send().await.expect(200);
    assert_eq!(answer.header("preference-applied"), None);
    assert_eq!(numbers_of(&answer.json()), ["N1", "N2"]);
}

/// The link to a second page, and the token in it.
async fn second(server: &TestServer, path: &str, options: &[(&str, &str)]) -> (String, String) {
    let page = json_of(server.request("GET", &with(path, options))).await;
    let link = page["@odata.nextLink"].as_str().unwrap().to_owned();
    let (_, token) = link.split_once("$skiptoken=").unwrap();
    (link.clone(), token.to_owned())
}

#[tokio::test]
async fn tokens_belong_to_a_list_and_its_options() {
    let server = server().await;
    let path = customers(&server);
    let options = [("$top", "2"), ("$orderby", "number")];
    let (link, token) = second(&server, &path, &options).await;
    server.request("GET", &link).send().await.expect(200);
    // The size of pages and whether to count may change.
    let other = link.replace("$top=2", "$top=3&$count=true");
    assert_eq!(
        numbers_of(&json_of(server.request("GET", &other)).await),
        ["O1", "O2", "S1"]
    );
    let token = ("$skiptoken", &*token);
    let by_number = ("$orderby", "number");
    for foreign in [
        vec![token],
        vec![token, ("$orderby", "number desc")],
        vec![token, by_number, ("$filter", "taxLiable")],
        vec![token, by_number, ("$search", "nord")],
        vec![token, by_number, ("$select", "id")],
        vec![("$skiptoken", &token.1[1..]), by_number],
        vec![("$skiptoken", &token.1[..token.1.len() - 1]), by_number],
    ] {
        refused(&server, &with(&path, &foreign), &server.token()).await;
    }
    let invoices = format!("{}/salesInvoices", server.company_path());
    refused(
        &server,
        &with(&invoices, &[token, by_number]),
        &server.token(),
    )
    .await;
}

async fn refused(server: &TestServer, path: &str, token: &str) {
    let request = server.anonymous("GET", path);
    let request = request.header("Authorization", &format!("Bearer {token}"));
    let answer = request.send().await.expect(400);
    assert_eq!(answer.targets(), ["$skiptoken"], "{path}");
    let message = answer.json()["error"]["details"][0]["message"].clone();
    let expected =
        "must be taken from an `@odata.nextLink` of the same list, with the same options";
    assert_eq!(message, Value::from(expected));
}

#[tokio::test]
async fn tokens_of_another_store_are_refused() {
    // Databases are copied by the tests with their secret.
    let server = filled(TestServer::start_on(Engine::Sqlite).await).await;
    let other = TestServer::start_on(Engine::Sqlite).await;
    let options = [("$top", "2")];
    let (_, token) = second(&server, &customers(&server), &options).await;
    let path = with(&customers(&other), &[("$skiptoken", &token)]);
    refused(&other, &path, &other.token()).await;
}

#[tokio::test]
async fn tokens_of_another_tenant_are_refused() {
    let server = server().await;
    let (link, _) = second(&server, &customers(&server), &[("$top", "2")]).await;
    let tenant = Some(Uuid::from_u128(7));
    let token = server.token_for(tenant, &[debitor_tests::server::READ]);
    // The token is looked at first: whether the company exists is not told.
    refused(&server, &link, &token).await;
}

#[tokio::test]
async fn links_outlive_the_server_and_what_they_start_behind() {
    let mut server = server().await;
    let path = customers(&server);
    let options = [("$top", "2"), ("$orderby", "number")];
    let (link, _) = second(&server, &path, &options).await;
    let last = with(&path, &[("$filter", "number eq 'N2'")]);
    let last = json_of(server.request("GET", &last)).await;
    let last = format!("{path}/{}", last["value"][0]["id"].as_str().unwrap());
    let request = server.request("DELETE", &last).header("If-Match", "*");
    request.send().await.expect(204);
    let page = json_of(server.request("GET", &link)).await;
    assert_eq!(numbers_of(&page), ["O1", "O2"]);
    let next = page["@odata.nextLink"].as_str().unwrap().to_owned();
    server.kill();
    server.start_again();
    assert_eq!(
        numbers_of(&json_of(server.request("GET", &next)).await),
        ["S1", "Z1"]
    );
}

/// Options of the longest kind make links that can be followed.
#[tokio::test]
async fn the_longest_links_can_be_followed() {
    let server = TestServer::start().await;
    let name = "\u{10FFFF}".repeat(100);
    let text = "\u{10FFFF}".repeat(80);
    for number in ["A", "B"] {
        let city = "\u{10FFFF}".repeat(30);
        let body = json!({"displayName": name, "number": number, "website": text,
                          "address": {"street": text, "city": city}});
        let request = server.request("POST", &customers(&server)).json(&body);
        request.send().await.expect(201);
    }
    let any = format!("displayName ne '{}'", "ä".repeat(2000));
    let search = format!("\"{}\" OR a OR b", "ä".repeat(490));
    let options = [
        ("$filter", &*any),
        ("$search", &*search),
        (
            "$orderby",
            "displayName,website,address/street,address/city,number",
        ),
        ("$top", "1"),
    ];
    let pages = walk(&server, with(&customers(&server), &options), None).await;
    assert_eq!(pages, ["A", "B"]);
}
