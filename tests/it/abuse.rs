//! What no honest client sends, byte by byte, past the proxy, which would send on only what is whole.
//!
//! Every case has its statuses; none of them is 500, none makes the server large or stops it, and of what
//! would create a customer nothing is stored.

mod corpus;

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use debitor_tests::{TestServer, tried};
use serde_json::Value;

use corpus::Abuse;

/// How long an answer may take: the server's own limits are longer.
const SOON: Duration = Duration::from_secs(5);
/// How much the server may grow by the whole corpus, in KiB. The largest body that it takes is 1 MiB.
const GROWTH: u64 = 32 * 1024;
/// What an answer has at most, whatever was sent, in bytes.
const ANSWER: usize = 64 * 1024;

/// The status and all that came, up to the end of the connection; no status if there was no answer.
fn send(address: &str, abuse: &Abuse) -> (u16, Vec<u8>) {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(SOON)).unwrap();
    stream.set_write_timeout(Some(SOON)).unwrap();
    // Who is refused early may be cut off while it still sends.
    let _ = stream.write_all(&abuse.bytes);
    if abuse.statuses.contains(&0) {
        // Of what has no end, nothing more comes. An honest client would wait for its answer.
        let _ = stream.shutdown(Shutdown::Write);
    }
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    let line = answer.strip_prefix(b"HTTP/1.1 ");
    let digits = line.and_then(|rest| std::str::from_utf8(rest.get(..3)?).ok());
    let status = digits.and_then(|digits| digits.parse().ok());
    (status.unwrap_or(0), answer)
}

/// Looks at an answer to which it does not matter what was wrong.
fn check(abuse: &Abuse, status: u16, answer: &[u8]) -> Result<(), String> {
    let text = String::from_utf8_lossy(answer);
    if !abuse.statuses.contains(&status) {
        return Err(format!("{status}, not {:?}: {text:.300}", abuse.statuses));
    }
    if answer.len() > ANSWER {
        return Err(format!("an answer of {} bytes", answer.len()));
    }
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    let head_lower = head.to_ascii_lowercase();
    if head_lower.contains("\r\nx-injected") || text.contains("//evil.example") {
        return Err(format!("what was sent comes back: {text:.300}"));
    }
    if text.matches("HTTP/1.1 ").count() > 1 {
        return Err(format!("more than one answer: {text}"));
    }
    if (400..).contains(&status) && head.contains("request-id: ") {
        let body: Value = serde_json::from_str(body).map_err(|error| format!("{error}: {text}"))?;
        let error = &body["error"];
        if !error["code"].is_string() || !error["innerError"]["request-id"].is_string() {
            return Err(format!("no error body: {text}"));
        }
    }
    Ok(())
}

/// The most memory that the process ever had, in KiB.
fn peak(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let size = line.and_then(|line| line.trim().strip_suffix(" kB"));
    size.unwrap().trim().parse().unwrap()
}

#[tokio::test]
async fn abuse_is_refused_and_leaves_nothing() {
    let server = TestServer::start().await;
    let base = server.ready()["baseUrl"].as_str().unwrap();
    let address = base.strip_prefix("http://").unwrap();
    let address = address.strip_suffix("/v1.0").unwrap();
    let corpus = corpus::all(&server);
    assert!(corpus.len() >= 150, "{} cases", corpus.len());
    let before = peak(server.process_id());
    let (mut faults, mut tried) = (Vec::new(), BTreeMap::<&str, BTreeMap<u16, usize>>::new());
    for abuse in &corpus {
        let (status, answer) = send(address, abuse);
        if let Err(fault) = check(abuse, status, &answer) {
            faults.push(format!("{}, {}: {fault}", abuse.group, abuse.name));
        }
        *tried
            .entry(abuse.group)
            .or_default()
            .entry(status)
            .or_default() += 1;
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    let count = format!("{}/customers/$count", server.company_path());
    let count = server.request("GET", &count).send().await.expect(200);
    assert_eq!(count.body, "0", "something was created");
    let growth = peak(server.process_id()).saturating_sub(before);
    assert!(growth < GROWTH, "the server grew by {growth} KiB");
    let mut rows: Vec<_> = tried
        .iter()
        .map(|(group, statuses)| (*group, told(statuses)))
        .collect();
    rows.push(("memory", format!("{growth} KiB more at the most")));
    tried::tell("abuse", &rows);
}

/// How often each status was answered; nothing was answered to 0.
fn told(statuses: &BTreeMap<u16, usize>) -> String {
    let told = statuses
        .iter()
        .map(|(status, count)| format!("{count} x {status}"));
    told.collect::<Vec<_>>().join(", ")
}
