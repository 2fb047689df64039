//! What counts of the headers that proxies send, and that others make up.

use axum::body::Body;
use axum::http::HeaderName;

use super::*;

/// The proxies are 10.0.0.0/8 and `::1`; each case comes from the peer that it names.
fn request(peer: Option<&str>, headers: &[(&str, &str)]) -> Request {
    let mut request = Request::new(Body::empty());
    if let Some(peer) = peer {
        request.extensions_mut().insert(Peer(peer.parse().unwrap()));
    }
    for (name, value) in headers {
        let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
        let value = HeaderValue::from_bytes(value.as_bytes()).unwrap();
        request.headers_mut().append(name, value);
    }
    request
}

fn proxies() -> Proxies {
    Proxies::new(
        ["10.0.0.0/8", "::1/128"]
            .map(|net| net.parse().unwrap())
            .into(),
    )
}

#[test]
fn the_client_is_the_last_that_is_no_proxy() {
    let check = |lines: &[&str], expected: &str| {
        let headers: Vec<_> = lines
            .iter()
            .map(|line| ("x-forwarded-for", *line))
            .collect();
        let request = request(Some("10.0.0.1"), &headers);
        let proxies = proxies();
        let client = proxies.word(&request).unwrap().client();
        assert_eq!(client.to_string(), expected, "{lines:?}");
    };
    check(&["192.0.2.1"], "192.0.2.1");
    check(&["203.0.113.9, 192.0.2.1"], "192.0.2.1");
    check(&["203.0.113.9, 192.0.2.1, 10.0.0.2"], "192.0.2.1");
    check(&["203.0.113.9", "192.0.2.1", "10.0.0.2, ::1"], "192.0.2.1");
    check(&["192.0.2.1,10.0.0.2 ,\t10.0.0.3"], "192.0.2.1");
    check(&["nonsense, 192.0.2.1"], "192.0.2.1");
    check(&["192.0.2.1:4711"], "192.0.2.1");
    check(&["2001:db8::1"], "2001:db8::1");
    check(&["[2001:db8::1]"], "2001:db8::1");
    check(&["[2001:db8::1]:443"], "2001:db8::1");
    check(&["::ffff:192.0.2.1"], "192.0.2.1");
    check(&["192.0.2.1, ::ffff:10.0.0.2"], "192.0.2.1");
    // It is the proxy itself if nobody else is named, or not properly.
    check(&[], "10.0.0.1");
    check(&[""], "10.0.0.1");
    check(&["10.0.0.2"], "10.0.0.1");
    check(&["10.0.0.3, 10.0.0.2"], "10.0.0.1");
    check(&["192.0.2.1,"], "10.0.0.1");
    check(&["192.0.2.1", ""], "10.0.0.1");
    check(&["192.0.2.1, unknown"], "10.0.0.1");
    check(&["192.0.2.1, _hidden, 10.0.0.2"], "10.0.0.1");
    check(&["192.0.2.1", "\u{e9}"], "10.0.0.1");
    for wrong in [
        "192.0.2",
        "192.0.2.256",
        "0300.0.2.1",
        "192.0.2.1/32",
        "192.0.2.1 10.0.0.2",
        "\"192.0.2.1\"",
        "for=192.0.2.1",
        "[192.0.2.1]",
        "2001:db8::1]:443",
        "localhost",
        "192.0.2.1:",
        "3221225985",
    ] {
        check(&[wrong], "10.0.0.1");
    }
}

#[test]
fn the_last_scheme_and_host_count() {
    let check = |name: &str, lines: &[&str], expected: (Option<&str>, Option<&str>)| {
        let headers: Vec<_> = lines.iter().map(|line| (name, *line)).collect();
        let request = request(Some("::1"), &headers);
        let proxies = proxies();
        let word = proxies.word(&request).unwrap();
        assert_eq!((word.scheme(), word.host()), expected, "{lines:?}");
    };
    let scheme = |lines: &[&str], expected| check("x-forwarded-proto", lines, (expected, None));
    scheme(&["https"], Some("https://"));
    scheme(&["HTTP"], Some("http://"));
    scheme(&["http, https"], Some("https://"));
    scheme(&["https", "http"], Some("http://"));
    for wrong in [
        "",
        "ftp",
        "https://",
        "https,",
        "javascript",
        "https://evil.example/",
    ] {
        scheme(&[wrong], None);
    }
    let host = |lines: &[&str], expected| check("x-forwarded-host", lines, (None, expected));
    host(&["a.example"], Some("a.example"));
    host(&["evil.example, a.example:8443"], Some("a.example:8443"));
    host(&["evil.example", "a.example"], Some("a.example"));
    for wrong in [
        "",
        "a.example/evil",
        "user@a.example",
        "a b",
        "a.example,",
        "\u{e9}",
    ] {
        host(&[wrong], None);
    }
}

#[test]
fn nobody_else_has_a_word() {
    let headers = [
        ("x-forwarded-for", "192.0.2.1"),
        ("x-forwarded-host", "evil.example"),
    ];
    for peer in [
        None,
        Some("192.0.2.7"),
        Some("11.0.0.1"),
        Some("::2"),
        Some("127.0.0.1"),
    ] {
        assert!(
            proxies().word(&request(peer, &headers)).is_none(),
            "{peer:?}"
        );
    }
    let from_proxy = request(Some("10.0.0.1"), &headers);
    assert!(Proxies::default().word(&from_proxy).is_none());
}
