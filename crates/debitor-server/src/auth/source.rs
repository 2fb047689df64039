//! Where an issuer's keys are: in a file, at an address, or at an address that the issuer's own
//! description names (OpenID Connect Discovery 1.0, sections 3 and 4).
//!
//! Nothing that a token says leads here: addresses are of the configuration, and of an issuer that it
//! trusts. They are not followed elsewhere, and what they answer is bounded in time and size.

use std::path::PathBuf;
use std::time::Duration;

use reqwest::redirect::Policy;
use reqwest::{Client, StatusCode};
use serde::Deserialize;
use url::{Host, Url};

use super::keys::{self, KeySet};

/// How long an answer may take, from the first step of the connection on.
const PATIENCE: Duration = Duration::from_secs(5);
/// The place of the description, below the issuer.
const DESCRIPTION: &str = ".well-known/openid-configuration";
/// In an issuer's name, the tenant of the token; below this one Entra describes all tenants' issuer.
pub(super) const TENANT: &str = "{tenantid}";
const ANY_TENANT: &str = "organizations";

/// Where an issuer's keys are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    File(PathBuf),
    Url(Url),
    /// The address of the issuer's description, which must be of this issuer.
    Discovery {
        url: Url,
        issuer: String,
    },
}

/// Why an issuer's keys could not be read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{0}")]
    Keys(#[from] keys::Error),
    #[error("{url} cannot be read: {error}")]
    Unreachable { url: Url, error: String },
    #[error("{url} answers {status}")]
    Refused { url: Url, status: StatusCode },
    #[error("{0} is not a description of an issuer with `issuer` and `jwks_uri`")]
    NotADescription(Url),
    #[error("{url} describes the issuer {issuer}")]
    OtherIssuer { url: Url, issuer: String },
    #[error("`jwks_uri` of {0} must be an https URL")]
    NotSafe(Url),
}

/// What is needed of an issuer's description.
#[derive(Deserialize)]
struct Description {
    issuer: String,
    jwks_uri: Url,
}

impl Source {
    /// The description below the issuer's name.
    pub fn discovery(issuer: &str) -> Result<Self, url::ParseError> {
        let base = issuer.replace(TENANT, ANY_TENANT);
        let url = Url::parse(&format!("{}/{DESCRIPTION}", base.trim_end_matches('/')))?;
        let issuer = issuer.to_owned();
        Ok(Self::Discovery { url, issuer })
    }

    /// How often keys are read anew that nothing asks for: soon enough to see that one is trusted no
    /// more.
    pub(super) fn interval(&self) -> Duration {
        match self {
            Self::File(_) => Duration::from_mins(1),
            Self::Url(_) | Self::Discovery { .. } => Duration::from_hours(1),
        }
    }

    /// Reads the keys.
    pub(super) async fn read(&self) -> Result<KeySet, Error> {
        match self {
            Self::File(path) => Ok(KeySet::from_file(path)?),
            Self::Url(url) => read_keys(url).await,
            Self::Discovery { url, issuer } => read_keys(&described(url, issuer).await?).await,
        }
    }
}

/// Whether what is read from there cannot be changed on the way: by TLS, or on this very machine.
pub fn is_safe(url: &Url) -> bool {
    let is_local = match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    };
    url.scheme() == "https" || (url.scheme() == "http" && is_local)
}

async fn read_keys(url: &Url) -> Result<KeySet, Error> {
    Ok(KeySet::from_json(&fetch(url).await?)?)
}

/// Where the issuer says that its keys are.
async fn described(url: &Url, issuer: &str) -> Result<Url, Error> {
    let text = fetch(url).await?;
    let description: Description =
        serde_json::from_slice(&text).map_err(|_| Error::NotADescription(url.clone()))?;
    if description.issuer != issuer {
        return Err(Error::OtherIssuer {
            url: url.clone(),
            issuer: description.issuer,
        });
    }
    if is_safe(&description.jwks_uri) {
        Ok(description.jwks_uri)
    } else {
        Err(Error::NotSafe(url.clone()))
    }
}

async fn fetch(url: &Url) -> Result<Vec<u8>, Error> {
    // Its text has the address once more.
    let unreachable = |error: reqwest::Error| Error::Unreachable {
        url: url.clone(),
        error: chain(&error.without_url()),
    };
    // Made anew each time: keys are seldom read, and a connection that is kept is one to watch.
    let client = Client::builder()
        .redirect(Policy::none())
        .no_proxy()
        .timeout(PATIENCE)
        .build()
        .map_err(unreachable)?;
    let mut answer = client.get(url.clone()).send().await.map_err(unreachable)?;
    if answer.status() != StatusCode::OK {
        return Err(Error::Refused {
            url: url.clone(),
            status: answer.status(),
        });
    }
    let mut body = Vec::new();
    while let Some(piece) = answer.chunk().await.map_err(unreachable)? {
        body.extend_from_slice(&piece);
        if body.len() > keys::MAX_BYTES {
            return Err(keys::Error::TooLarge.into());
        }
    }
    Ok(body)
}

/// The error and what caused it, which alone says what is wrong with a connection.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    let texts = std::iter::once(error.to_string()).chain(causes.map(ToString::to_string));
    texts.collect::<Vec<_>>().join(": ")
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use axum::Router;
    use axum::http::header::LOCATION;
    use axum::routing::get;
    use serde_json::json;
    use tokio::net::TcpListener;

    use super::*;

    const KEYS: &str = r#"{"keys":[{"kty":"OKP","kid":"a","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;

    /// An issuer of keys, good ones and others.
    async fn issuer() -> Url {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base: Url = format!("http://{}/", listener.local_addr().unwrap())
            .parse()
            .unwrap();
        let described = |issuer: &str, keys: &str| {
            let text = json!({ "issuer": issuer, "jwks_uri": keys }).to_string();
            get(async move || text)
        };
        let at = |path: &str| base.join(path).unwrap().to_string();
        let moved = (StatusCode::FOUND, [(LOCATION, at("keys"))], KEYS);
        let router = Router::new()
            .route("/keys", get(KEYS))
            .route("/moved", get(moved))
            .route("/page", get("<html>Sign in</html>"))
            .route("/error", get((StatusCode::INTERNAL_SERVER_ERROR, KEYS)))
            .route("/huge", get(" ".repeat(10 << 20)))
            .route("/none", get(r#"{"keys":[]}"#))
            .route("/silent", get(async || pending::<&str>().await))
            .route(
                "/good/.well-known/openid-configuration",
                described(&at("good"), &at("keys")),
            )
            .route("/other", described(&at("good"), &at("keys")))
            .route("/unsafe", described("us", "http://keys.example/keys"))
            .route("/file", described("us", "file:///etc/passwd"))
            .route("/nothing", get("{}"));
        tokio::spawn(async { axum::serve(listener, router).await });
        base
    }

    #[tokio::test]
    async fn keys_are_read_where_the_issuer_says() {
        let base = issuer().await;
        let keys = Source::Url(base.join("keys").unwrap())
            .read()
            .await
            .unwrap();
        assert!(keys.has(Some("a")));
        let name = base.join("good").unwrap().to_string();
        let found = Source::discovery(&name).unwrap().read().await.unwrap();
        assert_eq!(found, keys);
    }

    #[tokio::test]
    async fn an_answer_that_is_no_key_set_is_refused() {
        let base = issuer().await;
        for (path, expected) in [
            ("moved", "answers 302 Found"),
            ("page", "is not a JSON Web Key Set"),
            ("error", "answers 500 Internal Server Error"),
            ("huge", "must have at most 262144 bytes"),
            ("none", "has no key"),
            ("silent", "timed out"),
            ("missing", "answers 404 Not Found"),
        ] {
            let error = Source::Url(base.join(path).unwrap())
                .read()
                .await
                .unwrap_err();
            assert!(error.to_string().contains(expected), "{path}: {error}");
        }
        let closed = "http://127.0.0.1:9/keys".parse().unwrap();
        let error = Source::Url(closed).read().await.unwrap_err().to_string();
        assert!(error.contains("refused"), "{error}");
    }

    #[tokio::test]
    async fn a_description_is_of_the_issuer_and_leads_to_a_safe_address() {
        let base = issuer().await;
        for (path, expected) in [
            ("other", "describes the issuer"),
            ("unsafe", "must be an https URL"),
            ("file", "must be an https URL"),
            ("nothing", "is not a description"),
            ("page", "is not a description"),
            ("moved", "answers 302 Found"),
        ] {
            let url = base.join(path).unwrap();
            let issuer = "us".to_owned();
            let error = Source::Discovery { url, issuer }.read().await.unwrap_err();
            assert!(error.to_string().contains(expected), "{path}: {error}");
        }
    }

    #[test]
    fn only_this_machine_needs_no_tls() {
        let is_safe = |url: &str| is_safe(&url.parse().unwrap());
        for url in [
            "https://a.example/",
            "http://127.0.0.1:1/",
            "http://[::1]/",
            "http://localhost/",
        ] {
            assert!(is_safe(url), "{url}");
        }
        for url in [
            "http://a.example/",
            "http://127.0.0.1.example/",
            "http://localhost.example/",
            "file:///a",
            "http://10.0.0.1/",
        ] {
            assert!(!is_safe(url), "{url}");
        }
    }
}
