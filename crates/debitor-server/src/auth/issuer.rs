//! Someone whose tokens are trusted.

use std::sync::Arc;

use uuid::Uuid;

use super::rotation::Keys;
use super::source::TENANT;
use crate::config;

/// Someone whose tokens are trusted.
#[derive(Debug)]
pub struct Issuer {
    /// What a token's `iss` must be, to the letter, once the token's own tenant stands in the place of
    /// `{tenantid}`, as in the names of Entra's issuers.
    pub name: String,
    /// What a token's `aud` must be, or have among its values.
    pub audience: String,
    /// The only tenant that its tokens speak for, if they need not name it.
    pub tenant: Option<Uuid>,
    /// The keys that sign its tokens.
    pub keys: Arc<Keys>,
}

impl Issuer {
    /// An issuer of the configuration, whose keys are read now and from now on.
    pub async fn start(config: &config::Issuer) -> Self {
        Self {
            name: config.issuer.clone(),
            audience: config.audience.clone(),
            tenant: config.tenant,
            keys: Keys::start(config.keys.clone()).await,
        }
    }

    /// Whether a token with this `iss` and `tid` claims to be of the issuer.
    pub(super) fn is(&self, name: &str, tenant: Option<&str>) -> bool {
        fits(&self.name, name, tenant)
    }
}

/// Whether a token's `iss` is of this pattern, in which its `tid` can have a place.
pub(super) fn fits(pattern: &str, name: &str, tenant: Option<&str>) -> bool {
    match (pattern.contains(TENANT), tenant) {
        (false, _) => pattern == name,
        (true, Some(tenant)) => pattern.replace(TENANT, tenant) == name,
        (true, None) => false,
    }
}
