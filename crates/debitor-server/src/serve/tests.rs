//! Slow clients, full houses and the orderly end, through sockets.

use std::net::SocketAddr;

use axum::Router;
use axum::routing::get;
use chrono::DateTime;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::{Notify, oneshot};
use tokio::task::JoinHandle;

use super::*;
use crate::clock::FixedClock;
use crate::store;

/// A server with `/slow`, which answers when it is told to.
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
        .route("/fast", get("fast"));
    let router = router.merge(crate::health::router(readiness.clone()));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel();
    let ending = async {
        drop(stopped.await);
        Ending::Told
    };
    let server = tokio::spawn(serve(listener, router, limits, readiness.clone(), ending));
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
async fn a_client_that_stalls_in_its_headers_is_let_go() {
    let world = world(Limits {
        headers: Duration::from_millis(50),
        ..Limits::new(10)
    })
    .await;
    for start in ["", "G", "GET /fast HTTP/1.1\r\nhost: x\r\na"] {
        let answer = rest(world.send(start).await).await;
        assert!(!answer.contains("200"), "{start:?}: {answer}");
    }
}

/// A connection after its first answer.
async fn answered(world: &World) -> TcpStream {
    let mut stream = world.send("GET /fast HTTP/1.1\r\nhost: x\r\n\r\n").await;
    read_answer(&mut stream).await;
    stream
}

async fn read_answer(stream: &mut TcpStream) {
    let mut answer = Vec::new();
    while !answer.ends_with(b"fast") {
        assert_ne!(stream.read_buf(&mut answer).await.unwrap(), 0);
    }
}

#[tokio::test]
async fn a_connection_may_be_idle_for_longer_than_headers_may_take() {
    let headers = Duration::from_millis(50);
    let world = world(Limits {
        headers,
        ..Limits::new(10)
    })
    .await;
    let mut stream = answered(&world).await;
    let closed = tokio::time::timeout(4 * headers, stream.read_u8()).await;
    assert!(closed.is_err(), "{closed:?}");
    stream
        .write_all(b"GET /fast HTTP/1.1\r\nhost: x\r\n\r\n")
        .await
        .unwrap();
    read_answer(&mut stream).await;
    // Once it has begun, the next request has no longer than any other.
    stream.write_all(b"GET /fast").await.unwrap();
    assert!(!rest(stream).await.contains("200"));
}

#[tokio::test]
async fn a_connection_that_is_idle_for_too_long_is_closed() {
    let world = world(Limits {
        headers: Duration::from_mins(1),
        idle: Duration::from_millis(50),
        ..Limits::new(10)
    })
    .await;
    assert_eq!(rest(answered(&world).await).await, "");
}

#[tokio::test]
async fn headers_have_limits() {
    let world = world(Limits::new(10)).await;
    let with = |headers: &str| format!("GET /fast HTTP/1.1\r\n{headers}connection: close\r\n\r\n");
    let many = |count: usize| with(&"a: b\r\n".repeat(count));
    check_status(&rest(world.send(&many(63)).await).await, "200");
    check_status(&rest(world.send(&many(64)).await).await, "431");
    let long = |length: usize| with(&format!("a: {}\r\n", "x".repeat(length)));
    check_status(&rest(world.send(&long(31 * 1024)).await).await, "200");
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
async fn it_is_ready_until_it_is_told_to_stop() {
    let world = world(Limits::new(10)).await;
    check_status(&world.get("/livez").await, "200");
    check_status(&world.get("/readyz").await, "200");
    world.readiness.stop();
    check_status(&world.get("/livez").await, "200");
    check_status(&world.get("/readyz").await, "503");
}
