//! Making a client for a service and a caller.

use std::time::Duration;

use progenitor_client::ClientHooks;
use reqwest::Url;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use reqwest::redirect::Policy;
use thiserror::Error;

use crate::Client;
use crate::bounds;

/// How long a connection, and a whole answer, may take.
const TIMEOUT: Duration = Duration::from_secs(15);

/// How many redirects are followed before an answer.
const REDIRECTS: usize = 10;

/// Why there is no client.
#[derive(Debug, Error)]
pub enum ConnectError {
    /// The base URL is not an absolute `http` or `https` address.
    #[error("`{0}` is not an absolute http or https address")]
    BaseUrl(String),
    /// The token has characters that no header can hold.
    #[error("the token has characters that no header can hold")]
    Token,
    /// The system gives no HTTP client.
    #[error("no HTTP client: {0}")]
    Http(#[from] reqwest::Error),
}

impl Client {
    /// A client of the service at `base_url`, such as `http://127.0.0.1:8080/v1.0`, that sends
    /// `token` with every request.
    ///
    /// A redirect is followed only to an address below `base_url`; any other is an error, and
    /// nothing is sent there. Clients made otherwise redirect as their [`reqwest::Client`] does.
    pub fn authorized(base_url: &str, token: &str) -> Result<Self, ConnectError> {
        let url = Url::parse(base_url)
            .ok()
            .filter(|url| ["http", "https"].contains(&url.scheme()));
        let url = url.ok_or_else(|| ConnectError::BaseUrl(base_url.to_owned()))?;
        let client = reqwest::Client::builder()
            .connect_timeout(TIMEOUT)
            .timeout(TIMEOUT)
            .redirect(below(url.clone()))
            .default_headers(HeaderMap::from_iter([(AUTHORIZATION, bearer(token)?)]))
            .build()?;
        Ok(Self::new_with_client(
            url.as_str().trim_end_matches('/'),
            client,
        ))
    }
}

/// Redirects that stay below `base`: reqwest itself would take the token off a request to another
/// host, but not what else is in it.
fn below(base: Url) -> Policy {
    Policy::custom(move |attempt| {
        if attempt.previous().len() > REDIRECTS {
            return attempt.error("too many redirects");
        }
        match bounds::check(&base, attempt.url()) {
            Ok(()) => attempt.follow(),
            Err(outside) => {
                let address = attempt.url().clone();
                attempt.error(format!("`{address}` is not below the base URL: {outside}"))
            }
        }
    })
}

/// The header, marked so that nothing prints it.
fn bearer(token: &str) -> Result<HeaderValue, ConnectError> {
    let mut value =
        HeaderValue::try_from(format!("Bearer {token}")).map_err(|_| ConnectError::Token)?;
    value.set_sensitive(true);
    Ok(value)
}

/// Where retries and telemetry will be; the defaults do nothing.
impl ClientHooks<()> for Client {}
