//! What was answered stays, whatever happens to the process.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use debitor_tests::TestServer;
use serde_json::json;

#[tokio::test]
async fn a_restart_keeps_everything() {
    let mut server = TestServer::start().await;
    let customers = format!("{}/customers", server.company_path());
    for n in 0..3 {
        let body = json!({"displayName": format!("Customer {n}")});
        server
            .request("POST", &customers)
            .json(&body)
            .send()
            .await
            .expect(201);
    }
    let before = server
        .request("GET", &customers)
        .send()
        .await
        .expect(200)
        .json();
    let demo = (server.company(), server.sales_invoice());
    assert_eq!(server.stop(), Some(0));
    server.start_again();
    assert_eq!((server.company(), server.sales_invoice()), demo);
    assert_eq!(
        server
            .request("GET", &customers)
            .send()
            .await
            .expect(200)
            .json(),
        before
    );
}

/// 200 creates, each on a connection of its own, are on their way when the process is killed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kill_during_200_creates_loses_none_that_was_answered() {
    let mut server = TestServer::start().await;
    let customers = format!("{}/customers", server.company_path());
    let answered = Arc::new(AtomicUsize::new(0));
    let mut clients = Vec::new();
    for client in 0..200 {
        let body = json!({"displayName": format!("Customer {client}")});
        let request = server.request("POST", &customers).json(&body);
        let answered = Arc::clone(&answered);
        clients.push(tokio::spawn(async move {
            let answer = request
                .try_send()
                .await
                .ok()
                .filter(|answer| answer.status == 201)?;
            answered.fetch_add(1, Ordering::SeqCst);
            Some(answer.json())
        }));
    }
    while answered.load(Ordering::SeqCst) < 10 {
        tokio::task::yield_now().await;
    }
    server.kill();
    let mut created = Vec::new();
    for client in clients {
        created.extend(client.await.unwrap());
    }
    server.start_again();
    assert!(
        created.len() < 200,
        "the kill came too late to mean anything"
    );
    for customer in &created {
        let path = format!("{customers}/{}", customer["id"].as_str().unwrap());
        let read = server.request("GET", &path).send().await.expect(200).json();
        assert_eq!(&read, customer);
    }
    let count = server
        .request("GET", &format!("{customers}/$count"))
        .send()
        .await
        .expect(200);
    let count: usize = String::from_utf8_lossy(&count.body).parse().unwrap();
    assert!(
        (created.len()..=200).contains(&count),
        "{count} of {}",
        created.len()
    );
}
