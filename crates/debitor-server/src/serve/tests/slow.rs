//! Clients that take their time with what they send, and with what they are sent.

use std::time::Instant;

use super::*;

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

/// Fails unless the server lets the only connection go that it has room for.
async fn check_let_go(world: &World) {
    let next = tokio::time::timeout(Duration::from_secs(20), world.get("/fast"));
    check_status(&next.await.unwrap(), "200");
}

#[tokio::test]
async fn a_client_that_takes_nothing_is_cut() {
    let world = world(Limits {
        write: Duration::from_millis(50),
        ..Limits::new(1)
    })
    .await;
    let never_reads = world.send("GET /large HTTP/1.1\r\nhost: x\r\n\r\n").await;
    check_let_go(&world).await;
    let answer = rest_of_bytes(never_reads).await;
    assert!(answer < LARGE, "{answer}");
}

#[tokio::test]
async fn a_client_that_takes_its_time_but_something_gets_all() {
    // The system lets the server write again only when much has been read.
    let write = Duration::from_millis(500);
    let world = world(Limits {
        write,
        ..Limits::new(1)
    })
    .await;
    let mut stream = world
        .send("GET /large HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
        .await;
    let (begun, mut read) = (Instant::now(), 0);
    let mut pace = tokio::time::interval(write / 50);
    let mut piece = vec![0; LARGE / 200];
    loop {
        pace.tick().await;
        match stream.read(&mut piece).await.unwrap() {
            0 => break,
            count => read += count,
        }
    }
    assert!(read > LARGE && begun.elapsed() > 2 * write);
}

async fn rest_of_bytes(mut stream: TcpStream) -> usize {
    let mut bytes = Vec::new();
    // A connection that is cut ends in an error.
    drop(stream.read_to_end(&mut bytes).await);
    bytes.len()
}

const POST: &str = "POST /length HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\n";

#[tokio::test]
async fn a_body_that_stalls_is_refused_and_its_connection_closed() {
    let world = world(Limits {
        body: Duration::from_millis(50),
        ..Limits::new(10)
    })
    .await;
    for part in ["", "123456789"] {
        let answer = rest(world.send(&format!("{POST}{part}")).await).await;
        check_status(&answer, "400");
    }
    let whole = world.send(&format!("{POST}1234567890")).await;
    read_until(whole, b"10").await;
}

#[tokio::test]
async fn a_body_that_never_ends_is_refused() {
    let request = Duration::from_millis(300);
    let world = world(Limits {
        body: Duration::from_secs(20),
        request,
        ..Limits::new(10)
    })
    .await;
    let chunked = "POST /length HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n";
    let (mut read, mut write) = world.send(chunked).await.into_split();
    let begun = Instant::now();
    let mut pace = tokio::time::interval(request / 20);
    let drip = async {
        // Until nobody takes it any more.
        while write.write_all(b"1\r\nx\r\n").await.is_ok() {
            pace.tick().await;
        }
    };
    let mut answer = Vec::new();
    tokio::select! {
        () = drip => {}
        _ = read.read_to_end(&mut answer) => {}
    }
    assert!(begun.elapsed() >= request);
    assert!(begun.elapsed() < Duration::from_secs(10));
}

async fn read_until(mut stream: TcpStream, end: &[u8]) {
    let mut answer = Vec::new();
    while !answer.ends_with(end) {
        assert_ne!(stream.read_buf(&mut answer).await.unwrap(), 0);
    }
}
