//! Connections that speak HTTP/2, with good intentions and with bad ones.

use axum::http::Request;
use bytes::Bytes;
use h2::client::{self, SendRequest};
use tokio::io::AsyncWriteExt;

use super::secure::{Secure, secure};
use super::*;

/// As much as any of this may take.
const SOON: Duration = Duration::from_secs(20);

/// A client, and how its connection ends.
struct Client {
    requests: SendRequest<Bytes>,
    end: JoinHandle<Result<(), h2::Error>>,
}

async fn client(server: &Secure, builder: &client::Builder) -> Client {
    let stream = server.connect(&["h2"]).await;
    let (requests, connection) = builder.handshake(stream).await.unwrap();
    Client {
        requests,
        end: tokio::spawn(connection),
    }
}

impl Client {
    fn send(&mut self, path: &str) -> client::ResponseFuture {
        let request = Request::get(format!("https://localhost{path}")).body(());
        let (answer, _) = self.requests.send_request(request.unwrap(), true).unwrap();
        answer
    }

    async fn get(&mut self, path: &str) -> String {
        text(self.send(path)).await
    }
}

async fn text(answer: client::ResponseFuture) -> String {
    let mut body = answer.await.unwrap().into_body();
    let mut text = Vec::new();
    while let Some(data) = body.data().await {
        let data = data.unwrap();
        body.flow_control().release_capacity(data.len()).unwrap();
        text.extend_from_slice(&data);
    }
    String::from_utf8(text).unwrap()
}

/// How the connection ends, as it must soon.
async fn ended(end: JoinHandle<Result<(), h2::Error>>) -> Result<(), h2::Error> {
    tokio::time::timeout(SOON, end).await.unwrap().unwrap()
}

#[tokio::test]
async fn requests_share_a_connection() {
    let server = secure(Limits::new(1)).await;
    let mut client = client(&server, &client::Builder::new()).await;
    let slow = client.send("/slow");
    server.world.entered.notified().await;
    assert_eq!(client.get("/fast").await, "fast");
    assert_eq!(client.get("/peer").await, "127.0.0.1");
    assert_eq!(client.get("/large").await.len(), LARGE);
    server.world.release.notify_one();
    assert_eq!(text(slow).await, "slow");
}

#[tokio::test]
async fn requests_under_way_are_answered_before_it_stops() {
    let server = secure(Limits::new(10)).await;
    let mut client = client(&server, &client::Builder::new()).await;
    let slow = client.send("/slow");
    server.world.entered.notified().await;
    server.world.stop.send(()).unwrap();
    while TcpStream::connect(server.world.address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    // The client's own library says so once GOAWAY has come.
    let gone = async {
        while client.requests.clone().ready().await.is_ok() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(SOON, gone).await.unwrap();
    server.world.release.notify_one();
    assert_eq!(text(slow).await, "slow");
    ended(client.end).await.unwrap();
    server.world.server.await.unwrap();
}

#[tokio::test]
async fn a_connection_that_is_idle_for_too_long_is_ended_in_order() {
    let server = secure(Limits {
        idle: Duration::from_millis(50),
        ..Limits::new(10)
    })
    .await;
    let mut client = client(&server, &client::Builder::new()).await;
    assert_eq!(client.get("/fast").await, "fast");
    let end = client.end;
    // Without an error: the client was told by GOAWAY.
    ended(end).await.unwrap();
}

#[tokio::test]
async fn a_connection_without_a_request_is_cut() {
    let server = secure(Limits {
        headers: Duration::from_millis(50),
        ..Limits::new(10)
    })
    .await;
    for start in ["", "PRI * HTTP/2.0\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"] {
        let mut stream = server.connect(&["h2"]).await;
        stream.write_all(start.as_bytes()).await.unwrap();
        check_closed(&mut stream).await;
    }
}

async fn check_closed(stream: &mut (impl AsyncReadExt + Unpin)) -> Vec<u8> {
    let mut rest = Vec::new();
    let read = stream.read_to_end(&mut rest);
    drop(tokio::time::timeout(SOON, read).await.unwrap());
    rest
}

#[tokio::test]
async fn a_client_that_opens_no_window_is_cut() {
    let server = secure(Limits {
        write: Duration::from_millis(50),
        ..Limits::new(1)
    })
    .await;
    let mut closed = client::Builder::new();
    closed.initial_window_size(10);
    let mut client = client(&server, &closed).await;
    let answer = client.send("/large").await.unwrap();
    assert_eq!(answer.status(), 200);
    assert!(ended(client.end).await.is_err());
}

#[tokio::test]
async fn a_body_that_stalls_is_refused() {
    let server = secure(Limits {
        body: Duration::from_millis(50),
        ..Limits::new(10)
    })
    .await;
    let mut client = client(&server, &client::Builder::new()).await;
    let request = Request::post("https://localhost/length").body(()).unwrap();
    let (answer, mut body) = client.requests.send_request(request, false).unwrap();
    body.send_data("12345".into(), false).unwrap();
    assert_eq!(answer.await.unwrap().status(), 400);
    // The others of the connection go on.
    assert_eq!(client.get("/fast").await, "fast");
}

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00";
const ENHANCE_YOUR_CALM: &[u8] = &[0, 0, 0, 0x0b];

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let mut frame = length[1..].to_vec();
    frame.extend([kind, flags]);
    frame.extend(stream.to_be_bytes());
    frame.extend(payload);
    frame
}

/// `GET https://localhost/slow`, as HPACK's static table has it.
fn get_slow() -> Vec<u8> {
    let mut block = vec![0x82, 0x87, 0x04, 5];
    block.extend(b"/slow");
    block.extend([0x01, 9]);
    block.extend(b"localhost");
    block
}

const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const GOAWAY: u8 = 7;
const CONTINUATION: u8 = 9;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

/// Sends frames until nobody takes them; the server must say why and go on for others.
async fn check_calmed(mut frames: impl FnMut(u32) -> Vec<u8>) {
    let server = secure(Limits::new(10)).await;
    let stream = server.connect(&["h2"]).await;
    let (mut read, mut write) = tokio::io::split(stream);
    let flood = tokio::spawn({
        let all: Vec<u8> = (0..20_000)
            .flat_map(|number| frames(2 * number + 1))
            .collect();
        async move {
            write.write_all(PREFACE).await.unwrap();
            // It may be cut in the middle.
            drop(write.write_all(&all).await);
        }
    });
    let told = check_closed(&mut read).await;
    let calmed = told
        .windows(17)
        .any(|frame| frame[..4] == [0, 0, frame[2], GOAWAY] && &frame[13..] == ENHANCE_YOUR_CALM);
    assert!(calmed, "{told:?}");
    flood.abort();
    let mut honest = client(&server, &client::Builder::new()).await;
    assert_eq!(honest.get("/fast").await, "fast");
}

#[tokio::test]
async fn requests_that_are_taken_back_at_once_are_too_many_soon() {
    check_calmed(|stream| {
        let request = frame(HEADERS, END_STREAM | END_HEADERS, stream, &get_slow());
        [request, frame(RST_STREAM, 0, stream, &[0, 0, 0, 8])].concat()
    })
    .await;
}

#[tokio::test]
async fn headers_that_never_end_are_too_long_soon() {
    check_calmed(|stream| match stream {
        1 => frame(HEADERS, END_STREAM, 1, &get_slow()),
        // A header `a: b` that is not kept.
        _ => frame(CONTINUATION, 0, 1, &[0x00, 1, b'a', 1, b'b'].repeat(200)),
    })
    .await;
}
