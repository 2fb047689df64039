//! The token, and what else a request holds, goes to the configured address and nowhere else.

use std::net::{Ipv4Addr, SocketAddr};

use debitor_client::{Client, Error};
use futures::StreamExt;

use crate::COMPANY;
use crate::fake::{Fake, page, redirect};

/// The configured server, and two that are not: on another port, and on another host at the same.
struct Places {
    server: Fake,
    other_port: Fake,
    other_host: Fake,
}

impl Places {
    /// The server answers by the address of itself and the port of the other.
    async fn new(answer: impl Fn(&str, u16, &str) -> String + Send + Sync + 'static) -> Self {
        let other_port = Fake::start(|_, _| page(2, None)).await;
        let port = other_port.port();
        let server = Fake::start(move |origin, path| answer(origin, port, path)).await;
        let host = SocketAddr::from((Ipv4Addr::new(127, 0, 0, 2), server.port()));
        let other_host = Fake::start_at(host, |_, _| page(2, None)).await;
        Self {
            server,
            other_port,
            other_host,
        }
    }

    fn client(&self) -> Client {
        Client::authorized(&format!("{}/v1.0", self.server.origin()), "a-secret").unwrap()
    }

    /// How many connections the server and the others have seen.
    fn connections(&self) -> [usize; 3] {
        [&self.server, &self.other_port, &self.other_host].map(Fake::connections)
    }
}

type Address = fn(&str, u16) -> String;

/// Addresses that the client must not go to, made of the server's origin and the other port, and
/// what the error says of each.
const ELSEWHERE: [(Address, &str); 12] = [
    (
        |origin, _| origin.replace("127.0.0.1", "127.0.0.2") + "/v1.0",
        "another host",
    ),
    (
        |origin, _| origin.replace("http:", "").replace(".1:", ".2:") + "/v1.0",
        "another host",
    ),
    (
        |origin, _| format!("{origin}@127.0.0.2/v1.0"),
        "another host",
    ),
    (
        |origin, _| origin.replace(".1:", ".1.evil.example:") + "/v1.0",
        "another host",
    ),
    (
        |_, port| format!("http://127.0.0.1:{port}/v1.0"),
        "another port",
    ),
    (
        |origin, port| format!("{origin}@127.0.0.1:{port}/v1.0"),
        "another port",
    ),
    (
        |origin, _| origin.replace("http:", "https:") + "/v1.0",
        "another scheme",
    ),
    (
        |origin, _| origin.replace("//", "//me:pass@") + "/v1.0/financials",
        "names a user",
    ),
    (
        |origin, _| format!("{origin}/beta/financials/companies"),
        "path",
    ),
    (|origin, _| format!("{origin}/v1.0/../admin"), "path"),
    (|origin, _| format!("{origin}/v1.0/%2e%2e/admin"), "path"),
    (|origin, _| format!("{origin}/v1.0/..%2fadmin"), "path"),
];

#[tokio::test]
async fn a_link_to_elsewhere_is_an_error_and_not_followed() {
    for (link, reason) in ELSEWHERE {
        let places = Places::new(move |origin, port, _| page(1, Some(link(origin, port)))).await;
        let client = places.client();
        let mut companies = client.company_list().stream();
        assert!(companies.next().await.unwrap().is_ok(), "{reason}");
        let Some(Err(Error::Custom(problem))) = companies.next().await else {
            panic!("{reason}");
        };
        assert!(
            problem.contains("the next link is not followed"),
            "{problem}"
        );
        assert!(problem.contains(reason), "{problem}");
        assert!(companies.next().await.is_none());
        assert_eq!(places.connections(), [1, 0, 0], "{problem}");
    }
}

#[tokio::test]
async fn a_redirect_to_elsewhere_is_an_error_and_not_followed() {
    for (location, reason) in ELSEWHERE {
        let answer = move |origin: &str, port, _: &str| redirect(307, &location(origin, port));
        let places = Places::new(answer).await;
        let client = places.client();
        let create = client.customer_create().company_id(COMPANY);
        let create = create.body_map(|body| body.display_name("A")).send().await;
        let Err(Error::CommunicationError(error)) = create else {
            panic!("{create:?}");
        };
        assert!(error.is_redirect(), "{error:?}");
        let cause = std::error::Error::source(&error).map(ToString::to_string);
        assert!(cause.unwrap_or_default().contains(reason), "{error:?}");
        assert_eq!(places.connections(), [1, 0, 0], "{error:?}");
    }
}

#[tokio::test]
async fn a_redirect_of_a_next_page_to_elsewhere_is_not_followed() {
    let places = Places::new(|_, port, path| match path.split_once('?') {
        None => page(1, Some("?p=2".to_owned())),
        Some(_) => redirect(302, &format!("http://127.0.0.1:{port}/v1.0")),
    })
    .await;
    let client = places.client();
    let items: Vec<_> = client.company_list().stream().collect().await;
    assert!(
        matches!(items.as_slice(), [Ok(_), Err(Error::CommunicationError(e))] if e.is_redirect()),
        "{items:?}"
    );
    assert_eq!(places.connections(), [2, 0, 0]);
}

#[tokio::test]
async fn a_redirect_below_the_base_is_followed_with_the_token() {
    let places = Places::new(|origin, _, path| match path {
        "/v1.0/moved" => page(1, None),
        _ => redirect(308, &format!("{origin}/v1.0/moved")),
    })
    .await;
    let companies = places.client().company_list().send().await.unwrap();
    assert_eq!(companies.value.len(), 1);
    let requests = places.server.requests();
    assert_eq!(requests.len(), 2);
    assert!(
        requests[1].contains("authorization: Bearer a-secret"),
        "{requests:?}"
    );
}

#[tokio::test]
async fn redirects_do_not_go_on_for_ever() {
    let places = Places::new(|_, _, _| redirect(302, "/v1.0/again")).await;
    let error = places.client().company_list().send().await.unwrap_err();
    assert!(
        matches!(&error, Error::CommunicationError(e) if e.is_redirect()),
        "{error:?}"
    );
    assert_eq!(places.server.connections(), 11);
}

#[tokio::test]
async fn a_link_that_is_no_address_is_an_error() {
    let places = Places::new(|_, _, _| page(1, Some("http://[".to_owned()))).await;
    let client = places.client();
    let items: Vec<_> = client.company_list().stream().collect().await;
    assert!(
        matches!(items.as_slice(), [Ok(_), Err(Error::Custom(p))] if p.contains("no address")),
        "{items:?}"
    );
}
