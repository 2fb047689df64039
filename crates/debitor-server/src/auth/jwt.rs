//! What makes a token valid: its signature and its claims, each of the right type, at this instant.
//!
//! The library verifies signatures, issuer and audience. Times are checked here, because they are
//! the [`Clock`](crate::clock::Clock)'s, and so are types: a claim of the wrong type is never taken
//! for a missing one.

use std::sync::Arc;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use jsonwebtoken::Validation;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::keys::Key;
use super::rotation::Keys;
use super::{Caller, Issuer, Rejection};

/// How far the issuer's clock and ours may differ, in seconds.
const LEEWAY_SECONDS: i64 = 60;
const MAX_KEY_ID_BYTES: usize = 256;
const TYPES: [&str; 3] = ["jwt", "at+jwt", "application/at+jwt"];

type Object = Map<String, Value>;

/// What a token says, once its signature is verified.
#[derive(Debug)]
pub(super) struct Verified {
    pub(super) caller: Arc<Caller>,
    /// The issuer's keys, and which of them were trusted then.
    keys: Arc<Keys>,
    generation: u64,
    /// When it is valid at the earliest and no more, in seconds since 1970.
    starts: Option<i64>,
    expires: i64,
}

impl Verified {
    /// Whether the issuer's keys are still those that it was verified with.
    pub(super) fn is_trusted(&self) -> bool {
        self.keys.generation() == self.generation
    }

    /// Refuses a token that is not valid yet, or no more.
    pub(super) fn check_times(&self, now: DateTime<Utc>) -> Result<(), Rejection> {
        let now = now.timestamp();
        let latest = now.saturating_add(LEEWAY_SECONDS);
        if self.starts.is_some_and(|starts| starts > latest) {
            return Err(Rejection::Invalid);
        }
        if self.expires <= now.saturating_sub(LEEWAY_SECONDS) {
            return Err(Rejection::Expired);
        }
        Ok(())
    }
}

/// A token that claims to be of a trusted issuer, to be verified.
pub(super) struct Unverified<'a> {
    token: &'a str,
    header: Object,
    issuer: &'a Issuer,
    /// What it claims to be its issuer and its tenant.
    name: String,
    tenant: Option<String>,
}

impl<'a> Unverified<'a> {
    /// Reads what says which key is to verify the token.
    pub(super) fn read(token: &'a str, issuers: &'a [Issuer]) -> Result<Self, Rejection> {
        let header = part(token, 0).ok_or(Rejection::Invalid)?;
        check_header(&header)?;
        let claimed = part(token, 1).ok_or(Rejection::Invalid)?;
        let name = text(&claimed, "iss")?.ok_or(Rejection::Invalid)?;
        let tenant = text(&claimed, "tid")?;
        let issuer = issuers.iter().find(|issuer| issuer.is(name, tenant));
        Ok(Self {
            token,
            header,
            issuer: issuer.ok_or(Rejection::Invalid)?,
            name: name.to_owned(),
            tenant: tenant.map(str::to_owned),
        })
    }

    /// Verifies it with its issuer's keys and reads who it speaks for; its times are read and not
    /// checked.
    pub(super) async fn verify(self) -> Result<Verified, Rejection> {
        let id = text(&self.header, "kid")?;
        let keys = self.issuer.keys.for_token(id).await?;
        let claims = keys
            .set
            .candidates(id)
            .filter(|key| key.is_of(&self.name, self.tenant.as_deref()))
            .find_map(|key| self.signed_claims(key))
            .ok_or(Rejection::Invalid)?;
        let expires = seconds(&claims, "exp")?.ok_or(Rejection::Invalid)?;
        let starts = seconds(&claims, "nbf")?.max(seconds(&claims, "iat")?);
        Ok(Verified {
            caller: Arc::new(read_caller(&claims, self.issuer)?),
            keys: Arc::clone(&self.issuer.keys),
            generation: keys.generation,
            starts,
            expires,
        })
    }

    /// The claims, if this key signed them for us by its own algorithm.
    fn signed_claims(&self, key: &Key) -> Option<Object> {
        let mut validation = Validation::new(key.algorithm);
        validation.set_required_spec_claims(&["exp", "iss", "aud"]);
        validation.set_issuer(&[&self.name]);
        validation.set_audience(&[&self.issuer.audience]);
        validation.validate_exp = false;
        validation.validate_nbf = false;
        jsonwebtoken::decode(self.token, &key.decoding, &validation)
            .ok()
            .map(|data| data.claims)
    }
}

/// A part of the token as the JSON object that it must be; nothing is verified yet.
fn part(token: &str, index: usize) -> Option<Object> {
    let encoded = token.split('.').nth(index)?;
    let json = BASE64_URL_SAFE_NO_PAD.decode(encoded).ok()?;
    serde_json::from_slice(&json).ok()
}

/// Refuses what we do not understand: critical extensions, encryption, nesting, other types.
fn check_header(header: &Object) -> Result<(), Rejection> {
    let foreign = ["crit", "enc", "zip", "cty", "b64"];
    let known_type = text(header, "typ")?
        .is_none_or(|typ| TYPES.iter().any(|known| typ.eq_ignore_ascii_case(known)));
    let short_id = text(header, "kid")?.is_none_or(|id| id.len() <= MAX_KEY_ID_BYTES);
    if known_type && short_id && foreign.iter().all(|name| !header.contains_key(*name)) {
        Ok(())
    } else {
        Err(Rejection::Invalid)
    }
}

fn read_caller(claims: &Object, issuer: &Issuer) -> Result<Caller, Rejection> {
    let subject = first(claims, &["oid", "sub"])?.ok_or(Rejection::Invalid)?;
    // RFC 8693 and RFC 9068 say `scope`, Entra `scp`.
    let scopes = first(claims, &["scp", "scope"])?.unwrap_or_default();
    let mut permissions: Vec<String> = scopes
        .split(' ')
        .filter(|scope| !scope.is_empty())
        .map(str::to_owned)
        .collect();
    permissions.extend(texts(claims, "roles")?);
    Ok(Caller {
        tenant: tenant(claims, issuer.tenant)?,
        subject: subject.to_owned(),
        app: first(claims, &["azp", "appid", "client_id"])?.map(str::to_owned),
        permissions,
        companies: companies(claims)?,
        is_administrator: false,
    })
}

/// The only companies that the token is for, if it says which: an array of GUIDs.
fn companies(claims: &Object) -> Result<Option<Vec<Uuid>>, Rejection> {
    if !claims.contains_key("companies") {
        return Ok(None);
    }
    let named = texts(claims, "companies")?;
    named
        .iter()
        .map(|text| guid(text))
        .collect::<Result<_, _>>()
        .map(Some)
}

/// `tid`; an issuer of one tenant need not say it, and says no other.
fn tenant(claims: &Object, only: Option<Uuid>) -> Result<Uuid, Rejection> {
    let claimed = text(claims, "tid")?.map(guid).transpose()?;
    let tenant = claimed.or(only).ok_or(Rejection::Invalid)?;
    if tenant.is_nil() || only.is_some_and(|only| only != tenant) {
        Err(Rejection::Invalid)
    } else {
        Ok(tenant)
    }
}

/// A GUID with hyphens, the one spelling that issuers use.
fn guid(text: &str) -> Result<Uuid, Rejection> {
    let has_hyphens = text.len() == 36;
    let guid = Uuid::parse_str(text).ok().filter(|_| has_hyphens);
    guid.ok_or(Rejection::Invalid)
}

/// The first of these claims that is there; an empty text is as good as none. The character U+0000 no
/// store takes.
fn first<'a>(claims: &'a Object, names: &[&str]) -> Result<Option<&'a str>, Rejection> {
    let mut found = None;
    for name in names {
        let own = text(claims, name)?.filter(|text| !text.is_empty());
        found = found.or(own);
    }
    match found {
        Some(name) if name.contains('\0') => Err(Rejection::Invalid),
        found => Ok(found),
    }
}

fn text<'a>(object: &'a Object, name: &str) -> Result<Option<&'a str>, Rejection> {
    match object.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(Rejection::Invalid),
    }
}

fn texts(object: &Object, name: &str) -> Result<Vec<String>, Rejection> {
    match object.get(name) {
        None => Ok(Vec::new()),
        Some(Value::Array(values)) => values
            .iter()
            .map(|value| value.as_str().map(str::to_owned).ok_or(Rejection::Invalid))
            .collect(),
        Some(_) => Err(Rejection::Invalid),
    }
}

/// An instant in whole seconds; RFC 7519 allows fractions, which no issuer sends.
fn seconds(object: &Object, name: &str) -> Result<Option<i64>, Rejection> {
    match object.get(name) {
        None => Ok(None),
        Some(value) => value.as_i64().map(Some).ok_or(Rejection::Invalid),
    }
}
