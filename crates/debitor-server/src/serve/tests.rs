//! Full houses and the orderly end, through sockets.

mod http2;
mod secure;
mod slow;

use std::net::{IpAddr, SocketAddr};

use axum::routing::{get, post};
use axum::{Extension, Router};
use bytes::Bytes;
use chrono::DateTime;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::{Notify, oneshot};
use tokio::task::JoinHandle;

use super::*;
use crate::clock::FixedClock;
use crate::store;

/// More than the system keeps for a client that does not read.
const LARGE: usize = 16 * 1024 * 1024;

/// A server with `/slow`, which answers when it is told to, and others.
struct World {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    entered: Arc<Notify>,
    release: Arc<Notify>,
    readiness: Readiness,
    server: JoinHandle<Ending>,
    _data: tempfile::TempDir,
}

async fn world(limits: Limits) -> World {
    world_with(limits, None).await
}

async fn world_with(limits: Limits, tls: Option<Arc<Tls>>) -> World {
    let data = tempfile::tempdir().unwrap();
    let clock = Arc::new(FixedClock::at(DateTime::UNIX_EPOCH));
    let store = store::connect(
        &format!("sqlite:{}", data.path().display()),
        store::Options::default(),
        clock,
    )
    .await
    .unwrap();
    let readiness = Readiness::new(store);
    let (entered, release) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (enter, released) = (entered.clone(), release.clone());
    let slow = get(async move || {
        enter.notify_one();
        released.notified().await;
        "slow"
    });
    let router = Router::new()
        .route("/slow", slow)
        .route("/fast", get("fast"))
        .route(
            "/peer",
            get(async |Extension(Peer(address))| IpAddr::to_string(&address)),
        )
        .route("/large", get(async || vec![b'x'; LARGE]))
        .route("/length", post(async |body: Bytes| body.len().to_string()));
    let router = router.merge(crate::health::router(readiness.clone()));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel();
    let ending = async {
        drop(stopped.await);
        Ending::Told
    };
    let entrance = Entrance { listener, tls };
    let server = tokio::spawn(serve(entrance, router, limits, readiness.clone(), ending));
    World {
        address,
        stop,
        entered,
        release,
        readiness,
        server,
        _data: data,
    }
}

impl World {
    async fn send(&self, text: &str) -> TcpStream {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(text.as_bytes()).await.unwrap();
        stream
    }

    async fn get(&self, path: &str) -> String {
        let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
        rest(self.send(&request).await).await
    }
}

/// All that the server still sends; a connection that is cut may end in an error.
async fn rest(mut stream: TcpStream) -> String {
    let mut text = Vec::new();
    let read = stream.read_to_end(&mut text);
    drop(
        tokio::time::timeout(Duration::from_secs(30), read)
            .await
            .unwrap(),
    );
    String::from_utf8(text).unwrap()
}

fn check_status(answer: &str, status: &str) {
    assert!(
        answer.starts_with(&format!("HTTP/1.1 {status}")),
        "{answer}"
    );
}

#[tokio::test]
async fn requests_under_way_are_answered_before_it_stops() {
    let world = world(Limits::new(10)).await;
    let request = world.send("GET /slow HTTP/1.1\r\nhost: x\r\n\r\n").await;
    world.entered.notified().await;
    world.stop.send(()).unwrap();
    while TcpStream::connect(world.address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    assert!(!world.server.is_finished());
    world.release.notify_one();
    assert!(rest(request).await.ends_with("slow"));
    world.server.await.unwrap();
}

#[tokio::test]
async fn a_request_says_where_it_comes_from() {
    let world = world(Limits::new(10)).await;
    assert!(world.get("/peer").await.ends_with("127.0.0.1"));
}

#[tokio::test]
async fn an_idle_connection_does_not_keep_it_from_stopping() {
    let world = world(Limits::new(10)).await;
    let mut idle = world.send("GET /fast HTTP/1.1\r\nhost: x\r\n\r\n").await;
    let mut answer = [0; 256];
    assert_ne!(idle.read(&mut answer).await.unwrap(), 0);
    world.stop.send(()).unwrap();
    tokio::time::timeout(Duration::from_secs(5), world.server)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(rest(idle).await, "");
}

#[tokio::test]
async fn it_says_that_it_will_stop_before_it_does() {
    let mut world = world(Limits {
        announce: Duration::from_millis(500),
        ..Limits::new(10)
    })
    .await;
    let told = std::time::Instant::now();
    let stop = std::mem::replace(&mut world.stop, oneshot::channel().0);
    stop.send(()).unwrap();
    while !world.get("/readyz").await.starts_with("HTTP/1.1 503") {}
    check_status(&world.get("/fast").await, "200");
    world.server.await.unwrap();
    assert!(told.elapsed() >= Duration::from_millis(500));
}

#[tokio::test]
async fn requests_that_never_end_are_cut() {
    let world = world(Limits {
        drain: Duration::from_millis(50),
        ..Limits::new(10)
    })
    .await;
    let _request = world.send("GET /slow HTTP/1.1\r\nhost: x\r\n\r\n").await;
    world.entered.notified().await;
    world.stop.send(()).unwrap();
    tokio::time::timeout(Duration::from_secs(5), world.server)
        .await
        .unwrap()
        .unwrap();
}

#[tokio::test]
async fn headers_have_limits_of_hyper_too() {
    let world = world(Limits::new(10)).await;
    let with = |headers: &str| format!("GET /fast HTTP/1.1\r\n{headers}connection: close\r\n\r\n");
    let many = |count: usize| with(&"a: b\r\n".repeat(count));
    check_status(&rest(world.send(&many(99)).await).await, "200");
    check_status(&rest(world.send(&many(100)).await).await, "431");
    let long = |length: usize| with(&format!("a: {}\r\n", "x".repeat(length)));
    check_status(&rest(world.send(&long(39 * 1024)).await).await, "200");
    // What one read takes is not cut in two, so that a little more can pass.
    check_status(&rest(world.send(&long(80 * 1024)).await).await, "431");
}

#[tokio::test]
async fn more_connections_than_allowed_wait() {
    let world = world(Limits::new(1)).await;
    let first = world
        .send("GET /slow HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
        .await;
    world.entered.notified().await;
    let second = world.get("/fast");
    let mut second = std::pin::pin!(second);
    let early = tokio::time::timeout(Duration::from_millis(50), &mut second).await;
    assert!(early.is_err(), "{early:?}");
    world.release.notify_one();
    assert!(rest(first).await.ends_with("slow"));
    check_status(&second.await, "200");
}

#[tokio::test]
async fn more_connections_of_an_address_than_allowed_are_closed() {
    let world = world(Limits {
        connections_per_address: Some(1),
        ..Limits::new(10)
    })
    .await;
    let first = world
        .send("GET /slow HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
        .await;
    world.entered.notified().await;
    assert_eq!(rest(world.send("").await).await, "");
    world.release.notify_one();
    assert!(rest(first).await.ends_with("slow"));
    // The server may notice a little later than its client that the connection has ended.
    while !world.get("/fast").await.ends_with("fast") {}
}

#[tokio::test]
async fn it_is_ready_until_it_is_told_to_stop() {
    let world = world(Limits::new(10)).await;
    check_status(&world.get("/livez").await, "200");
    check_status(&world.get("/readyz").await, "200");
    world.readiness.stop();
    check_status(&world.get("/livez").await, "200");
    check_status(&world.get("/readyz").await, "503");
}
