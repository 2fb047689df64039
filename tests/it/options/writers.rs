//! Walking through a list that changes meanwhile.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use debitor_tests::TestServer;
use serde_json::json;

use super::{customers, json_of, with};

/// Customers who are there all the time.
const STAYING: usize = 60;
const WRITERS: usize = 8;
const WALKS: usize = 3;

/// Creates, changes and deletes customers of its own until it is told to stop; their names are spread
/// over the whole order. How many there were.
async fn write(server: Arc<TestServer>, writer: usize, stop: Arc<AtomicBool>) -> usize {
    let path = customers(&server);
    let mut written = 0;
    while !stop.load(Ordering::Relaxed) {
        let name = |n: usize| format!("{:03} passing", (n * 37 + writer * 11) % 1000);
        let body = json!({"displayName": name(written), "address": {"city": "Here"}});
        let created = server.request("POST", &path).json(&body).send().await;
        let created = created.expect(201).json();
        let own = format!("{path}/{}", created["id"].as_str().unwrap());
        let change = json!({"displayName": name(written + 500)});
        let request = server.request("PATCH", &own).header("If-Match", "*");
        request.json(&change).send().await.expect(200);
        let request = server.request("DELETE", &own).header("If-Match", "*");
        request.send().await.expect(204);
        written += 1;
    }
    written
}

/// How often each customer who stays was seen on the way through the list.
async fn walk(server: &TestServer, options: &[(&str, &str)]) -> BTreeMap<String, usize> {
    let mut next = Some(with(&customers(server), options));
    let mut seen = BTreeMap::new();
    while let Some(address) = next {
        let page = json_of(server.request("GET", &address)).await;
        for customer in page["value"].as_array().unwrap() {
            let name = customer["displayName"].as_str().unwrap();
            if name.ends_with("staying") {
                *seen.entry(name.to_owned()).or_default() += 1;
            }
        }
        next = page["@odata.nextLink"].as_str().map(str::to_owned);
    }
    seen
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn whoever_is_there_all_the_time_is_seen_once() {
    let server = Arc::new(TestServer::start().await);
    for n in 0..STAYING {
        let name = format!("{:03} staying", n * 16);
        let body = json!({"displayName": name, "address": {"city": "Here"}});
        let request = server.request("POST", &customers(&server)).json(&body);
        request.send().await.expect(201);
    }
    let stop = Arc::new(AtomicBool::new(false));
    let writers: Vec<_> = (0..WRITERS)
        .map(|writer| tokio::spawn(write(Arc::clone(&server), writer, Arc::clone(&stop))))
        .collect();
    for options in [
        vec![("$top", "7")],
        vec![("$top", "7"), ("$orderby", "displayName")],
        vec![("$top", "7"), ("$orderby", "displayName desc")],
        vec![("$top", "7"), ("$orderby", "number")],
        vec![("$top", "7"), ("$search", "here")],
        vec![
            ("$top", "7"),
            ("$filter", "address/city eq 'here'"),
            ("$orderby", "address/city,displayName"),
        ],
    ] {
        for _ in 0..WALKS {
            let seen = walk(&server, &options).await;
            assert_eq!(seen.len(), STAYING, "{options:?} missed some");
            assert!(
                seen.values().all(|times| *times == 1),
                "{options:?}: {seen:?}"
            );
        }
    }
    stop.store(true, Ordering::Relaxed);
    for writer in writers {
        assert!(writer.await.unwrap() > 0);
    }
}
