//! What a real server makes of the headers that proxies send, and that anybody can make up. The test is
//! a proxy that the server trusts at 127.0.0.1, and anybody else at 127.0.0.2.

use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use debitor_tests::tried;

use crate::issued::Issued;

const COMPANIES: &str = "/v1.0/financials/companies";

/// What a test waits for at most.
const SOON: Duration = Duration::from_secs(20);

/// Who sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sends {
    Proxy,
    Anybody,
}

/// Whose bucket a failed authentication is counted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Counts {
    Sender,
    Client,
}
use Counts::{Client, Sender};
use Sends::{Anybody, Proxy};

/// The place of the request's own host in an expectation.
const OWN: &str = "http://HOST";
const FOR: &str = "x-forwarded-for";
const HOST: &str = "x-forwarded-host";
const PROTO: &str = "x-forwarded-proto";

type Case = (
    Sends,
    &'static [(&'static str, &'static str)],
    Counts,
    &'static str,
);

/// Who sends which headers, whom they count for, and what links begin with. CLIENT and FORGED are
/// addresses that no other case has.
const CASES: &[Case] = &[
    // Anybody can send all of them, to no effect.
    (Anybody, &[], Sender, OWN),
    (Anybody, &[(FOR, "FORGED")], Sender, OWN),
    (Anybody, &[(FOR, "FORGED, 10.0.0.1")], Sender, OWN),
    (Anybody, &[(FOR, "FORGED, 127.0.0.1")], Sender, OWN),
    (Anybody, &[(FOR, "127.0.0.1"), (FOR, "FORGED")], Sender, OWN),
    (Anybody, &[(HOST, "evil.example")], Sender, OWN),
    (Anybody, &[(PROTO, "https")], Sender, OWN),
    (
        Anybody,
        &[(FOR, "FORGED"), (HOST, "evil.example"), (PROTO, "https")],
        Sender,
        OWN,
    ),
    (
        Anybody,
        &[("forwarded", "for=FORGED;host=evil.example;proto=https")],
        Sender,
        OWN,
    ),
    (
        Anybody,
        &[("x-real-ip", "FORGED"), ("true-client-ip", "FORGED")],
        Sender,
        OWN,
    ),
    (
        Anybody,
        &[("x-client-ip", "FORGED"), ("cf-connecting-ip", "FORGED")],
        Sender,
        OWN,
    ),
    (
        Anybody,
        &[
            ("x-host", "evil.example"),
            ("x-forwarded-server", "evil.example"),
        ],
        Sender,
        OWN,
    ),
    (
        Anybody,
        &[("x-forwarded-prefix", "/evil"), ("x-original-url", "/evil")],
        Sender,
        OWN,
    ),
    (
        Anybody,
        &[("x-http-method-override", "DELETE")],
        Sender,
        OWN,
    ),
    // A proxy names its client last, behind what the client says.
    (Proxy, &[], Sender, OWN),
    (Proxy, &[(FOR, "CLIENT")], Client, OWN),
    (Proxy, &[(FOR, "FORGED, CLIENT")], Client, OWN),
    (Proxy, &[(FOR, "FORGED"), (FOR, "CLIENT")], Client, OWN),
    (Proxy, &[(FOR, "FORGED, nonsense, CLIENT")], Client, OWN),
    (Proxy, &[(FOR, "FORGED, 10.0.0.9, CLIENT")], Client, OWN),
    (Proxy, &[(FOR, "CLIENT:4711")], Client, OWN),
    (Proxy, &[(FOR, "::ffff:CLIENT")], Client, OWN),
    // Proxies behind proxies are passed over.
    (Proxy, &[(FOR, "FORGED, CLIENT, 10.1.2.3")], Client, OWN),
    (
        Proxy,
        &[(FOR, "FORGED, CLIENT , 10.1.2.3"), (FOR, "\t10.3.2.1,::1")],
        Client,
        OWN,
    ),
    (
        Proxy,
        &[(FOR, "CLIENT, 10.1.2.3:80, [::1]:80")],
        Client,
        OWN,
    ),
    // What is no address stands for nobody, and never for what is before it.
    (Proxy, &[(FOR, "FORGED, nonsense")], Sender, OWN),
    (Proxy, &[(FOR, "FORGED, unknown, 10.1.2.3")], Sender, OWN),
    (Proxy, &[(FOR, "FORGED,")], Sender, OWN),
    (Proxy, &[(FOR, "FORGED"), (FOR, "")], Sender, OWN),
    (Proxy, &[(FOR, "FORGED/32")], Sender, OWN),
    (Proxy, &[(FOR, "for=FORGED")], Sender, OWN),
    (Proxy, &[(FOR, "10.1.2.3")], Sender, OWN),
    (
        Proxy,
        &[("forwarded", "for=FORGED;host=evil.example")],
        Sender,
        OWN,
    ),
    // Links.
    (
        Proxy,
        &[(HOST, "customers.example.com")],
        Sender,
        "http://customers.example.com",
    ),
    (
        Proxy,
        &[(HOST, "evil.example, a.example:81")],
        Sender,
        "http://a.example:81",
    ),
    (
        Proxy,
        &[(HOST, "evil.example"), (HOST, "a.example")],
        Sender,
        "http://a.example",
    ),
    (Proxy, &[(PROTO, "https")], Sender, "https://HOST"),
    (
        Proxy,
        &[(PROTO, "http, HTTPS"), (HOST, "a.example")],
        Sender,
        "https://a.example",
    ),
    (Proxy, &[(PROTO, "https, http")], Sender, OWN),
    (Proxy, &[(PROTO, "javascript")], Sender, OWN),
    (Proxy, &[(HOST, "a.example/evil")], Sender, OWN),
    (Proxy, &[(HOST, "user@evil.example")], Sender, OWN),
    (Proxy, &[(HOST, "a.example, ")], Sender, OWN),
    (
        Proxy,
        &[(FOR, "CLIENT"), (HOST, "a.example"), (PROTO, "https")],
        Client,
        "https://a.example",
    ),
];

/// A server, and those who send to it.
struct World {
    issued: Issued,
    proxy: reqwest::Client,
    anybody: reqwest::Client,
}

type Headers<'a> = [(&'a str, String)];

impl World {
    async fn start(settings: &str) -> Self {
        let tables = "[limits]\nfailed_authentications_per_second = 1\n\
                      failed_authentications_burst = 1\n";
        let client = |last| {
            let address = Ipv4Addr::new(127, 0, 0, last);
            let client = reqwest::Client::builder().local_address(Some(address.into()));
            client.build().unwrap()
        };
        Self {
            issued: Issued::start(settings, tables).await,
            proxy: client(1),
            anybody: client(2),
        }
    }

    fn list(&self, from: Sends, headers: &Headers<'_>, token: &str) -> reqwest::RequestBuilder {
        let client = match from {
            Proxy => &self.proxy,
            Anybody => &self.anybody,
        };
        let address = format!("{}{COMPANIES}", self.issued.server.address);
        let request = client.get(address).bearer_auth(token);
        headers.iter().fold(request, |request, (name, value)| {
            request.header(*name, value)
        })
    }

    /// Whether a failed authentication was one too many.
    async fn is_refused(&self, from: Sends, headers: &Headers<'_>) -> bool {
        let answer = self.list(from, headers, "x.y.z").send().await.unwrap();
        match answer.status().as_u16() {
            401 => false,
            429 => true,
            status => panic!("{status}"),
        }
    }

    /// Whether the address has failed too often, as a proxy names it.
    async fn is_charged(&self, address: &str) -> bool {
        let named = [(FOR, address.to_owned())];
        self.is_refused(Proxy, &named).await
    }

    /// Fails until that is refused.
    async fn exhaust(&self, from: Sends, headers: &Headers<'_>) {
        let begun = Instant::now();
        while !self.is_refused(from, headers).await {
            assert!(begun.elapsed() < SOON, "{headers:?}");
        }
    }

    async fn link(&self, from: Sends, headers: &Headers<'_>, token: &str) -> String {
        let answer = self.list(from, headers, token).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        let list: serde_json::Value = answer.json().await.unwrap();
        list["@odata.context"].as_str().unwrap().to_owned()
    }
}

#[tokio::test]
async fn only_what_trusted_proxies_say_counts() {
    let world = World::start("trusted_proxies = \"127.0.0.1 10.0.0.0/8 ::1\"\n").await;
    let token = world.issued.token();
    let own = world.issued.server.address.trim_start_matches("http://");
    // Known from now on, so that no case can refuse it.
    world.link(Proxy, &[], &token).await;
    for (number, (from, headers, counts, base)) in CASES.iter().enumerate() {
        let client = format!("198.51.100.{number}");
        let forged = format!("203.0.113.{number}");
        let headers: Vec<_> = headers
            .iter()
            .map(|(name, value)| {
                let value = value.replace("CLIENT", &client).replace("FORGED", &forged);
                (*name, value)
            })
            .collect();
        let link = world.link(*from, &headers, &token).await;
        let base = base.replace("HOST", own);
        assert!(
            link.starts_with(&format!("{base}/v1.0/")),
            "{headers:?}: {link}"
        );

        let begun = Instant::now();
        loop {
            world.exhaust(*from, &headers).await;
            // In a second they may fail once more.
            let is_charged = match counts {
                Client => world.is_charged(&client).await,
                Sender => world.is_refused(*from, &[]).await,
            };
            if is_charged {
                break;
            }
            assert!(begun.elapsed() < SOON, "{headers:?} are not {counts:?}'s");
        }
        assert!(!world.is_charged(&forged).await, "{headers:?}");
    }
    assert!(CASES.len() >= 25);
    let count = format!("{} cases", CASES.len());
    tried::tell("forwarded headers", &[("of proxies and of others", count)]);
}

#[tokio::test]
async fn without_trusted_proxies_nobody_has_a_word() {
    let world = World::start("").await;
    let token = world.issued.token();
    let headers = [
        (HOST, "evil.example".to_owned()),
        (PROTO, "https".to_owned()),
    ];
    let link = world.link(Proxy, &headers, &token).await;
    assert!(link.starts_with(&world.issued.server.address), "{link}");
}

#[tokio::test]
async fn a_public_url_goes_before_what_a_proxy_says() {
    let settings = "trusted_proxies = \"127.0.0.1\"\npublic_url = \"https://own.example\"\n";
    let world = World::start(settings).await;
    let token = world.issued.token();
    let headers = [(HOST, "a.example".to_owned()), (PROTO, "http".to_owned())];
    let link = world.link(Proxy, &headers, &token).await;
    assert!(link.starts_with("https://own.example/v1.0/"), "{link}");
}
