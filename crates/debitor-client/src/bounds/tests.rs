//! What is below an address, and what only looks so.

use reqwest::Url;

use super::{Outside, check};

fn checked(base: &str, address: &str) -> Result<(), Outside> {
    let base = Url::parse(base).unwrap();
    check(&base, &base.join(address).unwrap())
}

#[test]
fn the_base_and_what_is_below_it_are_inside() {
    let check = |base, address| assert_eq!(checked(base, address), Ok(()), "{address}");
    for base in ["https://a.example/v1.0", "https://a.example/v1.0/"] {
        check(base, "https://a.example/v1.0");
        check(base, "https://a.example/v1.0/customers?$skiptoken=%2F..#x");
        check(base, "HTTPS://A.EXAMPLE:443/v1.0/x");
        check(base, "https://a.example/x/../v1.0/x");
    }
    check("http://127.0.0.1:8080", "/anything");
    check("http://[::1]:8080/v1.0", "http://[0:0::1]:8080/v1.0/x");
}

#[test]
fn everything_else_is_outside() {
    let check = |address, outside| {
        let checked = checked("https://a.example/v1.0", address);
        assert_eq!(checked, Err(outside), "{address}");
    };
    check("https://b.example/v1.0/x", Outside::Host);
    check("https://a.example.b.example/v1.0/x", Outside::Host);
    check("https://a.example@b.example/v1.0/x", Outside::Host);
    check(r"https://b.example\@a.example/v1.0/x", Outside::Host);
    check("//b.example/v1.0/x", Outside::Host);
    check(r"\\b.example\v1.0\x", Outside::Host);
    check("file:///v1.0/x", Outside::Host);
    check("http://a.example/v1.0/x", Outside::Scheme);
    check("http://a.example:443/v1.0/x", Outside::Scheme);
    check("https://a.example:8443/v1.0/x", Outside::Port);
    check("https://me@a.example/v1.0/x", Outside::User);
    check("https://:secret@a.example/v1.0/x", Outside::User);
    check("/", Outside::Path);
    check("/v1.00/x", Outside::Path);
    check("/v1.0/../x", Outside::Path);
    check("/v1.0/%2e%2E/x", Outside::Path);
    check("/v1.0/..%2fx", Outside::Path);
    check("/v1.0/..%5Cx", Outside::Path);
}
