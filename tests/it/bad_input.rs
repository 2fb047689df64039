//! Bad input: each case is answered with the documented status and the targets of all its faults,
//! and nothing is stored.

use debitor_tests::TestServer;
use serde_json::{Value, json};

/// A body, and the targets of its faults.
#[expect(clippy::too_many_lines, reason = "a table")]
fn bodies() -> Vec<(Value, Vec<&'static str>)> {
    let long = |n: usize| "x".repeat(n);
    vec![
        (json!([]), vec![""]),
        (json!("text"), vec![""]),
        (json!(null), vec![""]),
        (json!({}), vec!["displayName"]),
        (json!({"displayName": null}), vec!["displayName"]),
        (json!({"displayName": ""}), vec!["displayName"]),
        (json!({"displayName": "   "}), vec!["displayName"]),
        (json!({"displayName": 1}), vec!["displayName"]),
        (json!({"displayName": long(101)}), vec!["displayName"]),
        (
            json!({"displayName": "A", "number": long(21)}),
            vec!["number"],
        ),
        (json!({"displayName": "A", "number": 7}), vec!["number"]),
        (json!({"displayName": "A", "id": "no-guid"}), vec!["id"]),
        (
            json!({"displayName": "A", "id": "3b2f52b952b93b2fb9522f3bb9522f3b"}),
            vec!["id"],
        ),
        (json!({"displayName": "A", "type": "Robot"}), vec!["type"]),
        (json!({"displayName": "A", "type": "company"}), vec!["type"]),
        (
            json!({"displayName": "A", "blocked": "Everything"}),
            vec!["blocked"],
        ),
        (
            json!({"displayName": "A", "blocked": false}),
            vec!["blocked"],
        ),
        (
            json!({"displayName": "A", "taxLiable": "true"}),
            vec!["taxLiable"],
        ),
        (
            json!({"displayName": "A", "taxLiable": 1}),
            vec!["taxLiable"],
        ),
        (
            json!({"displayName": "A", "phoneNumber": "call me"}),
            vec!["phoneNumber"],
        ),
        (
            json!({"displayName": "A", "phoneNumber": "1".repeat(31)}),
            vec!["phoneNumber"],
        ),
        (
            json!({"displayName": "A", "email": "nobody"}),
            vec!["email"],
        ),
        (
            json!({"displayName": "A", "email": "a@b; c"}),
            vec!["email"],
        ),
        (
            json!({"displayName": "A", "email": format!("a@{}", long(80))}),
            vec!["email"],
        ),
        (
            json!({"displayName": "A", "website": long(81)}),
            vec!["website"],
        ),
        (
            json!({"displayName": "A", "currencyCode": long(11)}),
            vec!["currencyCode"],
        ),
        (
            json!({"displayName": "A", "currencyId": ""}),
            vec!["currencyId"],
        ),
        (
            json!({"displayName": "A", "taxAreaId": 5}),
            vec!["taxAreaId"],
        ),
        (
            json!({"displayName": "A", "paymentTermsId": {}}),
            vec!["paymentTermsId"],
        ),
        (
            json!({"displayName": "A", "taxRegistrationNumber": long(21)}),
            vec!["taxRegistrationNumber"],
        ),
        (
            json!({"displayName": "A", "lastModifiedDateTime": "yesterday"}),
            vec!["lastModifiedDateTime"],
        ),
        (
            json!({"displayName": "A", "@odata.type": "#microsoft.graph.vendor"}),
            vec!["@odata.type"],
        ),
        (
            json!({"displayName": "A", "@odata.type": 1}),
            vec!["@odata.type"],
        ),
        (
            json!({"displayName": "A", "address": "Hamburg"}),
            vec!["address"],
        ),
        (json!({"displayName": "A", "address": []}), vec!["address"]),
        (
            json!({"displayName": "A", "address": {"city": 1}}),
            vec!["address/city"],
        ),
        (
            json!({"displayName": "A", "address": {"planet": "Mars"}}),
            vec!["address/planet"],
        ),
        (json!({"displayName": "A", "nonsense": 1}), vec!["nonsense"]),
        (
            json!({"DisplayName": "A"}),
            vec!["DisplayName", "displayName"],
        ),
        (json!({"displayName": "A\u{0}B"}), vec!["displayName"]),
        (
            json!({"displayName": long(101), "address": {"city": long(31), "x": 1}, "taxLiable": 0}),
            vec!["address/city", "address/x", "displayName", "taxLiable"],
        ),
    ]
}

#[tokio::test]
async fn bodies_that_do_not_fit_are_refused_with_every_target() {
    let server = TestServer::start().await;
    let cases = bodies();
    assert!(cases.len() >= 40);
    let invoice = format!(
        "{}/salesInvoices/{}",
        server.company_path(),
        server.sales_invoice()
    );
    for (body, targets) in cases {
        let request = server
            .request("POST", &format!("{invoice}/customer"))
            .json(&body);
        let answer = request.send().await.expect(400);
        let mut found = answer.targets();
        found.sort();
        assert_eq!(found, targets, "{body}: {}", answer.json());
        assert!(
            !answer.json()["error"]["message"]
                .as_str()
                .unwrap()
                .is_empty()
        );
    }
    nothing_is_stored(&server).await;
}

#[tokio::test]
async fn bytes_that_are_no_json_are_refused() {
    let server = TestServer::start().await;
    let deep = format!(
        "{{\"displayName\": {}{}}}",
        "[".repeat(200),
        "]".repeat(200)
    );
    let cases: Vec<(&str, Vec<u8>)> = vec![
        ("empty", Vec::new()),
        ("blank", b"  ".to_vec()),
        ("cut", b"{\"displayName\": \"A".to_vec()),
        ("two values", b"{\"displayName\": \"A\"} {}".to_vec()),
        ("trailing comma", b"{\"displayName\": \"A\",}".to_vec()),
        ("single quotes", b"{'displayName': 'A'}".to_vec()),
        ("invalid UTF-8", b"{\"displayName\": \"\xff\"}".to_vec()),
        ("lone surrogate", b"{\"displayName\": \"\\ud800\"}".to_vec()),
        (
            "byte order mark",
            b"\xef\xbb\xbf{\"displayName\": \"A\"}".to_vec(),
        ),
        ("number without end", b"{\"taxLiable\": 1e400}".to_vec()),
        ("NaN", b"{\"taxLiable\": NaN}".to_vec()),
        ("deep", deep.into_bytes()),
    ];
    let path = format!("{}/customers", server.company_path());
    for (name, body) in cases {
        let request = server.request("POST", &path).bytes(body);
        let answer = request
            .header("Content-Type", "application/json")
            .send()
            .await;
        assert_eq!(answer.status, 400, "{name}");
        assert!(
            !answer.json()["error"]["message"]
                .as_str()
                .unwrap()
                .is_empty(),
            "{name}"
        );
    }
    nothing_is_stored(&server).await;
}

#[tokio::test]
async fn duplicate_properties_are_named() {
    let server = TestServer::start().await;
    let path = format!("{}/customers", server.company_path());
    let body = r#"{"displayName": "A", "displayName": "B", "address": {"city": "C", "city": "D"}}"#;
    let request = server.request("POST", &path).bytes(body);
    let answer = request
        .header("Content-Type", "application/json")
        .send()
        .await
        .expect(400);
    let mut targets = answer.targets();
    targets.sort();
    assert_eq!(targets, ["address/city", "displayName"]);
    nothing_is_stored(&server).await;
}

#[tokio::test]
async fn parameters_that_do_not_fit_are_refused_with_every_target() {
    let server = TestServer::start().await;
    let customers = format!("{}/customers", server.company_path());
    for (query, targets) in [
        ("$top=0", vec!["$top"]),
        ("$top=1001", vec!["$top"]),
        ("$top=ten", vec!["$top"]),
        ("$top=", vec!["$top"]),
        ("$top=99999999999", vec!["$top"]),
        ("$top=1&$top=2", vec!["$top"]),
        ("$top=1&%24top=2", vec!["$top"]),
        ("$count=yes", vec!["$count"]),
        ("$skiptoken=%00", vec!["$skiptoken"]),
        ("$skiptoken=abc", vec!["$skiptoken"]),
        ("$select=nonsense", vec!["$select"]),
        ("$filter=number%20eq%201", vec!["$filter"]),
        ("$top=1&TOP=2", vec!["TOP"]),
        ("a=1", vec!["a"]),
        (
            "$top=0&$count=1&$expand=id",
            vec!["$count", "$expand", "$top"],
        ),
    ] {
        let answer = server
            .request("GET", &format!("{customers}?{query}"))
            .send()
            .await;
        let answer = answer.expect(400);
        let mut found = answer.targets();
        found.sort();
        assert_eq!(found, targets, "{query}: {}", answer.json());
    }
    let bad_guid = format!("{customers}/42?$nonsense=1");
    let answer = server
        .request("PATCH", &bad_guid)
        .json(&json!({"x": 1}))
        .send()
        .await
        .expect(400);
    let mut found = answer.targets();
    found.sort();
    assert_eq!(found, ["$nonsense", "If-Match", "customerId", "x"]);
}

#[tokio::test]
async fn media_types_are_looked_at_before_bodies() {
    let server = TestServer::start().await;
    let path = format!("{}/customers", server.company_path());
    let create = |content_type: &str| {
        let request = server
            .request("POST", &path)
            .bytes("{\"displayName\": \"A\"}");
        request.header("Content-Type", content_type)
    };
    for wrong in [
        "text/json",
        "application/xml",
        "application/merge-patch+json",
        "nonsense",
    ] {
        create(wrong).send().await.expect(415);
    }
    server
        .request("POST", &path)
        .bytes("{}")
        .send()
        .await
        .expect(415);
    let zipped = create("application/json").header("Content-Encoding", "gzip");
    zipped.send().await.expect(415);
    nothing_is_stored(&server).await;
    create("Application/JSON; charset=utf-8")
        .send()
        .await
        .expect(201);
}

async fn nothing_is_stored(server: &TestServer) {
    let count = format!("{}/customers/$count", server.company_path());
    let count = server.request("GET", &count).send().await.expect(200);
    assert_eq!(&count.body[..], b"0");
}
